//! A cassette's content, and how it is read.

use std::path::Path;

use code_evolution_wire::model::{
    Ask, DEFAULT_MAX_TOKENS, Message, Mode, Role, Tool, ToolCall, Usage,
};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::choices::{Choices, PromptText};
use crate::models::{ModelError, json};

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

    /// What its replies are labelled with.
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
    /// Who made it.
    pub kind: Kind,
    /// The model that answered, where all replies come from one.
    pub model: Option<String>,
    /// The day of a recording, `2026-11-27` (UTC).
    pub date: Option<String>,
    /// What a reader should know about it.
    pub note: Option<String>,
    /// The exchanges, in the order in which they were first asked.
    pub exchanges: Vec<Exchange>,
    /// Answers out of a fixed set.
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

/// A request and its replies.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "ExchangeText")]
pub struct Exchange {
    /// What was asked.
    pub request: Request,
    /// What was answered, in order; never empty.
    pub replies: Vec<Reply>,
}

/// What makes two requests the same: an [`Ask`] without what only concerns how it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The conversation; line ends and trailing space are normalised.
    pub messages: Vec<Message>,
    /// Randomness, where it was set.
    pub temperature: Option<f64>,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// The tools on offer.
    pub tools: Vec<Tool>,
    /// The JSON schema, where JSON was wanted.
    pub schema: Option<Value>,
}

impl From<&Ask> for Request {
    fn from(ask: &Ask) -> Self {
        Request {
            messages: ask
                .messages
                .iter()
                .map(|message| Message { content: canonical(&message.content), ..message.clone() })
                .collect(),
            temperature: ask.temperature,
            max_tokens: ask.max_tokens,
            tools: ask.tools.clone(),
            schema: ask.schema.clone(),
        }
    }
}

impl Request {
    /// Whether the answer is one out of a fixed set.
    pub(super) fn is_choice(&self) -> bool {
        self.schema.as_ref().is_some_and(|schema| json::options(schema).is_some())
    }

    /// All that is said in it, for comparing.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for message in &self.messages {
            text.push_str(&message.content);
            text.push('\n');
            for call in &message.tool_calls {
                text.push_str(&format!("{} {}\n", call.name, call.arguments));
            }
        }
        text
    }
}

/// A text whose line ends and trailing space do not matter.
pub(super) fn canonical(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned()
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "ReplyText")]
pub struct Reply {
    /// The text.
    pub text: String,
    /// What the model thought before.
    pub thinking: String,
    /// Why the model stopped.
    pub finish_reason: String,
    /// The tokens that it took; zero for a script.
    pub usage: Usage,
    /// The model, where the cassette's head does not name it.
    pub model: Option<String>,
    /// The tools that the model wanted called.
    pub tool_calls: Vec<ToolCall>,
    /// Other fields of the provider's message.
    pub extra: Map<String, Value>,
}

/// A reply as the file has it: its text alone, or a table.
#[derive(Deserialize)]
#[serde(untagged)]
enum ReplyText {
    Text(String),
    Table(ReplyTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyTable {
    #[serde(default)]
    text: String,
    #[serde(default)]
    thinking: String,
    finish_reason: Option<String>,
    #[serde(default)]
    usage: Usage,
    model: Option<String>,
    #[serde(default)]
    tool_calls: Vec<CallText>,
    #[serde(default, deserialize_with = "json_object")]
    extra: Map<String, Value>,
}

/// A tool call with its arguments as JSON text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CallText {
    id: String,
    name: String,
    arguments: String,
    #[serde(default, deserialize_with = "json_object")]
    extra: Map<String, Value>,
}

/// An object as JSON text: TOML has no null, and a reader compares it with the provider's own.
fn json_object<'de, D: Deserializer<'de>>(text: D) -> Result<Map<String, Value>, D::Error> {
    let text = String::deserialize(text)?;
    serde_json::from_str(&text).map_err(|error| D::Error::custom(format!("extra: {error}")))
}

impl From<CallText> for ToolCall {
    fn from(call: CallText) -> Self {
        // What is no JSON stays text, as it does when a provider sends it.
        let arguments = serde_json::from_str(&call.arguments)
            .unwrap_or_else(|_| Value::String(call.arguments.clone()));
        ToolCall { id: call.id, name: call.name, arguments, extra: call.extra }
    }
}

impl From<ReplyText> for Reply {
    fn from(reply: ReplyText) -> Self {
        match reply {
            ReplyText::Text(text) => {
                Reply { text, finish_reason: "stop".to_owned(), ..Reply::default() }
            }
            ReplyText::Table(table) => {
                let default = if table.tool_calls.is_empty() { "stop" } else { "tool_calls" };
                Reply {
                    text: table.text,
                    thinking: table.thinking,
                    finish_reason: table.finish_reason.unwrap_or_else(|| default.to_owned()),
                    usage: table.usage,
                    model: table.model,
                    tool_calls: table.tool_calls.into_iter().map(ToolCall::from).collect(),
                    extra: table.extra,
                }
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeText {
    system: Option<String>,
    #[serde(default)]
    history: Vec<Turn>,
    prompt: Option<String>,
    temperature: Option<f64>,
    max_tokens: Option<u32>,
    /// JSON text.
    tools: Option<String>,
    /// JSON text.
    schema: Option<String>,
    replies: Vec<Reply>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    role: Role,
    #[serde(default)]
    content: String,
    #[serde(default)]
    tool_calls: Vec<CallText>,
    tool_call_id: Option<String>,
    #[serde(default, deserialize_with = "json_object")]
    extra: Map<String, Value>,
}

impl Turn {
    pub(super) fn read(self) -> Message {
        Message {
            role: self.role,
            content: canonical(&self.content),
            tool_calls: self.tool_calls.into_iter().map(ToolCall::from).collect(),
            tool_call_id: self.tool_call_id,
            extra: self.extra,
        }
    }
}

impl TryFrom<ExchangeText> for Exchange {
    type Error = String;

    fn try_from(text: ExchangeText) -> Result<Self, String> {
        if text.replies.is_empty() {
            return Err("an exchange has no replies: give it at least one".to_owned());
        }
        let mut messages = Vec::new();
        messages.extend(text.system.map(|system| Message::new(Role::System, canonical(&system))));
        messages.extend(text.history.into_iter().map(Turn::read));
        messages.extend(text.prompt.map(|prompt| Message::new(Role::User, canonical(&prompt))));
        let request = Request {
            messages,
            temperature: text.temperature,
            max_tokens: text.max_tokens.unwrap_or(DEFAULT_MAX_TOKENS),
            tools: match text.tools {
                Some(json) => serde_json::from_str(&json).map_err(|e| format!("tools: {e}"))?,
                None => Vec::new(),
            },
            schema: match text.schema {
                Some(json) => {
                    Some(serde_json::from_str(&json).map_err(|e| format!("schema: {e}"))?)
                }
                None => None,
            },
        };
        Ok(Exchange { request, replies: text.replies })
    }
}

impl Cassette {
    /// Reads a cassette.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] where the file cannot be read or is no cassette; the message names
    /// the file and the line.
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
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, toml_edit::de::Error> {
        toml_edit::de::from_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_by_hand_needs_little() {
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
