//! Writes the conversation of a request, as each provider wants it back.

use std::collections::BTreeSet;

use code_evolution_wire::model::{Ask, Message, Role};
use serde_json::{Map, Value, json};

use super::grammar;
use crate::models::calls::Ids;
use crate::models::json;
use crate::models::provider::{Provider, Returned};

/// Returns the messages of a question, without the provider's own fields that the server has refused before.
pub(super) fn messages(ask: &Ask, provider: &Provider, refused: &BTreeSet<String>) -> Value {
    let mut messages = ask.messages.clone();
    if let Some(schema) = ask.schema.as_ref().filter(|_| grammar(ask, provider).is_none()) {
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
    let mut ids = Ids::new(provider.id_form);
    let wanted = |name: &String| {
        !refused.contains(name)
            && match provider.returned {
                Returned::Only(names) => names.contains(&name.as_str()),
                Returned::All => true,
            }
    };
    messages.iter().map(|said| message(said, provider, &mut ids, &wanted)).collect()
}

/// Returns a message as it is sent. `wanted` says whether a field of the provider goes back.
fn message(
    message: &Message,
    provider: &Provider,
    ids: &mut Ids,
    wanted: &dyn Fn(&String) -> bool,
) -> Value {
    let mut json = Map::new();
    json.insert("role".to_owned(), json!(message.role));
    let calls = !message.tool_calls.is_empty();
    let content = match calls && message.content.is_empty() {
        true => Value::Null,
        false => message.content.as_str().into(),
    };
    // Some providers refuse this field here, even if it is null.
    if !calls || provider.text_beside_calls {
        json.insert("content".to_owned(), content);
    }
    let (call_ids, answered) = ids.of(message);
    if calls {
        let calls = message.tool_calls.iter().zip(call_ids).map(|(call, id)| {
            // Arguments that are not an object would fail each time, because they stay in the conversation.
            let arguments = if call.arguments.is_object() { &call.arguments } else { &json!({}) };
            let function = json!({"name": call.name, "arguments": arguments.to_string()});
            let mut json = json!({"id": id, "type": "function", "function": function});
            give_back(&mut json, &call.extra, wanted);
            json
        });
        json.insert("tool_calls".to_owned(), calls.collect());
    }
    if let Some(id) = answered {
        json.insert("tool_call_id".to_owned(), id.into());
    }
    let mut json = Value::Object(json);
    // The thinking before an answer in words is not needed any more.
    give_back(&mut json, &message.extra, &|name| {
        wanted(name) && (calls || !name.starts_with("reasoning"))
    });
    json
}

/// Adds the provider's own fields; never replaces an existing field.
fn give_back(json: &mut Value, extra: &Map<String, Value>, wanted: &dyn Fn(&String) -> bool) {
    for (name, value) in extra.iter().filter(|(name, _)| wanted(name)) {
        match (json.get_mut(name), value) {
            (None, value) => json[name] = value.clone(),
            (Some(known @ Value::Object(_)), Value::Object(more)) => {
                give_back(known, more, &|_| true);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use code_evolution_wire::model::ToolCall;

    use super::*;
    use crate::models::provider::find;
    use crate::models::request::body;

    /// Makes a conversation in which the model thought, spoke, and called `add` twice, once with broken
    /// arguments.
    pub fn conversation() -> Ask {
        let fields = |json: Value| json.as_object().unwrap().clone();
        let mut ask = Ask::new("add");
        let call = |id: &str, arguments| ToolCall {
            extra: fields(
                json!({"extra_content": {"google": {"thought_signature": "b3du"}}, "function": {"hint": 1, "name": "x"}}),
            ),
            ..ToolCall::new(id, "add", arguments)
        };
        ask.messages.push(Message {
            tool_calls: vec![call("k", json!({"a": 1})), call("k", json!("{\"a\": "))],
            extra: fields(
                json!({"reasoning_content": "hm", "reasoning_details": [1], "odd": 1, "role": "x"}),
            ),
            ..Message::new(Role::Assistant, "I add.")
        });
        for result in ["1", "error"] {
            let id = Some("k".to_owned());
            ask.messages.push(Message { tool_call_id: id, ..Message::new(Role::Tool, result) });
        }
        ask.messages.push(Message {
            extra: fields(json!({"reasoning_content": "so", "extra_content": {"google": {}}})),
            ..Message::new(Role::Assistant, "One.")
        });
        ask
    }

    #[test]
    fn a_conversation_goes_back_as_each_provider_wants_it() {
        let sent = |name: &str, refused: &[&str]| {
            let refused = refused.iter().map(|name| name.to_string()).collect();
            body(&conversation(), find(name).unwrap(), "m", &refused)["messages"].clone()
        };
        let has = |message: &Value, names: &[&str]| {
            let object = message.as_object().unwrap();
            names.iter().map(|name| object.contains_key(*name)).collect::<Vec<bool>>()
        };
        let thinking = ["reasoning_content", "reasoning_details", "odd"];
        for (name, of_message, of_call) in [
            ("openai", [false; 3], false),
            ("gemini", [false; 3], true),
            ("groq", [false; 3], false),
            ("anthropic", [false; 3], false),
            ("openrouter", [true, true, false], false),
            ("mistral", [false; 3], false),
            ("ollama", [true; 3], true),
            ("custom", [true; 3], true),
        ] {
            let sent = sent(name, &[]);
            assert_eq!(has(&sent[1], &thinking), of_message, "{name}");
            for call in sent[1]["tool_calls"].as_array().unwrap() {
                assert_eq!(has(call, &["extra_content"]), [of_call], "{name}");
            }
            // The thinking of an answer in words does not go back, but its signature does.
            assert_eq!(has(&sent[4], &thinking), [false; 3], "{name}");
            assert_eq!(has(&sent[4], &["extra_content"]), [of_call], "{name}");
            let calls = &sent[1]["tool_calls"];
            assert_eq!(calls[1]["function"]["arguments"], "{}", "{name}");
            assert_eq!(sent[1]["role"], "assistant");
            assert_eq!(calls[0]["function"]["name"], "add");
            assert_ne!(calls[0]["id"], calls[1]["id"], "{name}");
            for result in [0, 1] {
                assert_eq!(sent[2 + result]["tool_call_id"], calls[result]["id"], "{name}");
            }
        }
        assert_eq!(sent("custom", &[])[1]["tool_calls"][0]["function"]["hint"], 1);
        assert!(sent("mistral", &[])[1].get("content").is_none());
        assert_eq!(sent("openai", &[])[1]["content"], "I add.");
        let without = sent("custom", &["reasoning_content", "extra_content"]);
        assert_eq!(has(&without[1], &thinking), [false, true, true]);
        assert_eq!(has(&without[1]["tool_calls"][0], &["extra_content"]), [false]);
    }
}
