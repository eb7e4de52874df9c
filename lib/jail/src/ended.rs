//! How a program ended, and what it took.

use std::time::Duration;

/// How a program ended, and what it took. All of it is the kernel's word, none the program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How the process ended.
    pub status: Exit,
    /// The limit that the host enforced by killing it, if it did.
    pub stopped: Option<Limit>,
    /// CPU time, with that of all it started.
    pub cpu: Duration,
    /// Largest resident memory, in bytes. Where the program needed less than this process itself
    /// (whose memory it has for an instant before exec), this is what was seen from outside while it ran
    /// ([`Process::peak_bytes`](crate::Process::peak_bytes), and every 20 ms), or else this process's as
    /// an upper bound.
    pub peak_bytes: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It exited with this code.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// A limit that the host enforces. (The kernel enforces its own: a failed allocation, `SIGXCPU`,
/// `SIGXFSZ`.)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// CPU time.
    Cpu,
    /// The deadline of [`Process::wait`](crate::Process::wait).
    Wall,
    /// The number of threads.
    Threads,
    /// Memory that the kernel's limit on allocations does not count.
    Memory,
}
