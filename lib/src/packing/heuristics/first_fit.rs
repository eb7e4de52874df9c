/// First fit: the first bin with room.
pub fn priority(_item: f64, bins: &[f64]) -> Vec<f64> {
    vec![0.0; bins.len()]
}
