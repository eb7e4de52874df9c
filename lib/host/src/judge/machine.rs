//! Tells a failure of this machine from one of the candidate.
//!
//! A full disk, a compiler that somebody kills, a file that is gone from the toolchain: each looks like
//! a source that does not compile, and a verdict would blame the candidate for it. What the compiler
//! prints decides nothing, since a candidate can make it print anything. So where a failure points at no
//! line of the candidate, the disk is tried, and an empty program is compiled in the same way. If that
//! fails too, it is the machine. Otherwise the candidate is compiled once more: the trouble may have
//! passed meanwhile.

use anyhow::anyhow;
use code_evolution_wire::task::Limits;
use code_evolution_wire::verdict::{Diagnostic, Level, Outcome};

use super::compile::{Compilation, Compiled};
use super::disk::check_disk;
use super::ending::SIGKILL;
use super::error::{JudgeError, unless_cancelled};
use super::memory::Memory;
use super::scan::Published;

/// rustc's codes for a library that is missing, damaged, or of another compiler.
const LIBRARY_CODES: [&str; 4] = ["E0460", "E0463", "E0514", "E0786"];
/// An empty program, which links what every candidate links.
const EMPTY: &str = "fn main() {}";

impl Compilation<'_> {
    /// Compiles, and makes sure that a failure is the source's.
    ///
    /// # Errors
    /// As [`Compilation::run`]; also if the failure is this machine's.
    pub fn run_checked(&self, memory: &Memory) -> Result<Compiled, JudgeError> {
        let compiled = self.run(memory)?;
        if !is_doubtful(&compiled) {
            return Ok(compiled);
        }
        self.check_machine(memory)?;
        if matches!(compiled.program, Err(Outcome::OutOfMemory { .. })) {
            // The empty program got its memory, so it was the source that wanted too much.
            return Ok(compiled);
        }
        let again = self.run(memory)?;
        match again.program {
            Err(Outcome::Signal { number: SIGKILL, .. }) => Err(killed("the compiler")),
            _ => Ok(again),
        }
    }

    /// # Errors
    /// If nothing can be compiled here now.
    fn check_machine(&self, memory: &Memory) -> Result<(), JudgeError> {
        check_disk(self.temporary)?;
        let unchanged = Published::unchanged(EMPTY);
        // The task's own may be too small for any program.
        let limits = Limits::default();
        let empty = Compilation {
            files: &[("main.rs", EMPTY)],
            published: &unchanged,
            clippy: None,
            limits: &limits,
            ..*self
        };
        let compiled = unless_cancelled(empty.run(memory)?)?;
        let Err(outcome) = compiled.program else { return Ok(()) };
        if matches!(outcome, Outcome::Signal { number: SIGKILL, .. }) {
            return Err(killed("the compiler"));
        }
        // It may have become full meanwhile.
        check_disk(self.temporary)?;
        let said = compiled.diagnostics.first().map(|diagnostic| diagnostic.message.as_str());
        Err(JudgeError::Internal(anyhow!(
            "an empty program does not compile here either ({}), so no verdict is given: run \
             `code_evolution_host doctor`, or reinstall the Rust toolchain in {}",
            said.map_or_else(|| format!("{outcome:?}"), str::to_owned),
            self.toolchain.sysroot.display()
        )))
    }
}

/// The error of a process that something else has killed twice.
pub fn killed(what: &str) -> JudgeError {
    JudgeError::Internal(anyhow!(
        "{what} was killed twice by somebody else (SIGKILL), most likely because this machine has no \
         memory left: close other programs, or give the container more memory, then run it again"
    ))
}

/// Whether a compilation failed in a way that may be the machine's.
fn is_doubtful(compiled: &Compiled) -> bool {
    match &compiled.program {
        Err(Outcome::Signal { .. } | Outcome::OutOfMemory { .. }) => true,
        Err(Outcome::CompileError) => compiled.diagnostics.iter().any(is_about_no_line),
        _ => false,
    }
}

fn is_about_no_line(diagnostic: &Diagnostic) -> bool {
    diagnostic.level == Level::Error
        && match diagnostic.code.as_deref() {
            Some(code) => LIBRARY_CODES.contains(&code),
            None => diagnostic.line.is_none(),
        }
}
