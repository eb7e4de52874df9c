//! Decides what a refusal or an odd answer means, and what to do about it.

use std::time::{Duration, SystemTime};

use code_evolution_wire::ending::{Cut, Ending};
use code_evolution_wire::model::Ask;
use serde_json::Value;

use super::size;

use crate::models::ModelError;
use crate::models::endpoint::{Endpoint, host};
use crate::models::pace::LONGEST_WAIT;
use crate::models::provider::Provider;
use crate::models::request::refused_field;
use crate::models::response::{self, Completion};
use crate::models::server_error::{self, ServerError, names_day, names_slip};
use crate::models::text::clean;
use crate::models::waits;

/// Why an attempt gave no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// The next attempt may succeed.
    Retry { why: String, after: Option<Duration>, trouble: Trouble },
    /// The model wrote something that the server cannot read; the next attempt may succeed.
    Slip(String),
    /// The server does not accept an optional field.
    Refused(String),
    /// The server does not have the model.
    UnknownModel(String),
    /// No further attempt will succeed.
    Final(ModelError),
}

/// The trouble that prevented an answer, for the advice at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// No connection was made.
    Unreached,
    /// The connection broke.
    Broken,
    /// The server asks to wait.
    RateLimit,
    /// The server failed.
    Server,
}

/// The longest text of a server that is shown, in characters.
const LONGEST_MESSAGE: usize = 300;

/// Where an answer came from, for messages about it.
pub(super) struct Origin<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) retry_after: Option<Duration>,
    /// The tokens that may be requested per minute, if the headers say so.
    pub(super) tokens_a_minute: Option<u64>,
    /// The kind of limit that was exceeded, if a header names it: `UserByModelByDay`.
    pub(super) limit: String,
    /// The question.
    pub(super) ask: &'a Ask,
    /// The request's body.
    pub(super) request: &'a Value,
    /// Words about the proxy before the server: ` (through the proxy proxy:3128)`.
    pub(super) through: String,
}

