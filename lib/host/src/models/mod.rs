//! Asks models: a provider, a recording of a provider, or a script.
//!
//! A notebook asks [`Models`] and gets an answer, or an error that says what to do. It need not know which of
//! the three answered, but the answer always says so. The layers, from the outside in:
//!
//! | module | subject |
//! |---|---|
//! | `ask` | one question or many, to a provider or a cassette |
//! | `choice` | which provider, model, mode and key a session uses |
//! | `environment` | how environment variables are read |
//! | `json` | replies that must satisfy a schema, with one turn to repair them |
//! | `cassette` | recordings and scripts |
//! | `alike` | how similar two texts are, for the nearest reply of a cassette |
//! | `batch` | the answers of many questions, recorded in order |
//! | `meter` | tokens, waits, cost, and the budget |
//! | `client` | one question to a provider: retries, waits, time-outs |
//! | `waits` | how long a server asks to wait, in any form |
//! | `pace` | rate limits that all questions of a session share |
//! | `request`, `response`, `server_error`, `stream` | the protocol's bodies |
//! | `calls` | tool calls: put together, read, their ids |
//! | `provider` | how the providers differ, one row each |
//! | `local` | the model that the lab runs itself |
//! | `nearby` | servers that already run on this machine, for a hint |
//! | `endpoint` | the server that is asked: address, model, key |
//! | `text` | texts of servers and models: cleaned for printing, and read |
//! | [`key`] | API keys, and how they stay out of everything else |
//! | [`reply`] | what a reply says: thinking, calls, code |
//! | `clock` | time; a test can make it run fast |
//! | `error` | why a model gave no answer |
//!
//! The environment decides the following, unless the setup cell does:
//!
//! | variable | meaning |
//! |---|---|
//! | `OPENAI_API_KEY`, `GEMINI_API_KEY`, `GROQ_API_KEY`, ... | a provider's key; the first that is set chooses the provider |
//! | `LLM_PROVIDER`, `LLM_MODEL` | another provider or model |
//! | `LLM_BASE_URL`, `LLM_API_KEY` | any server that speaks the protocol, and its key if it wants one; not used if the setup cell names a provider with its own address |
//! | `CODE_EVOLUTION_TYPED_KEY` | the key that the setup cell asked for, for the provider that it names; it wins over all others |
//! | `LLM_LOCAL_MODEL` | the `.gguf` file of another local model |
//! | `LLM_RECORD_LOCAL` | `1`: a lab whose setup cell names `local` records into its cassette; `add`: keeps what is already there |
//! | `LLM_MODE` | `live`, `local`, `record`, `replay` or `scripted`; `replay` and `scripted` win over every key |
//! | `LLM_TIMEOUT` | how long a server may take, in seconds; 60, or 300 for a server on this machine |
//! | `LLM_PRICE` | dollars for a million tokens of prompt and answer, `0.10/0.40`, for the meter |
//! | `SSL_CERT_FILE`, `HTTPS_PROXY`, `NO_PROXY` | certificates to trust, and proxies, as in other programs |
//! | `LLM_ADOPT` | `1`: write the requests of this session into the script; see `cassette` |
//!
//! What it leaves out: prompts, and the loop that runs tools. A notebook writes both. For this module, a tool
//! call is only a part of an answer.

mod alike;
mod ask;
mod batch;
mod calls;
mod cassette;
mod choice;
mod client;
mod clock;
mod endpoint;
mod environment;
mod error;
mod json;
pub mod key;
mod local;
pub(crate) mod meter;
mod nearby;
mod pace;
mod provider;
pub mod reply;
mod request;
mod response;
mod server_error;
mod stream;
mod text;
mod waits;

use std::path::Path;
use std::sync::{Arc, Mutex};

use code_evolution_wire::model::{
    Answer, Budget, Fit, Meter, Mode, ModelChoice, ModelStatus, Usage,
};

pub(crate) use calls::lenient_json;
pub use clock::Clock;
pub use error::ModelError;

use crate::lock::Unpoisoned;
use cassette::{Player, Recorder};
use client::Client;
use key::Key;

/// Returns the names of all providers.
pub fn providers() -> Vec<&'static str> {
    provider::PROVIDERS.iter().map(|provider| provider.name).collect()
}

/// Prints one line to the participant at once: a wait, or a line of a streamed reply.
pub type Progress<'a> = &'a (dyn Fn(&str) + Sync);

/// A session's way to ask models. Clones share everything. Its methods block.
#[derive(Clone)]
pub struct Models {
    shared: Arc<Shared>,
}

struct Shared {
    status: ModelStatus,
    key: Option<Key>,
    source: Source,
    meter: Mutex<meter::Account>,
}

enum Source {
    Provider {
        client: Box<Client>,
        recorder: Option<Mutex<Recorder>>,
    },
    Cassette(Mutex<Player>),
    /// There is neither a key nor a cassette, so nothing can answer. This is an error only when a question is
    /// asked.
    Nothing,
}

