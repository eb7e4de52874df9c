//! Milliseconds, in which all limits and measurements are.

use std::time::{Duration, Instant};

/// The longest wait, in milliseconds; a limit beyond it means as much.
const LONGEST_MS: u64 = 3_600_000;

/// The moment this many milliseconds from now, or an hour from now if that is sooner.
pub fn after(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds.min(LONGEST_MS))
}

/// A duration in milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
