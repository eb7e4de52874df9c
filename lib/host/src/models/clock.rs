//! Time, for waits and time-outs.

use std::time::{Duration, Instant};

/// Returns today's date in UTC, by the machine's clock: `2026-11-27`.
pub(super) fn today() -> String {
    let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    now.chars().take_while(|&c| c != 'T').collect()
}

/// A clock that may run fast, so that a test of a minute's wait does not take a minute.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
    speed: u32,
}

impl Clock {
    /// Makes an ordinary clock.
    pub fn real() -> Self {
        Clock::fast(1)
    }

    /// Makes a clock on which `speed` seconds pass in one real second; 0 counts as 1.
    pub fn fast(speed: u32) -> Self {
        Clock { start: Instant::now(), speed: speed.max(1) }
    }

    /// Returns the time since the clock was made, on this clock.
    pub fn now(&self) -> Duration {
        self.start.elapsed() * self.speed
    }

    /// Returns how long a duration on this clock really takes.
    pub fn real_duration(&self, duration: Duration) -> Duration {
        duration / self.speed
    }
}
