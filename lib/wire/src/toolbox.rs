//! Tools that models write: what is proposed, what the gate found, what was admitted.

use std::collections::BTreeMap;

/// The name of the audit log in a toolbox's folder.
pub const AUDIT_LOG: &str = "audit.jsonl";

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::task::Task;
use crate::verdict::Verdict;

/// A tool that somebody wants in the toolbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Signature, tests and properties, crates, limits. Written by whoever guards the toolbox, never
    /// by the tool's author. The tool has the name of its function.
    pub task: Task,
    /// The source.
    pub code: String,
    /// What the tool does, for people and for models that choose among tools.
    pub description: String,
    /// Who wrote the source: a person's name, or the label of a model's reply.
    pub author: String,
    /// Tools that the source may call, as `tools::name(..)`.
    pub uses: Vec<String>,
    /// What it may do besides computing.
    pub capabilities: Vec<Capability>,
}

impl Proposal {
    /// A tool that only computes and uses no other tool.
    pub fn new(task: Task, code: impl Into<String>) -> Self {
        Proposal {
            task,
            code: code.into(),
            description: String::new(),
            author: "unknown".to_owned(),
            uses: Vec::new(),
            capabilities: Vec::new(),
        }
    }

    /// Says what the tool does.
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Says who wrote it.
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = author.into();
        self
    }

    /// Links another tool, which the source then calls as `tools::name(..)`.
    pub fn uses(mut self, tool: impl Into<String>) -> Self {
        self.uses.push(tool.into());
        self
    }

    /// Asks for a capability.
    pub fn may(mut self, capability: Capability) -> Self {
        self.capabilities.push(capability);
        self
    }

    /// The tool's name: its function's.
    pub fn name(&self) -> &str {
        self.task.function().unwrap_or_default()
    }
}

/// What a tool can be granted besides computing. Files, network, other processes and the environment
/// are not in the list: no tool can have them, since the jail has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Reads the clock: the same input may give another output.
    Clock,
    /// Starts threads.
    Threads,
    /// Remembers something from one call to the next.
    State,
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Capability::Clock => "clock",
            Capability::Threads => "threads",
            Capability::State => "state",
        })
    }
}

/// What the gate found out about a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    /// The tool's name.
    pub name: String,
    /// The version that it would be.
    pub version: u32,
    /// The source.
    pub code: String,
    /// The source of the version in use, where there is one.
    pub previous: Option<String>,
    /// What it asked to be allowed besides computing.
    pub capabilities: Vec<Capability>,
    /// Why it was turned away before it was compiled.
    pub refusal: Option<String>,
    /// How it was judged, on its own tests and on those of the version before.
    pub verdict: Option<Verdict>,
}

impl Examination {
    /// Whether the gate lets it through to a person's review.
    pub fn passed(&self) -> bool {
        self.refusal.is_none() && self.verdict.as_ref().is_some_and(Verdict::is_success)
    }

    /// What to tell its author.
    pub fn feedback(&self) -> &str {
        match (&self.refusal, &self.verdict) {
            (Some(refusal), _) => refusal,
            (None, Some(verdict)) => &verdict.feedback,
            (None, None) => "",
        }
    }
}

/// A decision on a proposal that passed the gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Whether the tool may come in.
    pub approved: bool,
    /// Who decided: a person, or the policy of a run without one.
    pub by: String,
}

/// How a proposal ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// What the gate found.
    pub examination: Examination,
    /// The review, where the gate let the proposal through.
    pub review: Option<Review>,
    /// Whether the tool is in the toolbox now; without a review where it was there already.
    pub admitted: bool,
}

/// One tool of a toolbox, with all its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolEntry {
    /// The version in use.
    pub current: u32,
    /// Every version that was ever admitted, by its number, from 1.
    pub versions: BTreeMap<u32, ToolVersion>,
}

impl ToolEntry {
    /// The version in use; `None` only where a manifest contradicts itself.
    pub fn in_use(&self) -> Option<&ToolVersion> {
        self.versions.get(&self.current)
    }
}

/// One admitted version of a tool. Never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolVersion {
    /// What it does.
    pub description: String,
    /// Signature, tests, properties, crates, limits: those of the version before included.
    pub task: Task,
    /// The tools that it uses, with the versions that it was tested with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<String, u32>,
    /// What it may do besides computing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// SHA-256 of its source, in hexadecimal.
    pub sha256: String,
    /// Who wrote it.
    pub author: String,
    /// Who approved it.
    pub reviewer: String,
    /// When it was admitted: RFC 3339, UTC.
    pub time: String,
}

/// A tool as a listing has it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its versions.
    pub entry: ToolEntry,
    /// The parameters of the version in use as a JSON schema, for a model that calls tools.
    pub parameters: Value,
    /// What is wrong with its files, if anything is; it cannot be called then.
    pub problem: Option<String>,
}

/// One line of a toolbox's audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// `admitted`, `rejected`, `rolled_back`, or `cut_short`: the change announced before has not happened.
    pub event: String,
    /// When: RFC 3339, UTC.
    pub time: String,
    /// What happened to which tool, and by whom.
    pub summary: Value,
}

/// What a check of a toolbox found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Lines of the audit log that are as they were written.
    pub lines: u64,
    /// The hash of the last of them: keep it elsewhere, and a log that was cut or written anew shows.
    pub last_hash: String,
    /// What is wrong, one sentence each; empty if nothing is.
    pub problems: Vec<String>,
}

/// What a toolbox can be asked to do, with the type of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolboxCall {
    /// Makes a new, empty toolbox: null. A toolbox that is there is kept beside it, as `FOLDER.previous`,
    /// in place of the one that was kept before. A folder that is no toolbox is an error.
    Fresh,
    /// Its tools, ordered by name: a list of [`Listed`]. Makes the folder where there is none.
    List,
    /// What the gate thinks of a proposal, without consequence: an [`Examination`].
    Examine(Proposal),
    /// Puts a proposal through the gate and, where it passes and the review approves, into the
    /// toolbox: an [`Admission`].
    Admit {
        /// The proposal.
        proposal: Proposal,
        /// The review; `None` where the gate turned the proposal away before.
        review: Option<Review>,
    },
    /// Calls a tool: its output as JSON.
    Call {
        /// The tool.
        name: String,
        /// Its arguments: a list in the parameters' order, or an object by their names.
        arguments: Value,
    },
    /// Puts an earlier (or later) version into use: null.
    Rollback {
        /// The tool.
        name: String,
        /// The version.
        version: u32,
        /// Who wants it.
        by: String,
    },
    /// The audit log: a list of [`LogLine`].
    Log,
    /// Checks the audit log, and the toolbox against it: a [`Verification`].
    Verify,
}
