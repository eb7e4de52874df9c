//! One question to a provider, from the request to an answer or an error that says what to do.
//!
//! What is retried, how often and after which wait follows what the providers document: broken
//! connections, 408, 429 and 5xx up to four times, after what `Retry-After` says or else a random
//! part of a doubling delay; never a wrong key or a spent quota. What a server sends is believed
//! little: its size and time are bounded, and its words are cleaned before anybody sees them.

mod attempt;
mod fault;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::sync::Mutex;
use std::time::Duration;

use code_evolution_wire::model::{Answer, Ask, Mode, Usage};

use super::choice::{Endpoint, host, is_local};
use super::clock::Clock;
use super::meter::{Waits, estimate_input, estimate_tokens};
use super::pace::{LONGEST_WAIT, Pace, TooLong};
use super::response::Completion;
use super::text::clean;
use super::{ModelError, Progress, lock, request};
use fault::Fault;

/// How often a question is asked at most.
const ATTEMPTS: u32 = 4;
/// The longest delay before a second attempt where the server names none; it doubles each time.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// How long a server may be silent, unless `LLM_TIMEOUT` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(60);
/// How much longer a streamed answer may take, as long as it keeps coming.
const STREAM_FACTOR: u32 = 5;

/// A client for one provider.
pub(super) struct Client {
    /// `None` only while it is dropped.
    runtime: Option<tokio::runtime::Runtime>,
    http: reqwest::Client,
    endpoint: Endpoint,
    clock: Clock,
    timeout: Duration,
    pace: Pace,
    /// The fields that this server has refused.
    refused: Mutex<BTreeSet<&'static str>>,
}

/// What became of a question.
pub(super) struct Asked {
    pub(super) result: Result<Answer, ModelError>,
    pub(super) waits: Waits,
}

impl Client {
    pub(super) fn new(
        endpoint: Endpoint,
        env: &dyn Fn(&str) -> Option<String>,
        clock: Clock,
    ) -> Result<Self, ModelError> {
        let config = |what: &str, error: &dyn std::fmt::Display| {
            ModelError::Config(format!(
                "cannot start {what}: {error}; LLM_MODE=scripted works without"
            ))
        };
        let timeout = match env("LLM_TIMEOUT").filter(|text| !text.trim().is_empty()) {
            None => TIMEOUT,
            Some(text) => match text.trim().parse() {
                Ok(seconds @ 1..=3_600) => Duration::from_secs(seconds),
                _ => {
                    return Err(ModelError::Config(format!(
                        "LLM_TIMEOUT is `{text}`: set it to seconds, 1 to 3600"
                    )));
                }
            },
        };
        // An error means that a provider of cryptography is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| config("the network threads", &error))?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("code_evolution/", env!("CARGO_PKG_VERSION")))
            // A redirect could carry the key to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(clock.real_duration(timeout.min(Duration::from_secs(15))));
        if is_local(&endpoint.base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| {
            config("the HTTP client (are the ca-certificates installed?)", &error.without_url())
        })?;
        Ok(Client {
            runtime: Some(runtime),
            http,
            endpoint,
            clock,
            timeout,
            pace: Pace::new(clock),
            refused: Mutex::default(),
        })
    }

    /// Asks a question and blocks until the answer is there.
    pub(super) fn ask(&self, ask: &Ask, progress: Progress) -> Asked {
        let mut waits = Waits::default();
        let Some(runtime) = &self.runtime else {
            let result =
                Err(ModelError::Provider("the client has stopped: start a new session".to_owned()));
            return Asked { result, waits };
        };
        // Whatever a server sent is shown only with the key hidden.
        let tell = |line: &str| progress(&self.endpoint.hide(line));
        let result = runtime.block_on(self.ask_until_answered(ask, &tell, &mut waits));
        let result = result.map_err(|error| error.map(|message| self.endpoint.hide(&message)));
        Asked { result, waits }
    }

