//! `serve [--owner PID]`: answers a notebook.

use anyhow::Result;
use lexopt::{Arg, Parser, ValueExt};

use super::UsageError;
use crate::serve;

/// Serves until standard input ends, or until the process that `--owner` names ends.
///
/// # Errors
/// A [`UsageError`]; otherwise as [`serve::run`].
pub fn run(arguments: Parser) -> Result<()> {
    serve::run(owner(arguments)?)
}

fn owner(mut arguments: Parser) -> Result<Option<u32>, UsageError> {
    let mut owner = None;
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Long("owner") => owner = Some(arguments.value()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(owner)
}
