//! seccomp: which system calls a stage may make.
//!
//! The run stage has an allow-list: what is not named fails with `EPERM`. The compile stage runs
//! rustc and a linker of the system, whose calls differ between distributions, so it has a deny-list,
//! closed at the top: a call that is newer than the list fails with `ENOSYS`, like one that the
//! kernel does not have.
//!
//! # The one exec
//!
//! The filter comes last before `execve`, so it has to let that one pass, and none after it. It
//! cannot read a path (a filter sees pointers, not what they point to), and a pointer's value could be
//! reproduced by the program. So the exec carries a password: `execve` takes three arguments, a
//! filter sees six, and the kernel ignores the rest. The filter demands three random words there. They
//! are drawn once in the host, live only in its memory and in the child until exec; exec
//! replaces memory and registers, and a program can read neither its filter nor the host. Landlock,
//! where there is one, denies executing any other file as well.

mod compile;
mod rules;
mod run;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub(crate) use rules::Filter;

use crate::jail::Stage;

/// The filter of a stage, compiled once a process.
///
/// # Errors
/// The machine's architecture has no filter, or there is no randomness for the password.
pub(crate) fn filter(stage: Stage) -> Result<Filter, String> {
    static RUN: OnceLock<Result<Filter, String>> = OnceLock::new();
    static COMPILE: OnceLock<Result<Filter, String>> = OnceLock::new();
    let (cell, make): (_, fn() -> Result<Filter, String>) = match stage {
        Stage::Run => (&RUN, run::filter),
        Stage::Compile => (&COMPILE, compile::filter),
    };
    cell.get_or_init(make).clone()
}
