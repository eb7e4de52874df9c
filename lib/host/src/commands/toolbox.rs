//! `toolbox verify FOLDER..`: checks that a toolbox's tools are as admitted. `toolbox serve FOLDER`: offers
//! them to an MCP client.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, bail};
use lexopt::{Arg, Parser};

use super::{UsageError, paths};
use crate::mcp;
use crate::toolbox::verify;

/// Runs the subcommand. `verify` checks the toolboxes. For an intact toolbox it prints one line with its
/// log's last hash; otherwise it prints one line per problem. `serve` ends with its client: see [`mcp`].
///
/// # Errors
/// A [`UsageError`]; a folder that is not a toolbox, or cannot be read; a toolbox that has a problem.
pub fn run(mut arguments: Parser) -> Result<()> {
    match arguments.next().map_err(UsageError::from)? {
        Some(Arg::Value(word)) if word == "verify" => {
            verify_all(&paths(arguments, "which toolbox? give a FOLDER")?)
        }
        Some(Arg::Value(word)) if word == "serve" => {
            match paths(arguments, "which toolbox? give a FOLDER")?.as_slice() {
                [folder] => mcp::serve(folder),
                _ => Err(UsageError("toolbox serve takes one FOLDER".to_owned()).into()),
            }
        }
        _ => Err(UsageError("toolbox knows verify and serve, with a FOLDER".to_owned()).into()),
    }
}

fn verify_all(folders: &[PathBuf]) -> Result<()> {
    let mut output = std::io::stdout().lock();
    let mut damaged = 0;
    for folder in folders {
        let (shown, found) = (folder.display(), verify(folder)?);
        if found.problems.is_empty() {
            writeln!(
                output,
                "{shown}: intact, {} log lines, last hash {}",
                found.lines, found.last_hash
            )?;
        } else {
            damaged += 1;
        }
        for problem in &found.problems {
            writeln!(output, "{shown}: damaged: {problem}")?;
        }
    }
    if damaged > 0 {
        bail!(
            "{damaged} of {} toolboxes are not as written: fix the problems above before you use them",
            folders.len()
        );
    }
    Ok(())
}
