//! Which provider, model, mode and key a session uses: the setup cell's wish, else the environment,
//! else what is there.

use std::path::PathBuf;
use std::sync::Arc;

use code_evolution_wire::model::{Mode, ModelChoice, ModelStatus};

use super::ModelError;
use super::endpoint::{Endpoint, host, is_local, parse_base};
use super::key::Key;
use super::local::{LocalModel, NotInstalled};
use super::provider::{LOCAL, PROVIDERS, Provider, find, names};

/// The provider whose address is `LLM_BASE_URL`'s.
const CUSTOM: &str = "custom";
/// The key of that address, or of whichever provider is named.
const ANY_KEY: &str = "LLM_API_KEY";
/// The key that the setup cell asked for, of the provider that it names.
const TYPED_KEY: &str = "CODE_EVOLUTION_TYPED_KEY";

/// A session's choice.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) mode: Mode,
    /// Present in the modes `live` and `record`.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) cassette: Option<PathBuf>,
    pub(super) notes: Vec<String>,
    /// Whether a file answers only because nothing says who else should.
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

/// Reads an environment variable.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable's value without space around it; `None` where nothing is left.
pub(super) fn set(env: Env, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Chooses. Makes no call and starts nothing.
pub(super) fn choose(choice: &ModelChoice, env: Env) -> Result<Chosen, ModelError> {
    let mut choice = choice.clone();
    let cassette = choice.cassette.as_ref().map(PathBuf::from);
    let wished = match choice.mode {
        Some(mode) => Some(mode),
        None => set(env, "LLM_MODE").map(|mode| parse_mode(&mode)).transpose()?,
    };
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
        return Ok(Chosen { mode, endpoint: None, cassette, notes, nobody_was_named: false });
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
            Ok(Chosen { mode, endpoint: Some(endpoint), cassette, notes, nobody_was_named: false })
        }
        None if wished == Some(Mode::Record) => Err(ModelError::Config(format!(
            "recording needs a model, and {}: set one of them, or LLM_BASE_URL",
            no_key(choice, env),
        ))),
        None => {
            notes.push(format!(
                "{}, so a file answers instead of a model{}",
                no_key(choice, env),
                if wished == Some(Mode::Live) { ", though live was wished for" } else { "" },
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
                nobody_was_named: !named,
            })
        }
    }
}

fn key_variables() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.key_variable).filter(|name| !name.is_empty())
}

