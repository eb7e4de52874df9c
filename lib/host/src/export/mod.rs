//! Exports a candidate as its own crate: the function, its cases as tests, and its origin.
//!
//! | module | subject |
//! |---|---|
//! | here | refuses what cannot be exported; writes the folder |
//! | `files` | the crate's files |
//! | `cases` | a task's cases as tests |
//! | `literal` | values as Rust writes them |
//! | `property` | properties as conditions |
//! | `origin` | model, date, lineage, from the session's log |
//!
//! # Decisions
//!
//! - **Only a passing candidate is exported**: it is judged once more before anything is written.
//! - **The source is the judged one**, in a module with the same name as in the judge. Only `pub` is added;
//!   the text as it was judged, and its digest, are in `PROVENANCE.json`.
//! - **A person's work is never overwritten.** An earlier export is replaced only if every file is unchanged;
//!   `PROVENANCE.json` has the digests.

mod cases;
mod files;
mod literal;
mod origin;
mod property;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use code_evolution_wire::export::{Export, ExportCall, Exported};

use crate::audit::task_digest;
use crate::files::digest;
use crate::judge::{Judge, JudgeError, OFFERED, Signature};
use files::{Files, PROVENANCE};
use origin::Origin;

/// The longest name of a crate, in bytes.
const MAX_NAME: usize = 64;
/// The files that a person's `cargo test` leaves in the folder.
const BUILT: [&str; 2] = ["target", "Cargo.lock"];
/// Names that cargo or the compiler reserves.
const TAKEN: [&str; 24] = [
    "alloc",
    "aux",
    "build",
    "candidate",
    "con",
    "core",
    "deps",
    "driver",
    "alike",
    "examples",
    "incremental",
    "nul",
    "prn",
    "proc_macro",
    "std",
    "test",
    "self",
    "super",
    "crate",
    "cases",
    "src",
    "tests",
    "target",
    "main",
];

/// Writes the crate. `log` is the session's log, if there is one.
///
/// # Errors
/// [`JudgeError::BadRequest`] with what to do, if a name, a licence, a candidate or a folder is not suitable;
/// then nothing is written.
pub fn export(
    judge: &Judge,
    log: Option<&Path>,
    call: &ExportCall,
) -> Result<Exported, JudgeError> {
    let bad = |error: String| JudgeError::BadRequest(error);
    let Export { name, .. } = &call.export;
    check_name(name).map_err(bad)?;
    check_licence(&call.export).map_err(bad)?;
    let verdict = judge.judge(&call.task, &call.code)?;
    if !verdict.is_success() {
        let (passed, total) = (verdict.passed, verdict.total);
        return Err(bad(format!(
            "the candidate passes {passed} of {total} cases: its crate's tests would fail; export one \
             that passes all"
        )));
    }
    let called = call.task.driver.as_ref().map_or(&call.task.signature, |d| &d.signature);
    let signature = Signature::parse(called).map_err(bad)?;
    let tests = cases::tests(&call.task, &signature, &name.replace('-', "_")).map_err(bad)?;
    let origin = Origin::find(log, &digest(&call.code), &task_digest(&call.task)?);
    let files = files::files(call, &tests, &origin, judge.toolchain())?;
    let folder = Path::new(&call.place).join(name);
    let replaced = replaceable(&folder)?;
    write(&folder, &files).map_err(JudgeError::from)?;
    Ok(Exported {
        folder: folder.to_string_lossy().into_owned(),
        files: files.all.keys().cloned().collect(),
        tests: call.task.cases.len(),
        untested: tests.untested,
        crates: files.crates,
        written_by: origin.written_by,
        ancestors: origin.ancestors.len(),
        replaced,
    })
}

fn check_name(name: &str) -> Result<(), String> {
    let others = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let formed = name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(others);
    let as_identifier = name.replace('-', "_");
    // The parser also refuses keywords.
    let usable = syn::parse_str::<syn::Ident>(&as_identifier).is_ok()
        && !TAKEN.contains(&as_identifier.as_str())
        && !OFFERED.contains(&as_identifier.as_str());
    match formed && usable {
        true => Ok(()),
        false => Err(format!(
            "{name:?} is not a crate name: use a small letter, then at most {} small letters, \
             digits, _ and -, and no word that Rust or cargo reserves",
            MAX_NAME - 1
        )),
    }
}

