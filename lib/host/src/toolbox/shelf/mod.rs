//! A toolbox on disk.
//!
//! | file | holds |
//! |---|---|
//! | `NAME.rs` | the source of the version in use |
//! | `versions/NAME.N.rs` | the source of every version, never changed |
//! | `manifest.json` | everything else about the tools, with a digest of itself |
//! | `manifest.backup.json` | a copy of the manifest, to repair it with |
//! | `audit.jsonl` | every admission, rejection and rollback, and calls by MCP clients, hash-chained |
//! | `.lock` | locked by the process that changes something |
//!
//! Every file except the log is written beside its place, synced, and renamed into place. The manifest is the
//! last file that matters: a process that is killed at any point has changed nothing or everything. `NAME.rs`
//! follows; if it is still an old version, the next read repairs it. Text that a person changed by hand is
//! never overwritten: the error says where the admitted text is.

mod locked;
mod manifest;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::ToolboxError;
use crate::audit::{Entry, Log};
use crate::files::{self, digest};
use anyhow::Context;
use code_evolution_wire::toolbox::{AUDIT_LOG, ToolEntry, ToolVersion};

pub use locked::Change;
pub use manifest::{MAX_NAME, Tools, is_tool_name};

const MANIFEST: &str = "manifest.json";
const BACKUP: &str = "manifest.backup.json";
const VERSIONS: &str = "versions";

/// A toolbox's folder.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// The log of every change.
    pub log: Log,
}

impl Shelf {
    /// Opens the shelf in a folder; makes the folder if it is missing.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(folder: &Path) -> Result<Shelf, ToolboxError> {
        fs::create_dir_all(folder.join(VERSIONS))
            .with_context(|| format!("cannot make the toolbox {}", folder.display()))?;
        let log = Log::new(folder.join(AUDIT_LOG));
        let shelf = Shelf { folder: folder.to_owned(), log };
        if !shelf.exists() {
            shelf.lock()?.start()?;
        }
        Ok(shelf)
    }

    /// Returns whether a folder is a toolbox, by the files that every toolbox has; its manifest may be lost.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(VERSIONS).is_dir()
    }

    /// Moves a toolbox to `FOLDER.previous`; removes the toolbox that was there before. A folder that does
    /// not exist is ignored.
    ///
    /// # Errors
    /// If one of the two folders is not a toolbox, or cannot be moved.
    pub fn set_aside(folder: &Path) -> Result<(), ToolboxError> {
        let Some(name) = folder.file_name().filter(|_| folder.exists()) else { return Ok(()) };
        let mut name = name.to_owned();
        name.push(".previous");
        let previous = folder.with_file_name(name);
        if let Some(other) =
            [folder, &previous].into_iter().find(|it| it.exists() && !Shelf::is_in(it))
        {
            let message = format!("{} is not a toolbox; choose another folder", other.display());
            return Err(ToolboxError::BadRequest(message));
        }
        let removed = if previous.exists() { fs::remove_dir_all(&previous) } else { Ok(()) };
        removed.and_then(|()| fs::rename(folder, &previous)).map_err(|error| {
            let shown = folder.display();
            ToolboxError::BadRequest(format!(
                "cannot move the toolbox {shown} to {} ({error}); choose another folder",
                previous.display()
            ))
        })
    }

    /// Returns whether there is a manifest.
    pub fn exists(&self) -> bool {
        self.path(MANIFEST).exists()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn in_use(&self, name: &str) -> PathBuf {
        self.path(&format!("{name}.rs"))
    }

    fn version(&self, name: &str, version: u32) -> PathBuf {
        self.folder.join(VERSIONS).join(format!("{name}.{version}.rs"))
    }

    /// Returns the tools of the manifest.
    ///
    /// # Errors
    /// [`ToolboxError::Damaged`] if the manifest is not as it was written.
    pub fn tools(&self) -> Result<Tools, ToolboxError> {
        let path = self.path(MANIFEST);
        manifest::read(&path).map_err(|why| {
            let (shown, backup) = (path.display(), self.path(BACKUP));
            let advice = match backup.exists() {
                true => format!(
                    "nothing is lost: every source is in {}, and {} holds the manifest as it was \
                     written: copy it over {MANIFEST}",
                    self.path(VERSIONS).display(),
                    backup.display(),
                ),
                false => "there is no backup: put it back, or use another folder".to_owned(),
            };
            ToolboxError::Damaged(format!(
                "the toolbox's manifest {shown} {why}; {advice} (tools are changed through the \
                 gate, not by hand)"
            ))
        })
    }

    /// Returns the admitted source of a version.
    ///
    /// # Errors
    /// [`ToolboxError::Damaged`] if no copy is as admitted.
    pub fn source(
        &self,
        name: &str,
        entry: &ToolEntry,
        version: u32,
    ) -> Result<String, ToolboxError> {
        let known = known(name, entry, version)?;
        let path = self.version(name, version);
        let whole = |text: &String| digest(text.as_bytes()) == known.sha256;
        if let Some(source) = read(&path)?.filter(whole) {
            return Ok(source);
        }
        // The other copy may be intact.
        read(&self.in_use(name))?.filter(whole).ok_or_else(|| not_admitted(&path, name, version))
    }

    /// Checks that `versions/NAME.N.rs` is as admitted, even if there is another copy.
    ///
    /// # Errors
    /// [`ToolboxError::Damaged`] if it is not.
    pub fn check_kept(&self, name: &str, entry: &ToolEntry, n: u32) -> Result<(), ToolboxError> {
        let (known, path) = (known(name, entry, n)?, self.version(name, n));
        match read(&path)?.is_some_and(|text| digest(text.as_bytes()) == known.sha256) {
            true => Ok(()),
            false => Err(not_admitted(&path, name, n)),
        }
    }

    /// Checks that `NAME.rs` is the version in use.
    ///
    /// # Errors
    /// [`ToolboxError::Damaged`] if it is not, and [`Locked::mend`] cannot help.
    pub fn check_in_use(&self, name: &str, entry: &ToolEntry) -> Result<(), ToolboxError> {
        let current = known(name, entry, entry.current)?;
        let text = read(&self.in_use(name))?;
        match text.is_some_and(|text| digest(text.as_bytes()) == current.sha256) {
            true => Ok(()),
            false => Err(ToolboxError::Damaged(format!(
                "{} is not what was admitted as version {} of {name}: it was changed by hand or \
                 cut off; nothing is lost, the admitted source is {}: propose your change as the \
                 next version, then delete {name}.rs to have the admitted one back",
                self.in_use(name).display(),
                entry.current,
                self.version(name, entry.current).display(),
            ))),
        }
    }

    /// Returns the source of a tool's version in use, after a check of all its files. Repairs first what a
    /// killed process has left.
    ///
    /// # Errors
    /// If there is no such tool, or [`ToolboxError::Damaged`].
    pub fn sound_source(&self, name: &str) -> Result<(Tools, String), ToolboxError> {
        let look = || {
            let tools = self.tools()?;
            let entry = tools.get(name).ok_or_else(|| not_found(name, &tools))?;
            self.check_in_use(name, entry)?;
            let source = self.source(name, entry, entry.current)?;
            Ok((tools, source))
        };
        match look() {
            // A change may be under way, or may have been cut short.
            Err(ToolboxError::Damaged(_)) => {
                let locked = self.lock()?;
                if let Some(entry) = self.tools()?.get(name) {
                    locked.repair(name, entry)?;
                }
                look()
            }
            result => result,
        }
    }

    /// Returns the lines of the log, oldest first.
    ///
    /// # Errors
    /// If the log cannot be read, or a line is not an entry.
    pub fn entries(&self) -> Result<Vec<Entry>, ToolboxError> {
        let path = self.log.path();
        let shown = path.display();
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                let context = format!("cannot read the audit log {shown}");
                return Err(anyhow::Error::new(error).context(context).into());
            }
        };
        let entries = text.lines().map(serde_json::from_str).collect::<Result<_, _>>();
        entries.map_err(|error| {
            ToolboxError::Damaged(format!(
                "a line of the audit log {shown} is not an entry ({error}); restore the log"
            ))
        })
    }

    /// Returns a stamp that changes whenever the manifest, or the tool's source in use, is written.
    pub fn stamp(&self, name: &str) -> [Option<Stamp>; 2] {
        [self.manifest_stamp(), Stamp::of(&self.in_use(name))]
    }

    /// Returns a stamp that changes whenever the manifest is written.
    pub fn manifest_stamp(&self) -> Option<Stamp> {
        Stamp::of(&self.path(MANIFEST))
    }
}

