//! seccomp: which system calls a stage may make.
//!
//! The run stage has an allow-list: other calls fail with `EPERM`. The compile stage runs rustc and a
//! linker of the system, whose calls differ between distributions, so it has a deny-list. This list is
//! closed at the top: a call newer than the list fails with `ENOSYS`, like a call that the kernel does not
//! have.
//!
//! # The one exec
//!
//! The filter is installed just before `execve`, so it must allow that one exec and none after it. A filter
//! cannot read a path (it sees pointers, not their targets), and the program could reproduce a pointer's
//! value. So the exec carries a password: `execve` takes three arguments, a filter sees six, and the kernel
//! ignores the rest. The filter demands three random words there. They are drawn once in the host, and
//! exist only in its memory and, until exec, in the child. exec replaces memory and registers, and a
//! program can read neither its filter nor the host. Landlock, if present, also denies executing any other
//! file.

mod compile;
mod rules;
mod run;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub(crate) use rules::Filter;

use crate::jail::Stage;

/// Returns the filter of a stage, compiled once per process.
///
/// # Errors
/// If there is no filter for this processor, or no randomness for the password.
pub(crate) fn filter(stage: Stage) -> Result<Filter, String> {
    static RUN: OnceLock<Result<Filter, String>> = OnceLock::new();
    static COMPILE: OnceLock<Result<Filter, String>> = OnceLock::new();
    let (cell, make): (_, fn() -> Result<Filter, String>) = match stage {
        Stage::Run => (&RUN, run::filter),
        Stage::Compile => (&COMPILE, compile::filter),
    };
    cell.get_or_init(make).clone()
}
