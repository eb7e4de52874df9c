//! A server's body, read leniently: unknown fields are ignored, missing ones tolerated, and every
//! shape of error that a provider or a compatible server is known to send is understood.

use std::time::Duration;

use code_evolution_wire::model::{ToolCall, Usage};
use serde_json::Value;

/// A completed answer, before anything is made of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Completion {
    pub(super) text: String,
    /// The thinking, where a server tells it apart from the text.
    pub(super) reasoning: String,
    pub(super) tool_calls: Vec<ToolCall>,
    pub(super) model: Option<String>,
    pub(super) finish_reason: Option<String>,
    pub(super) usage: Option<Usage>,
    /// Why the model declined, where it said so in a field of its own.
    pub(super) refusal: String,
}

/// An error as a server tells it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ServerError {
    pub(super) message: String,
    /// `type`, `code` and the like, for telling errors apart.
    pub(super) codes: Vec<String>,
    /// The parameter that is wrong.
    pub(super) param: Option<String>,
    /// How long to wait, where the body says so.
    pub(super) retry_after: Option<Duration>,
    /// Whether a quota of a day is used up.
    pub(super) day_is_spent: bool,
}

impl ServerError {
    /// The HTTP status that the error claims, for errors inside a 200.
    pub(super) fn status(&self) -> Option<u16> {
        let number = self.codes.iter().find_map(|code| code.parse().ok());
        number.filter(|status| (400..600).contains(status)).or_else(|| {
            let says =
                |word: &str| self.codes.iter().any(|code| code.to_lowercase().contains(word));
            match () {
                () if self.is_spent() || says("rate_limit") => Some(429),
                () if says("overloaded") || says("server_error") || says("unavailable") => {
                    Some(503)
                }
                () if says("auth") || says("invalid_api_key") => Some(401),
                () if says("not_found") => Some(404),
                () => None,
            }
        })
    }

    /// Whether waiting cannot help, because the account has nothing left.
    pub(super) fn is_spent(&self) -> bool {
        const SPENT: [&str; 4] = [
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "insufficient_credits",
        ];
        self.day_is_spent || self.codes.iter().any(|code| SPENT.contains(&code.as_str()))
    }
}

/// The error in a body, if there is one. `failed`: the status says that there must be.
pub(super) fn error(body: &Value, failed: bool) -> Option<ServerError> {
    // Gemini sends an array that holds the error.
    let body = match body {
        Value::Array(list) => list.first()?,
        other => other,
    };
    let error = match body.get("error") {
        Some(Value::Null) | None => {
            // Mistral, and others with `detail`, have it at the top.
            let at_top = body.get("object").is_some_and(|object| object == "error");
            if !(failed || at_top) {
                return None;
            }
            body
        }
        Some(error) => error,
    };
    let text = |key: &str| error.get(key).map(plain_text).filter(|text| !text.is_empty());
    let message = match error {
        Value::String(message) => Some(message.clone()),
        _ => text("message").or_else(|| text("detail")).or_else(|| text("msg")),
    };
    let mut found = ServerError {
        message: message.unwrap_or_else(|| "no message".to_owned()),
        codes: ["code", "type", "status"].iter().filter_map(|key| text(key)).collect(),
        param: text("param"),
        ..ServerError::default()
    };
    // OpenRouter passes on what the provider behind it said.
    if let Some(raw) = error.pointer("/metadata/raw").and_then(Value::as_str) {
        found.message = format!("{}: {raw}", found.message);
    }
    for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
        if let Some(delay) = detail.get("retryDelay").and_then(Value::as_str) {
            found.retry_after = found.retry_after.or(duration(delay));
        }
        for violation in detail.get("violations").and_then(Value::as_array).into_iter().flatten() {
            let quota = violation.get("quotaId").and_then(Value::as_str).unwrap_or_default();
            found.day_is_spent |= quota.contains("PerDay");
        }
    }
    Some(found)
}

/// A text, or what of it there is in a number, a list or an object.
fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain_text).collect::<Vec<_>>().join("; "),
        Value::Object(object) => {
            let inner =
                ["message", "msg", "detail", "text"].iter().find_map(|key| object.get(*key));
            inner.map_or_else(|| value.to_string(), plain_text)
        }
        other => other.to_string(),
    }
}

