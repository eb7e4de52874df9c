//! The JSON lines of `serve`, sent like a notebook's, and how the process ends.

use std::process::Command;
use std::time::{Duration, Instant};

use code_evolution_wire::protocol::PROTOCOL;
use serde_json::{Value, json};

use crate::support::{Server, ends_within};

fn endless() -> Value {
    json!({"id": 7, "method": "judge", "params": {
        "task": {
            "signature": "fn spin(n: u32) -> u32",
            "cases": [{"name": "one", "input": [1], "expected": 1}],
            "limits": {"case_wall_ms": 60_000, "wall_ms": 60_000, "cpu_ms": 60_000},
        },
        "codes": ["fn spin(n: u32) -> u32 { loop { std::hint::black_box(n); } }"],
    }})
}

/// Returns every descendant of `parent`, according to /proc.
fn descendants(parent: u32) -> Vec<u32> {
    let children =
        std::fs::read_dir("/proc").expect("/proc is readable").flatten().filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
            let after_name = stat.rsplit_once(") ")?.1;
            let ppid: u32 = after_name.split(' ').nth(1)?.parse().ok()?;
            (ppid == parent).then_some(pid)
        });
    children.flat_map(|pid| [vec![pid], descendants(pid)].concat()).collect()
}

#[track_caller]
fn wait_for(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < limit, "waited {limit:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn is_running(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, after)| !after.starts_with('Z'))
}

/// Returns a server that is running an endless candidate, and the candidate's process.
fn server_at_work(arguments: &[&str]) -> (Server, Vec<u32>) {
    let mut server = Server::start(arguments);
    server.receive();
    server.send(&endless().to_string());
    let mut jailed = Vec::new();
    wait_for("a jailed process that uses the processor", Duration::from_secs(30), || {
        jailed = descendants(server.child.id());
        jailed.iter().any(|pid| {
            // The candidate runs on a separate thread.
            let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten();
            threads.flatten().any(|thread| {
                let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
                stat.contains("candidate") && stat.contains(") R ")
            })
        })
    });
    (server, jailed)
}

#[test]
fn the_host_greets_first_and_names_its_protocol() {
    let mut server = Server::start(&[]);
    let hello = server.receive();
    assert_eq!(hello["protocol"], PROTOCOL);
    assert_eq!(hello["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn an_invalid_line_fails_and_the_next_request_works() {
    let mut server = Server::start(&[]);
    server.receive();
    let failed = server.ask(&json!({"id": 3, "method": "conquer"}));
    assert_eq!(failed["failed"]["id"], 3, "{failed}");
    assert_eq!(failed["failed"]["error"]["kind"], "bad_request");
    let limits = server.ask(&json!({"id": 4, "method": "limits"}));
    assert!(limits["done"]["value"]["memory_bytes"].as_u64() > Some(0), "{limits}");
}

#[test]
fn asking_before_opening_gives_advice() {
    let mut server = Server::start(&[]);
    server.receive();
    let failed = server.ask(&json!({"id": 1, "method": "meter"}));
    let message = failed["failed"]["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("setup cell"), "{failed}");
}

#[test]
fn questions_and_verdicts_are_in_the_audit_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script.toml");
    std::fs::write(
        &script,
        "kind = \"script\"\n[[exchange]]\nprompt = \"hi\"\nreplies = [\"ho\"]\n",
    )
    .expect("the script is written");
    let log = folder.path().join("log.jsonl");
    let mut server = Server::start_with(&[], &[("CODE_EVOLUTION_AUDIT_LOG", &log)]);
    server.receive();
    let opened = server.ask(
        &json!({"id": 1, "method": "open", "params": {"cassette": script, "mode": "scripted"}}),
    );
    assert_eq!(opened["done"]["value"]["audit_log"], json!(log), "{opened}");
    let question = json!({"messages": [{"role": "user", "content": "hi"}], "max_tokens": 9});
    let answer = server.ask(&json!({"id": 2, "method": "ask", "params": question}));
    assert_eq!(answer["done"]["value"]["text"], "ho", "{answer}");
    let pasted = server.ask(&json!({"id": 4, "method": "paste", "params": "<think>hm</think>ok"}));
    let pasted = &pasted["done"]["value"];
    assert_eq!((&pasted["mode"], &pasted["text"]), (&json!("pasted"), &json!("ok")), "{pasted}");
    let task = json!({"signature": "fn one() -> u32", "cases": [{"name": "one", "input": [], "expected": 1}]});
    let codes = ["fn one() -> u32 { 1 }"];
    server.ask(&json!({"id": 3, "method": "judge", "params": {"task": task, "codes": codes}}));

    let lines = std::fs::read_to_string(&log).expect("the log is there");
    let events: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect();
    let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    assert_eq!(names, ["began", "asked", "answered", "answered", "task", "judged"], "{lines}");
    let verify = |path: &std::path::Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"));
        command.args(["audit", "verify"]).arg(path).output().expect("the host starts").status
    };
    assert!(verify(&log).success());
    std::fs::write(&log, lines.replace("ho", "no")).expect("the log is changed");
    assert!(!verify(&log).success(), "a changed answer is not noticed");
}

#[test]
fn a_log_that_cannot_be_continued_fails_the_next_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log.jsonl");
    let mut server = Server::start_with(&[], &[("CODE_EVOLUTION_AUDIT_LOG", &log)]);
    server.receive();
    let opened = server.ask(&json!({"id": 1, "method": "open", "params": {}}));
    assert_eq!(opened["done"]["value"]["audit_log"], json!(log), "{opened}");
    std::fs::write(&log, "cut").expect("the log is spoilt");
    let program = json!({"program": "fn main() {}"});
    let failed = server.ask(&json!({"id": 2, "method": "exec", "params": program}));
    assert_eq!(failed["failed"]["error"]["kind"], "internal", "{failed}");
    let message = failed["failed"]["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("cut off") && message.contains("setup cell"), "{failed}");
}

#[test]
fn a_log_that_cannot_be_started_is_reported_in_a_note() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").expect("a file");
    let log = file.join("log.jsonl");
    let mut server = Server::start_with(&[], &[("CODE_EVOLUTION_AUDIT_LOG", &log)]);
    server.receive();
    let opened = server.ask(&json!({"id": 1, "method": "open", "params": {}}));
    let opened = &opened["done"]["value"];
    assert_eq!(opened["audit_log"], Value::Null, "{opened}");
    let notes = opened["model"]["notes"].to_string();
    assert!(notes.contains("no audit log is kept: ") && notes.contains("set CODE_"), "{notes}");
}

