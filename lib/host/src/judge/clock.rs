//! Deadlines and durations in milliseconds, the unit of all limits and measurements.

use std::time::{Duration, Instant};

/// The longest wait, in milliseconds; a larger limit is cut to it.
const LONGEST_MS: u64 = 3_600_000;

/// Returns the moment this many milliseconds from now, or an hour from now if that is sooner.
pub fn after(milliseconds: u64) -> Instant {
    Instant::now() + Duration::from_millis(milliseconds.min(LONGEST_MS))
}

/// Converts a duration to milliseconds.
pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
