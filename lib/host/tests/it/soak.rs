//! Runs many candidates of all kinds in one host, whose resources must not grow. `SOAK=2000` makes a long
//! run.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::processes::children;

/// A kind of candidate: its source, and its expected stage, outcome and number of passed cases (of 2).
type Kind = (&'static str, &'static str, &'static [&'static str], u64);

const KINDS: [Kind; 12] = [
    ("fn f(n: u32) -> u32 { n + 1 }", "run", &["finished"], 2),
    ("fn f(n: u32) -> u32 { if n == 1 { 2 } else { 0 } }", "run", &["finished"], 1),
    ("fn f(n: u32) -> u32 { n + x }", "compile", &["compile_error"], 0),
    ("fn f(n: u32) -> u32 { env!(\"HOME\").len() as u32 + n }", "scan", &["refused"], 0),
    ("fn f(n: u32) -> u32 { assert!(n > 1); n + 1 }", "run", &["finished"], 1),
    ("fn f(n: u32) -> u32 { loop { std::hint::black_box(n); } }", "run", &["time_out"], 0),
    (
        "fn f(n: u32) -> u32 { std::thread::sleep(std::time::Duration::from_secs(99)); n + 1 }",
        "run",
        &["time_out"],
        0,
    ),
    (
        "fn f(_: u32) -> u32 { loop { println!(\"{}\", \"x\".repeat(9999)) } }",
        "run",
        &["too_much_output"],
        0,
    ),
    // Filling memory takes CPU time, so on a busy machine that limit may come first.
    (
        "fn f(n: u32) -> u32 { let v = vec![n; 1 << 28]; v[3] }",
        "run",
        &["out_of_memory", "time_out"],
        0,
    ),
    (
        "fn f(n: u32) -> u32 { loop { std::thread::spawn(|| loop { std::thread::park() }); if n == 9 { return 0 } } }",
        "run",
        &["too_many_threads", "time_out", "finished", "out_of_memory", "panicked"],
        0,
    ),
    ("fn f(_: u32) -> u32 { std::process::exit(0) }", "run", &["exited"], 0),
    (
        "const fn r(n: u64) -> u64 { if n == 0 { 0 } else { r(n - 1) + r(n - 1) } }
        const A: u64 = r(40);
        fn f(n: u32) -> u32 { n + A as u32 }",
        "compile",
        &["time_out", "compile_error", "out_of_memory"],
        0,
    ),
];

fn request(number: usize) -> Value {
    let (code, ..) = KINDS[number % KINDS.len()];
    let case = |n: u32| json!({"name": format!("f({n})"), "input": [n], "expected": n + 1});
    json!({
        "id": number,
        // A unique line makes each candidate a new one.
        "code": format!("// {number}\n{code}\n"),
        "task": {
            "signature": "fn f(n: u32) -> u32",
            "cases": [case(1), case(2)],
            "limits": {"cpu_ms": 200, "case_wall_ms": 1_500, "wall_ms": 1_500, "compile_cpu_ms": 1_000},
        },
    })
}

/// The resources of a process: resident bytes, descriptors, children.
#[derive(Debug)]
struct Resources {
    bytes: u64,
    descriptors: usize,
    children: usize,
}

fn resources(host: &Child) -> Resources {
    let folder = format!("/proc/{}", host.id());
    let status = fs::read_to_string(format!("{folder}/status")).unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = resident.trim().trim_end_matches(" kB").parse().unwrap();
    Resources {
        bytes: kilobytes << 10,
        children: children(host.id()).len(),
        descriptors: fs::read_dir(format!("{folder}/fd")).unwrap().count(),
    }
}

#[test]
fn a_long_session_leaves_the_host_as_it_was() {
    let count = std::env::var("SOAK").ok().map_or(48, |count| count.parse().unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let kept = tempfile::tempdir().unwrap();
    let mut host = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"))
        .args(["judge", "--jsonl"])
        .env("XDG_CACHE_HOME", kept.path())
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = host.stdin.take().unwrap();
    let mut answers = BufReader::new(host.stdout.take().unwrap()).lines();
    let mut early = None;
    // Each round has one of every kind, so that the host is idle when it is measured.
    for round in (0..count).collect::<Vec<_>>().chunks(KINDS.len()) {
        for &number in round {
            writeln!(stdin, "{}", request(number)).unwrap();
        }
        for &number in round {
            let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
            let (code, stage, outcomes, passed) = KINDS[number % KINDS.len()];
            assert_eq!(answer["id"], number);
            let outcome = answer["outcome"]["kind"].as_str().unwrap_or_default();
            assert_eq!(
                (&answer["stage"], &answer["passed"]),
                (&json!(stage), &json!(passed)),
                "{code}\n{answer}"
            );
            assert!(outcomes.contains(&outcome), "{code}\n{answer}");
        }
        if early.is_none() && round[0] >= KINDS.len() {
            early = Some(resources(&host));
        }
    }
    let (early, late) = (early.expect("more than two rounds"), resources(&host));
    println!("{count} candidates; after two rounds {early:?}, at the end {late:?}");
    assert_eq!(late.children, 0, "a process is left");
    assert_eq!(late.descriptors, early.descriptors, "a descriptor is left");
    assert!(late.bytes < early.bytes + (16 << 20), "memory grew from {early:?} to {late:?}");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "a folder is left");
    drop(stdin);
    assert!(host.wait().unwrap().success());
}
