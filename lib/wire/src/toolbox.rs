//! Tools that models write: the proposal, the gate's findings, the admission.

use std::collections::BTreeMap;

/// The name of the audit log in a toolbox's folder.
pub const AUDIT_LOG: &str = "audit.jsonl";

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::task::Task;
use crate::verdict::Verdict;

/// A tool proposed for the toolbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    /// Signature, tests and properties, crates, limits. The guard of the toolbox writes them, never the
    /// tool's author. The tool has the name of its function.
    pub task: Task,
    /// The source.
    pub code: String,
    /// What the tool does, for people and for models that choose among tools.
    pub description: String,
    /// Who wrote the source: a person's name, or the label of a model's reply.
    pub author: String,
    /// Tools that the source may call as `tools::name(..)`.
    pub uses: Vec<String>,
    /// What the tool may do besides computing.
    pub capabilities: Vec<Capability>,
}

impl Proposal {
    /// Creates a proposal for a tool that only computes and uses no other tool.
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

    /// Sets the description of what the tool does.
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets the author of the source.
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = author.into();
        self
    }

    /// Links another tool, so that the source can call it as `tools::name(..)`.
    pub fn uses(mut self, tool: impl Into<String>) -> Self {
        self.uses.push(tool.into());
        self
    }

    /// Asks for a capability.
    pub fn may(mut self, capability: Capability) -> Self {
        self.capabilities.push(capability);
        self
    }

    /// Returns the tool's name, which is its function's.
    pub fn name(&self) -> &str {
        self.task.function().unwrap_or_default()
    }
}

/// A right that a tool can be granted besides computing. Files, network, other processes and the
/// environment are not listed: the jail has none of them, so no tool can have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Reads the clock, so the same input may give another output.
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
    /// The version that the tool would get.
    pub version: u32,
    /// The source.
    pub code: String,
    /// The source of the version in use, if any.
    pub previous: Option<String>,
    /// The rights that the proposal asks for besides computing.
    pub capabilities: Vec<Capability>,
    /// Why the proposal was refused before it was compiled.
    pub refusal: Option<String>,
    /// The verdict on the proposal's tests and on those of the previous version.
    pub verdict: Option<Verdict>,
}

impl Examination {
    /// Returns whether the gate lets the proposal through to a person's review.
    pub fn passed(&self) -> bool {
        self.refusal.is_none() && self.verdict.as_ref().is_some_and(Verdict::is_success)
    }

    /// Returns what to tell the tool's author.
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
    /// Who decided: a person, or the policy in a run without a person.
    pub by: String,
}

/// The decision on a proposal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// What the gate found.
    pub examination: Examination,
    /// The review, if the gate let the proposal through.
    pub review: Option<Review>,
    /// Whether the tool is in the toolbox now. `true` without a review: the same tool was there already.
    pub admitted: bool,
}

/// One tool of a toolbox, with all its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolEntry {
    /// The version in use.
    pub current: u32,
    /// All versions ever admitted, by number, from 1.
    pub versions: BTreeMap<u32, ToolVersion>,
}

impl ToolEntry {
    /// Returns the version in use; `None` only if a manifest contradicts itself.
    pub fn in_use(&self) -> Option<&ToolVersion> {
        self.versions.get(&self.current)
    }
}

/// One admitted version of a tool. It never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolVersion {
    /// What the tool does.
    pub description: String,
    /// Signature, tests, properties, crates, limits, including those of the previous version.
    pub task: Task,
    /// The tools that this version uses, with the versions that it was tested with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<String, u32>,
    /// What the tool may do besides computing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<Capability>,
    /// SHA-256 of the source, in hexadecimal.
    pub sha256: String,
    /// Who wrote the source.
    pub author: String,
    /// Who approved the tool.
    pub reviewer: String,
    /// When the tool was admitted: RFC 3339, UTC.
    pub time: String,
}

/// A tool in a listing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    /// The tool's name.
    pub name: String,
    /// The tool's versions.
    pub entry: ToolEntry,
    /// The parameters of the version in use as a JSON schema, for a model that calls tools.
    pub parameters: Value,
    /// What is wrong with the tool's files, if anything. Then the tool cannot be called.
    pub problem: Option<String>,
}

/// One line of a toolbox's audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// `admitted`, `rejected`, `rolled_back`, or `cut_short`: the change announced before did not happen.
    pub event: String,
    /// The time: RFC 3339, UTC.
    pub time: String,
    /// What happened to which tool, and by whom.
    pub summary: Value,
}

/// The result of checking a toolbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// How many lines of the audit log are unchanged.
    pub lines: u64,
    /// The hash of the last of these lines. Keep it elsewhere; it reveals a log that was cut or rewritten.
    pub last_hash: String,
    /// The problems, one sentence each; empty if there are none.
    pub problems: Vec<String>,
}

/// The calls to a toolbox, with the type of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolboxCall {
    /// Makes a new, empty toolbox: null. An existing toolbox is kept beside it as `FOLDER.previous`, which
    /// replaces an older one. A folder that is not a toolbox is an error.
    Fresh,
    /// Lists its tools, ordered by name: a list of [`Listed`]. Creates the folder if it does not exist.
    List,
    /// Examines a proposal at the gate, without admitting it: an [`Examination`].
    Examine(Proposal),
    /// Puts a proposal through the gate and, if it passes and the review approves, into the toolbox: an
    /// [`Admission`].
    Admit {
        /// The proposal.
        proposal: Proposal,
        /// The review; `None` if the gate has already refused the proposal.
        review: Option<Review>,
    },
    /// Calls a tool: its output as JSON.
    Call {
        /// The tool.
        name: String,
        /// The tool's arguments: a list in the parameters' order, or an object by their names.
        arguments: Value,
    },
    /// Puts an earlier (or later) version into use: null.
    Rollback {
        /// The tool.
        name: String,
        /// The version.
        version: u32,
        /// Who asks for the change.
        by: String,
    },
    /// Reads the audit log: a list of [`LogLine`].
    Log,
    /// Checks the audit log, and the toolbox against it: a [`Verification`].
    Verify,
}
