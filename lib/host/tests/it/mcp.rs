//! A toolbox served to an MCP client: what the protocol requires, and messages that try to end the server.
//! (`binder/tests/test_mcp.py` tests the official clients.)

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use code_evolution_wire::task::Task;
use code_evolution_wire::toolbox::Proposal;
use serde_json::{Value, json};

use crate::support::{Server, cache, ends_within};
use crate::toolbox::{ADD, add, admitted, assert_intact, one, open, proposal};

const INITIALIZE: &str = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"tests","version":"1"}}}"#;
const INITIALIZED: &str = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Starts a server; its session has not begun yet.
fn start(folder: &Path) -> Server {
    let mut host = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"));
    Server::spawn(host.args(["toolbox", "serve"]).arg(folder).env("XDG_CACHE_HOME", cache()))
}

/// Starts a server and greets it.
fn session(folder: &Path) -> Server {
    let mut server = start(folder);
    server.send(INITIALIZE);
    let greeted = server.receive();
    assert_eq!(greeted["result"]["protocolVersion"], "2025-11-25", "{greeted}");
    assert_eq!(greeted["result"]["capabilities"]["tools"]["listChanged"], true, "{greeted}");
    server.send(INITIALIZED);
    server
}

fn call(id: u64, name: &str, arguments: Value) -> String {
    let params = json!({"name": name, "arguments": arguments});
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}).to_string()
}

/// Returns the answer with this id; skips others, and notifications.
#[track_caller]
fn answer_to(server: &mut Server, id: u64) -> Value {
    loop {
        let message = server.receive();
        assert_eq!(message["jsonrpc"], "2.0", "{message}");
        if message["id"] == id {
            return message;
        }
    }
}

#[track_caller]
fn assert_alive(server: &mut Server, id: u64) {
    server.send(&call(id, "add", json!({"a": 20, "b": 22})));
    let answer = answer_to(server, id);
    assert_eq!(answer["result"]["content"][0]["text"], "42.0", "{answer}");
}

#[test]
fn tools_are_listed_and_called_and_every_call_is_logged() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = open(folder.path());
    admitted(&toolbox, &add());
    let mut server = session(folder.path());
    server.send(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    let listed = answer_to(&mut server, 1);
    let tool = &listed["result"]["tools"][0];
    assert_eq!(
        (&tool["name"], listed["result"]["tools"].as_array().map(Vec::len)),
        (&json!("add"), Some(1))
    );
    assert_eq!(tool["inputSchema"]["properties"]["a"], json!({"type": "number"}), "{tool}");
    assert_eq!(tool["inputSchema"]["required"], json!(["a", "b"]), "{tool}");
    assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
    assert!(tool["description"].as_str().is_some_and(|d| d.contains("version 1")), "{tool}");
    server.send(&call(2, "add", json!({"a": 5, "b": 3})));
    let answer = answer_to(&mut server, 2);
    assert_eq!(answer["result"]["content"], json!([{"type": "text", "text": "8.0"}]), "{answer}");
    assert_ne!(answer["result"]["isError"], true, "{answer}");
    // A tool's errors are for the model; the protocol's errors are for the client.
    for (id, arguments, part) in [
        (3, json!({"a": 5}), "`b` is missing"),
        (4, json!({"a": "x", "b": 1}), "`a`: \"x\" is not a `f64`"),
    ] {
        server.send(&call(id, "add", arguments));
        let answer = answer_to(&mut server, id);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert!(
            answer["result"]["content"][0]["text"].as_str().is_some_and(|text| text.contains(part)),
            "{answer}"
        );
    }
    server.send(&call(5, "subtract", json!({})));
    let answer = answer_to(&mut server, 5);
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    server.finish();
    let lines = toolbox.log().expect("a log");
    let calls: Vec<&Value> =
        lines.iter().filter(|line| line.event == "called").map(|line| &line.summary).collect();
    assert_eq!(calls.len(), 4, "{calls:#?}");
    assert_eq!(
        calls[0],
        &json!({"tool": "add", "version": 1, "by": "tests 1 (MCP)",
        "arguments": r#"{"a":5,"b":3}"#, "output": "8.0"})
    );
    assert!(
        calls[3]["error"].as_str().is_some_and(|error| error.contains("subtract")),
        "{calls:#?}"
    );
    assert_intact(&toolbox);
}

#[test]
fn a_new_version_and_a_new_tool_are_announced_and_used_without_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = open(folder.path());
    admitted(&toolbox, &add());
    let mut server = session(folder.path());
    assert_alive(&mut server, 1);
    let third = Proposal { code: ADD.replace("a + b", "a + b + 0.0"), ..add() };
    for (id, change) in [(2, one()), (4, third)] {
        admitted(&toolbox, &change);
        let told = server.receive();
        assert_eq!(told["method"], "notifications/tools/list_changed", "{told}");
        server.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}).to_string());
        let listed = answer_to(&mut server, id);
        assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(2), "{listed}");
        assert_alive(&mut server, id + 1);
    }
    server.send(&call(9, "one", json!({})));
    assert_eq!(answer_to(&mut server, 9)["result"]["content"][0]["text"], "1");
    // The call uses the current version, and the log names it.
    let lines = toolbox.log().expect("a log");
    let versions: Vec<&Value> = lines
        .iter()
        .filter(|line| line.event == "called" && line.summary["tool"] == "add")
        .map(|line| &line.summary["version"])
        .collect();
    assert_eq!(versions, [&json!(1), &json!(1), &json!(2)]);
    assert_intact(&toolbox);
}

