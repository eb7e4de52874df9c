//! Exports a candidate as a crate; cargo itself builds it and runs its tests, without a registry.

use std::path::{Path, PathBuf};
use std::process::Command;

use code_evolution_host::export::export;
use code_evolution_host::judge::JudgeError;
use code_evolution_wire::export::{Export, ExportCall, Exported};
use code_evolution_wire::task::{Property, Task};
use serde_json::{Value, json};

use crate::support::{Server, cache, judge};

fn call(place: &Path, export: Export, task: Task, code: &str) -> ExportCall {
    let place = place.to_str().expect("a path").to_owned();
    ExportCall { export, place, task, code: code.to_owned() }
}

fn double() -> Task {
    Task::new("fn double(n: u8) -> u8").case((2,), 4).hidden_case((3,), 6)
}

const DOUBLE: &str = "fn double(n: u8) -> u8 { n * 2 }";

#[track_caller]
fn exported(call: &ExportCall) -> Exported {
    export(judge(), None, call).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(call: &ExportCall) -> String {
    match export(judge(), None, call) {
        Err(JudgeError::BadRequest(why)) => why,
        other => panic!("{other:?}"),
    }
}

/// Runs `cargo test` in a crate, offline; returns whether it passes, and what it prints.
fn cargo_test(folder: &str) -> (bool, String) {
    let output = Command::new(env!("CARGO"))
        .args(["test", "--offline", "--manifest-path"])
        .arg(Path::new(folder).join("Cargo.toml"))
        // Each crate has its own build folder, as it does for a participant.
        .env_remove("CARGO_TARGET_DIR")
        .env("RUSTFLAGS", "-Dwarnings")
        .output()
        .expect("cargo starts");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[track_caller]
fn assert_tests_pass(exported: &Exported) {
    let (passed, text) = cargo_test(&exported.folder);
    assert!(passed && text.contains(&format!("{} passed", exported.tests)), "{text}");
}

/// Exports one crate with all kinds of values; its tests must notice a change of its function.
#[test]
fn every_kind_of_value_is_tested_as_the_judge_tests_it() {
    let place = tempfile::tempdir().expect("a folder");
    let nested = Task::new(
        "fn nested(a: &[Option<f64>], b: HashMap<String, Vec<(char, i128)>>, c: &str) -> Result<(f64, Option<String>, BTreeMap<u8, f32>), Vec<u64>>",
    )
    .tolerance(1e-9)
    .with(case("plain", json!([[1.5, null, "NaN"], {"a": [["x", "-5"]]}, "a\"b\n"]), json!({"Ok": [0.30000000000000004, "a\"b\n", [[1, 0.1]]]})))
    .with(case("nothing", json!([[], {}, ""]), json!({"Err": []})))
    .with(case("infinite", json!([["inf"], {}, "-"]), json!({"Ok": ["inf", null, []]})));
    let code = "use std::collections::*;
fn nested(a: &[Option<f64>], b: HashMap<String, Vec<(char, i128)>>, c: &str) -> Result<(f64, Option<String>, BTreeMap<u8, f32>), Vec<u64>> {
    match c {
        \"\" => Err(vec![]),
        \"-\" => Ok((a[0].unwrap(), None, BTreeMap::new())),
        c => { assert!(a[2].unwrap().is_nan() && b[\"a\"] == [('x', -5)]); Ok((0.3, Some(c.to_owned()), BTreeMap::from([(1, 0.1)]))) }
    }
}";
    let made = exported(&call(place.path(), "kinds".into(), nested, code));
    assert_eq!((made.tests, made.untested.len()), (3, 0), "{made:?}");
    assert_tests_pass(&made);
    let source = Path::new(&made.folder).join("src/candidate.rs");
    let text = std::fs::read_to_string(&source).expect("a source");
    std::fs::write(&source, text.replace("Ok((0.3,", "Ok((0.31,")).expect("written");
    let (passed, text) = cargo_test(&made.folder);
    assert!(!passed && text.contains("case_01_plain") && text.contains("got Ok((0.31"), "{text}");
}

fn case(name: &str, input: Value, expected: Value) -> code_evolution_wire::task::Case {
    let input = input.as_array().expect("arguments").clone();
    let (name, expected) = (name.to_owned(), Some(expected));
    code_evolution_wire::task::Case { name, input, expected, panics: false, hidden: false }
}

#[test]
fn properties_borrowed_outputs_panics_and_drivers_become_tests() {
    let place = tempfile::tempdir().expect("a folder");
    let sort = Task::new("fn ascending(numbers: Vec<i32>) -> Vec<i32>")
        .property(Property::Ascending)
        .property(Property::PermutationOf(0))
        .input((vec![3, 1, 2],))
        .hidden_case((vec![0; 0],), vec![0; 0]);
    let code = "fn ascending(mut numbers: Vec<i32>) -> Vec<i32> { numbers.sort(); numbers }";
    let made = exported(&call(place.path(), "sorted".into(), sort, code));
    assert_tests_pass(&made);
    let source = Path::new(&made.folder).join("src/candidate.rs");
    std::fs::write(&source, "pub fn ascending(_: Vec<i32>) -> Vec<i32> { vec![] }")
        .expect("written");
    let (passed, text) = cargo_test(&made.folder);
    assert!(!passed && text.contains("same elements"), "{text}");

    let mood = Task::new("fn mood(text: &str) -> (f64, String)")
        .property(Property::Between { at: "/0".into(), min: -1.0, max: 1.0 })
        .property(Property::OneOf { at: "/1".into(), values: vec![json!("good"), json!("bad")] })
        .property(Property::Labelled {
            number: "/0".into(),
            label: "/1".into(),
            bands: vec![(-1.0, "bad".into()), (0.0, "good".into())],
        })
        .input(("sunny",))
        .panics_on(("",));
    let code = "fn mood(text: &str) -> (f64, String) { assert!(!text.is_empty()); (0.5, \"good\".into()) }";
    assert_tests_pass(&exported(&call(place.path(), "mood".into(), mood, code)));

    let tail = Task::new("fn tail<'a>(words: &'a [String]) -> &'a [String]")
        .case((vec!["a", "b"],), vec!["b"])
        .case((vec![""; 0],), vec![""; 0]);
    let code = "fn tail<'a>(words: &'a [String]) -> &'a [String] { words.get(1..).unwrap_or(&[]) }";
    assert_tests_pass(&exported(&call(place.path(), "tail".into(), tail, code)));

    let retry = Task::new("fn retry<T>(mut f: impl FnMut() -> Option<T>) -> T")
        .driver(
            "fn calls(failures: u32) -> u32",
            "fn calls(failures: u32) -> u32 { let mut n = 0; candidate::retry(|| { n += 1; (n > failures).then_some(()) }); n }",
        )
        .case((2,), 3);
    let code = "fn retry<T>(mut f: impl FnMut() -> Option<T>) -> T { loop { if let Some(x) = f() { return x } } }";
    assert_tests_pass(&exported(&call(place.path(), "retry".into(), retry, code)));
}

#[test]
fn an_overflow_behaves_as_in_the_judge() {
    let place = tempfile::tempdir().expect("a folder");
    let wraps = double().opt_level(2).case((200,), 144);
    assert_tests_pass(&exported(&call(place.path(), "wraps".into(), wraps, DOUBLE)));
    let panics = double().panics_on((200,));
    assert_tests_pass(&exported(&call(place.path(), "panics".into(), panics, DOUBLE)));
}

#[test]
fn only_a_crate_that_the_source_names_is_a_dependency() {
    judge().prepare().expect("the offered crates");
    let place = tempfile::tempdir().expect("a folder");
    let task = double().offers("itertools").offers("serde_json");
    let made = exported(&call(place.path(), "plain".into(), task.clone(), DOUBLE));
    assert_eq!(made.crates, Vec::<String>::new());
    assert_tests_pass(&made);
    let code = "use itertools::Itertools;\nfn double(n: u8) -> u8 { [n, n].iter().sorted().sum() }";
    let made = exported(&call(place.path(), "with_crates".into(), task, code));
    let manifest =
        std::fs::read_to_string(Path::new(&made.folder).join("Cargo.toml")).expect("a manifest");
    assert_eq!(made.crates, ["itertools"]);
    assert!(manifest.contains("itertools = \"0.14\"") && !manifest.contains("serde"), "{manifest}");
    assert_tests_pass(&made);
}

#[test]
fn a_refused_export_writes_nothing() {
    let place = tempfile::tempdir().expect("a folder");
    let names = ["../up", "/tmp/x", "a/b", "", "fn", "rand"];
    for name in names {
        let why = refused(&call(place.path(), name.into(), double(), DOUBLE));
        assert!(why.contains("is not a crate name"), "{why}");
    }
    let wrong = "fn double(n: u8) -> u8 { n + 2 }";
    let why = refused(&call(place.path(), "wrong".into(), double(), wrong));
    assert!(why.contains("passes 1 of 2 cases"), "{why}");
    std::fs::create_dir(place.path().join("thesis")).expect("a folder");
    std::fs::write(place.path().join("thesis/text"), "years of work").expect("written");
    let why = refused(&call(place.path(), "thesis".into(), double(), DOUBLE));
    assert!(why.contains("nothing was written"), "{why}");
    std::os::unix::fs::symlink(place.path().join("thesis"), place.path().join("linked"))
        .expect("a link");
    refused(&call(place.path(), "linked".into(), double(), DOUBLE));
    let found = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    assert_eq!(found(place.path()).len(), 2, "{:?}", found(place.path()));
    assert_eq!(found(&place.path().join("thesis")).len(), 1);
}

#[test]
fn an_export_is_replaced_only_if_nobody_changed_it() {
    let place = tempfile::tempdir().expect("a folder");
    let ask = call(place.path(), Export::new("mine").author("Ada Lovelace"), double(), DOUBLE);
    let first = exported(&ask);
    assert!(!first.replaced);
    assert_tests_pass(&first);
    // Cargo's files are not a person's work, so the export may be replaced.
    assert!(exported(&ask).replaced);
    let folder = Path::new(&first.folder);
    let licence = std::fs::read_to_string(folder.join("LICENSE")).expect("a licence");
    assert!(licence.contains("Ada Lovelace"), "{licence}");
    let other = Export { licence: "Apache-2.0".into(), ..ask.export.clone() };
    exported(&ExportCall { export: other, ..ask.clone() });
    assert!(!folder.join("LICENSE").exists(), "of another licence no text is made up");
    for (name, text) in [("notes.md", "mine"), ("src/candidate.rs", "// mine")] {
        exported(&ask);
        std::fs::write(folder.join(name), text).expect("written");
        let why = refused(&ask);
        assert!(why.contains("not as it was exported"), "{why}");
        assert_eq!(std::fs::read_to_string(folder.join(name)).expect("a file"), text);
        std::fs::remove_dir_all(folder).expect("removed");
    }
}

#[test]
fn an_export_names_its_author_and_ancestors() {
    let folder = tempfile::tempdir().expect("a folder");
    let parent = "fn double(n: u8) -> u8 { n + 2 }";
    let script = folder.path().join("script.toml");
    let reply = format!("```rust\n{DOUBLE}\n```");
    std::fs::write(
        &script,
        format!("kind = \"script\"\n[[exchange]]\nprompt = '''improve\n{parent}'''\nreplies = ['''{reply}''']\n"),
    )
    .expect("written");
    let log = folder.path().join("log.jsonl");
    let home = cache();
    let variables = [("CODE_EVOLUTION_AUDIT_LOG", log.as_path()), ("XDG_CACHE_HOME", &home)];
    let mut server = Server::start_with(&[], &variables);
    server.receive();
    let mut ask = |method: &str, params: Value| {
        let answer = server.ask(&json!({"id": 1, "method": method, "params": params}));
        assert!(answer.get("done").is_some(), "{answer}");
        answer["done"]["value"].clone()
    };
    ask("open", json!({"cassette": script, "mode": "scripted"}));
    ask("judge", json!({"task": double(), "codes": [parent]}));
    let question = json!({"messages": [{"role": "user", "content": format!("improve\n{parent}")}], "max_tokens": 1000});
    let answer = ask("ask", question);
    let reply = json!({"text": answer["text"], "finish_reason": "stop"});
    let wanted = json!({"code": {"function": "double"}});
    let code = ask("read", json!({"reply": reply, "wanted": wanted}))["code"].clone();
    ask("judge", json!({"task": double(), "codes": [code]}));
    // As a notebook does: is the winner also right where it was not selected?
    let unseen = double().case((100,), 200);
    ask("judge", json!({"task": unseen, "codes": [code]}));
    let code = code.as_str().expect("code");
    let made = ask(
        "export",
        serde_json::to_value(call(folder.path(), "mine".into(), double(), code)).expect("JSON"),
    );
    assert_eq!(made["ancestors"], 1, "{made}");
    assert!(
        made["written_by"].as_str().is_some_and(|by| by.starts_with("scripted · no model")),
        "{made}"
    );
    let text = std::fs::read_to_string(folder.path().join("mine/PROVENANCE.json")).expect("a file");
    let provenance: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(provenance["code"], code);
    assert_eq!(provenance["origin"]["ancestors"][0]["passed"], "1 of 2", "{provenance}");
    let readme = std::fs::read_to_string(folder.path().join("mine/README.md")).expect("a file");
    assert!(readme.contains("scripted · no model") && readme.contains("ancestor 1"), "{readme}");
}