/// Why no provider can be called.
fn no_key(choice: &ModelChoice, env: Env) -> String {
    match choice.provider.clone().or_else(|| set(env, "LLM_PROVIDER")) {
        Some(name) => match find(&name) {
            Some(provider) if provider.name == LOCAL => {
                LocalModel::find(env).err().map_or_else(String::new, |why| why.to_string())
            }
            Some(provider) if provider.base.is_empty() => "LLM_BASE_URL is not set".to_owned(),
            Some(provider) if !provider.other_key_variable.is_empty() => format!(
                "neither {} nor {} is set",
                provider.key_variable, provider.other_key_variable
            ),
            Some(provider) => format!("{} is not set", provider.key_variable),
            None => format!("there is no provider `{name}`"),
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

/// The server to call; `None` where no key says which.
fn endpoint(
    choice: &ModelChoice,
    env: Env,
    notes: &mut Vec<String>,
) -> Result<Option<Endpoint>, ModelError> {
    let named = choice.provider.clone().or_else(|| set(env, "LLM_PROVIDER"));
    let named = named.map(|name| {
        find(&name).ok_or_else(|| {
            ModelError::Config(format!("there is no provider `{name}`: choose one of {}", names()))
        })
    });
    let named = named.transpose()?;
    let mut base = set(env, "LLM_BASE_URL");
    // The environment's address, key and model are one server's. A setup cell that names a provider
    // with an address of its own means another.
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
    // A key belongs to its provider: another address is not sent it.
    let variables: &[&str] = match (&base, foreign) {
        (Some(_), _) => &[ANY_KEY],
        (None, true) => &[provider.key_variable, provider.other_key_variable],
        (None, false) => &[provider.key_variable, ANY_KEY, provider.other_key_variable],
    };
    let variables = variables.iter().filter(|name| !name.is_empty());
    // One that was typed is that of the provider for which it was asked.
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

/// The model that the lab runs itself; `None` where it is not installed.
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
mod tests {
    use super::*;

    fn chosen(choice: &ModelChoice, env: &[(&str, &str)]) -> Result<Chosen, ModelError> {
        let get = |name: &str| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        choose(choice, &get)
    }

    const OPENAI: (&str, &str) = ("OPENAI_API_KEY", "sk-canary-0123456789");

    #[test]
    fn each_provider_is_chosen_by_its_key() {
        for provider in PROVIDERS.iter().filter(|provider| provider.needs_key) {
            let chosen =
                chosen(&ModelChoice::default(), &[(provider.key_variable, "k-123")]).unwrap();
            let status = chosen.status();
            assert_eq!(status.provider, provider.name);
            assert_eq!(status.model, provider.model);
            assert_eq!(status.key_from, provider.key_variable);
            assert_eq!(chosen.endpoint.unwrap().base.as_str(), provider.base);
        }
    }

    #[test]
    fn a_token_that_is_there_for_something_else_chooses_nothing() {
        let token = ("GITHUB_TOKEN", "ghp_canary");
        assert!(chosen(&ModelChoice::default(), &[token]).unwrap().endpoint.is_none());
        let other = chosen(&ModelChoice::default(), &[token, OPENAI]).unwrap().status();
        assert_eq!(other.provider, "openai");
        // Where the provider is named, it serves.
        let named = chosen(&ModelChoice::default(), &[token, ("LLM_PROVIDER", "github")]).unwrap();
        let status = named.status();
        assert_eq!(
            (status.provider.as_str(), status.key_from.as_str()),
            ("github", "GITHUB_TOKEN")
        );
        let own = ("GITHUB_MODELS_TOKEN", "github_pat_canary");
        let own = chosen(&ModelChoice::default(), &[token, own]).unwrap().status();
        assert_eq!(own.key_from, "GITHUB_MODELS_TOKEN");
        // Another address gets neither.
        let base = [("LLM_BASE_URL", "http://localhost:1/v1"), ("LLM_MODEL", "m"), token];
        let github = [base[0], base[1], base[2], ("LLM_PROVIDER", "github")];
        for env in [&base[..], &github[..]] {
            assert!(chosen(&ModelChoice::default(), env).unwrap().endpoint.unwrap().key.is_none());
        }
    }

    #[test]
    fn a_server_on_this_machine_needs_a_model_and_no_key() {
        for (name, address) in
            [("ollama", "http://localhost:11434/v1"), ("lmstudio", "http://localhost:1234/v1")]
        {
            let named = ModelChoice { provider: Some(name.into()), ..ModelChoice::default() };
            let error = chosen(&named, &[OPENAI]).unwrap_err();
            assert!(error.message().contains("which model of localhost:"), "{error}");
            let choice = ModelChoice { model: Some("small".into()), ..named };
            let endpoint = chosen(&choice, &[OPENAI]).unwrap().endpoint.unwrap();
            assert_eq!((endpoint.base.as_str(), endpoint.model.as_str()), (address, "small"));
            assert!(endpoint.key.is_none(), "another's key");
            // One behind a proxy that wants a key gets it.
            let endpoint = chosen(&choice, &[(ANY_KEY, "own")]).unwrap().endpoint.unwrap();
            assert_eq!(endpoint.key.unwrap().expose(), "own");
        }
    }

    #[test]
    fn without_a_key_a_script_answers_and_says_why() {
        let status = chosen(&ModelChoice::default(), &[("OPENAI_API_KEY", " ")]).unwrap().status();
        assert_eq!((status.mode, status.key_from.as_str()), (Mode::Scripted, "none"));
        assert!(
            status.notes[0].contains("no key is set in OPENAI_API_KEY, "),
            "{:?}",
            status.notes
        );
        let live = ModelChoice { mode: Some(Mode::Live), ..ModelChoice::default() };
        let status = chosen(&live, &[]).unwrap().status();
        assert!(status.notes[0].contains("though live was wished for"), "{:?}", status.notes);
        assert!(chosen(&ModelChoice::default(), &[("LLM_MODE", "record")]).is_err());
    }

    #[test]
    fn a_scripted_mode_wins_over_keys() {
        let chosen = chosen(&ModelChoice::default(), &[OPENAI, ("LLM_MODE", "scripted")]).unwrap();
        assert_eq!(chosen.mode, Mode::Scripted);
        assert!(chosen.endpoint.is_none());
        assert!(chosen.notes[0].contains("OPENAI_API_KEY is not used"), "{:?}", chosen.notes);
    }

    #[test]
    fn the_setup_cell_wins_over_the_environment() {
        let choice = ModelChoice {
            provider: Some("Groq".into()),
            model: Some("other".into()),
            mode: Some(Mode::Live),
            cassette: None,
        };
        let env = [
            OPENAI,
            ("GROQ_API_KEY", "gsk-1"),
            ("LLM_PROVIDER", "openai"),
            ("LLM_MODE", "scripted"),
            ("LLM_MODEL", "x"),
        ];
        let status = chosen(&choice, &env).unwrap().status();
        assert_eq!((status.provider.as_str(), status.model.as_str()), ("groq", "other"));
        assert_eq!(status.mode, Mode::Live);
    }

    #[test]
    fn another_address_is_not_sent_a_providers_key() {
        let base = ("LLM_BASE_URL", "http://localhost:11434/v1/");
        let custom = chosen(&ModelChoice::default(), &[OPENAI, base, ("LLM_MODEL", "m")]).unwrap();
        let endpoint = custom.endpoint.unwrap();
        assert!(endpoint.key.is_none());
        assert_eq!(endpoint.base.as_str(), "http://localhost:11434/v1");
        let error = chosen(&ModelChoice::default(), &[base]).unwrap_err();
        assert!(error.message().contains("which model of localhost:11434"), "{error}");
    }

    #[test]
    fn a_provider_of_the_setup_cell_is_asked_at_its_own_address_with_its_own_key() {
        let room = [
            ("GROQ_API_KEY", "gsk-canary"),
            ("LLM_BASE_URL", "http://teacher/v1"),
            ("LLM_API_KEY", "teachers-own"),
            ("LLM_MODEL", "teachers-model"),
        ];
        let groq = ModelChoice { provider: Some("groq".into()), ..ModelChoice::default() };
        let chosen_groq = chosen(&groq, &room).unwrap();
        let endpoint = chosen_groq.endpoint.unwrap();
        assert_eq!(endpoint.base.host_str(), Some("api.groq.com"));
        assert_eq!(endpoint.key.unwrap().expose(), "gsk-canary");
        assert_eq!(endpoint.model, "openai/gpt-oss-20b");
        assert!(chosen_groq.notes[0].contains("LLM_BASE_URL"), "{:?}", chosen_groq.notes);
        // Without a key of its own it gets none of another server.
        assert!(chosen(&groq, &room[1..]).unwrap().endpoint.is_none());
        // From the environment alone both are one server, which gets no provider's key.
        let gateway = [room[0], room[1], ("LLM_PROVIDER", "groq"), ("LLM_MODEL", "m")];
        let endpoint = chosen(&ModelChoice::default(), &gateway).unwrap().endpoint.unwrap();
        assert_eq!((endpoint.base.host_str(), endpoint.key.is_none()), (Some("teacher"), true));
    }

    #[test]
    fn wrong_settings_are_named_without_repeating_a_key() {
        for env in [
            ("LLM_BASE_URL", "http://sk-canary-0123456789@host/v1"),
            ("LLM_BASE_URL", "http://host/v1?key=sk-canary-0123456789"),
            ("LLM_BASE_URL", "sk-canary-0123456789"),
            ("OPENAI_API_KEY", "sk-canary-0123456789 and more"),
            ("LLM_MODE", "lively"),
            ("LLM_PROVIDER", "nobody"),
        ] {
            let error = chosen(&ModelChoice::default(), &[env]).unwrap_err();
            assert!(matches!(error, ModelError::Config(_)), "{error}");
            assert!(!error.message().contains("canary"), "{error}");
        }
        let remote =
            [("LLM_BASE_URL", "http://example.org/v1"), ("LLM_API_KEY", "k"), ("LLM_MODEL", "m")];
        let notes = chosen(&ModelChoice::default(), &remote).unwrap().notes;
        assert!(notes[0].contains("unencrypted to example.org"), "{notes:?}");
    }

    #[test]
    fn a_typed_key_is_that_of_the_provider_which_the_setup_cell_names() {
        let env = [("GROQ_API_KEY", "old"), (TYPED_KEY, "typed"), OPENAI];
        let groq = ModelChoice { provider: Some(" Groq".into()), ..ModelChoice::default() };
        let endpoint = chosen(&groq, &env).unwrap().endpoint.unwrap();
        assert_eq!((endpoint.provider.name, endpoint.key_from.as_str()), ("groq", "prompt"));
        assert_eq!(endpoint.key.unwrap().expose(), "typed");
        let endpoint = chosen(&ModelChoice::default(), &env).unwrap().endpoint.unwrap();
        assert_eq!((endpoint.provider.name, endpoint.key_from.as_str()), ("openai", OPENAI.0));
        let server =
            [("LLM_BASE_URL", "http://localhost:1/v1"), (TYPED_KEY, "typed"), ("LLM_MODEL", "m")];
        let custom = ModelChoice { provider: Some("custom".into()), ..ModelChoice::default() };
        let endpoint = chosen(&custom, &server).unwrap().endpoint.unwrap();
        assert_eq!(endpoint.key.unwrap().expose(), "typed");
    }
}
