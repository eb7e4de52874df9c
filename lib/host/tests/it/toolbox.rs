//! Toolboxes: the gate, versions, calls.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use code_evolution_host::toolbox::{Residents, Toolbox, ToolboxError};
use code_evolution_wire::task::{Limits, Property, Task};
use code_evolution_wire::toolbox::{Admission, Capability, Proposal, Review};
use serde_json::{Value, json};

use crate::support::{Server, judge};

pub const ADD: &str = "fn add(a: f64, b: f64) -> f64 { a + b }";

pub fn open(folder: &Path) -> Toolbox {
    Toolbox::open(folder, judge().clone(), Arc::new(Residents::default())).expect("a toolbox")
}

pub fn toolbox() -> (tempfile::TempDir, Toolbox) {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = open(folder.path());
    (folder, toolbox)
}

pub fn proposal(task: Task, code: &str) -> Proposal {
    Proposal::new(task, code).describe("a tool for tests").author("a test")
}

pub fn add() -> Proposal {
    proposal(Task::new("fn add(a: f64, b: f64) -> f64").case((5.0, 3.0), 8.0), ADD)
}

pub fn one() -> Proposal {
    proposal(Task::new("fn one() -> u8").case((), 1), "fn one() -> u8 { 1 }")
}

pub fn approved() -> Option<Review> {
    Some(Review { approved: true, by: "a test".to_owned() })
}

