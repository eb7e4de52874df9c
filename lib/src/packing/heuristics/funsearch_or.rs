/// FunSearch's heuristic for the OR datasets: nearly full, or else with plenty of room.
pub fn priority(item: f64, bins: &[f64]) -> Vec<f64> {
    const SCORES: [(f64, f64); 8] = [
        (2.0, 4.0),
        (3.0, 3.0),
        (5.0, 2.0),
        (7.0, 1.0),
        (9.0, 0.9),
        (12.0, 0.95),
        (15.0, 0.97),
        (21.0, 0.98),
    ];
    let score = |left: f64| SCORES.iter().find(|(most, _)| left <= *most).map_or(0.99, |s| s.1);
    bins.iter().map(|bin| score(bin - item)).collect()
}
