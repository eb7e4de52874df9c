//! Measures the cost of a plot: `cargo bench -p code_evolution --bench plots`, or `binder/bench plots`.
//!
//! A cell sends the browser HTML that contains the picture; long series are thinned to what a screen can
//! show.

#[path = "../host/benches/measured/mod.rs"]
mod measured;

use code_evolution::show::FitnessCurve;
use measured::{Sample, quick};

fn main() -> anyhow::Result<()> {
    let rounds = if quick() { 3 } else { 21 };
    println!("| points | ms to the HTML | bytes of HTML | of it, bytes of the picture (SVG) |");
    println!("|---|---|---|---|");
    for count in [10_u32, 1_000, 100_000] {
        let values = noise(count);
        let curve =
            FitnessCurve::new("Best score").x("evaluation").y("score").series("it", &values);
        let mut html = String::new();
        let took = Sample::milliseconds(rounds, 1, || {
            html = curve.to_html();
            Ok(())
        })?;
        let svg = curve.to_svg()?;
        println!("| {count} | {took} | {} | {} |", html.len(), svg.len());
    }
    Ok(())
}

/// Returns a rising line with noise, the hardest input for thinning.
fn noise(count: u32) -> Vec<f64> {
    (0..count)
        .map(|i| f64::from(i) / f64::from(count) * 50.0 + f64::from(i * 7919 % 1009) / 40.0)
        .collect()
}