/// Wraps an answer that a participant got in a chat elsewhere; it is read like any other.
pub fn pasted(text: String) -> Answer {
    let mut answer = Answer {
        text,
        thinking: String::new(),
        tool_calls: Vec::new(),
        model: "unknown".to_owned(),
        mode: Mode::Pasted,
        note: None,
        finish_reason: "stop".to_owned(),
        usage: Usage::default(),
        extra: serde_json::Map::new(),
        failure: None,
        fit: Fit::Exact,
        date: None,
    };
    reply::receive(&mut answer, &[], 0);
    answer
}

impl Models {
    /// Chooses and prepares what will answer; `env` reads an environment variable. Makes no call and needs no
    /// network.
    ///
    /// # Errors
    /// [`ModelError::Config`] if the choice makes no sense, [`ModelError::Cassette`] if the chosen cassette
    /// cannot be read.
    pub fn open(
        choice: &ModelChoice,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Models, ModelError> {
        Models::open_with_clock(choice, env, Clock::real())
    }

    /// Does the same as [`Models::open`], with a clock that may run fast: for tests of long waits.
    ///
    /// # Errors
    /// As [`Models::open`].
    pub fn open_with_clock(
        choice: &ModelChoice,
        env: &dyn Fn(&str) -> Option<String>,
        clock: Clock,
    ) -> Result<Models, ModelError> {
        let mut chosen = choice::choose(choice, env)?;
        if let Some(endpoint) = &chosen.endpoint {
            endpoint.reach()?;
        }
        if chosen.nobody_was_named {
            chosen.notes.extend(nearby::mentions());
        }
        let mut account = meter::Account::default();
        let source = match (chosen.endpoint.clone(), chosen.cassette.clone()) {
            (Some(endpoint), cassette) => {
                account = meter::Account::new(endpoint.provider.name, &endpoint.model, env)?;
                let recorder = match cassette.filter(|_| chosen.mode == Mode::Record) {
                    Some(path) => {
                        let new = Recorder::new(&path, &endpoint.model, endpoint.key.clone());
                        Some(Mutex::new(if chosen.adds { new.with_the_file()? } else { new }))
                    }
                    None => None,
                };
                let client = Box::new(Client::new(endpoint, env, clock)?);
                Source::Provider { client, recorder }
            }
            (None, Some(path)) => {
                let adopt = env("LLM_ADOPT").is_some_and(|value| value == "1");
                let player = open_player(&path, adopt, &mut chosen)?;
                Source::Cassette(Mutex::new(player))
            }
            (None, None) => Source::Nothing,
        };
        if chosen.mode == Mode::Record
            && !chosen.adds
            && let Some(path) = &chosen.cassette
            && path.exists()
        {
            chosen
                .notes
                .push(format!("the first answer replaces the recording {}", path.display()));
        }
        let mut status = chosen.status();
        if let Source::Cassette(player) = &source
            && let Some(model) = player.lock().unpoisoned().model()
        {
            status.model = model;
        }
        let key = chosen.endpoint.and_then(|endpoint| endpoint.key);
        let shared = Shared { status, key, source, meter: Mutex::new(account) };
        Ok(Models { shared: Arc::new(shared) })
    }

    /// Returns what was chosen.
    pub fn status(&self) -> ModelStatus {
        self.shared.status.clone()
    }

    /// Returns the session's key, so that callers can keep it out of other output.
    pub fn key(&self) -> Option<Key> {
        self.shared.key.clone()
    }

    /// Returns what the session has used so far.
    pub fn meter(&self) -> Meter {
        self.shared.meter.lock().unpoisoned().meter()
    }

    /// Begins a new cell: a cassette's replies start again from the first.
    pub fn begin_cell(&self) {
        if let Source::Cassette(player) = &self.shared.source {
            player.lock().unpoisoned().rewind();
        }
    }

    /// Sets the session's budget. Calls under way already count.
    pub fn set_budget(&self, budget: Budget) {
        self.shared.meter.lock().unpoisoned().set_budget(budget);
    }
}

/// Opens the cassette and notes which kind it is: a script never passes for a recording.
fn open_player(
    path: &Path,
    adopt: bool,
    chosen: &mut choice::Chosen,
) -> Result<Player, ModelError> {
    let player = Player::open(path, adopt)?;
    let mode = player.cassette().kind.mode();
    if mode == Mode::Scripted && chosen.mode == Mode::Replay {
        chosen.notes.push("the cassette is a script written by hand, not a recording".to_owned());
    }
    chosen.mode = mode;
    if mode == Mode::Replay && adopt {
        return Err(ModelError::Config(
            "LLM_ADOPT rewrites scripts only, and the cassette is a recording: unset LLM_ADOPT"
                .to_owned(),
        ));
    }
    Ok(player)
}
