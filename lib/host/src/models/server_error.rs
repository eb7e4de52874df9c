//! The error in a server's body, in every shape that a provider or a compatible server is known to
//! send.

use std::time::Duration;

use serde_json::Value;

use super::text::{duration, plain_text};

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
        param: text("param").or_else(|| place(error)),
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

/// Where the first of several errors is, as checkers of schemas say it: `body.messages.1.content`.
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
}
