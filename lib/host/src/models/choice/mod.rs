//! Chooses a session's provider, model, mode and key: from the setup cell, else the environment, else what is
//! available.

use std::path::PathBuf;
use std::sync::Arc;

use code_evolution_wire::model::{Mode, ModelChoice, ModelStatus};

use super::ModelError;
use super::endpoint::{Endpoint, host, is_local, parse_base};
use super::environment::{Env, set};
use super::key::Key;
use super::local::{LocalModel, NotInstalled};
use super::provider::{LOCAL, PROVIDERS, Provider, find, unknown};

/// The provider whose address is in `LLM_BASE_URL`.
const CUSTOM: &str = "custom";
/// The key for that address, or for the provider that is named.
const ANY_KEY: &str = "LLM_API_KEY";
/// The key that the setup cell asked for. It belongs to the provider that the cell names.
const TYPED_KEY: &str = "CODE_EVOLUTION_TYPED_KEY";

/// `1`: a lab whose setup cell names the local model records it, in any mode. The other labs of the notebook
/// do not change. `add`: the existing recording is continued.
const RECORD_LOCAL: &str = "LLM_RECORD_LOCAL";

/// A session's choice.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) mode: Mode,
    /// Set in the modes `live` and `record`.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) cassette: Option<PathBuf>,
    pub(super) notes: Vec<String>,
    /// Whether a recording continues the existing file.
    pub(super) adds: bool,
    /// Whether a file answers only because no setting selects a model.
    pub(super) nobody_was_named: bool,
}

impl Chosen {
    pub(super) fn status(&self) -> ModelStatus {
        let endpoint = self.endpoint.as_ref();
        let cassette = match self.mode {
            Mode::Live => None,
            _ => self.cassette.as_ref().map(|path| path.display().to_string()),
        };
        ModelStatus {
            provider: endpoint.map_or("none", |e| e.provider.name).to_owned(),
            model: endpoint.map_or("none", |e| &e.model).to_owned(),
            mode: self.mode,
            key_from: endpoint.map_or("none", |e| &e.key_from).to_owned(),
            cassette,
            notes: self.notes.clone(),
        }
    }
}

/// Makes the choice. Makes no call and starts nothing.
pub(super) fn choose(choice: &ModelChoice, env: Env) -> Result<Chosen, ModelError> {
    let mut choice = choice.clone();
    let cassette = choice.cassette.as_ref().map(PathBuf::from);
    let wished = match choice.mode {
        Some(mode) => Some(mode),
        None => set(env, "LLM_MODE").map(|mode| parse_mode(&mode)).transpose()?,
    };
    let is_local = choice.provider.as_deref().and_then(find).is_some_and(|it| it.name == LOCAL);
    let record = set(env, RECORD_LOCAL).filter(|_| is_local);
    let adds = record.as_deref() == Some("add");
    let wished = if record.is_some() { Some(Mode::Record) } else { wished };
    if wished == Some(Mode::Pasted) {
        return Err(ModelError::Config(
            "a lab's mode cannot be `pasted`: choose another, and paste with `llm.paste`"
                .to_owned(),
        ));
    }
    if let Some(mode @ (Mode::Replay | Mode::Scripted)) = wished {
        let mut notes = Vec::new();
        let unused = key_variables().find(|name| set(env, name).is_some());
        if let Some(name) = unused {
            notes.push(format!("the mode is {mode}, so the key in {name} is not used"));
        }
        return Ok(Chosen { mode, endpoint: None, cassette, notes, adds, nobody_was_named: false });
    }
    if wished == Some(Mode::Local) {
        choice.provider = Some(LOCAL.to_owned());
    }
    let choice = &choice;
    let mut notes = Vec::new();
    match endpoint(choice, env, &mut notes)? {
        Some(endpoint) => {
            let mode = match wished {
                Some(Mode::Record) => Mode::Record,
                _ if endpoint.local.is_some() => Mode::Local,
                _ => Mode::Live,
            };
            if mode == Mode::Record && cassette.is_none() {
                return Err(ModelError::Config(
                    "recording needs a cassette: name its file in the setup cell".to_owned(),
                ));
            }
            Ok(Chosen {
                mode,
                endpoint: Some(endpoint),
                cassette,
                notes,
                adds,
                nobody_was_named: false,
            })
        }
        None if wished == Some(Mode::Record) => Err(ModelError::Config(format!(
            "recording needs a model, and {}: set one of them, or LLM_BASE_URL",
            no_key(choice, env),
        ))),
        None => {
            notes.push(format!(
                "{}, so a file answers instead of a model{}",
                no_key(choice, env),
                if wished == Some(Mode::Live) { ", although live was requested" } else { "" },
            ));
            let named = choice.provider.is_some() || set(env, "LLM_PROVIDER").is_some();
            if !named && let Ok(local) = LocalModel::find(env) {
                notes.push(format!(
                    "LLM_PROVIDER=local asks {}, a model that the lab runs on this machine",
                    local.name()
                ));
            }
            Ok(Chosen {
                mode: Mode::Scripted,
                endpoint: None,
                cassette,
                notes,
                adds,
                nobody_was_named: !named,
            })
        }
    }
}

fn key_variables() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.key_variable).filter(|name| !name.is_empty())
}

