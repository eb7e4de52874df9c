//! A whole program (`fn main`) run in the jail, and its result.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::task::Limits;
use crate::verdict::{Diagnostic, Stage};

/// A program to compile and run, as `exec --jsonl` reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The source, with its `fn main`.
    pub program: String,
    /// The program's standard input.
    #[serde(default)]
    pub stdin: String,
    /// Precompiled crates that the program may use.
    #[serde(default)]
    pub crates: Vec<String>,
    /// The Rust edition.
    #[serde(default = "edition")]
    pub edition: String,
    /// rustc's optimisation level, 0 to 3.
    #[serde(default)]
    pub opt_level: u8,
    /// What the program may use up.
    #[serde(default)]
    pub limits: Limits,
}

fn edition() -> String {
    "2024".to_owned()
}

impl Program {
    /// Creates a program without input.
    pub fn new(source: impl Into<String>) -> Self {
        Program {
            program: source.into(),
            stdin: String::new(),
            crates: Vec::new(),
            edition: edition(),
            opt_level: 0,
            limits: Limits::default(),
        }
    }
}

/// How a program ended. On the wire, an exit code is a number; any other ending is a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// The scan refused the source.
    #[serde(rename = "refused")]
    Refused,
    /// The program did not compile.
    #[serde(rename = "compile error")]
    CompileError,
    /// The program reached a time limit.
    #[serde(rename = "time-out")]
    TimeOut,
    /// The program asked for more memory than allowed.
    #[serde(rename = "out of memory")]
    OutOfMemory,
    /// The program started more threads than allowed.
    #[serde(rename = "too many threads")]
    TooManyThreads,
    /// The program printed more than the host reads.
    #[serde(rename = "printed more than 8 MB")]
    TooMuchOutput,
    /// The program exited with this code.
    #[serde(untagged)]
    Exited(i32),
    /// The signal of this name killed the program or its compiler: `SIGSEGV`.
    #[serde(untagged)]
    Signal(String),
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Status::Refused => f.write_str("refused"),
            Status::CompileError => f.write_str("compile error"),
            Status::TimeOut => f.write_str("time-out"),
            Status::OutOfMemory => f.write_str("out of memory"),
            Status::TooManyThreads => f.write_str("too many threads"),
            Status::TooMuchOutput => f.write_str("printed more than 8 MB"),
            Status::Exited(code) => write!(f, "exit code {code}"),
            Status::Signal(name) => f.write_str(name),
        }
    }
}

/// The result of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// How far the program got.
    pub stage: Stage,
    /// The exit code, or what ended the program.
    pub status: Status,
    /// The program's standard output, cut at the limit.
    pub stdout: String,
    /// Whether the program wrote more to standard output than `stdout` holds.
    #[serde(default)]
    pub stdout_cut: bool,
    /// The standard error of the program (or of the compiler), cut at the limit.
    pub stderr: String,
    /// Whether more was written to standard error than `stderr` holds.
    #[serde(default)]
    pub stderr_cut: bool,
    /// The compiler's messages.
    pub diagnostics: Vec<Diagnostic>,
    /// CPU time, in milliseconds, by the kernel's accounting.
    pub cpu_ms: f64,
    /// Largest resident memory, in bytes, by the kernel's accounting.
    pub peak_bytes: u64,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_a_number_or_a_word() {
        for (status, on_the_wire) in [
            (Status::Exited(0), json!(0)),
            (Status::Exited(101), json!(101)),
            (Status::Refused, json!("refused")),
            (Status::CompileError, json!("compile error")),
            (Status::TimeOut, json!("time-out")),
            (Status::OutOfMemory, json!("out of memory")),
            (Status::TooManyThreads, json!("too many threads")),
            (Status::TooMuchOutput, json!("printed more than 8 MB")),
            (Status::Signal("SIGSEGV".to_owned()), json!("SIGSEGV")),
        ] {
            assert_eq!(serde_json::to_value(&status).unwrap(), on_the_wire);
            assert_eq!(serde_json::from_value::<Status>(on_the_wire.clone()).unwrap(), status);
            if let Some(word) = on_the_wire.as_str() {
                assert_eq!(status.to_string(), word);
            }
        }
    }
}
