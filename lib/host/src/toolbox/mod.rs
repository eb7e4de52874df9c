//! Keeps tools that models write and that outlive the notebook.
//!
//! A tool is an admitted Rust function: it passed the `gate`, and a review approved it. Calls run in its own
//! jailed process, which stays for the next call.
//!
//! | module | subject |
//! |---|---|
//! | `gate` | what a proposal must pass |
//! | `capability` | what a source would do besides computing |
//! | `shelf` | the folder: manifest, sources, versions, lock |
//! | `history` | what the log says is in use |
//! | `assembly` | joins a source with those of the tools that it uses |
//! | `arguments` | a call's arguments as models write them |
//! | `residents` | the processes that stay between calls |
//! | `schema` | a tool's parameters as a JSON schema, for models |
//! | `verify` | whether a toolbox is as it was written |
//! | `error` | why a toolbox refused or failed |
//!
//! Left out: removing a tool (put an earlier version into use, or start a new toolbox), and a market for
//! tools of other people.

mod arguments;
mod assembly;
mod capability;
mod error;
mod gate;
mod history;
mod residents;
mod schema;
mod shelf;
mod verify;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use anyhow::Context;
use code_evolution_wire::schema::example;
use code_evolution_wire::task::Task;
use code_evolution_wire::toolbox::{
    Admission, Examination, Listed, LogLine, Proposal, Review, ToolEntry, ToolVersion, Verification,
};
use serde_json::{Value, json};

use crate::files::digest;
use crate::judge::{CallError, Judge, Signature};
use crate::lock::Unpoisoned;
use gate::Examined;
use history::{ADMITTED, ROLLED_BACK};
use shelf::{Change, Shelf, Stamp, not_found};

pub use error::ToolboxError;
pub use residents::Residents;
pub use verify::verify;

/// A toolbox in a folder. Several processes may use the same folder at once.
pub struct Toolbox {
    shelf: Shelf,
    judge: Judge,
    residents: Arc<Residents>,
    /// The tools that were called, as they were at their last call.
    ready: Mutex<HashMap<String, Arc<Ready>>>,
}

/// A tool that can be called at once, until its files change.
struct Ready {
    stamp: [Option<Stamp>; 2],
    version: u32,
    key: String,
    task: Task,
    signature: Signature,
    source: String,
}

