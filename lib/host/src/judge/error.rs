//! Why there is no verdict.

use code_evolution_jail::SpawnError;

/// Why there is no verdict.
#[derive(Debug)]
pub enum JudgeError {
    /// The request makes no sense: a signature that cannot be served, a case that does not fit it.
    BadRequest(String),
    /// The sandbox is not safe here, so nothing was run.
    NoSandbox(String),
    /// Everything that was running was killed, so what was seen of it says nothing.
    Cancelled,
    /// Anything else.
    Internal(anyhow::Error),
}

/// What was seen of a process, unless [`code_evolution_jail::kill_all`] may have had a hand in it.
///
/// # Errors
/// [`JudgeError::Cancelled`] if it may.
pub fn undisturbed<T>(seen: T) -> Result<T, JudgeError> {
    match code_evolution_jail::is_closing() {
        true => Err(JudgeError::Cancelled),
        false => Ok(seen),
    }
}

impl std::fmt::Display for JudgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            JudgeError::BadRequest(message) | JudgeError::NoSandbox(message) => {
                f.write_str(message)
            }
            JudgeError::Cancelled => f.write_str(
                "judging was cancelled, because the host is ending; run it again to get a verdict",
            ),
            JudgeError::Internal(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for JudgeError {}

impl From<anyhow::Error> for JudgeError {
    fn from(error: anyhow::Error) -> Self {
        JudgeError::Internal(error)
    }
}

impl From<std::io::Error> for JudgeError {
    fn from(error: std::io::Error) -> Self {
        JudgeError::Internal(error.into())
    }
}

impl From<SpawnError> for JudgeError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::Exiting => JudgeError::Cancelled,
            error => JudgeError::NoSandbox(error.to_string()),
        }
    }
}
