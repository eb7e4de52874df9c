/// Best fit: the bin with the least room left over.
pub fn priority(item: f64, bins: &[f64]) -> Vec<f64> {
    bins.iter().map(|bin| item - bin).collect()
}