fn check_licence(export: &Export) -> Result<(), String> {
    let spdx = |c: char| c.is_ascii_alphanumeric() || " .+-()".contains(c);
    let licence = &export.licence;
    if licence.trim().is_empty() || licence.len() > 200 || !licence.chars().all(spdx) {
        return Err(format!(
            "{licence:?} is not a licence: write an SPDX expression, like MIT or Apache-2.0"
        ));
    }
    match &export.author {
        Some(author) if author.trim().is_empty() || author.chars().any(char::is_control) => {
            Err(format!("{author:?} is not an author: write a name on one line"))
        }
        _ => Ok(()),
    }
}

/// Returns whether the folder contains an earlier export, which may be replaced.
///
/// # Errors
/// If the folder contains anything else.
fn replaceable(folder: &Path) -> Result<bool, JudgeError> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(error) => {
            return Err(JudgeError::BadRequest(format!(
                "cannot use {}: {error}",
                folder.display()
            )));
        }
        Ok(_) => {}
    }
    match is_as_exported(folder) {
        Some(true) => Ok(true),
        _ => Err(JudgeError::BadRequest(format!(
            "{} exists already and is not as it was exported: nothing was written; choose another name, or \
             move it away",
            folder.display()
        ))),
    }
}

/// Returns whether every file in the folder is unchanged since the export; `None` if that cannot be decided.
fn is_as_exported(folder: &Path) -> Option<bool> {
    if fs::symlink_metadata(folder).ok()?.is_symlink() {
        return None;
    }
    let provenance = fs::read(folder.join(PROVENANCE)).ok()?;
    let provenance: serde_json::Value = serde_json::from_slice(&provenance).ok()?;
    let known: BTreeMap<String, String> =
        serde_json::from_value(provenance["files"].clone()).ok()?;
    let mut found = BTreeMap::new();
    collect(folder, folder, &mut found).ok()?;
    found.remove(PROVENANCE);
    Some(found == known)
}

/// Collects the files' digests by their paths from `root`, without the files of a build.
fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
        if BUILT.contains(&name.as_str()) {
            continue;
        }
        match entry.file_type()?.is_dir() {
            true => collect(root, &path, found)?,
            false => {
                found.insert(name, digest(fs::read(&path)?));
            }
        }
    }
    Ok(())
}

/// Writes the files beside the folder, then moves them into place.
fn write(folder: &Path, files: &Files) -> Result<()> {
    let place = folder.parent().context("the folder has no parent; choose another folder")?;
    let shown = folder.display();
    fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
    let new = tempfile::Builder::new()
        .prefix(".new-")
        .tempdir_in(place)
        .with_context(|| format!("cannot write in {}", place.display()))?;
    for (name, text) in &files.all {
        let path = new.path().join(name);
        let parent = path.parent().context("the file has no parent folder")?;
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, text))
            .with_context(|| format!("cannot write {name} of {shown}"))?;
    }
    let new: PathBuf = new.keep();
    let moved = move_into_place(&new, folder);
    if moved.is_err() && new.exists() {
        fs::remove_dir_all(&new).with_context(|| format!("cannot remove {}", new.display()))?;
    }
    moved
}

fn move_into_place(new: &Path, folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // A temporary folder is private to its owner; a crate must be readable for others.
    fs::set_permissions(new, fs::Permissions::from_mode(0o755))?;
    if fs::symlink_metadata(folder).is_ok() {
        // Check once more: somebody may have changed it meanwhile.
        if is_as_exported(folder) != Some(true) {
            bail!("{} was changed in the meantime; choose another name", folder.display());
        }
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot replace {}", folder.display()))?;
    }
    fs::rename(new, folder).with_context(|| format!("cannot make {}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_crate_names_are_accepted() {
        for name in ["my_fizzbuzz", "a", "fizz-buzz2"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let long = "x".repeat(65);
        for name in [
            "",
            "../up",
            "a/b",
            "/etc",
            "Fizz",
            "2fast",
            "a b",
            "fn",
            "async",
            "test",
            "std",
            "rand",
            "serde-json",
            "é",
            "a\0",
            ".",
            "..",
            "-x",
            "_x",
            long.as_str(),
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn licences_and_authors_are_checked() {
        let fine =
            [Export::new("a"), Export::new("a").licence("MIT OR Apache-2.0").author("Ada L.")];
        assert!(fine.iter().all(|export| check_licence(export).is_ok()));
        for bad in [
            Export::new("a").licence(""),
            Export::new("a").licence("MIT\"\n[dependencies]"),
            Export::new("a").author("Ada\nMallory"),
            Export::new("a").author(" "),
        ] {
            assert!(check_licence(&bad).is_err(), "{bad:?}");
        }
    }
}