#[track_caller]
pub fn admit(toolbox: &Toolbox, proposal: &Proposal) -> Admission {
    toolbox.admit(proposal, approved()).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
pub fn admitted(toolbox: &Toolbox, proposal: &Proposal) {
    let admission = admit(toolbox, proposal);
    assert!(admission.admitted, "{:#?}", admission.examination);
}

#[track_caller]
pub fn assert_intact(toolbox: &Toolbox) {
    let verification = toolbox.verify().expect("it can be checked");
    assert!(verification.problems.is_empty(), "{:#?}", verification.problems);
}

pub fn call(folder: &Path, id: u64, call: Value) -> Value {
    json!({"id": id, "method": "toolbox", "params": {"folder": folder, "call": call}})
}

#[test]
fn arguments_are_accepted_in_the_forms_that_models_write() {
    let (_folder, toolbox) = toolbox();
    admitted(&toolbox, &add());
    let total = Task::new("fn total(numbers: Vec<i64>) -> i64").case(([1, 2],), 3);
    let code = "fn total(numbers: Vec<i64>) -> i64 { numbers.iter().sum() }";
    admitted(&toolbox, &proposal(total, code));
    let pick = Task::new("fn pick(words: Vec<String>, n: Option<usize>) -> String")
        .case((["x", "y"], 1), "y");
    let code =
        "fn pick(words: Vec<String>, n: Option<usize>) -> String { words[n.unwrap_or(0)].clone() }";
    admitted(&toolbox, &proposal(pick, code));
    for (name, arguments, output) in [
        ("add", json!("{\"a\": 30, \"b\": 4}"), json!(34.0)),
        ("add", json!({"a": "30", "b": "4"}), json!(34.0)),
        ("add", json!("[30, \"4\"]"), json!(34.0)),
        ("total", json!({"numbers": "[4, 5]"}), json!(9)),
        ("total", json!({"numbers": [4.0, "5"]}), json!(9)),
        ("pick", json!({"words": ["x"]}), json!("x")),
        ("pick", json!({"words": "['x', 'y']", "n": 1.0}), json!("y")),
    ] {
        let answer = toolbox.call(name, &arguments);
        assert_eq!(answer.expect("an output"), output, "{name} {arguments}");
    }
    let Err(ToolboxError::BadRequest(message)) =
        toolbox.call("add", &json!({"a": "thirty", "b": 4}))
    else {
        panic!("no number")
    };
    assert!(message.contains("`a`: \"thirty\" is not a `f64`"), "{message}");
    assert!(message.ends_with("write them like {\"a\":1.5,\"b\":1.5}"), "{message}");
}

#[test]
fn a_tool_is_admitted_listed_and_called_by_position_and_by_name() {
    let (folder, toolbox) = toolbox();
    let Err(ToolboxError::NotFound(message)) = toolbox.call("add", &json!([1, 2])) else {
        panic!("there is no tool yet");
    };
    assert!(message.contains("`add`") && message.contains("empty"), "{message}");
    admitted(&toolbox, &add());
    assert_eq!(toolbox.call("add", &json!([5.0, 3.0])).expect("a sum"), json!(8.0));
    assert_eq!(toolbox.call("add", &json!({"b": 1, "a": 2})).expect("a sum"), json!(3.0));
    let Err(ToolboxError::NotFound(message)) = toolbox.call("subtract", &json!([])) else {
        panic!("there is no such tool");
    };
    assert!(message.contains("fn add(a: f64, b: f64) -> f64"), "{message}");
    for wrong in [json!([1]), json!({"a": 1}), json!({"a": 1, "b": 2, "c": 3}), json!(["x", 1])] {
        let error = toolbox.call("add", &wrong);
        assert!(matches!(error, Err(ToolboxError::BadRequest(_))), "{wrong}");
    }
    let listed = toolbox.list().expect("a list");
    assert_eq!(listed[0].parameters["properties"]["a"], json!({"type": "number"}));
    assert_eq!(std::fs::read_to_string(folder.path().join("add.rs")).expect("a source"), ADD);
    assert_intact(&toolbox);
    // Call the tool later, from another process.
    assert_eq!(open(folder.path()).call("add", &json!([1, 1])).expect("a sum"), json!(2.0));
}

#[test]
fn the_version_in_use_is_not_admitted_again() {
    let (_folder, toolbox) = toolbox();
    admitted(&toolbox, &add());
    let before = toolbox.log().expect("a log").len();
    // A cell that is run again needs no review and adds no line to the log.
    let again = toolbox.admit(&add(), None).expect("an answer");
    assert!(again.admitted && again.review.is_none(), "{again:?}");
    assert_eq!((again.examination.version, toolbox.log().expect("a log").len()), (1, before));
    // An additional test is kept in a new version.
    let mut stricter = add();
    stricter.task = stricter.task.case((0.5, 0.25), 0.75);
    let version = admit(&toolbox, &stricter);
    assert_eq!((version.admitted, version.examination.version), (true, 2));
    // The version before is not in use, so only a rollback leads back to it.
    let mut shorter = add();
    shorter.code = ADD.replace("a + b", "b + a");
    admitted(&toolbox, &shorter);
    let old = toolbox.admit(&add(), None).expect("an answer");
    assert!(!old.admitted && old.examination.feedback().contains("rolling back"), "{old:?}");
    assert_intact(&toolbox);
}

#[test]
fn the_gate_refuses_unsuitable_proposals() {
    let (_folder, toolbox) = toolbox();
    admitted(&toolbox, &add());
    let plus = Task::new("fn plus(a: f64, b: f64) -> f64").case((1.0, 1.0), 2.0);
    let number = || Task::new("fn number() -> u64").input(());
    let quick = Limits { case_wall_ms: 200, ..Limits::default() };
    for (name, proposal, reason) in [
        ("a copy", proposal(plus, &ADD.replace("add", "plus")), "as `add`"),
        ("no test", proposal(Task::new("fn number() -> u64"), "fn number() -> u64 { 1 }"), "test"),
        (
            "no description",
            Proposal::new(number(), "fn number() -> u64 { 1 }"),
            "what the tool does",
        ),
        (
            "a big name",
            proposal(Task::new("fn Add() -> u8").input(()), "fn Add() -> u8 { 1 }"),
            "name",
        ),
        (
            "another signature",
            proposal(
                Task::new("fn add(a: f64, c: f64) -> f64").case((1.0, 1.0), 2.0),
                "fn add(a: f64, c: f64) -> f64 { c + a }",
            ),
            "keeps the signature",
        ),
        (
            "a key reader",
            proposal(number(), "fn number() -> u64 { std::env::var(\"KEY\").is_ok() as u64 }"),
            "std::env",
        ),
        (
            "a clock reader",
            proposal(
                number(),
                "fn number() -> u64 { std::time::Instant::now().elapsed().as_secs() }",
            ),
            "`clock`",
        ),
        (
            "one that never returns",
            proposal(
                number().limits(quick),
                "fn number() -> u64 { loop { std::hint::black_box(0); } }",
            ),
            "longer than 200 ms",
        ),
        (
            "one out of range",
            proposal(
                number().property(Property::Between { at: String::new(), min: 0.0, max: 1.0 }),
                "fn number() -> u64 { 2 }",
            ),
            "between 0 and 1",
        ),
        (
            "one that does not compile",
            proposal(number(), "fn number() -> u64 { \"1\" }"),
            "compile",
        ),
        ("a stray brace", proposal(number().clone(), "fn number() -> u64 { 1 } }"), "compile"),
    ] {
        let admission = admit(&toolbox, &proposal);
        assert!(!admission.admitted, "{name} is admitted");
        let feedback = admission.examination.feedback();
        assert!(feedback.contains(reason), "{name}: {feedback}");
    }
    assert_eq!(toolbox.list().expect("a list").len(), 1);
    let log = toolbox.log().expect("a log");
    assert_eq!(log.iter().filter(|line| line.event == "rejected").count(), 11);
    assert_intact(&toolbox);
}

#[test]
fn the_jail_holds_without_the_scan() {
    let (_folder, toolbox) = toolbox();
    let disguised = "use std as base;
        fn probe() -> String {
            let file = base::fs::read_to_string(\"/etc/passwd\").map_err(|e| e.kind().to_string());
            let net = base::net::TcpStream::connect(\"127.0.0.1:9\").map_err(|e| e.kind().to_string());
            format!(\"{:?} {:?} {}\", file, net.err(), base::env::vars().count())
        }";
    admitted(&toolbox, &proposal(Task::new("fn probe() -> String").input(()), disguised));
    let output = toolbox.call("probe", &json!([])).expect("an output");
    assert_eq!(output, json!("Err(\"permission denied\") Some(\"permission denied\") 0"));
}

#[test]
fn without_an_approval_no_tool_is_admitted() {
    let (_folder, toolbox) = toolbox();
    let no = Some(Review { approved: false, by: "a test".to_owned() });
    for review in [no, None] {
        assert!(!toolbox.admit(&add(), review).expect("an answer").admitted);
    }
    assert!(toolbox.examine(&add()).expect("an answer").passed());
    assert!(toolbox.list().expect("a list").is_empty());
    let events: Vec<String> =
        toolbox.log().expect("a log").into_iter().map(|line| line.event).collect();
    assert_eq!(events, ["rejected", "rejected"]);
}

#[test]
fn a_new_version_passes_the_old_tests_and_can_be_rolled_back() {
    let (_folder, toolbox) = toolbox();
    let task = || Task::new("fn half(n: i64) -> i64");
    admitted(&toolbox, &proposal(task().case((7,), 3), "fn half(n: i64) -> i64 { n / 2 }"));
    let up = "fn half(n: i64) -> i64 { (n + 1) / 2 }";
    let admission = admit(&toolbox, &proposal(task().case((8,), 4), up));
    assert!(!admission.admitted);
    assert!(admission.examination.feedback().contains("version 1: half(7)"));
    let floor = "fn half(n: i64) -> i64 { n.div_euclid(2) }";
    admitted(&toolbox, &proposal(task().case((-7,), -4), floor));
    assert_eq!(toolbox.call("half", &json!([-7])).expect("an output"), json!(-4));
    toolbox.roll_back("half", 1, "a test").expect("there is a version 1");
    assert_eq!(toolbox.call("half", &json!([-7])).expect("an output"), json!(-3));
    assert!(matches!(toolbox.roll_back("half", 9, "x"), Err(ToolboxError::NotFound(_))));
    // Running a cell twice changes nothing, and adds nothing to the log.
    let lines = toolbox.log().expect("a log").len();
    toolbox.roll_back("half", 1, "a test").expect("it is in use");
    assert_eq!(toolbox.log().expect("a log").len(), lines);
    assert_eq!(toolbox.list().expect("a list")[0].entry.versions.len(), 2);
    assert_intact(&toolbox);
}

#[test]
fn a_tool_uses_the_version_that_it_was_tested_with() {
    let (_folder, toolbox) = toolbox();
    let double = Task::new("fn double(n: u64) -> u64");
    let code = "use std::collections::BTreeMap;\nfn double(n: u64) -> u64 { BTreeMap::from([(n, 2 * n)])[&n] }";
    admitted(&toolbox, &proposal(double.clone().case((2,), 4), code));
    let quadruple = Task::new("fn quadruple(n: u64) -> u64").case((3,), 12);
    let code = "fn quadruple(n: u64) -> u64 { tools::double(tools::double(n)) }";
    admitted(&toolbox, &proposal(quadruple, code).uses("double"));
    let octuple = Task::new("fn octuple(n: u64) -> u64").case((1,), 8);
    let code =
        "use tools::{double, quadruple};\nfn octuple(n: u64) -> u64 { double(quadruple(n)) }";
    admitted(&toolbox, &proposal(octuple, code).uses("quadruple").uses("double"));
    // A version 2 that still passes the one test of version 1 does not affect its users.
    let square = "fn double(n: u64) -> u64 { n * n }";
    admitted(&toolbox, &proposal(double.case((0,), 0), square));
    assert_eq!(toolbox.call("double", &json!([5])).expect("an output"), json!(25));
    assert_eq!(toolbox.call("octuple", &json!([5])).expect("an output"), json!(40));
    let unknown = proposal(Task::new("fn f() -> u8").input(()), "fn f() -> u8 { 1 }").uses("g");
    assert!(matches!(toolbox.examine(&unknown), Err(ToolboxError::NotFound(_))));
}

#[test]
fn a_tool_needs_the_capabilities_of_the_tools_it_uses() {
    let (_folder, toolbox) = toolbox();
    let now = "fn now() -> u64 { std::time::Instant::now().elapsed().as_secs() }";
    let task = Task::new("fn now() -> u64").input(());
    admitted(&toolbox, &proposal(task, now).may(Capability::Clock));
    let task = Task::new("fn stamp() -> u64").input(());
    let stamp = proposal(task, "fn stamp() -> u64 { tools::now() }").uses("now");
    let examination = toolbox.examine(&stamp).expect("an answer");
    let refusal = examination.refusal.expect("it is refused");
    assert!(refusal.contains("`now`") && refusal.contains("`clock`"), "{refusal}");
    assert!(!admit(&toolbox, &stamp).admitted);
    admitted(&toolbox, &stamp.may(Capability::Clock));
}

#[test]
fn a_tool_that_fails_a_call_serves_the_next_one() {
    let (_folder, toolbox) = toolbox();
    let quick = Limits { case_wall_ms: 200, ..Limits::default() };
    let task = Task::new("fn moody(mood: u8) -> u64").case((0,), 1).limits(quick);
    let code = "fn moody(mood: u8) -> u64 {
        match mood {
            0 => 1,
            1 => panic!(\"not today\"),
            2 => loop { std::hint::black_box(0); },
            3 => vec![1_u8; 1 << 30].iter().map(|&byte| u64::from(byte)).sum(),
            _ => { fn deeper(n: u64) -> u64 { if n == u64::MAX { 0 } else { deeper(n + 1) + 1 } } deeper(0) }
        }
    }";
    admitted(&toolbox, &proposal(task, code));
    for (mood, why) in
        [(1, "not today"), (2, "longer than 200 ms"), (3, "out of memory"), (4, "SIG")]
    {
        let Err(ToolboxError::Failed(message)) = toolbox.call("moody", &json!([mood])) else {
            panic!("mood {mood} gives an output");
        };
        assert!(message.contains("moody") && message.contains(why), "{message}");
        assert_eq!(toolbox.call("moody", &json!([0])).expect("an output"), json!(1));
    }
}

#[test]
fn a_process_stays_alive_between_requests() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = open(folder.path());
    admitted(&toolbox, &counter());
    let mut server = Server::start(&[]);
    server.receive();
    for id in 0..10 {
        let request = json!({"call": {"name": "next", "arguments": []}});
        let answer = server.ask(&call(folder.path(), id, request));
        assert_eq!(answer["done"]["value"], json!(id), "{answer}");
        // After this time, the request's thread has ended.
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn counter() -> Proposal {
    let code = "static N: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        fn next() -> u64 { N.fetch_add(1, std::sync::atomic::Ordering::Relaxed) }";
    proposal(Task::new("fn next() -> u64").input(()), code).may(Capability::State)
}

#[test]
fn one_process_answers_many_calls_and_many_tools_need_few_processes() {
    let (_folder, toolbox) = toolbox();
    admitted(&toolbox, &counter());
    let counted: Vec<Value> =
        (0..20).map(|_| toolbox.call("next", &json!([])).expect("an output")).collect();
    assert_eq!(counted, (0..20).map(|n| json!(n)).collect::<Vec<_>>(), "a call started a process");
    // Calls of ten other tools end this tool's process.
    for n in 0..10 {
        let task = Task::new(format!("fn tool_{n}() -> u64")).case((), n);
        admitted(&toolbox, &proposal(task, &format!("fn tool_{n}() -> u64 {{ {n} }}")));
        assert_eq!(toolbox.call(&format!("tool_{n}"), &json!([])).expect("an output"), json!(n));
    }
    assert_eq!(toolbox.call("next", &json!([])).expect("an output"), json!(0));
}
