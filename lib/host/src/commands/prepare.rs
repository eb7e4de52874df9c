//! `prepare`: builds once the libraries that every candidate is linked with.

use anyhow::Result;
use lexopt::Parser;

use super::no_more;
use crate::judge::Judge;

/// Builds the harness and the offered crates, and prints their folders.
///
/// # Errors
/// A [`UsageError`](super::UsageError), or a build that fails.
pub fn run(arguments: Parser) -> Result<()> {
    no_more(arguments)?;
    for folder in Judge::new()?.prepare()? {
        println!("{}", folder.display());
    }
    Ok(())
}
