//! What a refusal or an odd answer means, and what to do about it.

use std::time::Duration;

use code_evolution_wire::ending::{Cut, Ending};
use serde_json::Value;

use crate::models::ModelError;
use crate::models::endpoint::{Endpoint, host};
use crate::models::provider::Provider;
use crate::models::request::refused_field;
use crate::models::response::{self, Completion};
use crate::models::server_error::{self, ServerError};
use crate::models::text::clean;

/// Why an attempt brought no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// It may go better next time.
    Retry { why: String, after: Option<Duration> },
    /// The server does not take a field that the request can do without.
    Refused(String),
    /// The server does not have the model.
    UnknownModel(String),
    /// It will not go better.
    Final(ModelError),
}

/// The longest text of a server that is shown, in characters.
const LONGEST_MESSAGE: usize = 300;

/// Where an answer came from, for what is said about it.
pub(super) struct Origin<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) retry_after: Option<Duration>,
    /// The request's body.
    pub(super) request: &'a Value,
}

impl Origin<'_> {
    pub(super) fn wants_stream(&self) -> bool {
        self.request.get("stream").is_some()
    }

    fn name(&self) -> &'static str {
        self.endpoint.provider.name
    }

    /// The answer in the body of a successful exchange.
    pub(super) fn completion(&self, body: &[u8]) -> Result<Completion, Fault> {
        let Ok(json) = serde_json::from_slice::<Value>(body) else {
            return Err(self.not_json(200, body));
        };
        if server_error::error(&json, false).is_some() {
            return Err(self.error_inside(&json));
        }
        match response::completion(&json) {
            Some(mut completion) => {
                response::finish(&mut completion);
                Ok(completion)
            }
            None => Err(Fault::Final(ModelError::NoAnswer(format!(
                "{} answered with JSON that holds no reply (it begins `{}`): check LLM_BASE_URL",
                self.name(),
                self.endpoint.show(&String::from_utf8_lossy(body), 80),
            )))),
        }
    }

    /// What a body that is no JSON most likely is.
    fn not_json(&self, status: u16, body: &[u8]) -> Fault {
        let text = String::from_utf8_lossy(body);
        let (name, host) = (self.name(), host(&self.endpoint.base));
        let start = text.trim_start();
        let message = if start.is_empty() {
            // A server that closes early is a broken connection.
            return Fault::Retry {
                why: format!("an empty reply (HTTP {status})"),
                after: self.retry_after,
            };
        } else if start.starts_with('<') {
            let lower = text.to_ascii_lowercase();
            let title = lower.find("<title>").and_then(|at| {
                let from = at + "<title>".len();
                lower[from..]
                    .find("</title>")
                    .map(|length| self.endpoint.show(&text[from..from + length], 80))
            });
            let title = title.filter(|title| !title.is_empty());
            let title = title.map_or_else(String::new, |title| format!(" titled `{title}`"));
            format!(
                "{host} answered with a web page{title} instead of {name}'s reply (HTTP {status}): check LLM_BASE_URL, or log in to the network"
            )
        } else {
            format!(
                "{host} answered with something that is no JSON (HTTP {status}, it begins `{}`): check LLM_BASE_URL",
                self.endpoint.show(start, 80),
            )
        };
        Fault::Final(ModelError::NoAnswer(message))
    }

    /// An error inside a successful exchange.
    pub(super) fn error_inside(&self, json: &Value) -> Fault {
        let error = server_error::error(json, true).unwrap_or_default();
        match error.status() {
            Some(status) => self.explain(status, &error),
            None => Fault::Final(ModelError::Provider(format!(
                "{} answered with an error: {}; try again, or another model",
                self.name(),
                self.endpoint.show(&error.message, LONGEST_MESSAGE),
            ))),
        }
    }

    /// What a status other than success means.
    pub(super) fn refusal(&self, status: u16, body: &[u8]) -> Fault {
        let json = serde_json::from_slice::<Value>(body).ok();
        let error = match json.and_then(|json| server_error::error(&json, true)) {
            Some(error) => error,
            None => {
                let retried = matches!(status, 408 | 429 | 500..=599);
                let page = body.trim_ascii_start().starts_with(b"<");
                // A refusal in plain words is one; a web page is not the provider's.
                let plain = !page && matches!(status, 401..=403);
                if !retried && !plain && !body.trim_ascii().is_empty() {
                    return self.not_json(status, body);
                }
                let text = String::from_utf8_lossy(body);
                let message = match text.trim_start() {
                    "" => "no message".to_owned(),
                    page if page.starts_with('<') => "a web page".to_owned(),
                    other => other.to_owned(),
                };
                ServerError { message, ..ServerError::default() }
            }
        };
        self.explain(status, &error)
    }

    fn explain(&self, status: u16, error: &ServerError) -> Fault {
        let name = self.name();
        let message = self.endpoint.show(&error.message, LONGEST_MESSAGE);
        let said = format!("HTTP {status}: {message}");
        let last = |text: String| Fault::Final(ModelError::Provider(text));
        // Some say it in words only, and with a status of their own.
        let words = error.message.to_lowercase();
        let says = |all: &[&str]| all.iter().all(|part| words.contains(part));
        let status = match status {
            400 | 403 if error.is_spent() || says(&["credit balance"]) => 402,
            400 if says(&["api key", "valid"]) => 401,
            400 if error.codes.iter().any(|code| code == "context_length_exceeded") => 413,
            status => status,
        };
        match status {
            401 | 403 => match self.endpoint.key {
                Some(_) => last(format!(
                    "{name} refused the key from {} ({said}): check it, or set another",
                    self.endpoint.key_from,
                )),
                // Without one only `LLM_BASE_URL`'s server is asked.
                None => last(format!("{name} wants a key ({said}): set LLM_API_KEY")),
            },
            402 => last(spent(name, &said)),
            429 if error.is_spent() => last(spent(name, &said)),
            408 | 429 | 500..=599 => Fault::Retry {
                why: if status == 429 { format!("rate limit ({said})") } else { said },
                after: self.retry_after.or(error.retry_after),
            },
            _ if names_model(status, error) => Fault::UnknownModel(message),
            404 => last(format!(
                "{} has nothing at this address ({said}): check LLM_BASE_URL, which most often ends in /v1",
                host(&self.endpoint.base),
            )),
            413 => last(format!("the prompt is too long for {name} ({said}): shorten it")),
            400 | 422 => {
                let about_support = error.param.is_some() || speaks_of_support(&error.message);
                let field = refused_field(self.request, error.param.as_deref(), &error.message);
                match field.filter(|_| about_support) {
                    Some(field) => Fault::Refused(field),
                    None => last(format!(
                        "{name} refuses the request ({said}): change the prompt or the settings"
                    )),
                }
            }
            _ => {
                last(format!("{name} refuses the request ({said}): try another model or provider"))
            }
        }
    }
}