impl Toolbox {
    /// Opens the toolbox in a folder; makes it if it is missing. Several toolboxes may share `residents`.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(
        folder: &Path,
        judge: Judge,
        residents: Arc<Residents>,
    ) -> Result<Toolbox, ToolboxError> {
        Ok(Toolbox { shelf: Shelf::open(folder)?, judge, residents, ready: Mutex::default() })
    }

    /// Makes a new, empty toolbox in a folder. An existing toolbox is kept as `FOLDER.previous`.
    ///
    /// # Errors
    /// If the folder is not a toolbox, or cannot be moved or made.
    pub fn fresh(
        folder: &Path,
        judge: Judge,
        residents: Arc<Residents>,
    ) -> Result<Toolbox, ToolboxError> {
        Shelf::set_aside(folder)?;
        Toolbox::open(folder, judge, residents)
    }

    /// Opens an existing toolbox; makes nothing.
    ///
    /// # Errors
    /// If there is no toolbox in the folder, or it cannot be read.
    pub fn existing(folder: &Path, judge: Judge) -> Result<Toolbox, ToolboxError> {
        match Shelf::is_in(folder) {
            true => Toolbox::open(folder, judge, Arc::default()),
            false => Err(no_toolbox(folder)),
        }
    }

    /// Returns the path of the toolbox's log.
    pub fn log_path(&self) -> &Path {
        self.shelf.log.path()
    }

    /// Returns a stamp that changes whenever a tool or version is added, or another version goes into use.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.shelf.manifest_stamp()
    }

    /// Returns whether the toolbox's manifest exists.
    pub fn exists(&self) -> bool {
        self.shelf.exists()
    }

    /// Lists the tools, ordered by name.
    ///
    /// # Errors
    /// If the manifest is damaged. A damaged tool is listed, with its problem.
    pub fn list(&self) -> Result<Vec<Listed>, ToolboxError> {
        let tools = self.shelf.tools()?;
        let listed = tools.iter().map(|(name, entry)| {
            let problem = match self.shelf.sound_source(name) {
                Ok(_) => None,
                Err(ToolboxError::Damaged(problem)) => Some(problem),
                Err(error) => return Err(error),
            };
            let in_use = entry.in_use().context("a tool has a version in use")?;
            let signature =
                Signature::parse(&in_use.task.signature).map_err(ToolboxError::BadRequest)?;
            let parameters = schema::parameters(&signature);
            Ok(Listed { name: name.clone(), entry: entry.clone(), parameters, problem })
        });
        listed.collect()
    }

    /// Examines a proposal and changes nothing.
    ///
    /// # Errors
    /// If the proposal's task makes no sense, or it uses a missing tool.
    pub fn examine(&self, proposal: &Proposal) -> Result<Examination, ToolboxError> {
        let tools = self.shelf.tools()?;
        let examined = gate::examine(&self.judge, &self.shelf, &tools, proposal)?;
        Ok(examined.examination)
    }

    /// Examines a proposal; if it passes and the review approves, adds it to the toolbox. The log records
    /// both cases.
    ///
    /// # Errors
    /// As [`Toolbox::examine`]; also if a file cannot be written.
    pub fn admit(
        &self,
        proposal: &Proposal,
        review: Option<Review>,
    ) -> Result<Admission, ToolboxError> {
        // Keep the lock to the end: the toolbox must not change between the examination and the admission.
        let locked = self.shelf.lock()?;
        let mut tools = self.shelf.tools()?;
        let examined = gate::examine(&self.judge, &self.shelf, &tools, proposal)?;
        let Examined { examination, is_in_use, task, uses, resident } = examined;
        if is_in_use {
            return Ok(Admission { examination, review: None, admitted: true });
        }
        let (name, version) = (examination.name.clone(), examination.version);
        let review = review.filter(|_| examination.passed());
        let Some(approval) = review.as_ref().filter(|review| review.approved) else {
            let (by, why) = match &review {
                Some(review) => (review.by.as_str(), "the review said no"),
                None => ("the gate", examination.feedback()),
            };
            let summary = json!({"tool": name, "version": version, "by": by, "why": why, "author": proposal.author});
            self.shelf.log.append("rejected", summary, proposal.code.as_bytes())?;
            return Ok(Admission { examination, review, admitted: false });
        };
        let admitted = ToolVersion {
            description: proposal.description.clone(),
            task,
            uses,
            capabilities: proposal.capabilities.clone(),
            sha256: digest(proposal.code.as_bytes()),
            author: proposal.author.clone(),
            reviewer: approval.by.clone(),
            time: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
        };
        let bare = without_cases(&admitted.task);
        let keyed = |(source, resident): (String, _)| Ok((key(&bare, &source)?, resident));
        let resident = resident.map(keyed).transpose().map_err(ToolboxError::Internal)?;
        let record = serde_json::to_vec(&admitted).context("writing down a version")?;
        let entry = tools
            .entry(name.clone())
            .or_insert_with(|| ToolEntry { current: version, versions: Default::default() });
        entry.current = version;
        entry.versions.insert(version, admitted);
        let summary =
            json!({"tool": name, "version": version, "by": approval.by, "author": proposal.author});
        locked.commit(&Change {
            tools: &tools,
            name: &name,
            new_source: Some(&proposal.code),
            event: ADMITTED,
            summary,
            record: &record,
        })?;
        drop(locked);
        if let Some((key, resident)) = resident {
            self.residents.put(&key, resident);
        }
        Ok(Admission { examination, review, admitted: true })
    }

    /// Calls a tool; `arguments` is a list in the parameters' order, or an object by their names. Arguments
    /// in a model's form (`"5"` for a number, an omitted `Option`) are accepted if their meaning is certain.
    ///
    /// # Errors
    /// If there is no such tool, its files are damaged, the arguments do not fit, or it gives no output.
    pub fn call(&self, name: &str, arguments: &Value) -> Result<Value, ToolboxError> {
        let ready = self.ready(name)?;
        let start = || self.judge.resident(&ready.task, &ready.source);
        let arguments = arguments::fitted(&ready.signature, arguments);
        self.residents.call(&ready.key, start, &arguments).map_err(|error| match error {
            CallError::Arguments(why) => ToolboxError::BadRequest(format!(
                "the arguments do not fit `{}`: {why}; write them like {}",
                ready.task.signature,
                example(&schema::parameters(&ready.signature)),
            )),
            CallError::Failed(why) => {
                ToolboxError::Failed(format!("the tool {name} gave no output: {why}"))
            }
            CallError::Judge(error) => error.into(),
        })
    }

    /// Does the same as [`Toolbox::call`], and logs the caller, the call and its result.
    ///
    /// # Errors
    /// As [`Toolbox::call`]; also if the log cannot be written: then the output is not returned.
    pub fn call_logged(
        &self,
        name: &str,
        arguments: &Value,
        by: &str,
    ) -> Result<Value, ToolboxError> {
        let result = self.call(name, arguments);
        // Log them as texts, because the log shortens texts.
        let (what, outcome) = match &result {
            Ok(output) => ("output", output.to_string()),
            Err(error) => ("error", error.to_string()),
        };
        let version = self.ready(name).map(|ready| ready.version).ok();
        let arguments = arguments.to_string();
        let record = format!("{name}\n{arguments}\n{outcome}");
        let summary = json!({"tool": name, "version": version, "by": by, "arguments": arguments, what: outcome});
        self.shelf.log.append("called", summary, record.as_bytes())?;
        result
    }

    /// Puts another version of a tool into use; no write if that version is already in use.
    ///
    /// # Errors
    /// If there is no such tool or version.
    pub fn roll_back(&self, name: &str, version: u32, by: &str) -> Result<(), ToolboxError> {
        let locked = self.shelf.lock()?;
        let mut tools = self.shelf.tools()?;
        let before = tools.get(name).ok_or_else(|| not_found(name, &tools))?.clone();
        if before.current == version {
            return Ok(());
        }
        self.shelf.source(name, &before, version)?;
        if let Some(entry) = tools.get_mut(name) {
            entry.current = version;
        }
        let summary = json!({"tool": name, "version": version, "by": by, "from": before.current});
        locked.commit(&Change {
            tools: &tools,
            name,
            new_source: None,
            event: ROLLED_BACK,
            summary,
            record: &[],
        })
    }

    /// Returns the log's lines, oldest first.
    ///
    /// # Errors
    /// If a line is not an entry; [`Toolbox::verify`] says more.
    pub fn log(&self) -> Result<Vec<LogLine>, ToolboxError> {
        let lines = self.shelf.entries()?.into_iter();
        Ok(lines.map(|e| LogLine { event: e.event, time: e.time, summary: e.summary }).collect())
    }

    /// Checks the toolbox; see [`verify()`].
    ///
    /// # Errors
    /// As [`verify()`].
    pub fn verify(&self) -> Result<Verification, ToolboxError> {
        verify::shelf(&self.shelf)
    }

    fn ready(&self, name: &str) -> Result<Arc<Ready>, ToolboxError> {
        // Take the stamp before reading: a write in between then makes it out of date.
        let stamp = self.shelf.stamp(name);
        let known = self.ready.lock().unpoisoned().get(name).cloned();
        if let Some(ready) = known.filter(|ready| ready.stamp == stamp) {
            return Ok(ready);
        }
        let (tools, source) = self.shelf.sound_source(name)?;
        let in_use = tools.get(name).and_then(ToolEntry::in_use).context("it was just there")?;
        let source = assembly::assemble(&self.shelf, &tools, &source, in_use.uses.iter())?;
        let task = without_cases(&in_use.task);
        let key = key(&task, &source)?;
        let signature = Signature::parse(&task.signature).map_err(ToolboxError::BadRequest)?;
        let version = tools.get(name).map_or(0, |entry| entry.current);
        let ready = Arc::new(Ready { stamp, version, key, task, signature, source });
        let mut all = self.ready.lock().unpoisoned();
        all.insert(name.to_owned(), Arc::clone(&ready));
        Ok(ready)
    }
}

/// Makes the error for a folder that is not a toolbox.
fn no_toolbox(folder: &Path) -> ToolboxError {
    let shown = folder.display();
    ToolboxError::NotFound(format!("there is no toolbox in {shown}; check its path"))
}

/// Returns the parts of a task that matter for a call.
fn without_cases(task: &Task) -> Task {
    Task { cases: Vec::new(), ..task.clone() }
}

/// Returns a process's key: the source that it was compiled from, and its limits.
fn key(task: &Task, source: &str) -> anyhow::Result<String> {
    let described = serde_json::to_string(task).context("describing a tool")?;
    Ok(digest(format!("{described}\n{source}").as_bytes()))
}