/// Identifies the state of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Stamp> {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp {
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

fn not_admitted(path: &Path, name: &str, version: u32) -> ToolboxError {
    ToolboxError::Damaged(format!(
        "{} is not the source that was admitted as version {version} of {name}: it was changed by \
         hand, cut off or removed; put the admitted text back, or put another version into use",
        path.display()
    ))
}

fn known<'a>(
    name: &str,
    entry: &'a ToolEntry,
    version: u32,
) -> Result<&'a ToolVersion, ToolboxError> {
    entry.versions.get(&version).ok_or_else(|| {
        let all: Vec<String> = entry.versions.keys().map(u32::to_string).collect();
        ToolboxError::NotFound(format!(
            "{name} has no version {version}; choose from {}",
            all.join(", ")
        ))
    })
}

/// Makes the error for a missing tool; it lists the existing tools.
pub fn not_found(name: &str, tools: &Tools) -> ToolboxError {
    let signatures: Vec<&str> = tools
        .values()
        .filter_map(ToolEntry::in_use)
        .map(|version| version.task.signature.as_str())
        .collect();
    let there = match signatures.is_empty() {
        true => "the toolbox is empty".to_owned(),
        false => format!("the toolbox has `{}`", signatures.join("`, `")),
    };
    ToolboxError::NotFound(format!("there is no tool `{name}`; {there}; propose one to have it"))
}

/// Reads a file's text; `None` if there is no file, or its content is not text.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

fn replace(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    files::replace(path, content).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests;
