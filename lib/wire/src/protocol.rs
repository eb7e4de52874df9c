//! The JSON lines between a notebook and its host.
//!
//! The host speaks first, with one [`Hello`]. Then the notebook writes one [`Request`] per line. The host
//! answers each with any number of [`Message::Progress`] and one [`Message::Done`] or [`Message::Failed`],
//! which carry the request's `id`. When the notebook's end closes, the host kills what it started and
//! exits.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::export::ExportCall;
use crate::model::{Ask, Budget, ModelChoice};
use crate::program::Program;
use crate::reading::{ReplyText, Wanted};
use crate::task::{Limits, Task};
use crate::toolbox::ToolboxCall;

pub use crate::failure::{Failure, FailureKind};

/// The protocol's version, raised with every change that an older side would misread.
pub const PROTOCOL: u32 = 1;

/// The host's first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The host's [`PROTOCOL`].
    pub protocol: u32,
    /// The host's version, the same as the workspace's.
    pub version: String,
}

/// One line to the host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// A number that the notebook chooses; every line about this request repeats it.
    pub id: u64,
    /// What to do.
    #[serde(flatten)]
    pub call: Call,
}

/// The calls to a host, with the type that [`Message::Done`] then carries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", content = "params", rename_all = "snake_case")]
pub enum Call {
    /// Which model would answer, and which sandbox layers are in force: [`Status`].
    Open(ModelChoice),
    /// Judge a population on one task: a list of [`Verdict`](crate::verdict::Verdict), in order.
    Judge {
        /// The task.
        task: Task,
        /// The candidates' sources.
        codes: Vec<String>,
    },
    /// Run a whole program: an [`Execution`](crate::program::Execution).
    Exec(Program),
    /// Ask a model: an [`Answer`](crate::model::Answer).
    Ask(Ask),
    /// Ask many questions at once: a list of [`Answer`](crate::model::Answer), in order. If only some were
    /// answered, each of the others says why not.
    AskMany(Vec<Ask>),
    /// Take an answer from a participant's chat elsewhere: an [`Answer`](crate::model::Answer), `pasted`.
    Paste(String),
    /// Extract something from a reply: the type that its [`Wanted`] documents.
    Read {
        /// The reply.
        reply: ReplyText,
        /// What to extract.
        wanted: Wanted,
    },
    /// Apply rustc's machine-applicable suggestions to a source: a string.
    ApplySuggestions {
        /// The source.
        code: String,
        /// The suggestions in the source's verdict.
        suggestions: Vec<crate::verdict::Suggestion>,
    },
    /// Work on a toolbox: the type that its [`ToolboxCall`] documents.
    Toolbox {
        /// The toolbox's folder: an absolute path when it reaches the host.
        folder: String,
        /// What to do.
        call: ToolboxCall,
    },
    /// Write a candidate as a crate: an [`Exported`](crate::export::Exported).
    Export(ExportCall),
    /// Begin a new cell of the notebook, so that a script starts again with its first replies: a
    /// [`Meter`](crate::model::Meter) with the usage so far.
    BeginCell,
    /// Set the session's budget: null.
    SetBudget(Budget),
    /// Read what the session has used: a [`Meter`](crate::model::Meter).
    Meter,
    /// Read the default limits of this host: [`Limits`].
    Limits,
}

/// One line from the host, after its [`Hello`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A line to print now: a wait, a judged candidate, a line of a streamed reply.
    Progress {
        /// The request.
        id: u64,
        /// One line of text.
        line: String,
    },
    /// The answer.
    Done {
        /// The request.
        id: u64,
        /// The type that the request's [`Call`] documents.
        value: Value,
    },
    /// The request failed.
    Failed {
        /// The request.
        id: u64,
        /// What happened and what to do.
        error: Failure,
    },
}

/// The answer to [`Call::Open`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Which model answers.
    pub model: crate::model::ModelStatus,
    /// Which sandbox layers are in force.
    pub sandbox: Sandbox,
    /// The default limits of a candidate.
    pub limits: Limits,
    /// The path of this session's audit log; `None` if it could not be started.
    pub audit_log: Option<String>,
}

/// The sandbox's layers on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sandbox {
    /// Landlock's ABI; 0 if the kernel has none.
    pub landlock_abi: u32,
    /// Whether seccomp filters can be installed.
    pub seccomp: bool,
    /// The architecture.
    pub arch: String,
    /// Why candidates are refused, if they are.
    pub refusal: Option<String>,
}