/// Explains why no provider can be called.
fn no_key(choice: &ModelChoice, env: Env) -> String {
    match choice.provider.clone().or_else(|| set(env, "LLM_PROVIDER")) {
        Some(name) => match find(&name) {
            Some(provider) if provider.name == LOCAL => {
                LocalModel::find(env).err().map_or_else(String::new, |why| why.to_string())
            }
            Some(provider) if provider.base.is_empty() => "LLM_BASE_URL is not set".to_owned(),
            Some(provider) => format!("{} is not set", provider.key_variable),
            None => unknown(&name),
        },
        None if set(env, ANY_KEY).is_some() => {
            "LLM_API_KEY is set, but neither LLM_PROVIDER nor LLM_BASE_URL says whose key it is"
                .to_owned()
        }
        None => {
            let names: Vec<_> = key_variables().filter(|name| *name != ANY_KEY).collect();
            format!("no key is set in {}", names.join(", "))
        }
    }
}

fn parse_mode(text: &str) -> Result<Mode, ModelError> {
    match text.to_lowercase().as_str() {
        "live" => Ok(Mode::Live),
        "local" => Ok(Mode::Local),
        "record" => Ok(Mode::Record),
        "replay" => Ok(Mode::Replay),
        "scripted" => Ok(Mode::Scripted),
        _ => Err(ModelError::Config(format!(
            "LLM_MODE is `{text}`: set it to live, local, record, replay or scripted"
        ))),
    }
}

/// Returns the server to call; `None` if no setting and no key selects a provider.
fn endpoint(
    choice: &ModelChoice,
    env: Env,
    notes: &mut Vec<String>,
) -> Result<Option<Endpoint>, ModelError> {
    let named = choice.provider.clone().or_else(|| set(env, "LLM_PROVIDER"));
    let named = named.map(|name| find(&name).ok_or_else(|| ModelError::Config(unknown(&name))));
    let named = named.transpose()?;
    let mut base = set(env, "LLM_BASE_URL");
    // The environment's address, key and model belong to one server. A setup cell that names a provider with
    // its own address means another server.
    let elsewhere = choice.provider.is_some() && named.is_some_and(|p| !p.base.is_empty());
    let foreign = elsewhere && base.take().is_some();
    let provider = match named {
        Some(provider) => Some(provider),
        None if base.is_some() => find(CUSTOM),
        None => PROVIDERS.iter().find(|p| p.needs_key && set(env, p.key_variable).is_some()),
    };
    let Some(provider) = provider else { return Ok(None) };
    if provider.name == LOCAL {
        return local(provider, env);
    }
    if foreign {
        notes.push(format!(
            "the setup cell names {}, so LLM_BASE_URL is not used, nor its LLM_API_KEY and LLM_MODEL",
            provider.name,
        ));
    }
    // A key belongs to its provider, so it is never sent to another address.
    let variables: &[&str] = match (&base, foreign) {
        (Some(_), _) => &[ANY_KEY],
        (None, true) => &[provider.key_variable],
        (None, false) => &[provider.key_variable, ANY_KEY],
    };
    let variables = variables.iter().filter(|name| !name.is_empty());
    // A typed key belongs to the provider for which it was asked.
    let typed = set(env, TYPED_KEY).filter(|_| choice.provider.is_some());
    let found = typed
        .map(|key| (key, "prompt"))
        .or_else(|| variables.clone().find_map(|name| Some((set(env, name)?, *name))));
    let (key, key_from) = match found {
        Some((text, from)) => {
            let key = Key::new(&text).map_err(|why| {
                ModelError::Config(format!(
                    "the key from {from} cannot be one: {why}; set it again"
                ))
            })?;
            (Some(key), from)
        }
        None if !provider.needs_key || base.is_some() => (None, "none"),
        None => return Ok(None),
    };
    let address = match (base, provider.base) {
        (Some(base), _) => base,
        (None, "") => return Ok(None),
        (None, base) => base.to_owned(),
    };
    let base = parse_base(&address)?;
    if key.is_some() && base.scheme() == "http" && !is_local(&base) {
        notes.push(format!("the key travels unencrypted to {}: use https", host(&base)));
    }
    let model = choice.model.clone().or_else(|| set(env, "LLM_MODEL").filter(|_| !foreign));
    let model = match (model, provider.model) {
        (Some(model), _) => model,
        (None, "") => {
            return Err(ModelError::Config(format!(
                "which model of {}? set LLM_MODEL, or `model` in the setup cell",
                host(&base),
            )));
        }
        (None, model) => model.to_owned(),
    };
    Ok(Some(Endpoint { provider, base, model, key, key_from: key_from.to_owned(), local: None }))
}

/// Returns the model that the lab runs itself; `None` if it is not installed.
fn local(provider: &'static Provider, env: Env) -> Result<Option<Endpoint>, ModelError> {
    let local = match LocalModel::find(env) {
        Ok(local) => Arc::new(local),
        Err(NotInstalled::Package(_)) => return Ok(None),
        Err(wrong @ NotInstalled::File(_)) => return Err(ModelError::Config(wrong.to_string())),
    };
    Ok(Some(Endpoint {
        provider,
        base: parse_base("http://127.0.0.1/v1")?,
        model: local.name().to_owned(),
        key: None,
        key_from: "none".to_owned(),
        local: Some(local),
    }))
}

#[cfg(test)]
mod tests;
