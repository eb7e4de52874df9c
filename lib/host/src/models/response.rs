//! The answer in a server's body, read leniently: unknown fields are ignored, missing ones tolerated.

use code_evolution_wire::ending::{Cut, Ending};
use code_evolution_wire::model::{ToolCall, Usage};
use serde_json::{Map, Value};

use super::calls::{self, Assembly};
use super::server_error;
use super::text::plain_text;

/// A completed answer, not yet interpreted.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Completion {
    pub(super) text: String,
    /// The thinking, if a server separates it from the text.
    pub(super) reasoning: String,
    /// Empty until [`finish`].
    pub(super) tool_calls: Vec<ToolCall>,
    /// The calls, as far as they have arrived.
    calls: Assembly,
    /// Other fields that the provider put into the message.
    pub(super) extra: Map<String, Value>,
    pub(super) model: Option<String>,
    pub(super) finish_reason: Option<String>,
    pub(super) usage: Option<Usage>,
    /// The error that a server reports after the answer began.
    pub(super) error: Option<String>,
    /// Whether a stream ended in order, but without a reason and without its last event.
    pub(super) no_end: bool,
    /// The model's reason to decline, if the server sends it in a separate field.
    pub(super) refusal: String,
    /// Set if the server gave no choice at all: the reason, if it gave one.
    pub(super) withheld: Option<String>,
}

impl Completion {
    /// Returns whether an answer has begun.
    pub(super) fn says_something(&self) -> bool {
        !self.text.is_empty()
            || !self.reasoning.is_empty()
            || !self.tool_calls.is_empty()
            || self.calls != Assembly::default()
    }

    /// Hides a key in every text that may come from a server.
    pub(super) fn hide(&mut self, hide: &impl Fn(&str) -> String) {
        for text in [&mut self.text, &mut self.reasoning, &mut self.refusal] {
            *text = hide(text);
        }
        for text in
            [&mut self.model, &mut self.finish_reason, &mut self.error].into_iter().flatten()
        {
            *text = hide(text);
        }
        for call in &mut self.tool_calls {
            call.id = hide(&call.id);
            call.name = hide(&call.name);
            hide_in(&mut call.arguments, hide);
            call.extra = hidden(std::mem::take(&mut call.extra), hide);
        }
        self.extra = hidden(std::mem::take(&mut self.extra), hide);
    }
}

fn hide_in(value: &mut Value, hide: &impl Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = hide(text),
        Value::Array(list) => list.iter_mut().for_each(|value| hide_in(value, hide)),
        Value::Object(members) => *members = hidden(std::mem::take(members), hide),
        _ => {}
    }
}

fn hidden(members: Map<String, Value>, hide: &impl Fn(&str) -> String) -> Map<String, Value> {
    let hidden = members.into_iter().map(|(name, mut member)| {
        hide_in(&mut member, hide);
        (hide(&name), member)
    });
    hidden.collect()
}

/// Reads the answer in a body; `None` if the body is not an answer. A server that withholds its answer sends
/// an empty list of choices.
pub(super) fn completion(body: &Value) -> Option<Completion> {
    let choices = body.get("choices")?;
    let mut completion = Completion::default();
    let Some(choice) = choices.get(0) else {
        let is_none = choices.is_null() || choices.as_array().is_some_and(Vec::is_empty);
        add(&mut completion, body, &Value::Null, &Value::Null);
        completion.withheld = Some(reason_to_block(body).unwrap_or_default());
        return is_none.then_some(completion);
    };
    let message = choice.get("message").unwrap_or(&Value::Null);
    add(&mut completion, body, choice, message);
    if let Some(calls) = message.get("tool_calls").and_then(Value::as_array) {
        completion.calls.add_whole(calls);
    }
    // Older servers answer with plain text.
    if let Some(text) = choice.get("text").and_then(Value::as_str)
        && completion.text.is_empty()
    {
        completion.text = text.to_owned();
    }
    Some(completion)
}

/// Returns why Gemini gives no answer to a prompt.
fn reason_to_block(body: &Value) -> Option<String> {
    let paths = ["/prompt_feedback/block_reason", "/promptFeedback/blockReason"];
    let reason = paths.iter().find_map(|path| body.pointer(path))?;
    Some(plain_text(reason))
}

