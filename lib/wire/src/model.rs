//! What a model is asked and what it answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ending::Ending;
use crate::failure::Failure;
use crate::schema::example;

/// The model that `binder/setup` installs, for where no other is at hand.
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

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions that stand above the conversation.
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
    /// Who says it.
    pub role: Role,
    /// What is said; empty where the model only calls tools.
    pub content: String,
    /// The tools that the model calls here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// For a tool's result: the call that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// Other fields that the provider put into the message. They go back to it as they came.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Message {
    /// A message without tool calls.
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
    /// The answer as a message of the conversation that goes on.
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
    /// Its name: letters, digits, `_` and `-`.
    pub name: String,
    /// What it does, for the model.
    pub description: String,
    /// Its parameters, as a JSON schema.
    pub parameters: Value,
}

/// A model's wish to call a tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's name for this call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments: an object, or the model's own text where that cannot be read as one.
    pub arguments: Value,
    /// Other fields that the provider put into the call. They go back to it as they came; those of
    /// its `function` are inside a field of that name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl ToolCall {
    /// A call without other fields.
    pub fn new(id: impl Into<String>, name: impl Into<String>, arguments: Value) -> Self {
        ToolCall { id: id.into(), name: name.into(), arguments, extra: Map::new() }
    }

    /// What to tell the model if its arguments cannot be read as an object; `None` where they can.
    /// `tools` are those on offer, for an example of how to write them.
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
            "the arguments of {} are no JSON object ({wrote}); write them all as one, like {example}",
            self.name
        ))
    }
}

/// One request to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ask {
    /// The conversation so far; the last message is the question.
    pub messages: Vec<Message>,
    /// Randomness, 0 to 2. Providers that take none are sent none.
    pub temperature: Option<f64>,
    /// Most tokens of the answer.
    pub max_tokens: u32,
    /// Tools that the model may call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Tool>,
    /// The JSON schema that the answer must satisfy, where JSON is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// Whether the answer's lines are wanted as they fill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
}

/// Most tokens of an answer unless a cell says otherwise.
pub const DEFAULT_MAX_TOKENS: u32 = 1_000;

/// The same of [`TINY_MODEL`] on this machine: it seldom stops by itself, and goes in circles by then.
pub const TINY_MAX_TOKENS: u32 = 300;

impl Ask {
    /// Asks a single question.
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
    /// What the model thought before, where it shows that; never part of the answer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub thinking: String,
    /// The tools that the model wants called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// The model's name, as the provider gave it; `script` for a script.
    pub model: String,
    /// Where the answer came from.
    pub mode: Mode,
    /// What to know about it before believing it: `nearest recorded reply, 87 % alike; ...`.
    pub note: Option<String>,
    /// Why the model stopped, in the provider's word: `stop`, `length`, `tool_calls`. What it means is
    /// [`Answer::ending`].
    pub finish_reason: String,
    /// The tokens it took.
    pub usage: Usage,
    /// Other fields that the provider put into its message. They go back to it as they came.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
    /// Why there is no answer: a script has nothing for the prompt, or of many questions only some have
    /// one. Then this one's text is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// How well a cassette's reply fits the request; always exact where a model answered.
    #[serde(default)]
    pub fit: Fit,
    /// The day of the answer, `2026-11-27` (UTC): today for a model, the recording's for a replay;
    /// none for a script, or where it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// How well a reply of a cassette fits the request that it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// It was written, or given, for exactly this request.
    #[default]
    Exact,
    /// It is the nearest one: made for a request that asks for the same thing in other words.
    Nearest,
    /// There is none. The answer is no answer: its text is empty, and `failure` says what to do.
    Nothing,
}

impl Answer {
    /// Whether the answer is whole, or what cut it.
    pub fn ending(&self) -> Ending {
        Ending::of(&self.finish_reason)
    }

    /// Whether somebody answered. If not, `text` is empty and `note` says why.
    pub fn is_answer(&self) -> bool {
        self.fit != Fit::Nothing && self.failure.is_none()
    }

    /// The label that is shown with every reply: `live · gpt-6-luna`, `local · SmolLM2-135M`,
    /// `replay of SmolLM2-135M, 2026-11-27`, `scripted · no model`, `pasted`.
    pub fn label(&self) -> String {
        if self.fit == Fit::Nothing {
            return format!("{} · no reply", self.mode);
        }
        let source = match self.mode {
            Mode::Scripted => "scripted · no model".to_owned(),
            // Nobody here can tell which model it was.
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
    /// Requests beyond the first of a question: after a rate limit, a fault or a slip. They count in
    /// the budget.
    #[serde(default)]
    pub retries: u64,
    /// Answers of a cassette.
    pub replayed: u64,
    /// Tokens of the provider's answers.
    pub usage: Usage,
    /// Times a call had to wait for a rate limit or a retry.
    pub waits: u64,
    /// The sum of these waits, in milliseconds.
    pub waited_ms: u64,
    /// Estimated cost in US dollars, where the model's price is known.
    pub cost_usd: Option<f64>,
    /// The date of the prices behind the estimate: `2026-11-01`.
    pub prices_of: String,
    /// The budget, where one is set.
    pub budget: Budget,
}

/// A hard limit for a session. The call that would pass it is not made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Most requests to a provider, those that are sent again included.
    pub calls: Option<u64>,
    /// Most tokens, prompts and answers together.
    pub tokens: Option<u64>,
}

/// How to reach a model. What is `None` comes from the environment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelChoice {
    /// `openai`, `gemini`, `groq`, `anthropic`, `openrouter`, `mistral`, `github`, `ollama`, `lmstudio`, `local`
    /// or `custom`.
    pub provider: Option<String>,
    /// The model's name at the provider.
    pub model: Option<String>,
    /// Where replies come from.
    pub mode: Option<Mode>,
    /// The cassette: a path, absolute by the time it reaches the host.
    pub cassette: Option<String>,
}

/// What was chosen, for the setup cell to print. Holds no key.
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
    /// The cassette's path, where one is used.
    pub cassette: Option<String>,
    /// Anything the participant should know: why the mode is not what was wished for.
    pub notes: Vec<String>,
}

impl ModelStatus {
    /// Most tokens of an answer unless a cell says otherwise. A recording is asked, and made, as any model is.
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
        // One of the participant's own may have more to say; and what is recorded is found again.
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
