//! Changes a shelf: one process at a time, in steps that each leave it intact.

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;

use anyhow::Context;
use code_evolution_wire::toolbox::ToolEntry;
use rustix::fs::OFlags;
use serde_json::{Value, json};

use super::{BACKUP, MANIFEST, Shelf, Tools, VERSIONS, known, manifest, read, replace};
use crate::files::{UNFINISHED, digest};
use crate::toolbox::error::ToolboxError;
use crate::toolbox::history::{CUT_SHORT, History};

/// A shelf that no other process can change while this value lives.
pub struct Locked<'a> {
    shelf: &'a Shelf,
    _lock: File,
}

/// A change to one tool that is about to happen.
pub struct Change<'a> {
    /// All tools after the change.
    pub tools: &'a Tools,
    /// The tool that changes.
    pub name: &'a str,
    /// A new version's source; `None` if an existing version is put into use.
    pub new_source: Option<&'a str>,
    /// The event in the log.
    pub event: &'a str,
    /// The summary in the log: the tool, the version that goes into use, and details for a reader.
    pub summary: Value,
    /// The bytes that the log's digest covers.
    pub record: &'a [u8],
}

/// The steps of a change, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The source goes to `versions/NAME.N.rs`.
    Version,
    /// The change goes to the log.
    Log,
    /// The backup of the manifest.
    Backup,
    /// The manifest: after this step, the change has happened.
    Manifest,
    /// The source goes to `NAME.rs`.
    InUse,
}

impl Shelf {
    /// Waits until no other process changes the toolbox.
    ///
    /// # Errors
    /// If the lock file cannot be made.
    pub fn lock(&self) -> Result<Locked<'_>, ToolboxError> {
        let path = self.path(".lock");
        let context = || format!("cannot lock the toolbox with {}", path.display());
        let lock = File::options()
            .append(true)
            .create(true)
            // A symbolic link could create a file somewhere else.
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path)
            .with_context(context)?;
        lock.lock().with_context(context)?;
        Ok(Locked { shelf: self, _lock: lock })
    }
}

impl Locked<'_> {
    /// Writes the manifest of a new toolbox, unless another process was faster.
    pub(super) fn start(&self) -> Result<(), ToolboxError> {
        let shelf = self.shelf;
        let used = fs::read_dir(shelf.path(VERSIONS)).is_ok_and(|mut files| files.next().is_some());
        // A toolbox that has files but no manifest has lost it: `tools` says what to do.
        if shelf.path(MANIFEST).exists() || shelf.path(BACKUP).exists() || used {
            return Ok(());
        }
        replace(&shelf.path(MANIFEST), manifest::write(&Tools::new())?.as_bytes())?;
        Ok(())
    }

    /// Restores `NAME.rs` to the version in use if it is another version, or missing: a killed process leaves
    /// that. Any other content is a person's work and stays.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn repair(&self, name: &str, entry: &ToolEntry) -> Result<(), ToolboxError> {
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

    /// Makes a change.
    ///
    /// # Errors
    /// If a file cannot be written. Then the change has happened only if the manifest was written.
    pub fn commit(&self, change: &Change<'_>) -> Result<(), ToolboxError> {
        self.step_by_step(change, &mut |_| Ok(()))
    }

    /// Calls `reached` before each step; tests return an error from it to simulate a killed process.
    pub(super) fn step_by_step(
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
        shelf.log.append(change.event, change.summary.clone(), change.record)?;
        let manifest = manifest::write(change.tools)?;
        reached(Step::Backup)?;
        replace(&shelf.path(BACKUP), manifest.as_bytes())?;
        reached(Step::Manifest)?;
        replace(&shelf.path(MANIFEST), manifest.as_bytes())?;
        reached(Step::InUse)?;
        replace(&shelf.in_use(change.name), source.as_bytes())?;
        Ok(())
    }

    /// Removes what a killed process has not finished, and records in the log that the announced change was
    /// cut short.
    fn sweep(&self) -> Result<(), ToolboxError> {
        for folder in [&self.shelf.folder, &self.shelf.path(VERSIONS)] {
            let context = || format!("cannot tidy {}", folder.display());
            for file in fs::read_dir(folder).with_context(context)? {
                let file = file.with_context(context)?;
                if file.file_name().to_string_lossy().starts_with(UNFINISHED) {
                    fs::remove_file(file.path()).with_context(context)?;
                }
            }
        }
        let history = History::of(&self.shelf.entries()?);
        if let Some(announced) = history.cut_short(&self.shelf.tools()?) {
            let summary = json!({"tool": announced.tool, "version": announced.version});
            self.shelf.log.append(CUT_SHORT, summary, &[])?;
        }
        Ok(())
    }
}