/// Adds a piece of a stream: a chunk's `delta`, its model, its token counts.
pub(super) fn add_chunk(completion: &mut Completion, chunk: &Value) {
    let choice = chunk.get("choices").and_then(|choices| choices.get(0)).unwrap_or(&Value::Null);
    let delta = choice.get("delta").unwrap_or(&Value::Null);
    add(completion, chunk, choice, delta);
    if let Some(calls) = delta.get("tool_calls").and_then(Value::as_array) {
        completion.calls.add_pieces(calls);
    }
}

fn add(completion: &mut Completion, body: &Value, choice: &Value, message: &Value) {
    if let Some(model) = body.get("model").and_then(Value::as_str).filter(|model| !model.is_empty())
    {
        completion.model = Some(model.to_owned());
    }
    if let Some(reason) = choice.get("finish_reason").and_then(finish_reason) {
        completion.finish_reason = Some(reason);
    }
    if let Some(error) = server_error::error(choice, false) {
        completion.error = Some(error.message);
    }
    // Groq puts the counts of a stream into a field of its own.
    for counts in [body.get("usage"), body.pointer("/x_groq/usage")].into_iter().flatten() {
        completion.usage = usage(counts).or(completion.usage);
    }
    if let Some(content) = message.get("content") {
        add_content(completion, content);
    }
    completion.reasoning.push_str(&reasoning(message));
    if let Some(refusal) = message.get("refusal").and_then(Value::as_str) {
        completion.refusal.push_str(refusal);
    }
    for (name, value) in message.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "role" | "content" | "tool_calls") {
            calls::merge(&mut completion.extra, name, value);
        }
    }
}

/// Returns why the model stopped, in one word for the reasons that most servers share. Some servers send an
/// empty word, or `null` as a text, until there is a reason.
fn finish_reason(reason: &Value) -> Option<String> {
    let reason = reason.as_str()?.trim();
    let lower = reason.to_lowercase();
    if matches!(lower.as_str(), "" | "null" | "none" | "finish_reason_unspecified") {
        return None;
    }
    Some(match Ending::of(reason) {
        Ending::Cut(Cut::Limit) => "length".to_owned(),
        Ending::Whole if lower.contains("call") || lower.contains("tool") => {
            "tool_calls".to_owned()
        }
        Ending::Whole => "stop".to_owned(),
        _ => lower,
    })
}

/// Returns the thinking in a message: a separate field, or a list of parts.
fn reasoning(message: &Value) -> String {
    let field = ["reasoning", "reasoning_content", "thinking"]
        .iter()
        .filter_map(|key| message.get(*key)?.as_str())
        .find(|text| !text.is_empty());
    if let Some(text) = field {
        return text.to_owned();
    }
    let details = message.get("reasoning_details").and_then(Value::as_array);
    let text = |part: &Value| {
        // A summary replaces thinking that is not shown; encrypted thinking is only for the provider.
        let text = part.get("text").or(part.get("summary"))?.as_str()?;
        Some(text.to_owned())
    };
    details.into_iter().flatten().filter_map(text).collect()
}

/// Adds content: a text, or a list of parts, some of which are thinking.
fn add_content(completion: &mut Completion, content: &Value) {
    match content {
        Value::String(text) => completion.text.push_str(text),
        Value::Array(parts) => {
            for part in parts {
                if let Some(thinking) = part.get("thinking") {
                    completion.reasoning.push_str(&plain_text(thinking));
                } else {
                    completion.text.push_str(&plain_text(part));
                }
            }
        }
        _ => {}
    }
}

/// Turns the collected pieces into whole calls.
pub(super) fn finish(completion: &mut Completion) {
    completion.tool_calls.extend(std::mem::take(&mut completion.calls).finish());
}

