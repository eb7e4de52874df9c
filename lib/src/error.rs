//! The one error type of the crate.

use std::fmt;

use code_evolution_wire::protocol::{Failure, FailureKind};

use crate::inert;

/// What went wrong, in one sentence that ends with what to do.
///
/// A notebook prints an error's `Debug` form, so `Debug` shows the message too.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Failure);

/// A result with this crate's error, unless another is named.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates an error. The message may quote a model or a program, so invisible characters in it are
    /// escaped.
    pub(crate) fn new(kind: FailureKind, message: impl AsRef<str>) -> Self {
        Error(Failure { kind, message: inert::text(message.as_ref()) })
    }

    /// Creates an error about a failure of the workshop itself.
    pub(crate) fn internal(message: impl AsRef<str>) -> Self {
        Error::new(FailureKind::Internal, message)
    }

    /// Returns the kind of failure, for a caller that branches on it.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::new(failure.kind, failure.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
