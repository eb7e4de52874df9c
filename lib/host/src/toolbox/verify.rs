//! Checks whether a toolbox is as it was written.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use code_evolution_wire::toolbox::Verification;

use super::error::ToolboxError;
use super::history::{ADMITTED, History};
use super::no_toolbox;
use super::shelf::{Shelf, Tools};
use crate::audit::{self, Checked, Entry};
use crate::files::digest;

/// Checks the toolbox in a folder: the chain of its log, every version and what is in use against the log,
/// and every source against its hash. It first repairs what a killed process has left (the manifest of a
/// toolbox that was never used, `NAME.rs`). Apart from that it writes only `.lock`, and nothing outside the
/// folder.
///
/// # Errors
/// If there is no toolbox in the folder, or a file cannot be read. A wrong file is not an error but a
/// problem.
pub fn verify(folder: &Path) -> Result<Verification, ToolboxError> {
    match Shelf::is_in(folder) {
        true => shelf(&Shelf::open(folder)?),
        false => Err(no_toolbox(folder)),
    }
}

/// Does the same as [`verify`], for an open shelf.
///
/// # Errors
/// If a file cannot be read.
pub fn shelf(shelf: &Shelf) -> Result<Verification, ToolboxError> {
    let mut problems = Vec::new();
    let path = shelf.log.path();
    let checked = match File::open(path) {
        Ok(file) => audit::verify(file)?,
        Err(error) if error.kind() == ErrorKind::NotFound => audit::verify(&b""[..])?,
        Err(error) => {
            let context = format!("cannot read the audit log {}", path.display());
            return Err(anyhow::Error::new(error).context(context).into());
        }
    };
    let (lines, last_hash) = match checked {
        Checked::Intact { lines, last_hash } => (lines, last_hash),
        Checked::Broken { line, why } => {
            problems.push(format!("line {line} of the log {why}"));
            (line - 1, String::new())
        }
    };
    let tools = match shelf.tools() {
        Ok(tools) => tools,
        Err(ToolboxError::Damaged(problem)) => {
            problems.push(problem);
            Tools::new()
        }
        Err(error) => return Err(error),
    };
    let entries = if problems.is_empty() { shelf.entries()? } else { Vec::new() };
    for (name, entry) in &tools {
        let in_use = shelf.sound_source(name).map(drop);
        let kept = entry.versions.keys().map(|version| shelf.check_kept(name, entry, *version));
        for checked in std::iter::once(in_use).chain(kept) {
            match checked {
                Ok(()) => {}
                Err(ToolboxError::Damaged(problem)) => problems.push(problem),
                Err(error) => return Err(error),
            }
        }
        for (version, known) in &entry.versions {
            let record = digest(&serde_json::to_vec(known).context("reading a version")?);
            let logged = |entry: &Entry| entry.event == ADMITTED && entry.digest == record;
            if !entries.is_empty() && !entries.iter().any(logged) {
                problems.push(format!("the log has no admission of {name}, version {version}"));
            }
        }
    }
    if !entries.is_empty() {
        problems.extend(History::of(&entries).problems(&tools));
    }
    if entries.is_empty() && problems.is_empty() && !tools.is_empty() {
        problems.push("the log is missing, but the toolbox has tools".to_owned());
    }
    Ok(Verification { lines, last_hash, problems })
}
