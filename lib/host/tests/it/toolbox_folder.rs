//! The worst cases for a toolbox's folder.

use std::path::Path;
use std::time::Duration;

use code_evolution_host::toolbox::ToolboxError;
use code_evolution_wire::task::Task;
use serde_json::{Value, json};

use crate::support::Server;
use crate::toolbox::*;

#[test]
fn damage_is_named_and_nothing_is_lost() {
    let (folder, toolbox) = toolbox();
    admitted(&toolbox, &add());
    admitted(&toolbox, &one());
    assert_eq!(toolbox.call("add", &json!([1, 2])).expect("a sum"), json!(3.0));

    let source = folder.path().join("add.rs");
    std::fs::write(&source, "fn add(a: f64, b: f64) -> f64 { 666.0 }").expect("written");
    let Err(ToolboxError::Damaged(message)) = toolbox.call("add", &json!([1, 2])) else {
        panic!("a changed tool is called, though it was warm");
    };
    assert!(message.contains("add.rs") && message.contains("add.1.rs"), "{message}");
    assert_eq!(toolbox.call("one", &json!([])).expect("the other tool works"), json!(1));
    assert!(toolbox.list().expect("a list")[0].problem.is_some());
    assert!(!toolbox.verify().expect("a check").problems.is_empty());
    std::fs::remove_file(&source).expect("removed");
    assert_eq!(toolbox.call("add", &json!([1, 2])).expect("it is back"), json!(3.0));

    let manifest = folder.path().join("manifest.json");
    let whole = std::fs::read(&manifest).expect("a manifest");
    std::fs::write(&manifest, &whole[..whole.len() - 100]).expect("written");
    for result in [toolbox.list().map(drop), toolbox.admit(&add(), approved()).map(drop)] {
        let Err(ToolboxError::Damaged(message)) = result else { panic!("it is used") };
        assert!(message.contains("manifest.json") && message.contains("backup"), "{message}");
    }
    std::fs::copy(folder.path().join("manifest.backup.json"), &manifest).expect("restored");
    assert_eq!(toolbox.list().expect("a list").len(), 2);
    assert_intact(&toolbox);
}

#[test]
fn tampering_with_the_log_or_the_manifest_is_found() {
    let (folder, toolbox) = toolbox();
    toolbox.admit(&add(), None).expect("a rejection");
    admitted(&toolbox, &add());
    assert_intact(&toolbox);
    let path = folder.path().join("audit.jsonl");
    let honest = std::fs::read_to_string(&path).expect("a log");
    std::fs::write(&path, honest.replacen("rejected", "admitted", 1)).expect("written");
    let problems = toolbox.verify().expect("a check").problems;
    assert!(problems[0].contains("line 1"), "{problems:?}");
    for forged in ["", honest.lines().next().expect("a line")] {
        std::fs::write(&path, format!("{}{}", forged, if forged.is_empty() { "" } else { "\n" }))
            .expect("written");
        assert!(!toolbox.verify().expect("a check").problems.is_empty(), "{forged}");
    }
    std::fs::write(&path, honest).expect("written");
    assert_intact(&toolbox);
}

fn admission(folder: &Path, id: u64, name: &str) -> Value {
    let code = format!("fn {name}() -> u64 {{ {id} }}");
    let proposal = proposal(Task::new(format!("fn {name}() -> u64")).case((), id), &code);
    call(folder, id, json!({"admit": {"proposal": proposal, "review": approved()}}))
}

#[test]
fn two_hosts_share_a_toolbox() {
    let folder = tempfile::tempdir().expect("a folder");
    std::thread::scope(|scope| {
        for (host, first) in [("a", 0), ("b", 10)] {
            let folder = folder.path();
            scope.spawn(move || {
                let mut server = Server::start(&[]);
                server.receive();
                for id in first..first + 6 {
                    let answer = server.ask(&admission(folder, id, &format!("{host}_{id}")));
                    assert_eq!(answer["done"]["value"]["admitted"], json!(true), "{answer}");
                }
            });
        }
    });
    let toolbox = open(folder.path());
    assert_eq!(toolbox.list().expect("a list").len(), 12);
    assert_eq!(toolbox.call("b_15", &json!([])).expect("an output"), json!(15));
    assert_intact(&toolbox);
}

#[test]
fn a_host_killed_at_any_time_loses_no_earlier_tool() {
    let folder = tempfile::tempdir().expect("a folder");
    // A compilation of a host killed by SIGKILL leaves its files behind.
    let temporary = tempfile::tempdir().expect("a folder");
    let mut acknowledged = 0;
    for round in 0..12_u64 {
        let mut server = Server::start_with(&[], &[("TMPDIR", temporary.path())]);
        server.receive();
        // The first request shows how far the process is; the second one is cut short, a little later each
        // round.
        let answer = server.ask(&admission(folder.path(), 2 * round, &format!("tool_{round}")));
        assert_eq!(answer["done"]["value"]["admitted"], json!(true), "{answer}");
        acknowledged += 1;
        let request = admission(folder.path(), 2 * round + 1, &format!("cut_{round}"));
        server.send(&request.to_string());
        std::thread::sleep(Duration::from_millis(15 * round));
        server.kill();

        let toolbox = open(folder.path());
        let listed = toolbox.list().expect("a list");
        assert!(listed.iter().all(|tool| tool.problem.is_none()), "{listed:#?}");
        assert_eq!(
            listed.iter().filter(|tool| tool.name.starts_with("tool_")).count(),
            acknowledged
        );
        assert_intact(&toolbox);
    }
    let toolbox = open(folder.path());
    assert_eq!(toolbox.call("tool_11", &json!([])).expect("an output"), json!(22));
}
