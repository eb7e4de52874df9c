//! Why a toolbox refused or failed.

use crate::judge::JudgeError;

/// Why a toolbox refused or failed.
#[derive(Debug)]
pub enum ToolboxError {
    /// There is no such tool, or no such version.
    NotFound(String),
    /// A tool was called and gave no output.
    Failed(String),
    /// A file is not as it was written.
    Damaged(String),
    /// The request makes no sense.
    BadRequest(String),
    /// The judge could not work.
    Judge(JudgeError),
    /// Anything else.
    Internal(anyhow::Error),
}

impl std::fmt::Display for ToolboxError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ToolboxError::NotFound(message)
            | ToolboxError::Failed(message)
            | ToolboxError::Damaged(message)
            | ToolboxError::BadRequest(message) => f.write_str(message),
            ToolboxError::Judge(error) => error.fmt(f),
            ToolboxError::Internal(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for ToolboxError {}

impl From<JudgeError> for ToolboxError {
    fn from(error: JudgeError) -> Self {
        ToolboxError::Judge(error)
    }
}

impl From<anyhow::Error> for ToolboxError {
    fn from(error: anyhow::Error) -> Self {
        ToolboxError::Internal(error)
    }
}
