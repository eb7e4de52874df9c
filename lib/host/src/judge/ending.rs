//! Derives how a jailed process ended: from the kernel's report to an outcome, and to a status in words.
//!
//! A caller that knows more than the end (a case's deadline, a compiler's messages) decides first.

use code_evolution_jail::{Exit, Limit};
use code_evolution_wire::program::Status;
use code_evolution_wire::verdict::Outcome;

use super::conversation::Remains;
use super::noise::MAX_NOISE;
use super::prepared::thread_limit;

/// The signal of `abort`, which also ends a program whose allocation fails.
pub const SIGABRT: i32 = 6;
/// The signal that no process survives. It comes from the judge or from something else.
pub const SIGKILL: i32 = 9;
/// The signal of the kernel's own CPU limit.
const SIGXCPU: i32 = 24;

/// The signals that often end candidates.
const NAMES: [(i32, &str); 11] = [
    (4, "SIGILL"),
    (SIGABRT, "SIGABRT"),
    (7, "SIGBUS"),
    (8, "SIGFPE"),
    (SIGKILL, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (15, "SIGTERM"),
    (SIGXCPU, "SIGXCPU"),
    (25, "SIGXFSZ"),
    (31, "SIGSYS"),
];

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The process ended by itself, with this code.
    Exited(i32),
    /// The process met its limit of CPU time.
    CpuTime,
    /// The process met its deadline.
    Deadline,
    /// The process met its limit of threads.
    Threads,
    /// The process was killed because it used more memory than its limit.
    Memory,
    /// The process aborted and reported that an allocation failed.
    OutOfMemory,
    /// The process met the limit of output.
    Output,
    /// Another signal ended it.
    Signal(i32),
}

impl End {
    /// Derives the end of a process from its remains.
    pub fn of(remains: &Remains) -> Self {
        match (remains.ended.stopped, remains.ended.status) {
            (Some(Limit::Cpu), _) | (_, Exit::Signal(SIGXCPU)) => End::CpuTime,
            (Some(Limit::Wall), _) => End::Deadline,
            (Some(Limit::Threads), _) => End::Threads,
            (Some(Limit::Memory), _) => End::Memory,
            (None, _) if remains.too_noisy => End::Output,
            (None, Exit::Code(code)) => End::Exited(code),
            (None, Exit::Signal(SIGABRT)) if out_of_memory(&remains.stderr) => End::OutOfMemory,
            (None, Exit::Signal(number)) => End::Signal(number),
        }
    }

    /// Returns whether another run might end differently. That is so if the clock or a periodic check
    /// enforces the limit, or if something else killed the process (a host that exits, a kernel without
    /// memory).
    pub fn is_by_chance(self) -> bool {
        match self {
            End::CpuTime | End::Deadline | End::Threads | End::Memory | End::Signal(SIGKILL) => {
                true
            }
            End::Exited(_) | End::OutOfMemory | End::Output | End::Signal(_) => false,
        }
    }

    /// Returns the outcome of a process that ran under these limits.
    pub fn outcome(self, under: &Bounds) -> Outcome {
        match self {
            End::Exited(code) => Outcome::Exited { code },
            End::CpuTime => Outcome::TimeOut { limit_ms: under.cpu_ms },
            End::Deadline => Outcome::TimeOut { limit_ms: under.wall_ms },
            End::Threads => Outcome::TooManyThreads { limit: thread_limit() },
            End::Memory | End::OutOfMemory => {
                Outcome::OutOfMemory { limit_bytes: under.memory_bytes }
            }
            End::Output => TOO_MUCH_OUTPUT,
            End::Signal(number) => signal(number),
        }
    }
}

impl From<End> for Status {
    fn from(end: End) -> Self {
        match end {
            End::Exited(code) => Status::Exited(code),
            End::CpuTime | End::Deadline => Status::TimeOut,
            End::Threads => Status::TooManyThreads,
            End::Memory | End::OutOfMemory => Status::OutOfMemory,
            End::Output => Status::TooMuchOutput,
            End::Signal(number) => Status::Signal(signal_name(number)),
        }
    }
}

/// The limits that a process ran under, as an outcome names them.
pub struct Bounds {
    /// CPU time, in milliseconds.
    pub cpu_ms: u64,
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
}

/// The outcome of a process that printed too much.
pub const TOO_MUCH_OUTPUT: Outcome = Outcome::TooMuchOutput { limit_bytes: MAX_NOISE };

/// Returns the status of a program that the compiler did not finish, with this outcome.
pub fn uncompiled(outcome: Outcome) -> Status {
    match outcome {
        Outcome::TimeOut { .. } => Status::TimeOut,
        Outcome::OutOfMemory { .. } => Status::OutOfMemory,
        Outcome::Signal { name, .. } => Status::Signal(name),
        _ => Status::CompileError,
    }
}

/// Returns the outcome of a stage that this signal ended.
pub fn signal(number: i32) -> Outcome {
    Outcome::Signal { number, name: signal_name(number) }
}

fn signal_name(number: i32) -> String {
    match NAMES.iter().find(|(known, _)| *known == number) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("signal {number}"),
    }
}

/// Returns whether a process says that an allocation failed. The candidate's word decides nothing but the
/// name of the failure.
pub fn out_of_memory(stderr: &[u8]) -> bool {
    let text = String::from_utf8_lossy(stderr).to_lowercase();
    text.contains("memory allocation of") || text.contains("out of memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_for_too_much_output_names_the_limit() {
        let word = Status::from(End::Output).to_string();
        assert_eq!(word, format!("printed more than {} MB", MAX_NOISE >> 20));
    }
}