fn spent(name: &str, said: &str) -> String {
    format!(
        "the quota at {name} is spent, so waiting will not help ({said}): add credit there, set another provider's key, or set LLM_MODE=scripted"
    )
}

/// Whether an error says that the model does not exist.
fn names_model(status: u16, error: &ServerError) -> bool {
    let message = error.message.to_lowercase();
    let code =
        error.codes.iter().any(|code| matches!(code.as_str(), "model_not_found" | "invalid_model"));
    let missing =
        ["not found", "does not exist", "no such", "unknown", "invalid model", "not a valid model"];
    code || (matches!(status, 400 | 404)
        && message.contains("model")
        && missing.iter().any(|words| message.contains(words)))
}

/// Whether an error is about a field that is not known, rather than about its value.
fn speaks_of_support(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "support",
        "unknown",
        "unrecognized",
        "unexpected",
        "not permitted",
        "extra",
        "cannot find field",
        "deprecated",
        "not allowed",
    ]
    .iter()
    .any(|words| message.contains(words))
}

/// Makes sure that there is something in a completion, if need be from where a server does not put
/// it. Returns what a reader should know of that.
///
/// # Errors
/// [`ModelError::NoAnswer`] where there is nothing.
pub(super) fn usable(
    completion: &mut Completion,
    finish_reason: &str,
    provider: &Provider,
) -> Result<Option<&'static str>, ModelError> {
    let name = provider.name;
    let cut = matches!(Ending::of(finish_reason), Ending::Cut(Cut::Limit | Cut::Filter));
    let thought = !completion.reasoning.trim().is_empty();
    if !completion.text.trim().is_empty() || !completion.tool_calls.is_empty() {
        return Ok(None);
    }
    if thought && provider.text_in_reasoning && !cut {
        completion.text = std::mem::take(&mut completion.reasoning);
        return Ok(Some("the text came in the field for thinking"));
    }
    // An answer without text costs one question. An error would cost all that are asked with it.
    if cut || thought {
        return Ok(None);
    }
    Err(ModelError::NoAnswer(if !completion.refusal.trim().is_empty() {
        format!(
            "{name}'s model declined: {}; change the prompt",
            clean(&completion.refusal, LONGEST_MESSAGE)
        )
    } else {
        format!(
            "{name}'s reply is empty (it stopped with `{finish_reason}`): ask again, or try another model"
        )
    }))
}
