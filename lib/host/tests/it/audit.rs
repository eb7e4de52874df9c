//! Judges a session's log again, and shows it: every change in the log is found.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Server, cache};

const RIGHT: &str = "fn double(n: u8) -> u8 { n * 2 }";
const WRONG: &str = "fn double(n: u8) -> u8 { n + 2 }";

fn task() -> Value {
    json!({"signature": "fn double(n: u8) -> u8", "cases": [
        {"name": "two", "input": [2], "expected": 4},
        {"name": "three", "input": [3], "expected": 6, "hidden": true},
    ]})
}

/// Returns the log of a session in which these sources were judged on this task.
fn session(folder: &Path, task: &Value, codes: &[&str]) -> PathBuf {
    let log = folder.join("log.jsonl");
    let home = cache();
    let variables = [("CODE_EVOLUTION_AUDIT_LOG", log.as_path()), ("XDG_CACHE_HOME", &home)];
    let mut server = Server::start_with(&[], &variables);
    server.receive();
    server.ask(&json!({"id": 1, "method": "open", "params": {}}));
    let judge = json!({"id": 2, "method": "judge", "params": {"task": task, "codes": codes}});
    let judged = server.ask(&judge);
    assert!(judged.get("done").is_some(), "{judged}");
    server.finish();
    log
}

/// Runs `audit COMMAND FILE`; returns its exit code and everything that it prints.
fn audit(command: &str, file: &Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .args(["audit", command])
        .arg(file)
        .env("XDG_CACHE_HOME", cache())
        .output()
        .expect("the host starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).expect("text"))
}

/// Changes a log like a forger who knows its form, including the hashes.
fn forge(log: &Path, change: impl Fn(&mut Value)) {
    let digest = |text: &str| -> String {
        Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let text = std::fs::read_to_string(log).expect("a log");
    let mut prev = "0".repeat(64);
    let mut forged = String::new();
    for line in text.lines() {
        let mut entry: Value = serde_json::from_str(line).expect("JSON");
        change(&mut entry);
        entry["prev"] = prev.into();
        let members = entry.as_object_mut().expect("an object");
        members.remove("hash");
        let json = Value::Object(members.clone()).to_string();
        let body = json.strip_suffix('}').expect("an object");
        prev = digest(body);
        forged += &format!("{body},\"hash\":\"{prev}\"}}\n");
    }
    std::fs::write(log, forged).expect("written");
    assert_eq!(audit("verify", log).0, Some(0), "the forged chain is whole");
}

/// A forger's change to each line.
type Change<'a> = &'a dyn Fn(&mut Value);

fn is(entry: &Value, event: &str) -> bool {
    entry["event"] == event
}

#[test]
fn an_honest_session_is_judged_again_and_agrees() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = "fn double(n: u8) -> u8 { n * }";
    let panics = "fn double(_: u8) -> u8 { panic!(\"no\") }";
    let refused = "fn double(n: u8) -> u8 { include_str!(\"x\").len() as u8 }";
    let log = session(folder.path(), &task(), &[RIGHT, WRONG, broken, panics, refused, RIGHT]);
    let (code, text) = audit("rejudge", &log);
    assert!(code == Some(0) && text.contains("6 of 6 verdicts agree"), "{code:?} {text}");
    let (code, page) = audit("show", &log);
    assert!(code == Some(0) && page.starts_with("<!doctype html>"), "{page}");
    assert!(page.contains("n + 2") && page.contains("did not compile"), "{page}");
}

#[test]
fn one_changed_verdict_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = session(folder.path(), &task(), &[RIGHT, WRONG]);
    let honest = std::fs::read_to_string(&log).expect("a log");
    // An editor's change breaks the chain.
    std::fs::write(&log, honest.replacen("\"passed\":1", "\"passed\":2", 1)).expect("written");
    let (code, text) = audit("rejudge", &log);
    assert!(code == Some(1) && text.contains("broken, line"), "{code:?} {text}");
    // With new hashes, the forger changes the summary alone, or everything in the line.
    let wrong_line = |entry: &Value| is(entry, "judged") && entry["kept"]["code"] == WRONG;
    let everything = |entry: &mut Value| {
        entry["summary"]["passed"] = 2.into();
        entry["kept"]["verdict"]["passed"] = 2.into();
        for case in entry["kept"]["verdict"]["cases"].as_array_mut().expect("cases") {
            case["passed"] = true.into();
        }
    };
    let summary = |entry: &mut Value| entry["summary"]["passed"] = 2.into();
    let output = |entry: &mut Value| entry["kept"]["verdict"]["cases"][1]["got"] = "\"6\"".into();
    let changes: [(&str, Change); 3] =
        [("here 1 of 2", &everything), ("contradicts", &summary), ("case 2", &output)];
    for (named, change) in changes {
        std::fs::write(&log, &honest).expect("written");
        forge(&log, |entry| {
            if wrong_line(entry) {
                change(entry);
            }
        });
        let (code, text) = audit("rejudge", &log);
        assert!(
            code == Some(2) && text.contains("differs") && text.contains(named),
            "{code:?} {text}"
        );
        assert!(text.contains("1 of 2 verdicts agree, 1 differ"), "{text}");
    }
}

