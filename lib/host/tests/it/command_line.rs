//! The host called by a person or a script.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{cache, ends_within};
use crate::users;

#[track_caller]
fn host(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .args(arguments)
        .env("XDG_CACHE_HOME", cache())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[track_caller]
fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn null_means_none_and_does_not_accept_any_output() {
    let folder = tempfile::tempdir().unwrap();
    let task = r#"{"signature": "fn half(n: u32) -> Option<u32>",
        "cases": [{"name": "one", "input": [1], "expected": null}]}"#;
    let task = write(folder.path(), "task.json", task);
    let bad = write(folder.path(), "a.rs", "fn half(n: u32) -> Option<u32> { Some(n) }");
    let good = write(folder.path(), "b.rs", "fn half(_: u32) -> Option<u32> { None }");
    let verdicts = lines(&host(&["judge", "--task", &task, &bad, &good], ""));
    let passed: Vec<&Value> = verdicts.iter().map(|verdict| &verdict["passed"]).collect();
    assert_eq!(passed, [0, 1], "{verdicts:#?}");
    let feedback = verdicts[0]["feedback"].as_str().unwrap();
    assert!(feedback.contains("got 1, expected null"), "{feedback}");
    assert_eq!(verdicts[1]["cases"][0].get("got"), Some(&Value::Null));
}

#[test]
fn a_task_file_and_candidates_give_one_verdict_per_line() {
    let folder = tempfile::tempdir().unwrap();
    let task = r#"{"signature": "fn fizzbuzz(n: u32) -> String",
        "cases": [{"name": "fifteen", "input": [15], "expected": "FizzBuzz"}],
        "crates": [], "opt_level": 0, "limits": {"cpu_ms": 1000}}"#;
    let task = write(folder.path(), "task.json", task);
    let good =
        write(folder.path(), "a.rs", "fn fizzbuzz(_: u32) -> String { \"FizzBuzz\".into() }");
    let bad = write(folder.path(), "b.rs", "fn fizzbuzz(_: u32) -> String { 1 }");
    let verdicts = lines(&host(&["judge", "--task", &task, &good, &bad], ""));
    let keys = [
        "id",
        "stage",
        "passed",
        "total",
        "cases",
        "diagnostics",
        "feedback",
        "cpu_ms",
        "peak_bytes",
    ];
    for key in keys {
        assert!(verdicts[0].get(key).is_some(), "{key} is missing in {}", verdicts[0]);
    }
    assert_eq!(verdicts[0]["id"], good);
    assert_eq!((&verdicts[0]["passed"], &verdicts[0]["stage"]), (&json!(1), &json!("run")));
    assert_eq!(verdicts[1]["stage"], "compile");
}