fn usage(counts: &Value) -> Option<Usage> {
    let count = |keys: &[&str]| {
        keys.iter()
            .find_map(|key| counts.get(*key))
            .and_then(|n| n.as_u64().or(n.as_f64().map(|n| n as u64)))
    };
    let input = count(&["prompt_tokens", "input_tokens"])?;
    let output = count(&["completion_tokens", "output_tokens"]).unwrap_or(0);
    // Gemini counts thinking only in the total.
    let total = count(&["total_tokens"]).unwrap_or(0);
    Some(Usage { input_tokens: input, output_tokens: output.max(total.saturating_sub(input)) })
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::Ask;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_of_many_servers() {
        let parse = |body: Value| {
            let mut found = completion(&body).unwrap();
            finish(&mut found);
            found
        };
        let parts = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes"}]);
        let found = parse(
            json!({"choices": [{"message": {"content": parts}, "finish_reason": "MAX_TOKENS"}]}),
        );
        assert_eq!((found.text.as_str(), found.reasoning.as_str()), ("yes", "hm"));
        assert_eq!(found.finish_reason.as_deref(), Some("length"));
        let found = parse(json!({"choices": [{"finish_reason": "model_length"}]}));
        assert_eq!(found.finish_reason.as_deref(), Some("length"));
        assert_eq!(parse(json!({"choices": [{"text": "old"}]})).text, "old");
        assert_eq!(
            parse(json!({"choices": [{"message": {"content": null}}]})),
            Completion::default()
        );
        for nothing in [json!([]), json!(null)] {
            let found = parse(json!({"choices": nothing, "usage": {"prompt_tokens": 3}}));
            assert!(found.withheld.is_some() && found.usage.is_some(), "{nothing}");
        }
        assert_eq!(completion(&json!({"choices": 3})), None);
        assert_eq!(completion(&json!({"hello": "there"})), None);
        let counted = parse(
            json!({"choices": [{}], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}}),
        );
        assert_eq!(counted.usage, Some(Usage { input_tokens: 10, output_tokens: 30 }));
        let calls = json!([{"function": {"name": "a", "arguments": "{\"x\":1}"}}, {"id": "i", "function": {"name": "b", "arguments": {"y": 2}}}, {"function": {"name": "c", "arguments": "{"}}]);
        let found = parse(json!({"choices": [{"message": {"tool_calls": calls}}]})).tool_calls;
        assert_eq!((found[0].id.as_str(), &found[0].arguments), ("", &json!({"x": 1})));
        assert_eq!((found[1].id.as_str(), &found[1].arguments), ("i", &json!({"y": 2})));
        assert_eq!(found[2].arguments, json!("{"));
    }

    /// Makes JSON with the field names and values that matter, in the wrong places.
    fn odd_json() -> impl Strategy<Value = Value> {
        let names = [
            "choices",
            "message",
            "delta",
            "content",
            "text",
            "tool_calls",
            "function",
            "arguments",
            "index",
            "name",
            "id",
            "usage",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "error",
            "code",
            "type",
            "details",
            "violations",
            "quotaId",
            "retryDelay",
            "metadata",
            "raw",
            "finish_reason",
            "reasoning",
            "refusal",
            "model",
            "object",
            "detail",
            "msg",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop::sample::select(vec!["", "error", "37s", "PerDay", "{", "[]", "length", "é"])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(8, 64, 6, move |inner| {
            let members =
                prop::collection::vec((prop::sample::select(names.to_vec()), inner.clone()), 0..6);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| members
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_survived(bodies in prop::collection::vec(odd_json(), 1..4)) {
            let mut streamed = Completion::default();
            for body in &bodies {
                for failed in [false, true] {
                    if let Some(error) = server_error::error(body, failed) {
                        let status = error.status();
                        prop_assert!(status.is_none_or(|status| (400..600).contains(&status)));
                    }
                }
                if let Some(mut whole) = completion(body) {
                    finish(&mut whole);
                    calls::settle(&mut whole.tool_calls, &Ask::new("q"));
                    prop_assert!(whole.tool_calls.iter().all(|call| !call.id.is_empty()));
                }
                add_chunk(&mut streamed, body);
            }
            finish(&mut streamed);
            prop_assert!(streamed.tool_calls.iter().all(|call| !call.name.is_empty()));
        }
    }
}