#[test]
fn a_verdict_that_cannot_be_repeated_here_is_no_difference() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = session(folder.path(), &task(), &[WRONG]);
    let honest = std::fs::read_to_string(&log).expect("a log");
    let passed = |entry: &mut Value| {
        if is(entry, "judged") {
            entry["summary"]["passed"] = 2.into();
            entry["kept"]["verdict"]["passed"] = 2.into();
        }
    };
    let compiler = |entry: &mut Value| {
        passed(entry);
        if is(entry, "task") {
            entry["kept"]["toolchain"] = "rustc 1.2.3".into();
        }
    };
    let out_of_time = |entry: &mut Value| {
        if is(entry, "judged") {
            entry["kept"]["verdict"]["outcome"] = json!({"kind": "time_out", "limit_ms": 2000});
        }
    };
    let source = |entry: &mut Value| {
        if is(entry, "judged") {
            entry["kept"]["code"] = RIGHT.into();
        }
    };
    let tasks = |entry: &mut Value| {
        if is(entry, "task") {
            entry["kept"]["task"]["cases"] = json!([]);
        }
    };
    let nothing_kept = |entry: &mut Value| {
        entry.as_object_mut().expect("an object").remove("kept");
    };
    let nothing_judged = |entry: &mut Value| {
        if is(entry, "judged") {
            entry["event"] = "judgement".into();
        }
    };
    let changes: [(&str, Change); 6] = [
        ("by another compiler", &compiler),
        ("a limit ended it", &out_of_time),
        ("was not kept whole", &source),
        ("its task was not kept", &tasks),
        ("was not kept whole", &nothing_kept),
        ("nothing was judged", &nothing_judged),
    ];
    for (named, change) in changes {
        std::fs::write(&log, &honest).expect("written");
        forge(&log, change);
        let (code, text) = audit("rejudge", &log);
        assert!(code == Some(3) && text.contains(named), "{named}: {code:?} {text}");
        assert_eq!(audit("show", &log).0, Some(0), "{named}");
    }
    let (code, text) = audit("rejudge", &folder.path().join("none.jsonl"));
    assert!(code == Some(3) && text.contains("check its path"), "{code:?} {text}");
    std::fs::write(&log, &honest).expect("written");
    let without_compiler = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"));
        let output = command.args(["audit", "rejudge"]).arg(&log).env("RUSTC", "/none").output();
        output.expect("the host starts").status.code()
    };
    assert_eq!(without_compiler(), Some(3), "without a compiler nothing is judged");
    std::fs::write(&log, honest.replacen("fn double", "fn treble", 1)).expect("written");
    assert_eq!(without_compiler(), Some(1), "a broken chain is seen all the same");
    let (code, text) = audit("rejudge", Path::new("--fast"));
    assert!(code == Some(3) && text.contains("usage:"), "{code:?} {text}");
}

#[test]
fn a_candidate_at_a_limit_agrees_and_a_random_one_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut quick = task();
    quick["limits"] = json!({"case_wall_ms": 300});
    let endless = "fn double(n: u8) -> u8 { loop { std::hint::black_box(n); } }";
    let log = session(folder.path(), &quick, &[endless]);
    assert_eq!(audit("rejudge", &log).0, Some(0));
    forge(&log, |entry| {
        if is(entry, "judged") {
            entry["summary"]["passed"] = 2.into();
            entry["kept"]["verdict"]["passed"] = 2.into();
        }
    });
    assert_eq!(audit("rejudge", &log).0, Some(3), "a limit hides nothing");
    let folder = tempfile::tempdir().expect("a folder");
    let mut clock = task();
    clock["signature"] = json!("fn double(n: u8) -> u64");
    let dice = "fn double(_: u8) -> u64 { std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64 }";
    let log = session(folder.path(), &clock, &[dice]);
    let (code, text) = audit("rejudge", &log);
    assert!(code == Some(3) && text.contains("depends on chance"), "{code:?} {text}");
}

#[test]
fn a_log_cannot_ask_for_more_than_a_machine_can_spare() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut greedy = task();
    greedy["limits"] = json!({"wall_ms": 100_000_000});
    let log = session(folder.path(), &greedy, &[RIGHT]);
    let (code, text) = audit("rejudge", &log);
    assert!(code == Some(3) && text.contains("limit wall_ms is 100000000"), "{code:?} {text}");
}

#[test]
fn a_key_in_a_source_is_hidden_so_it_cannot_be_judged_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = format!("// sk-canary-0123456789abcdef\n{RIGHT}");
    let log = session(folder.path(), &task(), &[&code]);
    assert!(!std::fs::read_to_string(&log).expect("a log").contains("canary"));
    let (code, text) = audit("rejudge", &log);
    assert!(code == Some(3) && text.contains("was not kept whole"), "{code:?} {text}");
}
