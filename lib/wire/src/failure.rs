//! Why a request, or one question of many, failed.

use serde::{Deserialize, Serialize};

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure, for a caller that branches on it.
    pub kind: FailureKind,
    /// In lower case; names the thing, and ends with what to do.
    pub message: String,
}

/// The failures that a caller may want to distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The request is invalid: an unsupported signature, an unknown crate.
    BadRequest,
    /// The sandbox is not safe here, so nothing was run.
    NoSandbox,
    /// The model gave no usable answer.
    Model,
    /// The session's budget is spent.
    Budget,
    /// The reply does not hold the code that was wanted.
    NoCode,
    /// The script or recording has no reply to this prompt, and there was no model to ask.
    NoReply,
    /// The reply does not hold what was wanted: a list, a prompt, JSON, an opinion.
    NotInReply,
    /// The toolbox has no such tool.
    ToolNotFound,
    /// A tool was called and gave no output: it panicked, took too long, or died.
    ToolFailed,
    /// A file of the toolbox was changed from outside.
    ToolboxDamaged,
    /// Any other failure.
    Internal,
}