    async fn ask_until_answered(
        &self,
        ask: &Ask,
        progress: Progress<'_>,
        waits: &mut Waits,
    ) -> Result<Answer, ModelError> {
        let name = self.endpoint.provider.name;
        let tokens = estimate_input(ask) + u64::from(ask.max_tokens);
        let mut retry_wait = Duration::ZERO;
        let mut adapted = false;
        let mut attempt = 1;
        loop {
            let tell = |wait: Duration| {
                progress(&format!("{name}: waiting up to {} s for the rate limit", seconds(wait)));
            };
            let (under_way, waited) = self
                .pace
                .admit(tokens, tell)
                .await
                .map_err(|TooLong(wait)| self.too_long("its rate limit", wait))?;
            if !waited.is_zero() {
                waits.count += 1;
                waits.total += waited;
            }
            let body = request::body(
                ask,
                self.endpoint.provider,
                &self.endpoint.model,
                &lock(&self.refused),
            );
            let outcome = self.attempt(&body, ask, progress).await;
            drop(under_way);
            match outcome {
                Ok(completion) => return self.answer(completion, ask),
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::UnknownModel(message)) => {
                    return Err(self.unknown_model(&message).await);
                }
                Err(Fault::Refused { field, message }) => {
                    let new = lock(&self.refused).insert(field);
                    // Another question may have met the same refusal at the same time.
                    if adapted && !new {
                        return Err(ModelError::Provider(format!(
                            "{name} refuses the request: {message}; choose another model"
                        )));
                    }
                    adapted = true;
                    if new {
                        progress(&format!(
                            "{name}: {} takes no `{field}`, asking without it",
                            self.endpoint.model
                        ));
                    }
                }
                Err(Fault::Retry { why, after }) => {
                    let wait =
                        after.unwrap_or_else(|| jitter(FIRST_DELAY * 2_u32.pow(attempt - 1)));
                    if attempt == ATTEMPTS {
                        return Err(ModelError::Provider(format!(
                            "{name} gave no answer in {ATTEMPTS} attempts: {why}; {}",
                            self.advice_unreachable(),
                        )));
                    }
                    if retry_wait.saturating_add(wait) > LONGEST_WAIT {
                        return Err(self.too_long(&why, wait));
                    }
                    attempt += 1;
                    progress(&format!(
                        "{name}: {why}; waiting {} s, then attempt {attempt} of {ATTEMPTS}",
                        seconds(wait),
                    ));
                    if after.is_some() {
                        self.pace.refused_for(wait);
                    }
                    tokio::time::sleep(self.clock.real_duration(wait)).await;
                    retry_wait += wait;
                    waits.count += 1;
                    waits.total += wait;
                }
            }
        }
    }

    fn answer(&self, mut completion: Completion, ask: &Ask) -> Result<Answer, ModelError> {
        completion.hide(&|text| self.endpoint.hide(text));
        let fault::Usable { text, note, finish_reason, completion } =
            fault::usable(completion, self.endpoint.provider, ask.max_tokens)?;
        let usage = completion.usage.unwrap_or_else(|| Usage {
            // Without counts from the server, a rough one: a budget must not be blind.
            input_tokens: estimate_input(ask),
            output_tokens: estimate_tokens(&text) + estimate_tokens(&completion.reasoning),
        });
        let mut notes: Vec<String> = note.into_iter().collect();
        let refused = lock(&self.refused);
        if refused.contains("temperature") && ask.temperature.is_some() {
            notes.push("sent without a temperature, which the model does not take".to_owned());
        }
        Ok(Answer {
            text,
            tool_calls: completion.tool_calls,
            model: completion
                .model
                .map_or_else(|| self.endpoint.model.clone(), |model| clean(&model, 100)),
            mode: Mode::Live,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            finish_reason,
            usage,
        })
    }

    fn too_long(&self, why: &str, wait: Duration) -> ModelError {
        ModelError::Provider(format!(
            "{} asks to wait {} s ({why}), more than the {} s that are worth it: try later, use another key or model, or set LLM_MODE=scripted",
            self.endpoint.provider.name,
            seconds(wait),
            LONGEST_WAIT.as_secs(),
        ))
    }

    fn advice_unreachable(&self) -> String {
        let host = host(&self.endpoint.base);
        if is_local(&self.endpoint.base) {
            format!("is the server at {host} running?")
        } else {
            format!("is {host} reachable from here? LLM_MODE=scripted works offline")
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Without this, dropping waits for a name look-up that may hang.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A random part of a delay ("full jitter"), so that a room of thirty does not come back at once.
fn jitter(most: Duration) -> Duration {
    // A fresh hasher's keys are random, and nothing here needs better randomness.
    let random = std::hash::RandomState::new().build_hasher().finish();
    most.mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)
}

fn seconds(wait: Duration) -> String {
    let seconds = wait.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
}
