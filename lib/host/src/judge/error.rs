//! The errors that leave a candidate without a verdict.

use std::io::ErrorKind;

use code_evolution_jail::SpawnError;
use rustix::io::Errno;

/// Why there is no verdict.
#[derive(Debug)]
pub enum JudgeError {
    /// The request is wrong: a signature that cannot be served, or a case that does not fit it.
    BadRequest(String),
    /// The sandbox is not safe here, so nothing was run.
    NoSandbox(String),
    /// Everything that was running was killed, so its results mean nothing.
    Cancelled,
    /// Anything else.
    Internal(anyhow::Error),
}

/// Returns the value, or `Cancelled` if [`code_evolution_jail::kill_all`] may have influenced it.
///
/// # Errors
/// [`JudgeError::Cancelled`], as above.
pub fn unless_cancelled<T>(seen: T) -> Result<T, JudgeError> {
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
            SpawnError::Step { step, source } if is_shortage(&source) => {
                JudgeError::Internal(anyhow::anyhow!(
                    "this machine could not start a program (step `{step}`: {source}): close other \
                     programs, or give the container more memory and processes, then run it again"
                ))
            }
            SpawnError::Step { step: "program", source }
                if source.kind() == ErrorKind::NotFound =>
            {
                JudgeError::Internal(anyhow::anyhow!(
                    "a program that the judge starts is gone ({source}): reinstall the Rust toolchain, \
                     then run it again"
                ))
            }
            error => JudgeError::NoSandbox(error.to_string()),
        }
    }
}

/// Returns whether the kernel was short of a resource. No layer of the sandbox is missing then.
fn is_shortage(error: &std::io::Error) -> bool {
    use Errno as E;
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(E::NOMEM | E::AGAIN | E::MFILE | E::NFILE | E::NOSPC | E::DQUOT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(step: &'static str, errno: Errno) -> JudgeError {
        SpawnError::Step { step, source: errno.into() }.into()
    }

    #[test]
    fn a_shortage_is_not_reported_as_an_unsafe_sandbox() {
        for errno in [Errno::NOMEM, Errno::AGAIN, Errno::MFILE, Errno::NFILE, Errno::NOSPC] {
            let error = judged("fork", errno);
            assert!(matches!(&error, JudgeError::Internal(_)), "{error}");
            assert!(error.to_string().ends_with("then run it again"), "{error}");
        }
        assert!(matches!(judged("program", Errno::NOENT), JudgeError::Internal(_)));
        for (step, errno) in [("seccomp", Errno::INVAL), ("landlock", Errno::PERM)] {
            assert!(matches!(judged(step, errno), JudgeError::NoSandbox(_)), "{step}");
        }
    }
}
