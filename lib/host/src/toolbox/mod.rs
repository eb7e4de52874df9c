//! Tools that models write, and that outlive the notebook.
//!
//! A tool is a Rust function that was admitted: it passed the `gate`, and somebody approved it. It is
//! called in a jailed process of its own, which stays for the next call.
//!
//! | module | subject |
//! |---|---|
//! | `gate` | what a proposal must pass |
//! | `capability` | what a source would do besides computing |
//! | `shelf` | the folder: manifest, sources, versions, lock |
//! | `history` | what the log says is in use |
//! | `assembly` | a source with those of the tools that it uses |
//! | `arguments` | a call's arguments as models write them |
//! | `residents` | the processes that stay |
//! | `schema` | parameters for models that call tools |
//! | `verify` | is it as it was written? |
//! | `error` | why it did not do what was asked |
//!
//! Left out: removing a tool (put an earlier version into use, or start a new toolbox), and a market
//! of tools from elsewhere.

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
    /// The tools that were called, as they were then.
    ready: Mutex<HashMap<String, Arc<Ready>>>,
}

/// A tool that can be called at once, as long as its files stay as they are.
struct Ready {
    stamp: [Option<Stamp>; 2],
    version: u32,
    key: String,
    task: Task,
    signature: Signature,
    source: String,
}

impl Toolbox {
    /// The toolbox in a folder, which is made where there is none. `residents` may serve several.
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

    /// A new, empty toolbox in a folder. One that is there is kept as `FOLDER.previous`.
    ///
    /// # Errors
    /// If the folder is no toolbox, or cannot be moved or made.
    pub fn fresh(
        folder: &Path,
        judge: Judge,
        residents: Arc<Residents>,
    ) -> Result<Toolbox, ToolboxError> {
        Shelf::set_aside(folder)?;
        Toolbox::open(folder, judge, residents)
    }

    /// The toolbox in a folder that is one; nothing is made where there is none.
    ///
    /// # Errors
    /// If there is no toolbox in the folder, or it cannot be read.
    pub fn existing(folder: &Path, judge: Judge) -> Result<Toolbox, ToolboxError> {
        match Shelf::is_in(folder) {
            true => Toolbox::open(folder, judge, Arc::default()),
            false => Err(no_toolbox(folder)),
        }
    }

    /// Where its log is.
    pub fn log_path(&self) -> &Path {
        self.shelf.log.path()
    }

    /// A mark that changes whenever a tool or version comes in, or another version goes into use.
    pub(crate) fn stamp(&self) -> Option<Stamp> {
        self.shelf.manifest_stamp()
    }

    /// Whether its manifest is there.
    pub fn exists(&self) -> bool {
        self.shelf.exists()
    }

    /// Its tools, ordered by name.
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

    /// What the gate thinks of a proposal, without consequence.
    ///
    /// # Errors
    /// If the proposal's task makes no sense, or it uses a tool that is not there.
    pub fn examine(&self, proposal: &Proposal) -> Result<Examination, ToolboxError> {
        let tools = self.shelf.tools()?;
        let examined = gate::examine(&self.judge, &self.shelf, &tools, proposal)?;
        Ok(examined.examination)
    }

    /// Puts a proposal through the gate and, where it passes and the review approves, into the
    /// toolbox. Either way the log says so.
    ///
    /// # Errors
    /// As [`Toolbox::examine`]; also if a file cannot be written.
    pub fn admit(
        &self,
        proposal: &Proposal,
        review: Option<Review>,
    ) -> Result<Admission, ToolboxError> {
        // Held to the end, so that what is examined is what is added to.
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

    /// Calls a tool; `arguments` is a list in the parameters' order, or an object by their names. What
    /// is written as models do (`"5"` for a number, an `Option` left out) is taken where it is sure.
    ///
    /// # Errors
    /// If there is no such tool, its files are damaged, the arguments do not fit, or it gave no output.
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

    /// As [`Toolbox::call`], and the log has who called what, and what came of it.
    ///
    /// # Errors
    /// As [`Toolbox::call`]; also if the log cannot be written: then the output is withheld.
    pub fn call_logged(
        &self,
        name: &str,
        arguments: &Value,
        by: &str,
    ) -> Result<Value, ToolboxError> {
        let result = self.call(name, arguments);
        // As texts, which the log shortens.
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

    /// Puts another version of a tool into use; nothing is written where it is.
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

    /// The log's lines, oldest first.
    ///
    /// # Errors
    /// If a line is no entry; [`Toolbox::verify`] says more.
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
        // Taken before anything is read: what is written meanwhile makes it out of date.
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

/// The error for a folder that is no toolbox.
fn no_toolbox(folder: &Path) -> ToolboxError {
    let shown = folder.display();
    ToolboxError::NotFound(format!("there is no toolbox in {shown}; check its path"))
}

/// What of a task matters to a call.
fn without_cases(task: &Task) -> Task {
    Task { cases: Vec::new(), ..task.clone() }
}

/// What a process is known by: what it was compiled from, and its limits.
fn key(task: &Task, source: &str) -> anyhow::Result<String> {
    let described = serde_json::to_string(task).context("describing a tool")?;
    Ok(digest(format!("{described}\n{source}").as_bytes()))
}
