//! What a model is asked, and what it answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ending::Ending;
use crate::failure::Failure;
use crate::schema::example;

/// The model that `binder/setup` installs, for use when no other is available.
pub const TINY_MODEL: &str = "SmolLM2-135M";

/// Where replies come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A provider answers.
    Live,
    /// The model that the lab itself runs on this machine answers.
    Local,
    /// A provider answers, and the answer is kept in the cassette.
    Record,
    /// A recorded cassette answers.
    Replay,
    /// A cassette written by hand answers.
    Scripted,
    /// A participant pasted the answer of a chat elsewhere. Only an answer has this mode, never a lab.
    Pasted,
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mode::Live => "live",
            Mode::Local => "local",
            Mode::Record => "record",
            Mode::Replay => "replay",
            Mode::Scripted => "scripted",
            Mode::Pasted => "pasted",
        })
    }
}

/// The speaker of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions that apply to the whole conversation.
    System,
    /// The person, or the program that asks.
    User,
    /// The model.
    Assistant,
    /// The result of a tool that the model called.
    Tool,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The speaker.
    pub role: Role,
    /// The text; empty if the model only calls tools.
    pub content: String,
    /// The tools that the model calls here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// For a tool's result: the call that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Other fields that the provider put into the message. They are sent back unchanged.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Message {
    /// Creates a message without tool calls.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Message {
            role,
            content: content.into(),
            tool_calls: Vec::new(),
            tool_call_id: None,
            extra: Map::new(),
        }
    }
}

impl From<&Answer> for Message {
    /// Makes the answer a message, to continue the conversation.
    fn from(answer: &Answer) -> Self {
        Message {
            tool_calls: answer.tool_calls.clone(),
            extra: answer.extra.clone(),
            ..Message::new(Role::Assistant, &answer.text)
        }
    }
}

/// A tool that a model may call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// The tool's name: letters, digits, `_` and `-`.
    pub name: String,
    /// What the tool does, for the model.
    pub description: String,
    /// The tool's parameters, as a JSON schema.
    pub parameters: Value,
}

/// A model's request to call a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's name for this call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments: an object, or the model's own text if that is not an object.
    pub arguments: Value,
    /// Other fields that the provider put into the call. They are sent back unchanged; those of its
    /// `function` are inside a field of that name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl ToolCall {
    /// Creates a call without other fields.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: Value) -> Self {
        ToolCall { id: id.into(), name: name.into(), arguments, extra: Map::new() }
    }

    /// Returns what to tell the model if its arguments are not an object; `None` if they are. `tools` are
    /// the tools on offer, to show an example of the form.
    pub fn unreadable(&self, tools: &[Tool]) -> Option<String> {
        if self.arguments.is_object() {
            return None;
        }
        let wrote = match &self.arguments {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let tool = tools.iter().find(|tool| tool.name == self.name);
        let example =
            tool.map_or_else(|| "{}".to_owned(), |tool| example(&tool.parameters).to_string());
        Some(format!(
            "the arguments of {} are not a JSON object ({wrote}); write them all as one, like {example}",
            self.name
        ))
    }
}

/// One request to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The conversation so far; the last message is the question.
    pub messages: Vec<Message>,
    /// Randomness, 0 to 2. It is not sent to providers that accept none.
    pub temperature: Option<f64>,
    /// The most tokens of the answer.
    pub max_tokens: u32,
    /// Tools that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// The JSON schema that the answer must satisfy, if JSON is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether to report each line of the answer as soon as it is complete.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
}

/// The most tokens of an answer, unless a cell says otherwise.
pub const DEFAULT_MAX_TOKENS: u32 = 1_000;

/// The same limit for [`TINY_MODEL`] on this machine: it rarely stops by itself, and soon repeats itself.
pub const TINY_MAX_TOKENS: u32 = 300;

impl Ask {
    /// Creates a request with a single question.
    pub fn new(prompt: impl Into<String>) -> Self {
        Ask {
            messages: vec![Message::new(Role::User, prompt)],
            temperature: None,
            max_tokens: DEFAULT_MAX_TOKENS,
            tools: Vec::new(),
            schema: None,
            stream: false,
        }
    }
}

/// A model's answer, and where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The text, without thinking and without the marks of a model's own format.
    pub text: String,
    /// What the model thought first, if it shows that; never part of the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub thinking: String,
    /// The tools that the model wants called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The model's name, as the provider gave it; `script` for a script.
    pub model: String,
    /// Where the answer came from.
    pub mode: Mode,
    /// A warning about the answer: `nearest recorded reply, 87 % alike; ...`.
    pub note: Option<String>,
    /// Why the model stopped, in the provider's word: `stop`, `length`, `tool_calls`. [`Answer::ending`]
    /// gives the meaning.
    pub finish_reason: String,
    /// The tokens of the request and of the answer.
    pub usage: Usage,
    /// Other fields that the provider put into its message. They are sent back unchanged.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// Why there is no answer: a script has nothing for the prompt, or only some of many questions were
    /// answered. The text is then empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How well a cassette's reply fits the request; always exact if a model answered.
    #[serde(default)]
    pub fit: Fit,
    /// The day of the answer, `2026-11-27` (UTC): today for a model, the recording's day for a replay;
    /// `None` for a script, or if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// How well a reply of a cassette fits the request that it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Written or recorded for exactly this request.
    #[default]
    Exact,
    /// The nearest reply: made for a request for the same thing in other words.
    Nearest,
    /// No reply. The answer's text is empty, and `failure` says what to do.
    Nothing,
}

