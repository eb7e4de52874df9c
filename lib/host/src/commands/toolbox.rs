//! `toolbox verify FOLDER..`: are a toolbox's tools what was admitted?

use std::io::Write;

use anyhow::{Result, bail};
use lexopt::Parser;

use super::verify_paths;
use crate::toolbox::verify;

/// Checks the toolboxes and prints one line for each that is intact, with its log's last hash, or
/// one for each problem.
///
/// # Errors
/// A [`UsageError`](super::UsageError); a folder that is no toolbox, or cannot be read; a toolbox that
/// has a problem.
pub fn run(arguments: Parser) -> Result<()> {
    let folders = verify_paths(arguments, "toolbox knows `verify FOLDER..`")?;
    let mut output = std::io::stdout().lock();
    let mut damaged = 0;
    for folder in &folders {
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
            "{damaged} of {} toolboxes not as written: mend what is named above before you use them",
            folders.len()
        );
    }
    Ok(())
}
