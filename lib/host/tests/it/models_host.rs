//! The host as a notebook runs it: where a key appears, and to whom it is sent.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use code_evolution_wire::model::{Ask, Mode, ModelChoice};
use code_evolution_wire::protocol::{Call, Request};
use serde_json::json;

use crate::models_server::*;
use crate::support::Server as Host;

/// Returns the files below `folder` that hold the canary.
fn holding_the_canary(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding_the_canary(&path));
        } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(CANARY) {
            found.push(path.display().to_string());
        }
    }
    found
}

fn custom() -> ModelChoice {
    ModelChoice { provider: Some("custom".to_owned()), ..ModelChoice::default() }
}

/// Returns a host with the canary as its typed key, and nothing else from outside `folder`.
fn host(folder: &Path, base: &str) -> Command {
    let mut host = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"));
    host.arg("serve")
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("RUST_BACKTRACE", "1")])
        .envs([("HOME", folder), ("TMPDIR", folder), ("XDG_CACHE_HOME", folder)])
        .envs([("LLM_BASE_URL", base), ("LLM_MODEL", "m"), ("CODE_EVOLUTION_TYPED_KEY", CANARY)])
        .current_dir(folder)
        .stderr(Stdio::piped());
    host
}

/// Returns a host that has greeted and answered these calls.
fn after(calls: Vec<Call>, host: &mut Command) -> Host {
    let mut host = Host::spawn(host);
    host.receive();
    for call in calls {
        host.ask(&json!(Request { id: 1, call }));
    }
    host
}

#[test]
fn a_key_is_sent_only_to_a_server_that_is_trusted() {
    let name = vec!["127.0.0.1".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(name).unwrap();
    let secret = rustls::pki_types::PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], secret.into())
        .unwrap();
    let server = Server::start_encrypted(Arc::new(tls), |_, _| says("encrypted"));
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("trusted.pem");
    std::fs::write(&trusted, cert.pem()).unwrap();
    let ask = |host: &mut Command| {
        let calls = vec![Call::Open(custom()), Call::Ask(Ask::new("hello"))];
        let told = after(calls, host).finish();
        assert!(!told.contains(CANARY), "{told}");
        told
    };
    let mut host = host(folder.path(), &server.encrypted_base());
    let refused = ask(&mut host);
    assert!(
        refused.contains("certificate is not trusted") && refused.contains("SSL_CERT_FILE"),
        "{refused}"
    );
    assert_eq!(server.received().len(), 0);
    let answered = ask(host.env("SSL_CERT_FILE", &trusted));
    assert!(answered.contains("encrypted"), "{answered}");
    let key = format!("Bearer {CANARY}");
    assert_eq!(server.received()[0].header("authorization"), Some(key.as_str()));
}

#[test]
fn a_key_appears_in_no_output_and_no_file() {
    let server = Server::start(|request, _| {
        let said = request.body["messages"][0]["content"].as_str().unwrap_or_default();
        let key = CANARY;
        match said {
            "echo" => says(&format!("the key is {key}")),
            "refuse" => json_reply(401, &json!({"error": {"message": format!("bad key {key}")}})),
            "redirect" => http(302, &[("location", &format!("http://127.0.0.1:1/?{key}"))], ""),
            "page" => http(200, &[], format!("<title>{key}</title>")),
            "noise" => http(200, &[], format!("{key} is no JSON")),
            _ => says("fine"),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let cassette = folder.path().join("recording.toml");
    let choice = ModelChoice {
        mode: Some(Mode::Record),
        cassette: Some(cassette.display().to_string()),
        ..custom()
    };
    let mut calls = vec![Call::Open(choice), Call::Meter];
    for prompt in ["fine", "echo", "refuse", "redirect", "page", "noise", CANARY] {
        calls.push(Call::Ask(Ask::new(prompt)));
        calls.push(Call::Ask(Ask { stream: true, ..Ask::new(prompt) }));
        calls.push(Call::AskMany(vec![Ask::new(prompt); 2]));
    }
    let mut host = after(calls, &mut host(folder.path(), &server.base()));
    let arguments = std::fs::read(format!("/proc/{}/cmdline", host.child.id())).unwrap();
    let told = host.finish();

    assert!(told.contains("\"key_from\":\"prompt\""), "{told}");
    assert!(
        told.contains("the key is ***") && told.contains("refused the key from prompt"),
        "{told}"
    );
    assert!(!told.contains(CANARY), "{told}");
    assert!(!String::from_utf8_lossy(&arguments).contains(CANARY));
    assert!(std::fs::read_to_string(&cassette).unwrap().contains("the key is ***"));
    assert_eq!(holding_the_canary(folder.path()), Vec::<String>::new());
    // The key did reach the server; otherwise this test would prove nothing.
    assert!(server.received().iter().all(|request| {
        request.header("authorization") == Some(format!("Bearer {CANARY}").as_str())
    }));
}
