//! Reads the error in a server's body, in every shape that a provider or a compatible server is known to
//! send.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::text::plain_text;
use super::waits;

/// An error as a server reports it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ServerError {
    pub(super) message: String,
    /// `type`, `code` and the like, to tell errors apart.
    pub(super) codes: Vec<String>,
    /// The parameter that is wrong.
    pub(super) param: Option<String>,
    /// The wait that the body asks for, if any.
    pub(super) retry_after: Option<Duration>,
    /// Whether the error names a quota per day. Then a shorter wait does not help, even if the error names
    /// such a wait.
    pub(super) day_is_spent: bool,
}

/// Words of servers that could not read a model's text as a call or as JSON.
const SLIPS: [&str; 12] = [
    "tool_use_failed",
    "json_validate_failed",
    "malformed_function_call",
    "malformed_tool_call",
    "unexpected_tool_call",
    "not in request.tools",
    "tool call validation failed",
    "failed to call a function",
    "failed to parse tool call",
    "error parsing tool call",
    "failed to generate json",
    "failed to validate json",
];

/// Returns whether a code, a reason to stop or a message says that the model slipped: it wrote something that
/// is not a call or not JSON. The next answer may be good.
pub(super) fn names_slip(text: &str) -> bool {
    let text = text.to_lowercase();
    SLIPS.iter().any(|slip| text.contains(slip))
}

/// Returns whether a text names a limit per day.
pub(super) fn names_day(text: &str) -> bool {
    const DAY: [&str; 13] = [
        "per day", "per-day", "per_day", "perday", "byday", "/day", "daily", "this day", "day's",
        "(tpd)", "(rpd)", "86400s", "today",
    ];
    let text = text.to_lowercase();
    DAY.iter().any(|day| text.contains(day))
}

impl ServerError {
    /// Returns the HTTP status that the error claims, for errors inside a 200.
    pub(super) fn status(&self) -> Option<u16> {
        let number = self.codes.iter().find_map(|code| code.parse().ok());
        number.filter(|status| (400..600).contains(status)).or_else(|| {
            let says =
                |word: &str| self.codes.iter().any(|code| code.to_lowercase().contains(word));
            match () {
                () if self.is_spent() || self.day_is_spent || says("rate_limit") => Some(429),
                () if self.is_slip() => Some(400),
                () if says("overloaded") || says("server_error") || says("unavailable") => {
                    Some(503)
                }
                () if says("auth") || says("invalid_api_key") => Some(401),
                () if says("not_found") => Some(404),
                () => None,
            }
        })
    }

    /// Returns whether the model slipped; see [`names_slip`].
    pub(super) fn is_slip(&self) -> bool {
        self.codes.iter().any(|code| names_slip(code)) || names_slip(&self.message)
    }

    /// Returns whether the words of the error are about a limit per day.
    pub(super) fn speaks_of_a_day(&self) -> bool {
        names_day(&self.message) || self.codes.iter().any(|code| names_day(code))
    }

    /// Returns whether the account has nothing left, so that waiting cannot help.
    pub(super) fn is_spent(&self) -> bool {
        const SPENT: [&str; 4] = [
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "insufficient_credits",
        ];
        self.codes.iter().any(|code| SPENT.contains(&code.as_str()))
    }
}

/// Reads the error in a body, if there is one. `failed`: the status says that there must be an error.
pub(super) fn error(body: &Value, failed: bool) -> Option<ServerError> {
    // Gemini sends an array that contains the error.
    let body = match body {
        Value::Array(list) => list.first()?,
        other => other,
    };
    let error = match body.get("error") {
        Some(Value::Null) | None => {
            // Mistral, and servers with `detail`, put the error's fields at the top level.
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
        param: text("param").or_else(|| place(error)),
        ..ServerError::default()
    };
    pass_on(error, &mut found);
    let headers = error.pointer("/metadata/headers").and_then(Value::as_object);
    if let Some(headers) = headers {
        let get = |name: &str| {
            let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| plain_text(value))
        };
        found.retry_after = found.retry_after.or(waits::in_headers(&get, SystemTime::now()));
    }
    for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
        if let Some(delay) = detail.get("retryDelay").and_then(Value::as_str) {
            found.retry_after = found.retry_after.or(waits::duration(delay));
        }
        for violation in detail.get("violations").and_then(Value::as_array).into_iter().flatten() {
            let quota = violation.get("quotaId").and_then(Value::as_str).unwrap_or_default();
            found.day_is_spent |= quota.contains("PerDay");
        }
    }
    let in_words = || waits::in_words(&found.message, SystemTime::now());
    found.retry_after = found.retry_after.or_else(in_words);
    Some(found)
}

