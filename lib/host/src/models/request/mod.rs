//! Writes the body of a request, as each provider wants it.

mod messages;

use std::collections::BTreeSet;

use code_evolution_wire::model::Ask;
use serde_json::{Map, Value, json};

use super::json;
use super::provider::{LimitField, Provider};

/// Fields that a server may refuse and that a request can omit.
const OPTIONAL: [&str; 6] = [
    "temperature",
    "reasoning_effort",
    "max_tokens",
    "max_completion_tokens",
    "response_format",
    "stream_options",
];

/// The standard fields of a message and a tool call; all other fields came from the provider.
const OF_A_MESSAGE: [&str; 4] = ["role", "content", "tool_calls", "tool_call_id"];
const OF_A_CALL: [&str; 3] = ["id", "type", "function"];

/// Returns the field that a server's error calls unsupported, if the request has it and can omit it. `named`
/// is the parameter that the error names, if any.
pub(super) fn refused_field(body: &Value, named: Option<&str>, message: &str) -> Option<String> {
    let sent = OPTIONAL.into_iter().filter(|field| body.get(*field).is_some());
    let candidates: Vec<&str> = sent.chain(returned_fields(body)).collect();
    if let Some(named) = named {
        // The name may be a path: `response_format.type`, `messages[1].reasoning_content`.
        let mut parts = named.split(['.', '[', ']']);
        if let Some(field) = parts.find_map(|part| candidates.iter().find(|field| **field == part))
        {
            return Some((*field).to_owned());
        }
    }
    // The first name counts: "'max_tokens' is not supported, use 'max_completion_tokens'". If two names begin
    // there, the longer one is meant: `reasoning` and `reasoning_content`.
    let named = candidates.into_iter().filter_map(|field| Some((message.find(field)?, field)));
    named
        .min_by_key(|(at, field)| (*at, usize::MAX - field.len()))
        .map(|(_, field)| field.to_owned())
}

/// Lists the provider's own fields that a request sends back.
fn returned_fields(body: &Value) -> impl Iterator<Item = &str> {
    let messages = body.get("messages").and_then(Value::as_array).into_iter().flatten();
    messages.flat_map(|message| {
        let calls = message.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
        others(message, &OF_A_MESSAGE).chain(calls.flat_map(|call| others(call, &OF_A_CALL)))
    })
}

fn others<'a>(object: &'a Value, usual: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let names = object.as_object().into_iter().flat_map(Map::keys);
    names.map(String::as_str).filter(|name| !usual.contains(name))
}

