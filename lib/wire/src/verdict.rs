//! What a candidate did. Only the judge makes a verdict, from its own observations.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::value;

/// The judgement of one candidate on one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// How far the candidate got.
    pub stage: Stage,
    /// How that stage ended.
    pub outcome: Outcome,
    /// How many cases passed.
    pub passed: usize,
    /// How many cases the task has.
    pub total: usize,
    /// The cases in the task's order, including those that never ran.
    pub cases: Vec<CaseVerdict>,
    /// The compiler's messages: errors, and warnings if the task asks for them.
    pub diagnostics: Vec<Diagnostic>,
    /// The text for a model; at most 1,200 characters. It tells nothing about hidden cases.
    pub feedback: String,
    /// CPU time of the candidate, in milliseconds, by the kernel's accounting.
    pub cpu_ms: f64,
    /// Largest resident memory of the candidate, in bytes, by the kernel's accounting.
    pub peak_bytes: u64,
    /// Whether the verdict came from the cache.
    pub cached: bool,
    /// Where the time went, in milliseconds of wall time.
    pub timings: Timings,
}

/// The three stages of judging, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Scanning the source for code that the task forbids.
    Scan,
    /// rustc, in the jail.
    Compile,
    /// The cases, in the jail.
    Run,
}

/// How a stage ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Outcome {
    /// Every case got an answer (right or wrong) or a panic.
    Finished,
    /// The scan refused the source.
    Refused {
        /// What was found, and what to write instead.
        reason: String,
    },
    /// rustc reported errors.
    CompileError,
    /// A panic ended the process (a panic that the process survives is in its [`CaseVerdict`]).
    Panicked {
        /// The panic.
        panic: Panic,
    },
    /// A signal ended the process.
    Signal {
        /// The signal's number.
        number: i32,
        /// The signal's name: `SIGSEGV`.
        name: String,
    },
    /// The process exited before its cases were done.
    Exited {
        /// The exit code.
        code: i32,
    },
    /// The process took too long.
    TimeOut {
        /// The limit that ended the process, in milliseconds.
        limit_ms: u64,
    },
    /// The process asked for more memory than allowed.
    OutOfMemory {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The process started more threads than allowed.
    TooManyThreads {
        /// The limit, in threads at once.
        limit: u64,
    },
    /// The process printed more than the judge reads, on standard output or on standard error.
    TooMuchOutput {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The process sent something that the judge had not asked for.
    ProtocolViolation {
        /// What was wrong.
        reason: String,
    },
}

/// One case of a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseVerdict {
    /// The case's name.
    pub name: String,
    /// The case's input, one value for each parameter.
    pub input: Vec<Value>,
    /// The right output, if the task fixes one.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "value::present")]
    pub expected: Option<Value>,
    /// What the candidate returned, if it returned.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "value::present")]
    pub got: Option<Value>,
    /// Whether the case passed.
    pub passed: bool,
    /// Why the case failed: a panic, a property that fails, a time-out, not run.
    pub problem: Option<String>,
    /// The panic, if the candidate panicked here.
    pub panic: Option<Panic>,
    /// Whether this case is hidden from models.
    pub hidden: bool,
    /// CPU time of this case, in milliseconds, read by the judge from the kernel.
    pub cpu_ms: f64,
}

/// A panic in the candidate. Its text comes from the candidate: show it, but do not trust it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Panic {
    /// The panic's message.
    pub message: String,
    /// The line in the candidate, from 1; `None` for a panic elsewhere.
    pub line: Option<u32>,
}

/// The severity of a compiler message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The code does not compile.
    Error,
    /// The code compiles, and a lint found something.
    Warning,
}

/// One message of the compiler, modelled on rustc's JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The message's severity.
    pub level: Level,
    /// The message: ``use of moved value: `name` ``.
    pub message: String,
    /// rustc's or clippy's code: `E0382`, `unused_variables`.
    pub code: Option<String>,
    /// The line in the candidate, from 1.
    pub line: Option<u32>,
    /// rustc's label at that place: ``expected `u64`, found `String` ``.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The message as rustc prints it, with the source lines.
    pub rendered: String,
    /// Replacements that rustc marks as machine-applicable.
    pub suggestions: Vec<Suggestion>,
}

/// A replacement of a part of the candidate's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// First byte of the replaced part.
    pub start: usize,
    /// The byte after the replaced part.
    pub end: usize,
    /// The text that replaces the part.
    pub replacement: String,
}

/// Wall time of the stages, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Timings {
    /// Compiling without linking.
    pub compile_ms: f64,
    /// Linking.
    pub link_ms: f64,
    /// Starting the jailed process.
    pub start_ms: f64,
    /// Running all cases.
    pub cases_ms: f64,
}

impl Verdict {
    /// Creates a verdict of these cases, without diagnostics, feedback and measurements.
    pub fn new(stage: Stage, outcome: Outcome, cases: Vec<CaseVerdict>) -> Self {
        Verdict {
            stage,
            outcome,
            passed: cases.iter().filter(|case| case.passed).count(),
            total: cases.len(),
            cases,
            diagnostics: Vec::new(),
            feedback: String::new(),
            cpu_ms: 0.0,
            peak_bytes: 0,
            cached: false,
            timings: Timings::default(),
        }
    }

    /// Returns whether the candidate compiled and every case passed; `false` without a case.
    pub fn is_success(&self) -> bool {
        self.stage == Stage::Run && self.passed == self.total && self.total > 0
    }

    /// Returns whether the candidate compiled.
    pub fn compiled(&self) -> bool {
        self.stage == Stage::Run
    }

    /// Returns the number of the compiler's errors.
    pub fn errors(&self) -> usize {
        self.count(Level::Error)
    }

    /// Returns the number of warnings, if the task asks for them.
    pub fn warnings(&self) -> usize {
        self.count(Level::Warning)
    }

    fn count(&self, level: Level) -> usize {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.level == level).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_case_there_is_no_success() {
        assert!(!Verdict::new(Stage::Run, Outcome::Finished, Vec::new()).is_success());
    }
}
