//! The host as a notebook runs it: what a key leaves behind.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use code_evolution_wire::model::{Ask, Mode, ModelChoice};
use code_evolution_wire::protocol::{Call, Request};
use serde_json::json;

use crate::models_server::*;

/// The files below `folder` that hold the canary.
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

#[test]
fn a_key_is_left_in_nothing() {
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
    let mut host = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .arg("serve")
        .env_clear()
        .envs([("PATH", "/usr/bin:/bin"), ("RUST_BACKTRACE", "1"), ("LLM_KEY_FROM", "prompt")])
        .envs([
            ("HOME", folder.path()),
            ("TMPDIR", folder.path()),
            ("XDG_CACHE_HOME", folder.path()),
        ])
        .envs([
            ("LLM_BASE_URL", server.base().as_str()),
            ("LLM_MODEL", "m"),
            ("LLM_API_KEY", CANARY),
        ])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = host.stdin.take().unwrap();
    let mut output = BufReader::new(host.stdout.take().unwrap());
    let choice = ModelChoice {
        mode: Some(Mode::Record),
        cassette: Some(cassette.display().to_string()),
        ..ModelChoice::default()
    };
    let mut calls = vec![Call::Open(choice), Call::Meter];
    for prompt in ["fine", "echo", "refuse", "redirect", "page", "noise", CANARY] {
        calls.push(Call::Ask(Ask::new(prompt)));
        calls.push(Call::Ask(Ask { stream: true, ..Ask::new(prompt) }));
        calls.push(Call::AskMany(vec![Ask::new(prompt); 2]));
    }
    let mut told = String::new();
    output.read_line(&mut told).unwrap();
    for (id, call) in calls.into_iter().enumerate() {
        let line = serde_json::to_string(&Request { id: id as u64, call }).unwrap();
        writeln!(input, "{line}").unwrap();
        loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "the host ended after: {told}");
            told.push_str(&line);
            if !line.contains("\"progress\"") {
                break;
            }
        }
    }
    let arguments = std::fs::read(format!("/proc/{}/cmdline", host.id())).unwrap();
    drop(input);
    output.read_to_string(&mut told).unwrap();
    host.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(host.wait().unwrap().success());

    assert!(told.contains("\"key_from\":\"prompt\""), "{told}");
    assert!(
        told.contains("the key is ***") && told.contains("refused the key from prompt"),
        "{told}"
    );
    assert!(!told.contains(CANARY), "{told}");
    assert!(!String::from_utf8_lossy(&arguments).contains(CANARY));
    assert!(std::fs::read_to_string(&cassette).unwrap().contains("the key is ***"));
    assert_eq!(holding_the_canary(folder.path()), Vec::<String>::new());
    // The key did reach the server, so that all of this says something.
    assert!(server.received().iter().all(|request| {
        request.header("authorization") == Some(format!("Bearer {CANARY}").as_str())
    }));
}
