use code_evolution_wire::model::{Answer, Ask};
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::{CaseVerdict, Outcome, Stage};
use serde_json::json;

use super::*;
use crate::audit::Log;

const PARENT: &str = "fn double(n: u8) -> u8 { n + 2 }";
const CHILD: &str = "fn double(n: u8) -> u8 { n * 2 }";

fn answer(text: &str, mode: Mode) -> Answer {
    let answer = json!({"text": text, "model": "gpt-6-luna", "mode": mode, "note": null,
        "finish_reason": "stop", "usage": {"input_tokens": 1_000_000, "output_tokens": 2_000_000}});
    serde_json::from_value(answer).expect("an answer")
}

fn judged(log: &Log, code: &str, label: Option<&str>, passed: bool) {
    let task = Task::new("fn double(n: u8) -> u8").hidden_case((2,), 4);
    log.task(&task, "rustc 1.95.0").expect("a line");
    let case = CaseVerdict {
        name: "double(2)".to_owned(),
        input: vec![json!(2)],
        expected: Some(json!(4)),
        got: Some(json!("<img src=x onerror=alert(1)>")),
        passed,
        problem: None,
        panic: None,
        hidden: true,
        cpu_ms: 0.0,
    };
    let verdict =
        code_evolution_wire::verdict::Verdict::new(Stage::Run, Outcome::Finished, vec![case]);
    log.judged(&task, code, label, &verdict).expect("a line");
}

/// Logs a session in which a reply's source descends from a cell's source.
fn session(log: &Log, prompt: &str, reply: &str) {
    judged(log, PARENT, None, false);
    let ask = Ask::new(format!("{prompt}\n{PARENT}"));
    log.asked(&ask).expect("a line");
    let answer = answer(reply, Mode::Live);
    log.answered(&ask, &answer).expect("a line");
    log.derived("extracted", reply, CHILD).expect("a line");
    judged(log, CHILD, Some(&answer.label()), true);
}

fn read(log: &Log) -> Run {
    Run::read(std::fs::File::open(log.path()).expect("a log")).expect("it can be read")
}

#[test]
fn the_page_shows_descent_and_cost() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Log::new(folder.path().join("log.jsonl"));
    session(&log, "improve this", "better");
    let run = read(&log);
    let [parent, child] = run.candidates.as_slice() else { panic!("{:#?}", run.candidates) };
    assert_eq!((parent.exchange, child.exchange), (None, Some(0)));
    assert_eq!((child.parents.as_slice(), child.generation), (&[0][..], 1));
    assert_eq!(run.ancestors(1), [0]);
    assert_eq!(child.label.as_deref(), Some("live · gpt-6-luna"));
    let page = page("log.jsonl", &run);
    for part in [
        "<svg",
        "Family tree of 2 candidates in 2 generations",
        "1.1000",
        "1 of them hidden",
        "live · gpt-6-luna",
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

#[test]
fn words_of_a_session_never_become_markup() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Log::new(folder.path().join("log.jsonl"));
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m</pre>";
    session(&log, evil, evil);
    judged(&log, evil, Some(evil), true);
    let page = page(evil, &read(&log));
    for tag in ["<script", "<img", "\u{202e}", "\u{1b}"] {
        assert!(!page.contains(tag), "{tag} is in {page}");
    }
    assert!(page.contains("&lt;script&gt;") && page.contains("\\u{202e}"), "{page}");
    // Check that the page's own tags are closed in order.
    for tag in ["details", "pre", "table", "svg", "figure"] {
        let count = |mark: String| page.matches(&mark).count();
        assert_eq!(count(format!("<{tag}")), count(format!("</{tag}>")), "{tag}");
    }
}

#[test]
fn lines_after_a_broken_line_are_not_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = Log::new(folder.path().join("log.jsonl"));
    session(&log, "improve this", "better");
    let text = std::fs::read_to_string(log.path()).expect("a log");
    std::fs::write(log.path(), text.replacen("better", "bitter", 1)).expect("written");
    let run = read(&log);
    assert_eq!(run.candidates.len(), 1);
    let page = page("log.jsonl", &run);
    assert!(page.contains("class=\"broken\"") && page.contains("line 4 was changed"), "{page}");
}

#[test]
fn an_empty_log_has_a_page() {
    let run = Run::read(&b""[..]).expect("it can be read");
    assert!(page("empty", &run).contains("0 replies, 0 verdicts"));
}