/// The answer in a body; `None` where it holds no choice.
pub(super) fn completion(body: &Value) -> Option<Completion> {
    let choice = body.get("choices")?.get(0)?;
    let mut completion = Completion::default();
    add(&mut completion, body, choice, choice.get("message").unwrap_or(&Value::Null));
    // Older servers answer with plain text.
    if let Some(text) = choice.get("text").and_then(Value::as_str)
        && completion.text.is_empty()
    {
        completion.text = text.to_owned();
    }
    Some(completion)
}

/// Adds a piece of a stream: a chunk's `delta`, its model, its token counts.
pub(super) fn add_chunk(completion: &mut Completion, chunk: &Value) {
    let choice = chunk.get("choices").and_then(|choices| choices.get(0)).unwrap_or(&Value::Null);
    add(completion, chunk, choice, choice.get("delta").unwrap_or(&Value::Null));
}

fn add(completion: &mut Completion, body: &Value, choice: &Value, message: &Value) {
    if let Some(model) = body.get("model").and_then(Value::as_str).filter(|model| !model.is_empty())
    {
        completion.model = Some(model.to_owned());
    }
    if let Some(reason) = choice.get("finish_reason").and_then(Value::as_str) {
        completion.finish_reason = Some(match reason.to_lowercase().as_str() {
            "max_tokens" => "length".to_owned(),
            "end_turn" | "eos" => "stop".to_owned(),
            other => other.to_owned(),
        });
    }
    // Groq has the counts of a stream in a field of its own.
    for counts in [body.get("usage"), body.pointer("/x_groq/usage")].into_iter().flatten() {
        completion.usage = usage(counts).or(completion.usage);
    }
    if let Some(content) = message.get("content") {
        add_content(completion, content);
    }
    for key in ["reasoning", "reasoning_content"] {
        if let Some(text) = message.get(key).and_then(Value::as_str) {
            completion.reasoning.push_str(text);
            break;
        }
    }
    if let Some(refusal) = message.get("refusal").and_then(Value::as_str) {
        completion.refusal.push_str(refusal);
    }
    let calls = message.get("tool_calls").and_then(Value::as_array);
    for (position, call) in calls.into_iter().flatten().enumerate() {
        add_call(&mut completion.tool_calls, call, position);
    }
}

/// Content is text, or a list of parts of which some are thinking.
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

/// Most tool calls of one answer; a stream's `index` must not make us allocate at will.
const MOST_CALLS: usize = 128;

/// Adds a tool call, or a piece of one. Until [`finish`], arguments are text.
fn add_call(calls: &mut Vec<ToolCall>, call: &Value, position: usize) {
    let index = call.get("index").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
    let index = index.unwrap_or(position);
    if index >= MOST_CALLS {
        return;
    }
    while calls.len() <= index {
        calls.push(ToolCall { id: String::new(), name: String::new(), arguments: Value::from("") });
    }
    let known = &mut calls[index];
    if let Some(id) = call.get("id").and_then(Value::as_str) {
        id.clone_into(&mut known.id);
    }
    let function = call.get("function").unwrap_or(&Value::Null);
    if let Some(name) = function.get("name").and_then(Value::as_str) {
        known.name.push_str(name);
    }
    match (function.get("arguments"), &mut known.arguments) {
        (Some(Value::String(piece)), Value::String(text)) => text.push_str(piece),
        (Some(object @ Value::Object(_)), arguments) => *arguments = object.clone(),
        _ => {}
    }
}

/// Turns what was collected into whole calls: arguments become JSON, missing ids get a number.
pub(super) fn finish(completion: &mut Completion) {
    completion.tool_calls.retain(|call| !call.name.is_empty());
    for (position, call) in completion.tool_calls.iter_mut().enumerate() {
        if call.id.is_empty() {
            call.id = format!("call_{position}");
        }
        if let Value::String(text) = &call.arguments {
            let text = if text.trim().is_empty() { "{}" } else { text };
            // What is no JSON stays text; whoever runs the tool tells the model.
            if let Ok(json) = serde_json::from_str(text) {
                call.arguments = json;
            }
        }
    }
}

fn usage(counts: &Value) -> Option<Usage> {
    let count = |keys: [&str; 2]| {
        keys.iter()
            .find_map(|key| counts.get(*key))
            .and_then(|n| n.as_u64().or(n.as_f64().map(|n| n as u64)))
    };
    let input = count(["prompt_tokens", "input_tokens"])?;
    let output = count(["completion_tokens", "output_tokens"]).unwrap_or(0);
    // Gemini counts thinking in the total only.
    let total = count(["total_tokens", "total_tokens"]).unwrap_or(0);
    Some(Usage { input_tokens: input, output_tokens: output.max(total.saturating_sub(input)) })
}

