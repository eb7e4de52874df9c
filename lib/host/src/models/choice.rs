//! Which provider, model, mode and key a session uses: the setup cell's wish, else the environment,
//! else what is there.

use std::path::PathBuf;

use code_evolution_wire::model::{Mode, ModelChoice, ModelStatus};

use super::ModelError;
use super::key::Key;
use super::provider::{PROVIDERS, Provider, find, names};
use super::text::{clean, printable};

/// A provider's server, with all that is needed to call it.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) provider: &'static Provider,
    /// The address, without a slash at the end, credentials or a query.
    pub(super) base: reqwest::Url,
    pub(super) model: String,
    pub(super) key: Option<Key>,
    /// Where the key came from.
    pub(super) key_from: String,
}

impl Endpoint {
    /// A text with the key hidden.
    pub(super) fn hide(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text))
    }

    /// A server's text as part of a line of at most so many characters. The key is hidden first:
    /// of one that was cut, the rest would show.
    pub(super) fn show(&self, text: &str, most: usize) -> String {
        clean(&self.hide(&printable(text)), most)
    }
}

/// A session's choice.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) mode: Mode,
    /// Present in the modes `live` and `record`.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) cassette: Option<PathBuf>,
    pub(super) notes: Vec<String>,
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

/// Where the provider's name came from, for messages.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

fn set(env: Env, name: &str) -> Option<String> {
    env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// Chooses. Touches neither the network nor a file.
pub(super) fn choose(choice: &ModelChoice, env: Env) -> Result<Chosen, ModelError> {
    let cassette = choice.cassette.as_ref().map(PathBuf::from);
    let wished = match choice.mode {
        Some(mode) => Some(mode),
        None => set(env, "LLM_MODE").map(|mode| parse_mode(&mode)).transpose()?,
    };
    if let Some(mode @ (Mode::Replay | Mode::Scripted)) = wished {
        let mut notes = Vec::new();
        let unused = key_variables().find(|name| set(env, name).is_some());
        if let Some(name) = unused {
            notes.push(format!("the mode is {mode}, so the key in {name} is not used"));
        }
        return Ok(Chosen { mode, endpoint: None, cassette, notes });
    }
    let mut notes = Vec::new();
    match endpoint(choice, env, &mut notes)? {
        Some(endpoint) => {
            let mode = wished.unwrap_or(Mode::Live);
            if mode == Mode::Record && cassette.is_none() {
                return Err(ModelError::Config(
                    "recording needs a cassette: name its file in the setup cell".to_owned(),
                ));
            }
            Ok(Chosen { mode, endpoint: Some(endpoint), cassette, notes })
        }
        None if wished == Some(Mode::Record) => Err(ModelError::Config(format!(
            "recording needs a model, and {}: set one of them, or LLM_BASE_URL",
            no_key(choice, env),
        ))),
        None => {
            notes.push(format!(
                "{}, so a file answers instead of a model{}",
                no_key(choice, env),
                if wished.is_some() { ", though live was wished for" } else { "" },
            ));
            Ok(Chosen { mode: Mode::Scripted, endpoint: None, cassette, notes })
        }
    }
}

fn key_variables() -> impl Iterator<Item = &'static str> {
    PROVIDERS.iter().map(|provider| provider.key_variable)
}

/// Why no provider can be called.
fn no_key(choice: &ModelChoice, env: Env) -> String {
    match choice.provider.clone().or_else(|| set(env, "LLM_PROVIDER")) {
        Some(name) => match find(&name) {
            Some(provider) if provider.base.is_empty() => "LLM_BASE_URL is not set".to_owned(),
            Some(provider) => format!("{} is not set", provider.key_variable),
            None => format!("there is no provider `{name}`"),
        },
        None if set(env, "LLM_API_KEY").is_some() => {
            "LLM_API_KEY is set, but neither LLM_PROVIDER nor LLM_BASE_URL says whose key it is"
                .to_owned()
        }
        None => {
            let names: Vec<_> = key_variables().filter(|name| *name != "LLM_API_KEY").collect();
            format!("no key is set in {}", names.join(", "))
        }
    }
}

fn parse_mode(text: &str) -> Result<Mode, ModelError> {
    match text.to_lowercase().as_str() {
        "live" => Ok(Mode::Live),
        "record" => Ok(Mode::Record),
        "replay" => Ok(Mode::Replay),
        "scripted" => Ok(Mode::Scripted),
        _ => Err(ModelError::Config(format!(
            "LLM_MODE is `{text}`: set it to live, record, replay or scripted"
        ))),
    }
}

/// The server to call; `None` where no key says which.
fn endpoint(
    choice: &ModelChoice,
    env: Env,
    notes: &mut Vec<String>,
) -> Result<Option<Endpoint>, ModelError> {
    let base = set(env, "LLM_BASE_URL");
    let named = choice.provider.clone().or_else(|| set(env, "LLM_PROVIDER"));
    let provider = match &named {
        Some(name) => find(name).ok_or_else(|| {
            ModelError::Config(format!("there is no provider `{name}`: choose one of {}", names()))
        })?,
        // A key belongs to its provider: with an address of its own only LLM_API_KEY is sent.
        None if base.is_some() => &PROVIDERS[PROVIDERS.len() - 1],
        None => match PROVIDERS
            .iter()
            .find(|p| !p.base.is_empty() && set(env, p.key_variable).is_some())
        {
            Some(provider) => provider,
            None => return Ok(None),
        },
    };
    let variable =
        [provider.key_variable, "LLM_API_KEY"].into_iter().find(|name| set(env, name).is_some());
    let key = match variable {
        Some(name) => {
            let key = Key::new(&env(name).unwrap_or_default()).map_err(|why| {
                ModelError::Config(format!("the key in {name} cannot be one: {why}; set it again"))
            })?;
            Some(key)
        }
        None if provider.base.is_empty() || base.is_some() => None,
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
    let model = choice.model.clone().or_else(|| set(env, "LLM_MODEL"));
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
    let prompted = set(env, "LLM_KEY_FROM").as_deref() == Some("prompt");
    let key_from = match variable {
        Some(_) if prompted => "prompt",
        Some(name) => name,
        None => "none",
    };
    Ok(Some(Endpoint { provider, base, model, key, key_from: key_from.to_owned() }))
}

/// What an address is called in messages: no path, no credentials.
pub(super) fn host(url: &reqwest::Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.to_owned(),
        (None, _) => "the server".to_owned(),
    }
}

/// Whether an address is on this machine.
pub(super) fn is_local(url: &reqwest::Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback()),
        None => false,
    }
}

fn parse_base(address: &str) -> Result<reqwest::Url, ModelError> {
    // The address may hold a key, so a message never repeats it.
    let wrong = |why: &str| {
        Err(ModelError::Config(format!(
            "LLM_BASE_URL {why}: it should read like http://localhost:11434/v1"
        )))
    };
    let Ok(url) = reqwest::Url::parse(address.trim_end_matches('/')) else {
        return wrong("is not an address");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return wrong("is no http or https address");
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return wrong("holds credentials or a query (a key belongs in LLM_API_KEY)");
    }
    Ok(url)
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
        for provider in PROVIDERS.iter().filter(|provider| !provider.base.is_empty()) {
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
    fn a_prompted_key_says_so() {
        let env = [OPENAI, ("LLM_KEY_FROM", "prompt")];
        assert_eq!(chosen(&ModelChoice::default(), &env).unwrap().status().key_from, "prompt");
    }
}
