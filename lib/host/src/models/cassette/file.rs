//! The content of a cassette; reads it from a file.

use std::path::Path;

use code_evolution_wire::model::Mode;
use serde::Deserialize;

use super::choices::{Choices, PromptText};
use super::exchange::Exchange;
use crate::models::ModelError;

/// Who made a cassette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person wrote it.
    Script,
    /// A model answered.
    Recording,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Script => "script",
            Kind::Recording => "recording",
        }
    }

    /// Returns the mode that labels its replies.
    pub fn mode(self) -> Mode {
        match self {
            Kind::Script => Mode::Scripted,
            Kind::Recording => Mode::Replay,
        }
    }
}

/// A cassette's content.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "CassetteText")]
pub struct Cassette {
    /// Who made the cassette.
    pub kind: Kind,
    /// The model that answered, if all replies come from the same model.
    pub model: Option<String>,
    /// The day of a recording, `2026-11-27` (UTC).
    pub date: Option<String>,
    /// A note for the reader.
    pub note: Option<String>,
    /// The exchanges, in the order in which they were first asked.
    pub exchanges: Vec<Exchange>,
    /// Answers from a fixed set.
    pub choices: Choices,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CassetteText {
    kind: Kind,
    model: Option<String>,
    date: Option<String>,
    note: Option<String>,
    #[serde(default)]
    questions: Vec<String>,
    #[serde(default, rename = "exchange")]
    exchanges: Vec<Exchange>,
    #[serde(default, rename = "choice")]
    choices: Vec<PromptText>,
}

impl TryFrom<CassetteText> for Cassette {
    type Error = String;

    fn try_from(text: CassetteText) -> Result<Self, String> {
        let CassetteText { kind, model, date, note, questions, exchanges, choices } = text;
        let choices = Choices::new(questions, choices)?;
        Ok(Cassette { kind, model, date, note, exchanges, choices })
    }
}

impl Cassette {
    /// Reads a cassette.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] if the file cannot be read or is not a cassette; the message names the file
    /// and the line.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| {
            ModelError::Cassette(format!(
                "cannot read the cassette {shown}: {error}; check its path"
            ))
        })?;
        Cassette::parse(&text).map_err(|error| {
            ModelError::Cassette(format!("the cassette {shown} is not readable: {error}"))
        })
    }

    /// Parses a cassette's text.
    ///
    /// # Errors
    /// Describes what is wrong with the text, and where.
    pub fn parse(text: &str) -> Result<Self, toml_edit::de::Error> {
        toml_edit::de::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::Ask;

    use super::*;
    use crate::models::cassette::Request;

    #[test]
    fn a_handwritten_script_needs_only_prompts_and_replies() {
        let script = Cassette::parse(
            "kind = \"script\"\n[[exchange]]\nprompt = '''\nHello?\n'''\nreplies = [\"Hi.\", { text = \"cut\", finish_reason = \"length\" }]\n",
        )
        .unwrap();
        let exchange = &script.exchanges[0];
        assert_eq!(exchange.request, Request::from(&Ask::new("Hello?")));
        assert_eq!(exchange.replies[0].finish_reason, "stop");
        assert_eq!(exchange.replies[1].finish_reason, "length");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text: &str| Cassette::parse(text).unwrap_err().to_string();
        assert!(error("").contains("kind"), "{}", error(""));
        let empty = "kind = \"script\"\n[[exchange]]\nprompt = \"a\"\nreplies = []";
        assert!(error(empty).contains("no replies"), "{}", error(empty));
        let typo = "kind = \"script\"\n[[exchange]]\npromt = \"a\"\nreplies = [\"b\"]";
        assert!(error(typo).contains("promt"), "{}", error(typo));
    }
}
