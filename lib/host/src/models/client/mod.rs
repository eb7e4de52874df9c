//! Asks a provider one question, from the request to an answer or an error that says what to do.
//!
//! The rules for retries follow the providers' documents. The client retries broken connections, 408, 429 and
//! 5xx, in at most four attempts. It waits as long as `Retry-After` says, or else a random part of a doubling
//! delay. It never retries after a wrong key or a spent quota. After a slip of the model (a call or JSON that
//! the server cannot read), the question is asked once more. The client distrusts the server: it bounds the
//! size and the time of a reply, and cleans its words before anybody sees them.

mod advice;
mod attempt;
mod fault;
mod size;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use code_evolution_wire::ending::{Cut, Ending};
use code_evolution_wire::model::{Answer, Ask, Fit, Mode, Usage};
use serde_json::Value;

use super::clock::{Clock, today};
use super::endpoint::{Endpoint, host, is_local};
use super::environment::{Env, set};
use super::meter::{Spent, estimate_input, estimate_tokens};
use super::pace::{LONGEST_WAIT, Pace, TooLong};
use super::response::Completion;
use super::text::clean;
use super::waits;
use super::{ModelError, Progress, calls, reply, request};
use crate::lock::Unpoisoned;
use advice::Route;
use attempt::ENDED_EARLY;
use fault::{Fault, Trouble};

/// How often a question is asked at most.
const ATTEMPTS: u32 = 4;
/// The longest delay before the second attempt if the server names none; it doubles each time.
const FIRST_DELAY: Duration = Duration::from_secs(1);
/// How much longer a streamed answer may take, as long as data keeps coming.
const STREAM_FACTOR: u32 = 5;

/// A client for one provider.
pub(super) struct Client {
    /// `None` only during the drop.
    runtime: Option<tokio::runtime::Runtime>,
    http: reqwest::Client,
    endpoint: Endpoint,
    clock: Clock,
    timeout: Duration,
    pace: Pace,
    /// The fields that this server has refused.
    refused: Mutex<BTreeSet<String>>,
    /// Whether the server has ever answered.
    answered: AtomicBool,
    route: Route,
}

/// Allows another request for the same question, or says why not.
pub(super) type MayRetry<'a> = &'a (dyn Fn(&Spent) -> Result<(), ModelError> + Sync);

/// The result of a question.
pub(super) struct QuestionResult {
    pub(super) result: Result<Answer, ModelError>,
    pub(super) took: Spent,
}

