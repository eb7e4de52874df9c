//! Distinguishes a failure of this machine from a failure of the candidate.
//!
//! The disk may be full, something may kill the compiler, or a file of the toolchain may be missing. This
//! looks like a source that does not compile, and a verdict would blame the candidate. The compiler's
//! messages decide nothing, because a candidate can make it print anything. So if a failure points at no line
//! of the candidate, the judge checks the disk and compiles an empty program in the same way. If that fails
//! too, the machine is at fault. Otherwise the candidate is compiled once more, because the problem may be
//! gone by then.

use anyhow::anyhow;
use code_evolution_wire::task::Limits;
use code_evolution_wire::verdict::{Diagnostic, Level, Outcome};

use super::compile::{Compilation, Compiled};
use super::disk::check_disk;
use super::ending::SIGKILL;
use super::error::{JudgeError, unless_cancelled};
use super::memory::Memory;
use super::scan::Published;

/// rustc's error codes for a library that is missing, damaged, or made by another compiler.
const LIBRARY_CODES: [&str; 4] = ["E0460", "E0463", "E0514", "E0786"];
/// An empty program, which links the same libraries as every candidate.
const EMPTY: &str = "fn main() {}";

impl Compilation<'_> {
    /// Compiles, and makes sure that a failure comes from the source.
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
            // The empty program had enough memory, so the source needed too much.
            return Ok(compiled);
        }
        let again = self.run(memory)?;
        match again.program {
            Err(Outcome::Signal { number: SIGKILL, .. }) => Err(killed("the compiler")),
            _ => Ok(again),
        }
    }

    /// Compiles an empty program.
    ///
    /// # Errors
    /// If nothing compiles here now.
    fn check_machine(&self, memory: &Memory) -> Result<(), JudgeError> {
        check_disk(self.temporary)?;
        let unchanged = Published::unchanged(EMPTY);
        // Use the default limits: the task's own limits may be too small for any program.
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
        // The disk may have become full meanwhile.
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

/// Returns the error of a process that something else has killed twice.
pub fn killed(what: &str) -> JudgeError {
    JudgeError::Internal(anyhow!(
        "{what} was killed twice by somebody else (SIGKILL), most likely because this machine has no \
         memory left: close other programs, or give the container more memory, then run it again"
    ))
}

/// Returns whether the machine may have caused the failure of a compilation.
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