#[test]
fn a_long_judgement_does_not_hold_up_another_request() {
    let (mut server, jailed) = server_at_work(&[]);
    let limits = server.ask(&json!({"id": 8, "method": "limits"}));
    assert_eq!(limits["done"]["id"], 8, "{limits}");
    assert!(jailed.iter().any(|pid| is_running(*pid)), "the candidate ended before");
}

#[test]
fn a_missing_owner_is_reported() {
    let mut gone = Command::new("true").spawn().expect("true starts");
    gone.wait().expect("it ended");
    let output = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .args(["serve", "--owner", &gone.id().to_string()])
        .output()
        .expect("the host starts");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(&format!("cannot watch the kernel, process {}", gone.id())), "{told}");
}

#[test]
fn when_the_notebook_ends_the_host_and_its_candidate_end_too() {
    let (mut server, jailed) = server_at_work(&[]);
    server.stdin = None;
    assert!(
        ends_within(&mut server.child, Duration::from_secs(2)),
        "the host outlives its notebook"
    );
    wait_for("the candidate's end", Duration::from_secs(2), || {
        !jailed.iter().any(|pid| is_running(*pid))
    });
}

#[test]
fn when_the_kernel_ends_the_host_and_its_candidate_end_too() {
    // The notebook's process still exists, and so does the pipe. Only the kernel is gone.
    let mut kernel = Command::new("sleep").arg("60").spawn().expect("sleep starts");
    let (mut server, jailed) = server_at_work(&["--owner", &kernel.id().to_string()]);
    kernel.kill().expect("the kernel can be killed");
    assert!(ends_within(&mut server.child, Duration::from_secs(2)), "the host outlives the kernel");
    wait_for("the candidate's end", Duration::from_secs(2), || {
        !jailed.iter().any(|pid| is_running(*pid))
    });
    kernel.wait().expect("the kernel is reaped");
}

#[test]
fn when_the_host_is_killed_no_candidate_survives() {
    let (mut server, jailed) = server_at_work(&[]);
    server.child.kill().expect("the host can be killed");
    server.child.wait().expect("the host is reaped");
    wait_for("the candidate's end", Duration::from_secs(2), || {
        !jailed.iter().any(|pid| is_running(*pid))
    });
}