impl Client {
    pub(super) fn new(endpoint: Endpoint, env: Env, clock: Clock) -> Result<Self, ModelError> {
        let config = |what: &str, error: &dyn std::fmt::Display| {
            ModelError::Config(format!(
                "cannot start {what}: {error}; LLM_MODE=scripted works without it"
            ))
        };
        let timeout = match set(env, "LLM_TIMEOUT") {
            None => Duration::from_secs(endpoint.provider.timeout),
            Some(text) => match text.parse() {
                Ok(seconds @ 1..=3_600) => Duration::from_secs(seconds),
                _ => {
                    return Err(ModelError::Config(format!(
                        "LLM_TIMEOUT is `{text}`: set it to seconds, 1 to 3600"
                    )));
                }
            },
        };
        // An error means that another provider of cryptography is already installed, which works as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| config("the network threads", &error))?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("code_evolution/", env!("CARGO_PKG_VERSION")))
            // A redirect could send the key to another host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(clock.real_duration(timeout.min(Duration::from_secs(15))));
        if is_local(&endpoint.base) {
            builder = builder.no_proxy();
        }
        let route = Route::to(&endpoint.base, env);
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
            answered: AtomicBool::new(false),
            route,
        })
    }

    /// Asks a question and blocks until the answer is there. `again` allows or refuses each further request;
    /// it receives what the question has used so far.
    pub(super) fn ask(&self, ask: &Ask, progress: Progress, again: MayRetry) -> QuestionResult {
        let mut took = Spent::default();
        let Some(runtime) = &self.runtime else {
            let result =
                Err(ModelError::Provider("the client has stopped: start a new session".to_owned()));
            return QuestionResult { result, took };
        };
        // The server's text is shown only with the key hidden.
        let tell = |line: &str| progress(&self.endpoint.hide(line));
        let result = runtime.block_on(self.ask_until_answered(ask, &tell, again, &mut took));
        let result = result.map_err(|error| error.map(|message| self.endpoint.hide(&message)));
        QuestionResult { result, took }
    }

    async fn ask_until_answered(
        &self,
        ask: &Ask,
        progress: Progress<'_>,
        again: MayRetry<'_>,
        took: &mut Spent,
    ) -> Result<Answer, ModelError> {
        let name = self.endpoint.provider.name;
        let tokens = estimate_input(ask) + u64::from(ask.max_tokens);
        let mut retry_wait = Duration::ZERO;
        let mut attempt = 1;
        let mut doubted = false;
        let mut slipped = false;
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
                took.add_wait(waited);
            }
            let body = request::body(
                ask,
                self.endpoint.provider,
                &self.endpoint.model,
                &self.refused.lock().unpoisoned(),
            );
            match self.attempt(&body, ask, progress).await {
                Ok(completion) => {
                    let mut so_far = *took;
                    so_far.add_answer(usage(&completion, ask));
                    if let Some(reason) = fault::slip(&completion) {
                        *took = so_far;
                        let said = format!("it stopped with `{reason}`");
                        self.once_more(&mut slipped, &said, progress)?;
                        again(took)?;
                        continue;
                    }
                    let why = match doubt(&completion) {
                        Some(why) if !doubted && again(&so_far).is_ok() => clean(&why, 200),
                        _ => return self.answer(completion, ask, &body, took),
                    };
                    doubted = true;
                    // The answer was paid for, even if it is useless.
                    *took = so_far;
                    progress(&format!("{name}: {why}; asking once more"));
                    drop(under_way);
                    let wait = jitter(FIRST_DELAY);
                    tokio::time::sleep(self.clock.real_duration(wait)).await;
                    took.add_wait(wait);
                }
                Err(Fault::Slip(said)) => {
                    self.once_more(&mut slipped, &said, progress)?;
                    again(took)?;
                }
                Err(Fault::Final(error)) => return Err(error),
                Err(Fault::UnknownModel(message)) => {
                    return Err(self.unknown_model(&message).await);
                }
                // The next request omits the field, so this happens only once per field.
                Err(Fault::Refused(field)) => {
                    // Another question may have met the same refusal at the same time.
                    if self.refused.lock().unpoisoned().insert(field.clone()) {
                        progress(&format!(
                            "{name}: {} does not take `{field}`, asking without it",
                            self.endpoint.model
                        ));
                    }
                    again(took)?;
                }
                Err(Fault::Retry { why, after, trouble }) => {
                    let wait =
                        after.unwrap_or_else(|| jitter(FIRST_DELAY * 2_u32.pow(attempt - 1)));
                    if attempt == ATTEMPTS {
                        return Err(ModelError::Provider(format!(
                            "{name} gave no answer in {ATTEMPTS} attempts: {why}; {}",
                            self.advice(trouble),
                        )));
                    }
                    retry_wait = retry_wait.saturating_add(wait);
                    if retry_wait > LONGEST_WAIT {
                        return Err(self.too_long(&why, retry_wait));
                    }
                    again(took).map_err(|error| error.map(|no| format!("{why}; {no}")))?;
                    attempt += 1;
                    progress(&format!(
                        "{name}: {why}; waiting {} s, then attempt {attempt} of {ATTEMPTS}",
                        seconds(wait),
                    ));
                    // Record the refusal before releasing our slot: the next question then sees it.
                    if after.is_some() {
                        self.pace.refused_for(wait);
                    }
                    drop(under_way);
                    tokio::time::sleep(self.clock.real_duration(wait)).await;
                    took.add_wait(wait);
                }
            }
        }
    }

    /// Makes an answer from the completion of the request `body`.
    fn answer(
        &self,
        mut completion: Completion,
        ask: &Ask,
        body: &Value,
        took: &mut Spent,
    ) -> Result<Answer, ModelError> {
        completion.hide(&|text| self.endpoint.hide(text));
        let Endpoint { provider, model, .. } = &self.endpoint;
        let usage = usage(&completion, ask);
        took.add_answer(usage);
        if completion.error.is_some() {
            completion.finish_reason = Some("error".to_owned());
        }
        let usual = if completion.tool_calls.is_empty() { "stop" } else { "tool_calls" };
        let finish_reason =
            completion.finish_reason.as_ref().map_or_else(|| usual.to_owned(), |it| clean(it, 40));
        let note = fault::usable(&mut completion, &finish_reason, provider)?;
        let mut notes: Vec<String> = note.into_iter().map(str::to_owned).collect();
        notes.extend(unread(usage, ask).filter(|_| provider.may_cut_prompts));
        if completion.no_end {
            notes.push("the server did not say why it ended: it may be cut".to_owned());
        }
        if ask.temperature.is_some() && body.get("temperature").is_none() {
            notes.push("sent without a temperature, which the model does not take".to_owned());
        }
        let mut answer = Answer {
            text: completion.text,
            thinking: completion.reasoning,
            tool_calls: completion.tool_calls,
            model: completion.model.map_or_else(|| model.clone(), |model| clean(&model, 100)),
            mode: Mode::Live,
            note: (!notes.is_empty()).then(|| notes.join("; ")),
            finish_reason,
            usage,
            extra: completion.extra,
            failure: None,
            fit: Fit::Exact,
            date: Some(today()),
        };
        reply::receive(&mut answer, &ask.tools, ask.max_tokens);
        calls::settle(&mut answer.tool_calls, ask);
        Ok(answer)
    }

    fn too_long(&self, why: &str, wait: Duration) -> ModelError {
        ModelError::Provider(format!(
            "{} asks to wait {} s in all ({why}), more than the limit of {} s: try again at {}, use another key or model, or set LLM_MODE=scripted",
            self.endpoint.provider.name,
            seconds(wait),
            LONGEST_WAIT.as_secs(),
            waits::end(wait, SystemTime::now()),
        ))
    }

    /// Allows one slip of the model; the second is an error.
    fn once_more(
        &self,
        slipped: &mut bool,
        said: &str,
        progress: Progress<'_>,
    ) -> Result<(), ModelError> {
        let name = self.endpoint.provider.name;
        let what = "the model wrote a call or JSON that cannot be read";
        let said = clean(said, 200);
        if *slipped {
            return Err(ModelError::Question(format!(
                "{name}: {what}, twice ({said}): ask again, offer fewer tools, or choose another model"
            )));
        }
        *slipped = true;
        progress(&format!("{name}: {what} ({said}); asking once more"));
        Ok(())
    }

    /// Says what to do after the last attempt.
    fn advice(&self, trouble: Trouble) -> String {
        let host = host(&self.endpoint.base);
        match trouble {
            Trouble::Unreached if !self.answered.load(Ordering::Relaxed) => {
                self.route.unreachable(&self.endpoint.base)
            }
            Trouble::Unreached => format!(
                "{host} has answered before{}: check whether it is still running, then ask again",
                self.route.through(),
            ),
            Trouble::Broken => format!(
                "{host} was reached{}, but its answers break off: ask again, or set LLM_MODE=scripted",
                self.route.through(),
            ),
            Trouble::RateLimit => {
                "try again in a minute, use your own key, or choose another model".to_owned()
            }
            Trouble::Server => {
                "the server has a problem: try again later, or choose another model or provider"
                    .to_owned()
            }
        }
    }
}

