//! Servers that are as strict as the providers' documentation: what they refuse, what they give, and what
//! they want back. Each row is data, and one server plays all of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::models_conversations::stream_of;
use crate::models_server::*;

/// The fields of a request that all providers document.
const FIELDS: [&str; 5] = ["model", "messages", "tools", "stream", "temperature"];

/// A provider according to its documentation.
#[derive(Debug, Clone, Copy)]
pub struct Strict {
    /// The name of the provider in our table.
    pub provider: &'static str,
    /// The kind of server, if one provider name stands for several.
    pub server: &'static str,
    /// Documented fields of a request besides [`FIELDS`].
    pub fields: &'static [&'static str],
    /// Whether any other field is an error.
    pub refuses_unknown: bool,
    /// The status of an invalid request.
    pub status: u16,
    pub shape: Shape,
    /// The fields that the provider adds to its calls and wants back unchanged.
    pub wants: Wants,
    /// The fields that the provider puts into its messages but does not accept back.
    pub gives_only: &'static [&'static str],
    pub ids: Ids,
    pub text_beside_calls: bool,
    /// Whether the model's message may be the last.
    pub model_may_be_last: bool,
    /// How the provider's streams number calls.
    pub numbers: Numbers,
}

/// The form of the provider's errors.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    Object,
    List,
    AtTop,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wants {
    Nothing,
    /// This field, in the first call of each message.
    OfCall(&'static str),
    /// These fields, in the message.
    OfMessage(&'static [&'static str]),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ids {
    Any,
    /// Nine letters or digits.
    Nine,
    /// The server gives no id, or the same id in each turn.
    Poor,
}

#[derive(Debug, Clone, Copy)]
pub enum Numbers {
    /// 0, 1, ...; arguments arrive in pieces.
    Pieces,
    /// No index; each call arrives whole in a separate chunk.
    None,
    /// 0 for each call.
    Zero,
}

/// The model's calls in each turn: tools and arguments. They include a missing tool, broken arguments, and
/// two calls at once.
const TURNS: [&[(&str, &str)]; 4] = [
    &[("multiply", "{\"a\": 7, \"b\": 12}"), ("multiply", "{\"a\": 1, \"b\": 2}")],
    &[("count_words", "{\"text\": \"one two\"}")],
    &[("add", "{\"a\": 30, ")],
    &[("add", "{\"a\": \"30\", \"b\": 4}")],
];
/// The turns after which the model answers in words.
const WORDS_AFTER: [usize; 2] = [3, 4];

impl Strict {
    /// Returns the message with calls in the model's turn number `turn`.
    fn message(&self, turn: usize) -> Value {
        let id = |call: usize| match self.ids {
            Ids::Any => format!("call_{turn}x{call}_0123456789"),
            Ids::Nine => format!("aB3{turn:03}{call:03}"),
            Ids::Poor if turn.is_multiple_of(2) => String::new(),
            Ids::Poor => "1".to_owned(),
        };
        let calls = TURNS[turn].iter().enumerate().map(|(number, (name, arguments))| {
            let mut call = json!({"id": id(number), "type": "function", "function": {"name": name, "arguments": arguments}});
            call.as_object_mut().unwrap().extend(self.beside_call(turn, number));
            call
        });
        let mut message = json!({"role": "assistant", "content": "Let me see.", "tool_calls": calls.collect::<Vec<_>>()});
        message.as_object_mut().unwrap().extend(self.beside_message(turn));
        for field in self.gives_only {
            message[field] = json!([{"given": field}]);
        }
        message
    }

    fn beside_call(&self, turn: usize, call: usize) -> Map<String, Value> {
        match self.wants {
            Wants::OfCall(field) if call == 0 => {
                let signature = json!({"google": {"thought_signature": format!("c2ln+/{turn}==")}});
                Map::from_iter([(field.to_owned(), signature)])
            }
            _ => Map::new(),
        }
    }

    fn beside_message(&self, turn: usize) -> Map<String, Value> {
        let Wants::OfMessage(fields) = self.wants else { return Map::new() };
        let value = |field: &str| match field {
            "reasoning_details" => json!([
                {"type": "reasoning.text", "index": 0, "text": format!("thought {turn}"), "signature": null},
                {"type": "reasoning.encrypted", "index": 1, "data": "ZGF0YQ=="},
            ]),
            _ => json!(format!("thought {turn}")),
        };
        fields.iter().map(|field| (field.to_string(), value(field))).collect()
    }

    /// Returns what is wrong with a request, by the provider's rules.
    pub fn check(&self, body: &Value) -> Result<(), String> {
        let known = |field: &String| {
            FIELDS.contains(&field.as_str()) || self.fields.contains(&field.as_str())
        };
        let body_fields = body.as_object().ok_or("no object")?;
        if let Some(field) = body_fields.keys().find(|field| self.refuses_unknown && !known(field))
        {
            return Err(format!("unknown field `{field}`"));
        }
        let messages = body["messages"].as_array().ok_or("no messages")?;
        let mut ids = BTreeSet::new();
        let mut open: Vec<String> = Vec::new();
        let mut turn = 0;
        for (number, message) in messages.iter().enumerate() {
            let calls = message["tool_calls"].as_array();
            match message["role"].as_str() {
                Some("system") if number == 0 => {}
                Some("user" | "assistant") if open.is_empty() => {}
                Some("tool") => {
                    let id = message["tool_call_id"].as_str().ok_or("a result of no call")?;
                    let position = open.iter().position(|open| open == id);
                    open.remove(position.ok_or(format!("a result of an unknown call {id}"))?);
                }
                role => return Err(format!("message {number}: role {role:?} has no place here")),
            }
            let text = message["content"].as_str().is_some_and(|text| !text.is_empty());
            if !text && calls.is_none() {
                return Err(format!("message {number} is empty"));
            }
            let mut wanted = Map::new();
            if let Some(calls) = calls {
                if !self.text_beside_calls && message.get("content").is_some() {
                    return Err("content beside tool calls".to_owned());
                }
                for (place, call) in calls.iter().enumerate() {
                    let id = self.check_call(call, turn, place)?;
                    if !ids.insert(id.clone()) {
                        return Err(format!("the id {id} stands twice"));
                    }
                    open.push(id);
                }
                wanted = self.beside_message(turn);
                turn += 1;
            }
            let usual = ["role", "content", "tool_calls", "tool_call_id"];
            same(message, &usual, &wanted, self.refuses_unknown)
                .map_err(|why| format!("message {number}: {why}"))?;
        }
        let last = messages.last().map(|message| message["role"].clone());
        if !self.model_may_be_last && last == Some(json!("assistant")) {
            return Err("the last message must be the user's or a tool's".to_owned());
        }
        if open.is_empty() { Ok(()) } else { Err(format!("no result of {open:?}")) }
    }

    fn check_call(&self, call: &Value, turn: usize, place: usize) -> Result<String, String> {
        let id = call["id"].as_str().filter(|id| !id.is_empty()).ok_or("a call without id")?;
        let nine = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.ids == Ids::Nine && !nine {
            return Err(format!("the id {id} must be nine letters or digits"));
        }
        let arguments = call["function"]["arguments"].as_str().unwrap_or_default();
        serde_json::from_str::<Map<String, Value>>(arguments)
            .map_err(|_| format!("the arguments `{arguments}` are not a JSON object"))?;
        let wanted = self.beside_call(turn, place);
        same(call, &["id", "type", "function"], &wanted, self.refuses_unknown)?;
        Ok(id.to_owned())
    }

    /// Starts the server. It counts the turns of a conversation in the messages that it receives.
    pub fn start(self) -> Server {
        Server::start(move |request, _| match self.check(&request.body) {
            Err(why) => self.refuse(&why),
            Ok(()) => self.answer(&request.body),
        })
    }

    fn refuse(&self, why: &str) -> Reply {
        let body = match self.shape {
            Shape::Object => {
                json!({"error": {"message": why, "type": "invalid_request_error", "code": null}})
            }
            Shape::List => {
                json!([{"error": {"code": self.status, "message": why, "status": "INVALID_ARGUMENT"}}])
            }
            Shape::AtTop => {
                json!({"object": "error", "message": why, "type": "invalid_request_error", "code": "1"})
            }
        };
        json_reply(self.status, &body)
    }

    fn answer(&self, body: &Value) -> Reply {
        let messages = body["messages"].as_array().unwrap();
        let turn = messages.iter().filter(|message| message.get("tool_calls").is_some()).count();
        let said =
            messages.iter().filter(|m| m["role"] == "assistant" && m.get("tool_calls").is_none());
        let words = WORDS_AFTER.get(said.count()).is_none_or(|after| turn >= *after);
        let last = messages.last().unwrap()["content"].clone();
        let message = match words {
            true => {
                json!({"role": "assistant", "content": format!("it is {}", last.as_str().unwrap())})
            }
            false => self.message(turn),
        };
        let reason = if words { "stop" } else { "tool_calls" };
        let usage = json!({"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12});
        if body["stream"] == true {
            let asked = body.get("stream_options").is_some();
            let tells = asked || !self.fields.contains(&"stream_options");
            return self.stream(&message, reason, tells.then_some(usage));
        }
        json_reply(
            200,
            &json!({"model": "m", "usage": usage, "choices": [{"index": 0, "finish_reason": reason, "message": message}]}),
        )
    }

    fn stream(&self, message: &Value, reason: &str, usage: Option<Value>) -> Reply {
        let mut chunks = Vec::new();
        let mut say = |delta: Value| {
            chunks.push(json!({"model": "m", "choices": [{"index": 0, "delta": delta}]}))
        };
        let mut first = message.clone();
        let calls = first.as_object_mut().unwrap().remove("tool_calls").unwrap_or(json!([]));
        say(first);
        for (number, call) in calls.as_array().unwrap().iter().enumerate() {
            let mut call = call.clone();
            match self.numbers {
                Numbers::None => say(json!({"tool_calls": [call]})),
                Numbers::Zero => {
                    call["index"] = json!(0);
                    say(json!({"tool_calls": [call]}));
                }
                Numbers::Pieces => {
                    let arguments = call["function"]["arguments"].as_str().unwrap().to_owned();
                    let (one, two) = arguments.split_at(arguments.len() / 2);
                    call["index"] = json!(number);
                    call["function"]["arguments"] = json!("");
                    say(json!({"tool_calls": [call]}));
                    for piece in [one, two] {
                        say(
                            json!({"tool_calls": [{"index": number, "function": {"arguments": piece}}]}),
                        );
                    }
                }
            }
        }
        chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}));
        if let Some(usage) = usage {
            chunks.push(json!({"choices": [], "usage": usage}));
        }
        stream_of(&chunks)
    }
}

/// Checks that an object has these fields besides the usual ones, unchanged, and no others.
fn same(
    object: &Value,
    usual: &[&str],
    wanted: &Map<String, Value>,
    alone: bool,
) -> Result<(), String> {
    let fields = object.as_object().ok_or("no object")?;
    for (name, value) in wanted {
        if fields.get(name) != Some(value) {
            return Err(format!("`{name}` must come back as it was given"));
        }
    }
    let known = |name: &&String| usual.contains(&name.as_str()) || wanted.contains_key(*name);
    match fields.keys().find(|name| alone && !known(name)) {
        Some(name) => Err(format!("unknown field `{name}`")),
        None => Ok(()),
    }
}