impl Answer {
    /// Returns whether the answer is whole, or what cut it off.
    pub fn ending(&self) -> Ending {
        Ending::of(&self.finish_reason)
    }

    /// Returns whether there is an answer. If not, `text` is empty and `note` says why.
    pub fn is_answer(&self) -> bool {
        self.fit != Fit::Nothing && self.failure.is_none()
    }

    /// Returns the label that every reply shows: `live · gpt-6-luna`, `local · SmolLM2-135M`,
    /// `replay of SmolLM2-135M, 2026-11-27`, `scripted · no model`, `pasted`.
    pub fn label(&self) -> String {
        if self.fit == Fit::Nothing {
            return format!("{} · no reply", self.mode);
        }
        let source = match self.mode {
            Mode::Scripted => "scripted · no model".to_owned(),
            // This side cannot know which model it was.
            Mode::Pasted => Mode::Pasted.to_string(),
            Mode::Replay => match &self.date {
                Some(date) => format!("replay of {}, {date}", self.model),
                None => format!("replay of {}", self.model),
            },
            mode => format!("{mode} · {}", self.model),
        };
        match (&self.failure, &self.note) {
            (Some(failure), _) => format!("{source} · no answer: {}", failure.message),
            (None, Some(note)) => format!("{source} · {note}"),
            (None, None) => source,
        }
    }
}

/// Tokens of one answer, or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens of the prompts.
    pub input_tokens: u64,
    /// Tokens of the answers (thinking included).
    pub output_tokens: u64,
}

/// What a session has used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    /// Answers of a provider.
    pub calls: u64,
    /// Further requests for the same question: after a rate limit, a fault or a malformed answer. They
    /// count in the budget.
    #[serde(default)]
    pub retries: u64,
    /// Answers of a cassette.
    pub replayed: u64,
    /// Tokens of the provider's answers.
    pub usage: Usage,
    /// How often a call had to wait for a rate limit or a retry.
    pub waits: u64,
    /// The sum of these waits, in milliseconds.
    pub waited_ms: u64,
    /// Estimated cost in US dollars, if the model's price is known.
    pub cost_usd: Option<f64>,
    /// The date of the prices behind the estimate: `2026-11-01`.
    pub prices_of: String,
    /// The budget, if one is set.
    pub budget: Budget,
}

/// A hard limit for a session. A call that would exceed it is not made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// The most requests to a provider, including retries.
    pub calls: Option<u64>,
    /// The most tokens, prompts and answers together.
    pub tokens: Option<u64>,
}

/// How to reach a model. A `None` is filled from the environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelChoice {
    /// `openai`, `gemini`, `groq`, `anthropic`, `openrouter`, `mistral`, `ollama`, `lmstudio`, `local` or
    /// `custom`.
    pub provider: Option<String>,
    /// The model's name at the provider.
    pub model: Option<String>,
    /// Where replies come from.
    pub mode: Option<Mode>,
    /// The cassette: an absolute path when it reaches the host.
    pub cassette: Option<String>,
}

/// The choice that was made, for the setup cell to print. It holds no key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelStatus {
    /// The provider's name; `none` in a mode without one.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// Where replies come from.
    pub mode: Mode,
    /// Where the key came from: `OPENAI_API_KEY`, `prompt`, `none`.
    pub key_from: String,
    /// The cassette's path, if one is used.
    pub cassette: Option<String>,
    /// Notes for the participant: why the mode is not the one asked for.
    pub notes: Vec<String>,
}

impl ModelStatus {
    /// Returns the usual limit on an answer's tokens. It is the same for a recording and its replay.
    pub fn usual_max_tokens(&self) -> u32 {
        match (self.mode, self.model.as_str()) {
            (Mode::Local, TINY_MODEL) => TINY_MAX_TOKENS,
            _ => DEFAULT_MAX_TOKENS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_tiny_model_on_this_machine_is_kept_short() {
        let usual = |model: &str, mode| {
            let status = serde_json::json!({
                "provider": "local", "model": model, "mode": mode, "key_from": "none", "cassette": null, "notes": [],
            });
            let status: ModelStatus = serde_json::from_value(status).expect("a status");
            status.usual_max_tokens()
        };
        assert_eq!(usual(TINY_MODEL, Mode::Local), TINY_MAX_TOKENS);
        // Other local models may say more. Recording and replay need the same limit.
        assert_eq!(usual("qwen", Mode::Local), DEFAULT_MAX_TOKENS);
        assert_eq!(usual(TINY_MODEL, Mode::Record), DEFAULT_MAX_TOKENS);
        assert_eq!(usual(TINY_MODEL, Mode::Replay), DEFAULT_MAX_TOKENS);
    }

    #[test]
    fn a_label_says_where_the_answer_came_from() {
        let label = |mode| {
            let answer = serde_json::json!({
                "text": "hi", "model": "SmolLM2-135M", "mode": mode, "date": "2026-11-27", "finish_reason": "stop", "usage": {},
            });
            let answer: Answer = serde_json::from_value(answer).expect("an answer");
            answer.label()
        };
        assert_eq!(label(Mode::Local), "local · SmolLM2-135M");
        assert_eq!(label(Mode::Pasted), "pasted");
        assert_eq!(label(Mode::Scripted), "scripted · no model");
        assert_eq!(label(Mode::Replay), "replay of SmolLM2-135M, 2026-11-27");
    }
}
