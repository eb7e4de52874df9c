/// FunSearch's heuristic for the Weibull datasets. A bin's score depends on its neighbour's too.
pub fn priority(item: f64, bins: &[f64]) -> Vec<f64> {
    let largest = bins.iter().copied().fold(0.0, f64::max);
    let mut before = 0.0;
    let mut score = |bin: f64| {
        let square = bin * bin;
        let away = (bin - largest) * (bin - largest) / item;
        let sum = away + square / (item * item) + square / (item * item * item);
        let own = if bin > item { -sum } else { sum };
        let difference = own - before;
        before = own;
        difference
    };
    bins.iter().map(|&bin| score(bin)).collect()
}
