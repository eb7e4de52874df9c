//! A request and its replies, and their form in a cassette's text.

use code_evolution_wire::model::{Ask, DEFAULT_MAX_TOKENS, Message, Role, Tool, ToolCall, Usage};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::models::json;

/// A request and its replies.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "ExchangeText")]
pub struct Exchange {
    /// The question.
    pub request: Request,
    /// The answers, in order; never empty.
    pub replies: Vec<Reply>,
}

/// The parts of an [`Ask`] that are compared between two requests. Parts that only concern display are left
/// out.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The conversation; line ends and trailing space are normalised.
    pub messages: Vec<Message>,
    /// The temperature, if it was set.
    pub temperature: Option<f64>,
    /// The most tokens of the answer.
    pub max_tokens: u32,
    /// The offered tools.
    pub tools: Vec<Tool>,
    /// The JSON schema, if JSON was wanted.
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
    /// Returns whether the answer is a choice from a fixed set.
    pub(super) fn is_choice(&self) -> bool {
        self.schema.as_ref().is_some_and(|schema| json::options(schema).is_some())
    }

    /// Returns all words of the request, for comparisons.
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

/// Normalises a text's line ends and trailing space, which do not matter.
pub(super) fn canonical(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned()
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(from = "ReplyText")]
pub struct Reply {
    /// The text.
    pub text: String,
    /// The model's thinking before the text.
    pub thinking: String,
    /// Why the model stopped.
    pub finish_reason: String,
    /// The tokens that the answer used; zero for a script.
    pub usage: Usage,
    /// The model, if the cassette's head does not name it.
    pub model: Option<String>,
    /// The tools that the model wants to call.
    pub tool_calls: Vec<ToolCall>,
    /// Other fields of the provider's message.
    pub extra: Map<String, Value>,
}

/// A reply in the file: its text alone, or a table.
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

/// Reads an object from JSON text. (TOML has no null, and a person can compare JSON with the provider's
/// text.)
fn json_object<'de, D: Deserializer<'de>>(text: D) -> Result<Map<String, Value>, D::Error> {
    let text = String::deserialize(text)?;
    serde_json::from_str(&text).map_err(|error| D::Error::custom(format!("extra: {error}")))
}

impl From<CallText> for ToolCall {
    fn from(call: CallText) -> Self {
        // Text that is not JSON stays text, as it does when a provider sends it.
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
