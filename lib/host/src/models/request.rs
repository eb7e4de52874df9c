//! The body of a request, as each provider wants it.

use std::collections::BTreeSet;

use code_evolution_wire::model::{Ask, Message, Role};
use serde_json::{Map, Value, json};

use super::json;
use super::provider::{LimitField, Provider};

/// Fields that a server may refuse and a request can do without.
const OPTIONAL: [&str; 6] = [
    "temperature",
    "reasoning_effort",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "stream_options",
];

/// The field that a server's error names as unsupported, if the request has it and can be sent
/// without. `named` is what the error calls the parameter, where it does.
pub(super) fn refused_field(
    body: &Value,
    named: Option<&str>,
    message: &str,
) -> Option<&'static str> {
    let sent = |field: &&&str| body.get(**field).is_some();
    if let Some(named) = named {
        let top = named.split(['.', '[']).next().unwrap_or(named);
        if let Some(field) = OPTIONAL.iter().filter(sent).find(|field| **field == top) {
            return Some(field);
        }
    }
    // The first name counts: "'max_tokens' is not supported, use 'max_completion_tokens'".
    let named_in_text = |field: &&str| message.find(field);
    OPTIONAL
        .iter()
        .filter(sent)
        .filter(|field| named_in_text(field).is_some())
        .min_by_key(|field| named_in_text(field))
        .copied()
}

/// The body of a chat completion request, without the fields that the server has refused before.
pub(super) fn body(
    ask: &Ask,
    provider: &Provider,
    model: &str,
    refused: &BTreeSet<&'static str>,
) -> Value {
    let mut body = Map::new();
    let mut put = |field: &'static str, value: Value| {
        let accepted = !refused.contains(field);
        if accepted {
            body.insert(field.to_owned(), value);
        }
        accepted
    };
    put("model", model.into());
    put("messages", messages(ask, provider));
    let (usual, other) = match provider.limit_field {
        LimitField::MaxTokens => ("max_tokens", "max_completion_tokens"),
        LimitField::MaxCompletionTokens => ("max_completion_tokens", "max_tokens"),
    };
    if !put(usual, ask.max_tokens.into()) {
        put(other, ask.max_tokens.into());
    }
    let effort =
        provider.reasoning_effort.is_some_and(|effort| put("reasoning_effort", effort.into()));
    if let Some(temperature) = ask.temperature
        && provider.takes_temperature
        && (effort || !provider.temperature_needs_effort)
    {
        put("temperature", temperature.into());
    }
    if !ask.tools.is_empty() {
        let tools = ask.tools.iter().map(|tool| {
            json!({"type": "function", "function": {
                "name": tool.name, "description": tool.description, "parameters": tool.parameters,
            }})
        });
        put("tools", tools.collect());
    }
    match &ask.schema {
        Some(schema) if provider.schema_mode => {
            let named = json!({"name": "answer", "schema": schema, "strict": true});
            put("response_format", json!({"type": "json_schema", "json_schema": named}));
        }
        // JSON mode wants an object at the top, so a schema of anything else stays with the prompt.
        Some(schema) if provider.json_mode && schema["type"] == "object" => {
            put("response_format", json!({"type": "json_object"}));
        }
        _ => {}
    }
    if ask.stream {
        put("stream", true.into());
        if provider.stream_usage {
            put("stream_options", json!({"include_usage": true}));
        }
    }
    Value::Object(body)
}

fn messages(ask: &Ask, provider: &Provider) -> Value {
    let mut messages = ask.messages.clone();
    if let Some(schema) = &ask.schema {
        let instruction = json::instruction(schema);
        match messages.iter_mut().rfind(|message| message.role == Role::User) {
            Some(message) => message.content = format!("{}\n\n{instruction}", message.content),
            None => messages.push(Message::new(Role::User, instruction)),
        }
    }
    let last = messages.last().map(|message| message.role);
    if provider.user_must_be_last && matches!(last, Some(Role::Assistant | Role::System)) {
        messages.push(Message::new(Role::User, "Go on."));
    }
    messages.iter().map(message).collect()
}

