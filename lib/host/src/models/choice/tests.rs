use super::*;

fn chosen(choice: &ModelChoice, env: &[(&str, &str)]) -> Result<Chosen, ModelError> {
    let get =
        |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    choose(choice, &get)
}

const OPENAI: (&str, &str) = ("OPENAI_API_KEY", "sk-canary-0123456789");

#[test]
fn each_provider_is_chosen_by_its_key() {
    for provider in PROVIDERS.iter().filter(|provider| provider.needs_key) {
        let chosen = chosen(&ModelChoice::default(), &[(provider.key_variable, "k-123")]).unwrap();
        let status = chosen.status();
        assert_eq!(status.provider, provider.name);
        assert_eq!(status.model, provider.model);
        assert_eq!(status.key_from, provider.key_variable);
        assert_eq!(chosen.endpoint.unwrap().base.as_str(), provider.base);
    }
}

#[test]
fn a_provider_that_has_ended_is_named() {
    let token = ("GITHUB_TOKEN", "ghp_canary");
    for name in ["github", "GitHub"] {
        let error = chosen(&ModelChoice::default(), &[token, ("LLM_PROVIDER", name)]).unwrap_err();
        assert!(error.message().contains("ended on 30 July 2026"), "{error}");
        assert!(error.message().contains("choose one of openai, gemini"), "{error}");
    }
    // A token that exists for another purpose does not choose a provider.
    assert!(chosen(&ModelChoice::default(), &[token]).unwrap().endpoint.is_none());
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
        // A server on this machine gets a key if one is set: a proxy in front of it may want the key.
        let endpoint = chosen(&choice, &[(ANY_KEY, "own")]).unwrap().endpoint.unwrap();
        assert_eq!(endpoint.key.unwrap().expose(), "own");
    }
}

#[test]
fn without_a_key_a_script_answers_and_says_why() {
    let status = chosen(&ModelChoice::default(), &[("OPENAI_API_KEY", " ")]).unwrap().status();
    assert_eq!((status.mode, status.key_from.as_str()), (Mode::Scripted, "none"));
    assert!(status.notes[0].contains("no key is set in OPENAI_API_KEY, "), "{:?}", status.notes);
    let live = ModelChoice { mode: Some(Mode::Live), ..ModelChoice::default() };
    let status = chosen(&live, &[]).unwrap().status();
    assert!(status.notes[0].contains("although live was requested"), "{:?}", status.notes);
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
fn a_providers_key_is_not_sent_to_another_address() {
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
    // A provider without its own key does not get the key of another server.
    assert!(chosen(&groq, &room[1..]).unwrap().endpoint.is_none());
    // If both come from the environment, they are one server, which gets no provider's key.
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
fn a_typed_key_belongs_to_the_provider_of_the_setup_cell() {
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
