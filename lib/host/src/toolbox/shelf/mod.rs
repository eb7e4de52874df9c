//! A toolbox on disk.
//!
//! | file | holds |
//! |---|---|
//! | `NAME.rs` | the source of the version in use |
//! | `versions/NAME.N.rs` | the source of every version, never changed |
//! | `manifest.json` | everything else about the tools, with a digest of itself |
//! | `manifest.backup.json` | the same, to mend a damaged manifest with |
//! | `audit.jsonl` | every admission, rejection and rollback, hash-chained |
//! | `.lock` | held by the process that changes something |
//!
//! Every file but the log is written beside its place, synced and renamed into it, and the manifest
//! comes last of what matters: a process that is killed at any point has changed nothing or
//! everything. `NAME.rs` follows; if it is an old version after that, the next look mends it. What a
//! person has changed by hand is never overwritten: the error says where the admitted text is.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use code_evolution_wire::toolbox::{ToolEntry, ToolVersion};
use serde::{Deserialize, Serialize};

use super::ToolboxError;
use crate::audit::Log;
use crate::files::{self, UNFINISHED, digest};

const MANIFEST: &str = "manifest.json";
const BACKUP: &str = "manifest.backup.json";
const VERSIONS: &str = "versions";
/// Changes with the manifest's form.
const FORMAT: u32 = 1;

/// The tools by name.
pub type Tools = BTreeMap<String, ToolEntry>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    tools: Tools,
    /// SHA-256 of the tools as compact JSON. It shows accidents; against forgery there is the log.
    digest: String,
}

/// A toolbox's folder.
#[derive(Debug)]
pub struct Shelf {
    folder: PathBuf,
    /// What is changed is logged here.
    pub log: Log,
}

/// A shelf that no other process changes as long as this lives.
pub struct Locked<'a> {
    shelf: &'a Shelf,
    _lock: File,
}

/// The steps of a change, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The source goes to `versions/NAME.N.rs`.
    Version,
    /// The change goes to the log.
    Log,
    /// The backup of the manifest.
    Backup,
    /// The manifest: from here on the change has happened.
    Manifest,
    /// The source goes to `NAME.rs`.
    InUse,
}

/// Something that is about to happen to one tool.
pub struct Change<'a> {
    /// All tools as they will be.
    pub tools: &'a Tools,
    /// The tool that changes.
    pub name: &'a str,
    /// A new version's source; `None` where only another version is put into use.
    pub new_source: Option<&'a str>,
    /// Writes the line of the log.
    pub log: &'a dyn Fn(&Log) -> anyhow::Result<String>,
}