impl Origin<'_> {
    pub(super) fn wants_stream(&self) -> bool {
        self.request.get("stream").is_some()
    }

    fn name(&self) -> &'static str {
        self.endpoint.provider.name
    }

    /// Reads the answer in the body of a successful exchange.
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

    /// Guesses what a body is if it is not JSON.
    fn not_json(&self, status: u16, body: &[u8]) -> Fault {
        let text = String::from_utf8_lossy(body);
        let (name, host) = (self.name(), host(&self.endpoint.base));
        let start = text.trim_start();
        let message = if start.is_empty() {
            // A server that closes early is a broken connection.
            return Fault::Retry {
                why: format!("an empty reply (HTTP {status})"),
                after: self.retry_after,
                trouble: Trouble::Broken,
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
                "{host} answered with a web page{title} instead of {name}'s reply (HTTP {status}){through}: check LLM_BASE_URL, or log in to the network",
                through = self.through,
            )
        } else {
            format!(
                "{host} answered with something that is not JSON (HTTP {status}, it begins `{}`): check LLM_BASE_URL",
                self.endpoint.show(start, 80),
            )
        };
        Fault::Final(ModelError::NoAnswer(message))
    }

    /// Interprets an error inside a successful exchange.
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

    /// Interprets a status other than success.
    pub(super) fn refusal(&self, status: u16, body: &[u8]) -> Fault {
        let json = serde_json::from_slice::<Value>(body).ok();
        let error = match json.and_then(|json| server_error::error(&json, true)) {
            Some(error) => error,
            None => {
                let retried = matches!(status, 408 | 429 | 500..=599);
                let page = body.trim_ascii_start().starts_with(b"<");
                // A refusal in plain text comes from the provider. A web page does not.
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
        let question = |text: String| Fault::Final(ModelError::Question(text));
        if error.is_slip() {
            return Fault::Slip(said);
        }
        if let Some(advice) = size::advice(status, error, self.ask, self.tokens_a_minute) {
            return question(format!("the request is too large for {name} ({said}): {advice}"));
        }
        let wait = self.retry_after.max(error.retry_after);
        let limits_requests = matches!(status, 402 | 403 | 429) || error.status() == Some(429);
        if limits_requests && self.day_is_spent(error, wait) {
            return last(self.spent_day(&said, wait));
        }
        // Some servers send an unusual status and name the cause only in words.
        let words = error.message.to_lowercase();
        let says = |all: &[&str]| all.iter().all(|part| words.contains(part));
        let status = match status {
            400 | 403 if error.is_spent() || says(&["credit balance"]) => 402,
            400 if says(&["api key", "valid"]) => 401,
            status => status,
        };
        match status {
            401 | 403 => match self.endpoint.key {
                Some(_) => last(format!(
                    "{name} refused the key from {} ({said}): check it, or set another",
                    self.endpoint.key_from,
                )),
                // Only the server of `LLM_BASE_URL` is asked without a key.
                None => last(format!("{name} needs a key ({said}): set LLM_API_KEY")),
            },
            402 => last(spent(name, &said)),
            429 if error.is_spent() => last(spent(name, &said)),
            407 => last(format!(
                "the proxy needs a login ({said}){}: put one into its address, or bypass it with NO_PROXY",
                self.through,
            )),
            429 => Fault::Retry {
                why: format!("rate limit ({said})"),
                after: wait,
                trouble: Trouble::RateLimit,
            },
            408 | 500..=599 => Fault::Retry { why: said, after: wait, trouble: Trouble::Server },
            _ if names_model(status, error) => Fault::UnknownModel(message),
            404 => last(format!(
                "{} has nothing at this address ({said}): check LLM_BASE_URL, which most often ends in /v1",
                host(&self.endpoint.base),
            )),
            400 | 422 => {
                let about_support = error.param.is_some() || speaks_of_support(&error.message);
                let field = refused_field(self.request, error.param.as_deref(), &error.message);
                match field.filter(|_| about_support) {
                    Some(field) => Fault::Refused(field),
                    None => question(format!(
                        "{name} refuses the request ({said}): change the prompt or the settings"
                    )),
                }
            }
            _ => question(format!(
                "{name} refuses the request ({said}): try another model or provider"
            )),
        }
    }
}

impl Origin<'_> {
    /// Returns whether a day's quota is used up and a short wait does not help. (Some servers count the
    /// requests of the last 24 hours, so the next request may be possible soon, and they say when. But if a
    /// field names the day's quota, the wait beside it belongs to another limit.)
    fn day_is_spent(&self, error: &ServerError, wait: Option<Duration>) -> bool {
        error.day_is_spent
            || (error.speaks_of_a_day() || names_day(&self.limit))
                && wait.is_none_or(|wait| wait > LONGEST_WAIT)
    }

    fn spent_day(&self, said: &str, wait: Option<Duration>) -> String {
        let name = self.name();
        let end = match (wait.filter(|wait| *wait > LONGEST_WAIT), self.endpoint.provider.day_ends)
        {
            (Some(wait), _) => format!("at {}", waits::end(wait, SystemTime::now())),
            (None, Some(end)) => end.to_owned(),
            (None, None) => "tomorrow at the latest".to_owned(),
        };
        format!(
            "the day's quota at {name} is spent ({said}); it is whole again {end}: until then set another provider's key or another model, or LLM_MODE=scripted"
        )
    }
}

fn spent(name: &str, said: &str) -> String {
    format!(
        "the quota at {name} is spent, so waiting will not help ({said}): add credit there, set another provider's key, or set LLM_MODE=scripted"
    )
}

/// Returns whether an error says that the model does not exist.
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

/// Returns whether an error says that a field is unknown, not that its value is wrong.
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

/// Returns the finish reason if it says that the model slipped and there is nothing to read; see
/// [`names_slip`].
pub(super) fn slip(completion: &Completion) -> Option<&str> {
    let nothing = completion.text.trim().is_empty() && completion.tool_calls.is_empty();
    completion.finish_reason.as_deref().filter(|reason| nothing && names_slip(reason))
}

/// Makes sure that a completion is not empty. If necessary, takes the text from an unusual field and returns
/// a note for the reader.
///
/// # Errors
/// [`ModelError::NoAnswer`] if there is nothing.
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
    if let Some(why) = &completion.withheld {
        let why = clean(why, 80);
        let why = if why.is_empty() { why } else { format!(" ({why})") };
        return Err(ModelError::NoAnswer(format!(
            "{name} gave no reply; most likely it withheld the reply{why}: change the prompt, or try another model"
        )));
    }
    // An answer without text costs one question. An error would cost all questions of the batch.
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
