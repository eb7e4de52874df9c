//! The memory that all jailed processes of a judge share.
//!
//! Each process has its own limit; the sum of these limits never exceeds the judge's total, for any number of
//! workers. Requests are served in order, so small ones cannot starve a large one.

use crate::lock::Unpoisoned;
use std::fs;
use std::sync::{Condvar, Mutex};

/// The smallest total, in bytes: one candidate must fit.
const LEAST: u64 = 384 << 20;
/// The largest total by default, in bytes.
const MOST: u64 = 4 << 30;

/// A stock of memory.
#[derive(Debug)]
pub struct Memory {
    total: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    free: u64,
    /// The number that the next request for memory gets.
    next: u64,
    /// The number of the request that is served next.
    turn: u64,
}

/// A part of the stock. Dropping this value returns the part to the stock.
#[derive(Debug)]
pub struct Reservation<'a> {
    memory: &'a Memory,
    /// The size of the part, in bytes.
    pub bytes: u64,
}

impl Memory {
    /// Makes a stock of this many bytes.
    pub fn new(total: u64) -> Self {
        let total = total.max(LEAST);
        Memory {
            total,
            state: Mutex::new(State { free: total, next: 0, turn: 0 }),
            changed: Condvar::new(),
        }
    }

    /// Returns the size of the stock, in bytes.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Waits for this many bytes, or for the whole stock if that is less.
    pub fn reserve(&self, bytes: u64) -> Reservation<'_> {
        let bytes = bytes.min(self.total);
        let mut state = self.state.lock().unpoisoned();
        let number = state.next;
        state.next += 1;
        while state.turn != number || state.free < bytes {
            state = self.changed.wait(state).unpoisoned();
        }
        state.turn += 1;
        state.free -= bytes;
        self.changed.notify_all();
        Reservation { memory: self, bytes }
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut state = self.memory.state.lock().unpoisoned();
        state.free += self.bytes;
        self.memory.changed.notify_all();
    }
}

/// Returns three quarters of the memory that this machine (or our container) has free; 4 GB at most.
pub fn default_total() -> u64 {
    let read = |path: &str| fs::read_to_string(path).ok();
    let number = |path: &str| read(path)?.trim().parse::<u64>().ok();
    let machine = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kilobytes << 10)
    });
    let container = |limit: &str, used: &str| Some(number(limit)?.saturating_sub(number(used)?));
    let free = [
        machine,
        container("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        container(
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ];
    let free = free.into_iter().flatten().min().unwrap_or(LEAST);
    (free / 4 * 3).clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn reservations_never_exceed_the_total() {
        let memory = Memory::new(LEAST);
        let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for worker in 0..8_u64 {
                let (memory, held, most) = (&memory, &held, &most);
                scope.spawn(move || {
                    for round in 0..200 {
                        let part = memory.reserve((worker + round) % 5 * (LEAST / 3));
                        let now = held.fetch_add(part.bytes, Ordering::SeqCst) + part.bytes;
                        most.fetch_max(now, Ordering::SeqCst);
                        held.fetch_sub(part.bytes, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.load(Ordering::SeqCst) <= LEAST);
        assert_eq!(memory.state.lock().unwrap().free, LEAST);
    }

    #[test]
    fn requests_are_served_in_order() {
        let memory = Memory::new(LEAST);
        let half = memory.reserve(LEAST / 2);
        let served = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            // The second request would fit at once if the first were not waiting.
            for (number, bytes) in [(1, LEAST), (2, 1)] {
                let (memory, served) = (&memory, &served);
                scope.spawn(move || {
                    let _part = memory.reserve(bytes);
                    served.lock().unwrap().push(bytes);
                });
                while memory.state.lock().unwrap().next == number {
                    std::thread::yield_now();
                }
            }
            assert_eq!(memory.state.lock().unwrap().free, LEAST - LEAST / 2);
            drop(half);
        });
        assert_eq!(*served.lock().unwrap(), [LEAST, 1]);
    }

    #[test]
    fn a_request_larger_than_the_total_gets_the_total() {
        assert_eq!(Memory::new(LEAST).reserve(u64::MAX).bytes, LEAST);
    }
}