#[test]
fn requests_are_answered_in_order_and_bad_ones_by_an_error() {
    let task =
        json!({"signature": "fn f() -> u8", "cases": [{"name": "f", "input": [], "expected": 1}]});
    let request = |id: Value, code: &str| json!({"id": id, "task": task, "code": code}).to_string();
    let sleeper = "fn f() -> u8 { std::thread::sleep(std::time::Duration::from_millis(500)); 1 }";
    let input = [
        request(json!(1), sleeper),
        request(json!("two"), "fn f() -> u8 { 1 }"),
        "not json".to_owned(),
        json!({"id": 4, "task": {"signature": "fn f(x: &mut u8)"}, "code": ""}).to_string(),
        json!({"id": 5, "task": {"signature": "fn f()"}, "code": "fn f() {}"}).to_string(),
        json!({"id": 6, "task": {"signature": "fn f()", "crates": ["tokio"], "cases": [{"name": "f", "input": []}]}, "code": ""})
            .to_string(),
    ];
    let answers = lines(&host(&["judge", "--jsonl"], &input.join("\n")));
    assert_eq!((&answers[0]["id"], &answers[0]["passed"]), (&json!(1), &json!(1)));
    assert_eq!((&answers[1]["id"], &answers[1]["passed"]), (&json!("two"), &json!(1)));
    for (index, part) in
        [(2, "not a request"), (3, "& mut u8"), (4, "has no case"), (5, "choose from")]
    {
        assert_eq!(answers[index]["error"]["kind"], "bad_request");
        let message = answers[index]["error"]["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
    }
}

/// The corpus contains every known way to confuse the reader of requests: broken JSON, invalid signatures,
/// cases of other types, extreme limits, sources that break out of their file. Add a line for each new idea.
#[test]
fn every_hostile_request_gets_one_answer_and_harms_no_other() {
    let corpus = include_str!("../corpus/requests.jsonl");
    let healthy = json!({
        "id": "healthy",
        "task": {"signature": "fn f() -> u8", "cases": [{"name": "f", "input": [], "expected": 1}]},
        "code": "fn f() -> u8 { 1 }",
    });
    let answers = lines(&host(&["judge", "--jsonl"], &format!("{corpus}{healthy}\n")));
    assert_eq!(answers.len(), corpus.lines().count() + 1);
    for (request, answer) in corpus.lines().zip(&answers) {
        let refused = answer["error"]["kind"] == "bad_request";
        let judged = answer["passed"].as_u64().is_some_and(|n| n <= 1);
        assert!(refused || judged, "{request}\n{answer}");
        assert!(!answer.to_string().contains("panicked at lib/"), "{request}\n{answer}");
    }
    assert_eq!(answers[answers.len() - 1]["passed"], 1, "the request after them");
}

#[test]
fn the_host_ends_when_nobody_reads_its_answers() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .args(["judge", "--jsonl"])
        .env("XDG_CACHE_HOME", cache())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut requests = child.stdin.take().unwrap();
    writeln!(requests, "no request").unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    answers.read_line(&mut String::new()).unwrap();
    drop(answers);
    // The next write finds no reader. Standard input stays open.
    writeln!(requests, "no request").unwrap();
    assert!(ends_within(&mut child, Duration::from_secs(30)), "it waits for more requests");
}

#[test]
fn programs_read_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let program =
        "fn main() { print!(\"{}\", std::io::read_to_string(std::io::stdin()).unwrap()) }";
    let path = write(folder.path(), "echo.rs", program);
    let ended = &lines(&host(&["exec", &path], "hello"))[0];
    assert_eq!((&ended["status"], &ended["stdout"]), (&json!(0), &json!("hello")));
    for key in ["stage", "stderr", "cpu_ms", "peak_bytes"] {
        assert!(ended.get(key).is_some(), "{key} is missing in {ended}");
    }
    let request =
        json!({"id": 9, "program": program, "stdin": "x", "crates": [], "edition": "2021"});
    let ended = &lines(&host(&["exec", "--jsonl"], &request.to_string()))[0];
    assert_eq!((&ended["id"], &ended["stdout"]), (&json!(9), &json!("x")));
}

#[test]
fn the_doctor_proves_that_the_jail_holds() {
    let output = host(&["doctor"], "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("Landlock") && text.contains("memory_bytes"), "{text}");
    assert!(text.matches("held: ").count() == 12 && !text.contains("BROKEN"), "{text}");
}

/// Sets up a workshop around the program in which `work` is blocked, which acts like a read-only folder.
#[test]
fn the_doctor_does_not_pass_where_the_workshop_cannot_be_opened() {
    let root = tempfile::tempdir().unwrap();
    for folder in ["binder", "target/release"] {
        std::fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    write(root.path(), "binder/lab", "");
    let work = write(root.path(), "work", "");
    let program = root.path().join("target/release/code_evolution_host");
    users::copy_program(Path::new(env!("CARGO_BIN_EXE_code_evolution_host")), &program);
    let output =
        Command::new(program).arg("doctor").env("XDG_CACHE_HOME", cache()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains(&format!("JupyterLab does not start here: cannot write to {work}")),
        "{said}"
    );
    assert!(said.contains("without --read-only"), "{said}");
}

#[test]
fn an_invalid_command_line_exits_with_2() {
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["judge"],
        &["judge", "--task"],
        &["judge", "--task", "t.json"],
        &["exec"],
        &["exec", "--jsonl", "--crate", "rand"],
        &["doctor", "now"],
        &["serve", "--owner", "me"],
    ] {
        let output = host(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage:"), "{output:?}");
    }
    let output = host(&["judge", "--task", "/no/such/task.json", "x.rs"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}