/// Adds the message of the provider behind OpenRouter, which OpenRouter passes on as text or JSON.
fn pass_on(outer: &Value, found: &mut ServerError) {
    let Some(raw) = outer.pointer("/metadata/raw") else { return };
    let parsed = raw.as_str().and_then(|raw| serde_json::from_str::<Value>(raw).ok());
    let inner = parsed.as_ref().unwrap_or(raw);
    let said = match inner {
        // Read only one level, because no known server sends deeper errors.
        Value::Object(_) | Value::Array(_) if inner.pointer("/error/metadata/raw").is_none() => {
            error(inner, true)
        }
        _ => None,
    };
    match said {
        Some(said) => {
            found.message = format!("{}: {}", found.message, said.message);
            found.codes.extend(said.codes);
            found.param = found.param.take().or(said.param);
            found.retry_after = found.retry_after.or(said.retry_after);
            found.day_is_spent |= said.day_is_spent;
        }
        None => found.message = format!("{}: {}", found.message, plain_text(raw)),
    }
}

/// Returns where the first of several errors is, in the form of schema checkers: `body.messages.1.content`.
fn place(error: &Value) -> Option<String> {
    let details = [error.get("detail"), error.pointer("/message/detail")];
    let first = details.into_iter().flatten().find_map(|details| details.get(0))?;
    let parts = first.get("loc")?.as_array()?.iter().map(plain_text);
    Some(parts.collect::<Vec<_>>().join("."))
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
        let day = gemini("GenerateRequestsPerDayPerProject-FreeTier");
        assert!(day.day_is_spent && !day.is_spent());
        for code in ["insufficient_quota", "credit_balance_exhausted"] {
            assert!(
                error(&json!({"error": {"message": "m", "code": code}}), true).unwrap().is_spent()
            );
        }
    }

    #[test]
    fn waits_are_read_from_many_fields() {
        let wait = |error_object: Value| {
            error(&json!({"error": error_object}), true).unwrap().retry_after.map(|w| w.as_secs())
        };
        assert_eq!(wait(json!({"message": "Please try again in 8m30s."})), Some(510));
        assert_eq!(wait(json!({"message": "m", "details": [{"retryDelay": "37s"}]})), Some(37));
        let headers = json!({"message": "m", "metadata": {"headers": {"X-RateLimit-Reset": "12"}}});
        assert_eq!(wait(headers), Some(12));
        let later = json!({"message": "m", "metadata": {"headers": {"X-RateLimit-Reset": "9999999999000"}}});
        assert!(wait(later) > Some(7_000_000_000));
        let raw = json!({"error": {"message": "try again in 9s", "code": "rate_limit_exceeded"}});
        assert_eq!(wait(json!({"message": "m", "metadata": {"raw": raw.to_string()}})), Some(9));
        assert_eq!(wait(json!({"message": "m", "metadata": {"raw": raw}})), Some(9));
    }

    #[test]
    fn limits_per_day_and_per_minute_are_told_apart() {
        let speaks = |message: &str| {
            error(&json!({"error": {"message": message}}), true).unwrap().speaks_of_a_day()
        };
        for day in [
            "Rate limit exceeded: free-models-per-day",
            "on tokens per day (TPD): Limit 100000, Used 99930",
            "Rate limit of 150 per 86400s exceeded for UserByModelByDay",
            "You have reached your daily limit",
        ] {
            assert!(speaks(day), "{day}");
        }
        for minute in
            ["free-models-per-min", "Rate limit of 15 per 60s exceeded for UserByModelByMinute"]
        {
            assert!(!speaks(minute), "{minute}");
        }
    }

    #[test]
    fn slips_are_recognised_in_every_field() {
        let slips =
            |error_object: Value| error(&json!({"error": error_object}), true).unwrap().is_slip();
        let inner = json!({"error": {"message": "m", "code": "tool_use_failed"}});
        for slip in [
            json!({"message": "m", "code": "tool_use_failed"}),
            json!({"message": "m", "code": "json_validate_failed"}),
            json!({"message": "attempted to call tool 'x' which was Called but not in request.tools"}),
            json!({"message": "MALFORMED_FUNCTION_CALL"}),
            json!({"message": "Provider returned error", "metadata": {"raw": inner.to_string()}}),
            json!({"message": "Provider returned error", "metadata": {"raw": "tool call validation failed: x"}}),
        ] {
            assert!(slips(slip.clone()), "{slip}");
        }
        assert!(!slips(json!({"message": "a tool is missing", "code": "invalid_request_error"})));
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
}