/// A duration as rate-limit headers and Gemini write it: `37`, `37s`, `6m0s`, `1h2m3.5s`, `120ms`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..letters] {
                "" | "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_shape_of_error() {
        let message = |body: Value| error(&body, true).unwrap().message;
        assert_eq!(
            message(json!({"error": {"message": "a", "type": "t", "param": null, "code": "c"}})),
            "a"
        );
        assert_eq!(
            message(
                json!([{"error": {"code": 429, "message": "b", "status": "RESOURCE_EXHAUSTED"}}])
            ),
            "b"
        );
        assert_eq!(
            message(json!({"object": "error", "message": "c", "type": "invalid", "code": "1"})),
            "c"
        );
        assert_eq!(message(json!({"object": "error", "message": {"detail": [{"msg": "d"}]}})), "d");
        assert_eq!(
            message(json!({"detail": [{"loc": ["body"], "msg": "e"}, {"msg": "f"}]})),
            "e; f"
        );
        assert_eq!(message(json!({"error": "g"})), "g");
        assert_eq!(message(json!({"message": "h"})), "h");
        assert_eq!(
            message(json!({"error": {"message": "i", "metadata": {"raw": "upstream"}}})),
            "i: upstream"
        );
        assert_eq!(message(json!({})), "no message");
        assert_eq!(error(&json!({"choices": [], "error": null}), false), None);
        assert_eq!(error(&json!({"choices": []}), false), None);
    }

    #[test]
    fn what_an_error_says_about_waiting() {
        let gemini = |quota: &str| {
            let details = json!([{"violations": [{"quotaId": quota}]}, {"retryDelay": "37s"}]);
            error(&json!([{"error": {"code": 429, "message": "m", "details": details}}]), true)
                .unwrap()
        };
        let minute = gemini("GenerateRequestsPerMinutePerProject");
        assert_eq!((minute.retry_after, minute.is_spent()), (Some(Duration::from_secs(37)), false));
        assert!(gemini("GenerateRequestsPerDayPerProject-FreeTier").is_spent());
        for code in ["insufficient_quota", "credit_balance_exhausted"] {
            assert!(
                error(&json!({"error": {"message": "m", "code": code}}), true).unwrap().is_spent()
            );
        }
    }

    #[test]
    fn errors_inside_a_200_have_a_status() {
        let status =
            |error_object: Value| error(&json!({"error": error_object}), false).unwrap().status();
        assert_eq!(status(json!({"code": 502, "message": "m"})), Some(502));
        assert_eq!(status(json!({"code": "429"})), Some(429));
        assert_eq!(status(json!({"type": "overloaded_error"})), Some(503));
        assert_eq!(status(json!({"code": "rate_limit_exceeded"})), Some(429));
        assert_eq!(status(json!("odd")), None);
    }

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
        assert_eq!(parse(json!({"choices": [{"text": "old"}]})).text, "old");
        assert_eq!(
            parse(json!({"choices": [{"message": {"content": null}}]})),
            Completion::default()
        );
        assert_eq!(completion(&json!({"choices": []})), None);
        let counted = parse(
            json!({"choices": [{}], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}}),
        );
        assert_eq!(counted.usage, Some(Usage { input_tokens: 10, output_tokens: 30 }));
        let calls = json!([{"function": {"name": "a", "arguments": "{\"x\":1}"}}, {"id": "i", "function": {"name": "b", "arguments": {"y": 2}}}, {"function": {"name": "c", "arguments": "{"}}]);
        let found = parse(json!({"choices": [{"message": {"tool_calls": calls}}]})).tool_calls;
        assert_eq!((found[0].id.as_str(), &found[0].arguments), ("call_0", &json!({"x": 1})));
        assert_eq!((found[1].id.as_str(), &found[1].arguments), ("i", &json!({"y": 2})));
        assert_eq!(found[2].arguments, json!("{"));
    }

    #[test]
    fn durations() {
        let ms = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("37s"), Some(37_000));
        assert_eq!(ms("37"), Some(37_000));
        assert_eq!(ms("6m0s"), Some(360_000));
        assert_eq!(ms("1h2m3.5s"), Some(3_723_500));
        assert_eq!(ms("120ms"), Some(120));
        for odd in
            ["", "soon", "-1", "1.2.3s", "1w", "1e999999999s", "99999999999999999999999999999d"]
        {
            assert_eq!(ms(odd), None, "{odd}");
        }
    }
}