#[test]
fn a_failing_tool_affects_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = open(folder.path());
    admitted(&toolbox, &add());
    let task = Task::new("fn fragile(text: &str) -> usize").case(("ok",), 2);
    let limits = code_evolution_wire::task::Limits { case_wall_ms: 300, ..Default::default() };
    let code =
        "fn fragile(text: &str) -> usize { while text == \"loop\" { std::hint::black_box(text); }
        if text == \"panic\" { panic!(\"no\") } text.len() }";
    admitted(&toolbox, &proposal(task.limits(limits), code));
    let mut server = session(folder.path());
    for (id, text, part) in [(1, "panic", "panicked"), (2, "loop", "longer than 300 ms")] {
        server.send(&call(id, "fragile", json!({"text": text})));
        let answer = answer_to(&mut server, id);
        assert_eq!(answer["result"]["isError"], true, "{answer}");
        assert!(answer.to_string().contains(part), "{answer}");
    }
    std::fs::write(folder.path().join("fragile.rs"), "fn fragile() {}").expect("written");
    server.send(&call(3, "fragile", json!({"text": "ok"})));
    let answer = answer_to(&mut server, 3);
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    assert!(answer.to_string().contains("not what was admitted"), "{answer}");
    assert_alive(&mut server, 4);
}

#[test]
fn hostile_messages_do_not_end_the_server() {
    let folder = tempfile::tempdir().expect("a folder");
    let toolbox = open(folder.path());
    admitted(&toolbox, &add());
    let mut server = start(folder.path());
    // These messages arrive before a session begins.
    server.send(INITIALIZED);
    server.send(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
    server.send("not json");
    assert_eq!(server.receive()["error"]["code"], -32700);
    server.send(&call(2, "add", json!({"a": 1, "b": 2})));
    assert!(answer_to(&mut server, 2).get("error").is_some(), "a call before the session");
    server.send(INITIALIZE);
    assert!(answer_to(&mut server, 0).get("result").is_some());
    server.send(INITIALIZED);
    // These messages arrive during a session. Each gets an error, and the session continues.
    let deep = "[".repeat(200_000);
    let long = format!(r#"{{"jsonrpc":"2.0","id":3,"method":"{}"}}"#, "x".repeat(5 << 20));
    for (line, codes) in [
        (deep.as_str(), &[-32700][..]),
        (&long, &[-32600]),
        ("[]", &[-32600]),
        (r#"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":5}}"#, &[-32602]),
        (
            r#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"add","arguments":[1,2]}}"#,
            &[-32602],
        ),
        (r#"{"jsonrpc":"2.0","id":6,"method":"tools/call"}"#, &[-32602]),
        (
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/admit","params":{"code":"fn f() {}"}}"#,
            &[-32601],
        ),
        (r#"{"jsonrpc":"2.0","id":8,"method":"resources/list"}"#, &[-32601]),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, &[-32600]),
        (
            r#"{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"../../etc/passwd"}}"#,
            &[-32602],
        ),
    ] {
        server.send(line);
        let answer = server.receive();
        let code = answer["error"]["code"].as_i64();
        assert!(code.is_some_and(|code| codes.contains(&code)), "{:.120}: {answer}", line);
    }
    assert_alive(&mut server, 10);
    // Cancel a request before its answer, cancel it again, and cancel a request that was never sent.
    for id in [11, 11, 999] {
        if id == 11 {
            server.send(&call(11, "add", json!({"a": 1, "b": 1})));
        }
        let params = json!({"requestId": id, "reason": "changed my mind"});
        let cancelled =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        server.send(&cancelled.to_string());
    }
    for _ in 0..50 {
        server.send(INITIALIZED);
    }
    assert_alive(&mut server, 12);
    // Thousands of requests at once: each gets one answer.
    let mut input = server.stdin.take().expect("stdin is open");
    let sender = std::thread::spawn(move || {
        use std::io::Write;
        for id in 1_000..4_000 {
            writeln!(input, "{}", call(id, "add", json!({"a": id, "b": 1}))).expect("it is read");
        }
        input
    });
    let mut seen = std::collections::BTreeMap::new();
    while seen.len() < 3_000 {
        let answer = server.receive();
        let Some(id) = answer["id"].as_u64().filter(|id| *id >= 1_000) else { continue };
        let sum = format!("{}.0", id + 1);
        assert_eq!(answer["result"]["content"][0]["text"], sum, "{answer}");
        assert!(seen.insert(id, ()).is_none(), "{id} is answered twice");
    }
    server.stdin = Some(sender.join().expect("it has sent all"));
    assert_alive(&mut server, 13);
    let told = server.finish();
    assert!(told.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(toolbox.list().expect("a list").len(), 1, "nothing came in");
    assert_intact(&toolbox);
}

#[test]
fn without_a_toolbox_or_a_client_the_server_ends() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .args(["toolbox", "serve"])
        .arg(folder.path())
        .output()
        .expect("the host starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("no toolbox in"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is made");
    admitted(&open(folder.path()), &add());
    let mut server = session(folder.path());
    server.stdin = None;
    assert!(ends_within(&mut server.child, Duration::from_secs(30)), "it outlives its client");
}
