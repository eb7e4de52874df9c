//! How a program ended, and what it used.

use std::time::Duration;

/// How a program ended, and what it used. The kernel measures all of it, never the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunResult {
    /// How the process ended.
    pub status: Exit,
    /// The limit for which the host killed it, if any.
    pub stopped: Option<Limit>,
    /// CPU time, including all processes that the program started.
    pub cpu: Duration,
    /// Largest resident memory, in bytes. For an instant before exec, the program holds a copy of this
    /// process's memory, and the kernel's peak includes it. For a program that needs less than that, this
    /// is the peak that the host saw from outside ([`Process::peak_bytes`](crate::Process::peak_bytes), and
    /// every 20 ms), or else this process's memory as an upper bound.
    pub peak_bytes: u64,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// The process exited with this code.
    Code(i32),
    /// This signal killed the process.
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
