//! Code that the benches share: rounds, and the format of a figure in their tables.
//!
//! Every bench prints Markdown tables and accepts `--quick`, which only shows that the bench works; its
//! figures are too rough to quote.

use std::fmt;
use std::time::Instant;

/// Returns whether the command line says `--quick`.
pub fn quick() -> bool {
    std::env::args().any(|argument| argument == "--quick")
}

/// Measured values of one quantity. A table shows the median, with the lowest and the highest in brackets.
pub struct Sample(Vec<f64>);

impl Sample {
    /// Makes a sample from at least one value. The table's head names the unit.
    pub fn of(mut values: Vec<f64>) -> Sample {
        values.sort_by(f64::total_cmp);
        Sample(values)
    }

    /// Measures the milliseconds per item in each round. A round handles `count` items.
    ///
    /// # Errors
    /// The first error of a round.
    pub fn milliseconds(
        rounds: usize,
        count: usize,
        mut round: impl FnMut() -> anyhow::Result<()>,
    ) -> anyhow::Result<Sample> {
        let values: anyhow::Result<Vec<f64>> = (0..rounds)
            .map(|_| {
                let started = Instant::now();
                round()?;
                Ok(started.elapsed().as_secs_f64() * 1e3 / count as f64)
            })
            .collect();
        Ok(Sample::of(values?))
    }

    /// Returns the middle value.
    pub fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", figure(self.median()))?;
        match self.0.as_slice() {
            [] | [_] => Ok(()),
            [low, .., high] => write!(f, " ({}–{})", figure(*low), figure(*high)),
        }
    }
}

/// Writes a number with about three digits.
pub fn figure(value: f64) -> String {
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else {
        3
    };
    format!("{value:.decimals$}")
}
