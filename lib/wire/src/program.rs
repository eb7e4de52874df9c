//! A whole program (`fn main`) run in the jail, and its result.

use serde::{Deserialize, Serialize};

use crate::task::Limits;
use crate::verdict::{Diagnostic, Stage};

/// A program to compile and run, as `exec --jsonl` reads it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The source, with its `fn main`.
    pub program: String,
    /// What it reads on standard input.
    #[serde(default)]
    pub stdin: String,
    /// Precompiled crates it may use.
    #[serde(default)]
    pub crates: Vec<String>,
    /// The Rust edition.
    #[serde(default = "edition")]
    pub edition: String,
    /// rustc's optimisation level, 0 to 3.
    #[serde(default)]
    pub opt_level: u8,
    /// What it may use up.
    #[serde(default)]
    pub limits: Limits,
}

fn edition() -> String {
    "2024".to_owned()
}

impl Program {
    /// A program without input.
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

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// How far it came.
    pub stage: Stage,
    /// Its exit code as text, or what ended it: `refused`, `compile error`, `SIGSEGV`, `time-out`,
    /// `out of memory`, `too many threads`, `printed more than 8 MB`.
    pub status: String,
    /// What it wrote on standard output, cut at the limit.
    pub stdout: String,
    /// Whether it wrote more on standard output than `stdout` holds.
    #[serde(default)]
    pub stdout_cut: bool,
    /// What it (or the compiler) wrote on standard error, cut at the limit.
    pub stderr: String,
    /// Whether it wrote more on standard error than `stderr` holds.
    #[serde(default)]
    pub stderr_cut: bool,
    /// What the compiler said.
    pub diagnostics: Vec<Diagnostic>,
    /// CPU time, in milliseconds, by the kernel's accounting.
    pub cpu_ms: f64,
    /// Largest resident memory, in bytes, by the kernel's accounting.
    pub peak_bytes: u64,
}
