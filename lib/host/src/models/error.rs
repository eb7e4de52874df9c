//! Why a model gave no answer.

use code_evolution_wire::protocol::FailureKind;

/// Why a model gave no answer. Each variant holds the message for the participant: lower-case, names the
/// thing, ends with what to do. No message ever holds a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelError {
    /// The call would exceed the session's budget, so it was not made.
    Budget(String),
    /// The provider could not be reached, or refused.
    Provider(String),
    /// The provider refuses this question or gave up on it; it may answer another.
    Question(String),
    /// The provider answered, but with nothing usable.
    NoAnswer(String),
    /// The choice of provider, model, mode or key makes no sense.
    Config(String),
    /// The cassette cannot be read, has no reply, or must not be written.
    Cassette(String),
}

impl ModelError {
    /// Returns the message for the participant.
    pub fn message(&self) -> &str {
        match self {
            ModelError::Budget(message)
            | ModelError::Provider(message)
            | ModelError::Question(message)
            | ModelError::NoAnswer(message)
            | ModelError::Config(message)
            | ModelError::Cassette(message) => message,
        }
    }

    /// Returns the same error with a changed message.
    pub(super) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            ModelError::Budget(message) => ModelError::Budget(change(message)),
            ModelError::Provider(message) => ModelError::Provider(change(message)),
            ModelError::Question(message) => ModelError::Question(change(message)),
            ModelError::NoAnswer(message) => ModelError::NoAnswer(change(message)),
            ModelError::Config(message) => ModelError::Config(change(message)),
            ModelError::Cassette(message) => ModelError::Cassette(change(message)),
        }
    }

    /// Returns whether another question may still get an answer.
    pub fn is_of_the_question(&self) -> bool {
        matches!(self, ModelError::Question(_) | ModelError::NoAnswer(_))
    }

    /// Returns the kind of this failure in the protocol.
    pub fn kind(&self) -> FailureKind {
        match self {
            ModelError::Budget(_) => FailureKind::Budget,
            ModelError::Config(_) => FailureKind::BadRequest,
            ModelError::Provider(_)
            | ModelError::Question(_)
            | ModelError::NoAnswer(_)
            | ModelError::Cassette(_) => FailureKind::Model,
        }
    }
}

impl std::fmt::Display for ModelError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for ModelError {}