fn message(message: &Message) -> Value {
    let mut json = json!({"role": message.role, "content": message.content});
    if !message.tool_calls.is_empty() {
        let calls = message.tool_calls.iter().map(|call| {
            let arguments = match &call.arguments {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
        });
        json["tool_calls"] = calls.collect();
        if message.content.is_empty() {
            json["content"] = Value::Null;
        }
    }
    if let Some(id) = &message.tool_call_id {
        json["tool_call_id"] = id.as_str().into();
    }
    json
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::{Tool, ToolCall};

    use super::*;
    use crate::models::provider::{PROVIDERS, find};

    fn full() -> Ask {
        let mut ask = Ask::new("hello");
        ask.messages.insert(0, Message::new(Role::System, "be brief"));
        ask.temperature = Some(0.5);
        ask.max_tokens = 77;
        ask.stream = true;
        ask.schema = Some(json!({"type": "object"}));
        ask
    }

    /// Every field of the body but `messages`, for each provider.
    #[test]
    fn bodies_as_each_provider_wants_them() {
        let json_mode = json!({"type": "json_object"});
        let usage = json!({"include_usage": true});
        let schema = json!({"name": "answer", "schema": {"type": "object"}, "strict": true});
        let on_this_machine = json!({"model": "m", "max_tokens": 77, "temperature": 0.5, "response_format": {"type": "json_schema", "json_schema": schema}, "stream": true, "stream_options": usage});
        let expected = [
            (
                "openai",
                json!({"model": "m", "max_completion_tokens": 77, "temperature": 0.5, "reasoning_effort": "none", "response_format": json_mode, "stream": true, "stream_options": usage}),
            ),
            (
                "gemini",
                json!({"model": "m", "max_tokens": 77, "temperature": 0.5, "response_format": json_mode, "stream": true}),
            ),
            (
                "groq",
                json!({"model": "m", "max_tokens": 77, "temperature": 0.5, "reasoning_effort": "low", "response_format": json_mode, "stream": true, "stream_options": usage}),
            ),
            (
                "anthropic",
                json!({"model": "m", "max_tokens": 77, "stream": true, "stream_options": usage}),
            ),
            (
                "openrouter",
                json!({"model": "m", "max_tokens": 77, "temperature": 0.5, "stream": true, "stream_options": usage}),
            ),
            (
                "mistral",
                json!({"model": "m", "max_tokens": 77, "temperature": 0.5, "response_format": json_mode, "stream": true}),
            ),
            ("ollama", on_this_machine.clone()),
            ("lmstudio", on_this_machine.clone()),
            ("local", on_this_machine),
            ("custom", json!({"model": "m", "max_tokens": 77, "temperature": 0.5, "stream": true})),
        ];
        assert_eq!(expected.len(), PROVIDERS.len());
        for (name, expected) in expected {
            let mut body = body(&full(), find(name).unwrap(), "m", &BTreeSet::new());
            let messages = body.as_object_mut().unwrap().remove("messages").unwrap();
            assert_eq!(body, expected, "{name}");
            assert_eq!(messages[0], json!({"role": "system", "content": "be brief"}), "{name}");
            assert!(
                messages[1]["content"]
                    .as_str()
                    .unwrap()
                    .starts_with("hello\n\nAnswer with JSON only")
            );
        }
        for provider in &PROVIDERS {
            let plain = body(&Ask::new("hi"), provider, "m", &BTreeSet::new());
            let mut fields: Vec<&str> =
                plain.as_object().unwrap().keys().map(String::as_str).collect();
            fields.retain(|field| {
                !["model", "messages", "max_tokens", "max_completion_tokens"].contains(field)
            });
            let effort = Vec::from_iter(provider.reasoning_effort.map(|_| "reasoning_effort"));
            assert_eq!(fields, effort, "{}", provider.name);
        }
    }

    #[test]
    fn refused_fields_are_left_out_or_replaced() {
        let openai = find("openai").unwrap();
        let without = |fields: &[&'static str]| {
            body(&full(), openai, "m", &BTreeSet::from_iter(fields.iter().copied()))
        };
        let body = without(&["reasoning_effort"]);
        assert!(body.get("temperature").is_none() && body.get("reasoning_effort").is_none());
        let body = without(&["max_completion_tokens"]);
        assert_eq!(body["max_tokens"], 77);
        assert!(body.get("max_completion_tokens").is_none());
        assert!(without(&["max_tokens", "max_completion_tokens"]).get("max_tokens").is_none());
    }

    #[test]
    fn an_error_names_the_field() {
        let body = body(&full(), find("groq").unwrap(), "m", &BTreeSet::new());
        let field = |named, message| refused_field(&body, named, message);
        assert_eq!(field(Some("max_tokens"), ""), Some("max_tokens"));
        assert_eq!(field(Some("response_format.type"), ""), Some("response_format"));
        assert_eq!(
            field(
                None,
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'; temperature is fine"
            ),
            Some("max_tokens")
        );
        assert_eq!(
            field(None, "Unknown name \"reasoning_effort\": Cannot find field."),
            Some("reasoning_effort")
        );
        assert_eq!(field(Some("messages"), "messages: too many"), None);
    }

    #[test]
    fn tools_and_their_results() {
        let mut ask = Ask::new("count");
        ask.tools = vec![Tool {
            name: "count".into(),
            description: "Counts.".into(),
            parameters: json!({"type": "object"}),
        }];
        let call = ToolCall::new("c1", "count", json!({"of": "x"}));
        ask.messages.push(Message { tool_calls: vec![call], ..Message::new(Role::Assistant, "") });
        ask.messages
            .push(Message { tool_call_id: Some("c1".into()), ..Message::new(Role::Tool, "3") });
        let body = body(&ask, find("mistral").unwrap(), "m", &BTreeSet::new());
        assert_eq!(
            body["tools"][0],
            json!({"type": "function", "function": {"name": "count", "description": "Counts.", "parameters": {"type": "object"}}})
        );
        assert_eq!(
            body["messages"][1],
            json!({"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "count", "arguments": "{\"of\":\"x\"}"}}]})
        );
        assert_eq!(
            body["messages"][2],
            json!({"role": "tool", "content": "3", "tool_call_id": "c1"})
        );
        assert_eq!(body["messages"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn mistral_ends_with_the_user() {
        let mut ask = Ask::new("hi");
        ask.messages.push(Message::new(Role::Assistant, "hello"));
        let last = |name| {
            let body = body(&ask, find(name).unwrap(), "m", &BTreeSet::new());
            body["messages"].as_array().unwrap().last().unwrap()["role"].clone()
        };
        assert_eq!(last("mistral"), "user");
        assert_eq!(last("openai"), "assistant");
    }
}