/// Returns the body of a chat completion request, without the fields that the server has refused before.
pub(super) fn body(
    ask: &Ask,
    provider: &Provider,
    model: &str,
    refused: &BTreeSet<String>,
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
    put("messages", messages::messages(ask, provider, refused));
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
        Some(_) if let Some(grammar) = grammar(ask, provider) => {
            put("grammar", grammar.into());
        }
        Some(schema) if provider.schema_mode => {
            let named = json!({"name": "answer", "schema": schema, "strict": true});
            put("response_format", json!({"type": "json_schema", "json_schema": named}));
        }
        // JSON mode needs an object at the top, so any other schema is only in the prompt.
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

/// Returns the grammar of a choice between texts, if the provider accepts a grammar.
fn grammar(ask: &Ask, provider: &Provider) -> Option<String> {
    let options = ask.schema.as_ref().filter(|_| provider.grammar).and_then(json::options)?;
    // The grammar writes a terminal as JSON does.
    let options: Vec<String> = options.into_iter().map(|it| Value::from(it).to_string()).collect();
    Some(format!("root ::= {}", options.join(" | ")))
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::{Message, Role, Tool, ToolCall};

    use super::messages::tests::conversation;
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

    /// Compares every field of the body except `messages`, for each provider.
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
                json!({"model": "m", "max_tokens": 77, "response_format": json_mode, "stream": true}),
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
            let refused = fields.iter().map(|field| field.to_string());
            body(&full(), openai, "m", &refused.collect())
        };
        let body = without(&["reasoning_effort"]);
        assert!(body.get("temperature").is_none() && body.get("reasoning_effort").is_none());
        let body = without(&["max_completion_tokens"]);
        assert_eq!(body["max_tokens"], 77);
        assert!(body.get("max_completion_tokens").is_none());
        assert!(without(&["max_tokens", "max_completion_tokens"]).get("max_tokens").is_none());
    }

    #[test]
    fn a_choice_is_a_grammar_where_there_is_one_and_a_schema_elsewhere() {
        let ask = Ask { schema: Some(json!({"enum": ["a \"b\"", "c"]})), ..Ask::new("which?") };
        let of = |name| body(&ask, find(name).unwrap(), "m", &BTreeSet::new());
        let local = of("local");
        assert_eq!(local["grammar"], r#"root ::= "a \"b\"" | "c""#);
        assert_eq!(local["messages"][0]["content"], "which?");
        assert!(local.get("response_format").is_none());
        let ollama = of("ollama");
        assert_eq!(ollama["response_format"]["json_schema"]["schema"], ask.schema.clone().unwrap());
        for body in [ollama, of("openai")] {
            let prompt = body["messages"][0]["content"].as_str().unwrap();
            assert!(prompt.ends_with(r#"exactly one of these: ["a \"b\"","c"]"#), "{prompt}");
            assert!(body.get("grammar").is_none());
        }
    }

    #[test]
    fn an_error_names_the_field() {
        let body = body(&full(), find("groq").unwrap(), "m", &BTreeSet::new());
        let field =
            |named, message| refused_field(&body, named, message).map_or(Value::Null, Value::from);
        assert_eq!(field(Some("max_tokens"), ""), "max_tokens");
        assert_eq!(field(Some("response_format.type"), ""), "response_format");
        assert_eq!(
            field(
                None,
                "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'; temperature is fine"
            ),
            "max_tokens"
        );
        assert_eq!(
            field(None, "Unknown name \"reasoning_effort\": Cannot find field."),
            "reasoning_effort"
        );
        assert_eq!(field(Some("messages"), "messages: too many"), Value::Null);
    }

    #[test]
    fn tools_and_their_results() {
        let mut ask = Ask::new("count");
        ask.tools = vec![Tool {
            name: "count".into(),
            description: "Counts.".into(),
            parameters: json!({"type": "object"}),
        }];
        let call = ToolCall::new("call00001", "count", json!({"of": "x"}));
        ask.messages.push(Message { tool_calls: vec![call], ..Message::new(Role::Assistant, "") });
        ask.messages.push(Message {
            tool_call_id: Some("call00001".into()),
            ..Message::new(Role::Tool, "3")
        });
        let body = body(&ask, find("mistral").unwrap(), "m", &BTreeSet::new());
        assert_eq!(
            body["tools"][0],
            json!({"type": "function", "function": {"name": "count", "description": "Counts.", "parameters": {"type": "object"}}})
        );
        assert_eq!(
            body["messages"][1],
            json!({"role": "assistant", "tool_calls": [{"id": "call00001", "type": "function", "function": {"name": "count", "arguments": "{\"of\":\"x\"}"}}]})
        );
        assert_eq!(
            body["messages"][2],
            json!({"role": "tool", "content": "3", "tool_call_id": "call00001"})
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

    #[test]
    fn an_error_names_a_field_that_came_back() {
        let body = body(&conversation(), find("custom").unwrap(), "m", &BTreeSet::new());
        for (named, message, field) in [
            (
                Some("messages.1.reasoning_content"),
                "Extra inputs are not permitted",
                "reasoning_content",
            ),
            (Some("messages[1].tool_calls[0].extra_content"), "", "extra_content"),
            (
                None,
                "'messages.1': property 'reasoning_details' is unsupported",
                "reasoning_details",
            ),
            (None, "unknown field `odd`", "odd"),
        ] {
            assert_eq!(refused_field(&body, named, message).as_deref(), Some(field), "{message}");
        }
        assert_eq!(refused_field(&body, Some("messages[1].role"), "role"), None);
    }
}