impl Shelf {
    /// The shelf in a folder, which is made where there is none.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(folder: &Path) -> Result<Shelf, ToolboxError> {
        fs::create_dir_all(folder.join(VERSIONS))
            .with_context(|| format!("cannot make the toolbox {}", folder.display()))?;
        let log = Log::new(folder.join("audit.jsonl"));
        let shelf = Shelf { folder: folder.to_owned(), log };
        if !shelf.exists() {
            shelf.lock()?.start()?;
        }
        Ok(shelf)
    }

    /// Whether a folder is a toolbox, by what every one has; its manifest may be lost.
    pub fn is_in(folder: &Path) -> bool {
        folder.join(VERSIONS).is_dir()
    }

    /// Whether there is a manifest.
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

    /// Waits until no other process changes the toolbox.
    ///
    /// # Errors
    /// If the lock file cannot be made.
    pub fn lock(&self) -> Result<Locked<'_>, ToolboxError> {
        let path = self.path(".lock");
        let context = || format!("cannot lock the toolbox with {}", path.display());
        let lock = File::options().append(true).create(true).open(&path).with_context(context)?;
        lock.lock().with_context(context)?;
        Ok(Locked { shelf: self, _lock: lock })
    }

    /// The tools, as the manifest has them.
    ///
    /// # Errors
    /// [`ToolboxError::Damaged`] where the manifest is not as it was written.
    pub fn tools(&self) -> Result<Tools, ToolboxError> {
        let path = self.path(MANIFEST);
        read_manifest(&path).map_err(|why| {
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

    /// The source of a version, which is what was admitted.
    ///
    /// # Errors
    /// [`ToolboxError::Damaged`] where it is not.
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
        // The other copy may be whole.
        read(&self.in_use(name))?.filter(whole).ok_or_else(|| not_admitted(&path, name, version))
    }

    /// Checks that `versions/NAME.N.rs` is what was admitted, whether or not there is another copy.
    ///
    /// # Errors
    /// [`ToolboxError::Damaged`] where it is not.
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
    /// [`ToolboxError::Damaged`] where it is not, and [`Locked::mend`] cannot help.
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

    /// A mark that changes whenever the manifest, or the tool's source in use, is written.
    pub fn stamp(&self, name: &str) -> [Option<Stamp>; 2] {
        [Stamp::of(&self.path(MANIFEST)), Stamp::of(&self.in_use(name))]
    }
}

/// What tells one state of a file from another, without reading it.
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

impl Locked<'_> {
    /// Makes the manifest of a new toolbox, unless another process was faster.
    fn start(&self) -> Result<(), ToolboxError> {
        let shelf = self.shelf;
        let used = fs::read_dir(shelf.path(VERSIONS)).is_ok_and(|mut files| files.next().is_some());
        // With something in it, a toolbox without a manifest has lost it: `tools` says what to do.
        if shelf.path(MANIFEST).exists() || shelf.path(BACKUP).exists() || used {
            return Ok(());
        }
        replace(&shelf.path(MANIFEST), manifest(&Tools::new())?.as_bytes())?;
        Ok(())
    }

    /// Puts the version in use back to `NAME.rs` where another version, or nothing, is there: that is
    /// what a killed process leaves. Anything else is a person's work, and stays.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn mend(&self, name: &str, entry: &ToolEntry) -> Result<(), ToolboxError> {
        let shelf = self.shelf;
        let path = shelf.in_use(name);
        let found = read(&path)?.map(|text| digest(text.as_bytes()));
        let current = &known(name, entry, entry.current)?.sha256;
        let left_behind = found.is_none_or(|found| {
            found != *current && entry.versions.values().any(|version| version.sha256 == found)
        });
        if left_behind {
            replace(&path, shelf.source(name, entry, entry.current)?.as_bytes())?;
        }
        Ok(())
    }

    /// Makes a change. `reached` is asked before each step; an error from it is where tests kill the
    /// process.
    ///
    /// # Errors
    /// If a file cannot be written. Then the change has happened if the manifest was written, else not.
    pub fn commit(
        &self,
        change: &Change<'_>,
        reached: &mut dyn FnMut(Step) -> anyhow::Result<()>,
    ) -> Result<(), ToolboxError> {
        let shelf = self.shelf;
        self.sweep()?;
        let entry = change.tools.get(change.name).context("a change is about a tool it has")?;
        let source = match change.new_source {
            Some(source) => {
                reached(Step::Version)?;
                replace(&shelf.version(change.name, entry.current), source.as_bytes())?;
                source.to_owned()
            }
            None => shelf.source(change.name, entry, entry.current)?,
        };
        reached(Step::Log)?;
        (change.log)(&shelf.log)?;
        let manifest = manifest(change.tools)?;
        reached(Step::Backup)?;
        replace(&shelf.path(BACKUP), manifest.as_bytes())?;
        reached(Step::Manifest)?;
        replace(&shelf.path(MANIFEST), manifest.as_bytes())?;
        reached(Step::InUse)?;
        replace(&shelf.in_use(change.name), source.as_bytes())?;
        Ok(())
    }

    /// Removes what a killed process had not finished.
    fn sweep(&self) -> anyhow::Result<()> {
        for folder in [&self.shelf.folder, &self.shelf.path(VERSIONS)] {
            for file in fs::read_dir(folder)? {
                let file = file?;
                if file.file_name().to_string_lossy().starts_with(UNFINISHED) {
                    fs::remove_file(file.path())?;
                }
            }
        }
        Ok(())
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

fn manifest(tools: &Tools) -> anyhow::Result<String> {
    let digest = digest(&serde_json::to_vec(tools)?);
    let manifest = Manifest { format: FORMAT, tools: tools.clone(), digest };
    Ok(serde_json::to_string_pretty(&manifest)? + "\n")
}

/// The manifest's tools, or what is wrong with it.
fn read_manifest(path: &Path) -> Result<Tools, String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Err(format!("cannot be read ({error})")),
    };
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| format!("was changed by hand or cut off ({error})"))?;
    if manifest.format != FORMAT {
        return Err(format!("has the form {}, where this host knows {FORMAT}", manifest.format));
    }
    let compact = serde_json::to_vec(&manifest.tools).map_err(|error| error.to_string())?;
    match digest(&compact) == manifest.digest {
        true => Ok(manifest.tools),
        false => Err("was changed by hand: its content does not have its digest".to_owned()),
    }
}

/// A file's text; `None` where there is no file, or no text in it.
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
