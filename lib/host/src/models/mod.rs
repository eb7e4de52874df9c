//! Asking models: a provider, a recording of one, or a script.
//!
//! A notebook asks [`Models`] and gets an answer, or an error that says what to do; it need not know
//! which of the three answered, and is always told. The layers, from the outside in:
//!
//! | module | subject |
//! |---|---|
//! | `ask` | one question or many, to whatever answers |
//! | `choice` | which provider, model, mode and key a session uses |
//! | `environment` | how its variables are read |
//! | `json` | replies that must satisfy a schema, with one turn to repair them |
//! | `cassette` | recordings and scripts |
//! | `alike` | how much alike two texts are, for the nearest reply of a cassette |
//! | `batch` | the answers of many questions, and recording them in order |
//! | `meter` | tokens, waits, cost, and the budget |
//! | `client` | one question to a provider: retries, waits, time-outs |
//! | `waits` | how long a server asks to wait, wherever it says so |
//! | `pace` | rate limits that all questions of a session share |
//! | `request`, `response`, `server_error`, `stream` | the protocol's bodies |
//! | `calls` | tool calls: put together, read, their ids |
//! | `provider` | how the providers differ, one row each |
//! | `local` | the model that the lab runs on this machine |
//! | `nearby` | servers that already run there, for a hint |
//! | `endpoint` | the server that is asked: address, model, key |
//! | `text` | texts of servers and models: made safe to print, and read |
//! | [`key`] | API keys, and keeping them out of everything else |
//! | [`reply`] | what a reply says: thinking, calls, code |
//! | `clock` | time, which a test can make run fast |
//! | `error` | why a model gave no answer |
//!
//! What the environment decides, unless the setup cell does:
//!
//! | variable | meaning |
//! |---|---|
//! | `OPENAI_API_KEY`, `GEMINI_API_KEY`, `GROQ_API_KEY`, ... | a provider's key; the first that is set chooses the provider |
//! | `LLM_PROVIDER`, `LLM_MODEL` | another provider or model |
//! | `LLM_BASE_URL`, `LLM_API_KEY` | any server that speaks the protocol, and its key if it wants one; a provider that the setup cell names gets neither |
//! | `CODE_EVOLUTION_TYPED_KEY` | the key that the setup cell asked for, of the provider that it names; before all others |
//! | `LLM_LOCAL_MODEL` | the `.gguf` file of another local model |
//! | `LLM_RECORD_LOCAL` | `1`: a lab whose setup cell names `local` records it into its cassette; `add`: beside what is there |
//! | `LLM_MODE` | `live`, `local`, `record`, `replay` or `scripted`; `replay` and `scripted` win over every key |
//! | `LLM_TIMEOUT` | how long a server may take, in seconds; 60, or 300 on this machine |
//! | `LLM_PRICE` | dollars for a million tokens of prompt and answer, `0.10/0.40`, for the meter |
//! | `SSL_CERT_FILE`, `HTTPS_PROXY`, `NO_PROXY` | certificates to trust, and the way to the network, as other programs have them |
//! | `LLM_ADOPT` | `1`: write the requests of this session into the script; see `cassette` |
//!
//! What it leaves out: prompts (a notebook's own strings) and the loop that runs tools (a notebook's
//! own loop; a tool call is just part of an answer).

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

/// The names of all providers.
pub fn providers() -> Vec<&'static str> {
    provider::PROVIDERS.iter().map(|provider| provider.name).collect()
}

/// Prints one line to the participant, now: a wait, a line of a streamed reply.
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
    /// No key and no cassette: there is nothing to ask, which is an error only when it is tried.
    Nothing,
}

/// The answer that a participant got in a chat elsewhere, read like any other.
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
    /// Chooses and prepares what will answer; `env` reads an environment variable. Makes no call:
    /// it works without a network.
    ///
    /// # Errors
    /// [`ModelError::Config`] where the choice makes no sense, [`ModelError::Cassette`] where the
    /// chosen cassette cannot be read.
    pub fn open(
        choice: &ModelChoice,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Models, ModelError> {
        Models::open_with_clock(choice, env, Clock::real())
    }

    /// As [`Models::open`], with a clock that may run fast: for tests of long waits.
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

    /// What was chosen.
    pub fn status(&self) -> ModelStatus {
        self.shared.status.clone()
    }

    /// The session's key, so that it can be kept out of what else is written down.
    pub fn key(&self) -> Option<Key> {
        self.shared.key.clone()
    }

    /// What the session has used so far.
    pub fn meter(&self) -> Meter {
        self.shared.meter.lock().unpoisoned().meter()
    }

    /// A new cell begins: a cassette's replies come in their order from the first.
    pub fn begin_cell(&self) {
        if let Source::Cassette(player) = &self.shared.source {
            player.lock().unpoisoned().rewind();
        }
    }

    /// Sets the session's budget. Calls that are under way count already.
    pub fn set_budget(&self, budget: Budget) {
        self.shared.meter.lock().unpoisoned().set_budget(budget);
    }
}

/// Opens the cassette and lets it say what it is: a script never passes for a recording.
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