/// Returns a note if a server counts far fewer tokens than were sent: it may have read only a part of the
/// prompt.
fn unread(usage: Usage, ask: &Ask) -> Option<String> {
    let (read, sent) = (usage.input_tokens, estimate_input(ask));
    // Our estimate is rough, and a server may leave out tokens that it has cached.
    let is_far_less = read > 0 && read < sent / 2 && sent - read > 1_000;
    is_far_less.then(|| {
        format!(
            "the server counts {read} tokens of about {sent} that were sent: it may have read the prompt in part (Ollama: raise OLLAMA_CONTEXT_LENGTH), so shorten it or give it a longer context"
        )
    })
}

impl Drop for Client {
    fn drop(&mut self) {
        // Without this, the drop waits for a name look-up that may hang.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Returns why an answer should be requested once more: something broke it on its way, or it may not have
/// ended.
fn doubt(completion: &Completion) -> Option<String> {
    if let Some(error) = &completion.error {
        return Some(format!("the answer broke off ({error})"));
    }
    if completion.no_end {
        return Some(ENDED_EARLY.to_owned());
    }
    let reason = completion.finish_reason.as_deref()?;
    let broken = Ending::of(reason) == Ending::Cut(Cut::Transport);
    broken.then(|| format!("the answer broke off (`{reason}`)"))
}

/// Returns the tokens of a completion; a rough estimate if the server sent no counts, because the budget
/// needs a number.
fn usage(completion: &Completion, ask: &Ask) -> Usage {
    completion.usage.unwrap_or_else(|| Usage {
        input_tokens: estimate_input(ask),
        output_tokens: estimate_tokens(&completion.text) + estimate_tokens(&completion.reasoning),
    })
}

/// Returns a random part of a delay ("full jitter"), so that thirty participants do not retry at the same
/// moment.
fn jitter(most: Duration) -> Duration {
    // A new hasher's keys are random, and nothing here needs better randomness.
    let random = std::hash::RandomState::new().build_hasher().finish();
    most.mul_f64((random >> 11) as f64 / (1_u64 << 53) as f64)
}

fn seconds(wait: Duration) -> String {
    let seconds = wait.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1}") } else { format!("{seconds:.0}") }
}
