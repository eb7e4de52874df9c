//! A failure of this machine is not the candidate's fault: it gives no verdict but advice, and nothing is
//! cached.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use code_evolution_host::judge::{Judge, JudgeError, Options};
use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::verdict::{Outcome, Verdict};

use crate::processes::kill;
use crate::support::options;

const RIGHT: &str = "fn answer() -> u32 { 7 }";

fn task() -> Task {
    Task::new("fn answer() -> u32").case((), 7)
}

/// Returns a judge that caches verdicts, in separate folders.
fn judge(folder: &Path) -> Judge {
    let temporary = folder.join("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let cache = folder.to_owned();
    Judge::with(Options { cache, temporary, cache_bytes: 1 << 20, ..options() }).unwrap()
}

fn kept(folder: &Path) -> usize {
    fs::read_dir(folder.join("verdicts")).into_iter().flatten().count()
}

#[track_caller]
fn is_internal(judged: Result<Verdict, JudgeError>, what_to_do: &str) {
    let Err(JudgeError::Internal(error)) = judged else { panic!("{judged:#?}") };
    let message = format!("{error:#}");
    assert!(message.contains(what_to_do), "{message}");
}

/// Returns a host with a small disk for its candidates, which only the host and its children see.
fn with_a_small_disk(home: &Path, size: &str) -> Command {
    let script = format!(
        "mkdir -p disk && mount -t tmpfs -o size={size} tmpfs disk && TMPDIR=$PWD/disk exec \"$HOST\" \
         judge --jsonl"
    );
    let mut host = Command::new("unshare");
    host.args(["--map-root-user", "--mount", "sh", "-c", &script])
        .current_dir(home)
        .env("HOST", env!("CARGO_BIN_EXE_code_evolution_host"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    host
}

fn request(code: &str) -> String {
    format!("{}\n", serde_json::json!({"id": 1, "task": task(), "code": code}))
}

#[test]
fn a_disk_that_fills_up_is_no_compile_error() {
    let home = tempfile::tempdir().unwrap();
    let mut host = with_a_small_disk(home.path(), "32m").spawn().expect("unshare (util-linux)");
    let mut requests = host.stdin.take().unwrap();
    let mut answers = BufReader::new(host.stdout.take().unwrap());
    let mut ask = |code: &str| {
        requests.write_all(request(code).as_bytes()).unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        answer
    };
    // Use a candidate that does not compile: the disk space of a program that ran becomes free only a moment
    // after its end.
    let judged = ask("fn answer() -> u32 { \"seven\" }");
    assert!(judged.contains("\"compile_error\""), "{judged}");
    let verdicts = home.path().join("cache/code-evolution/verdicts");
    assert_eq!(fs::read_dir(&verdicts).unwrap().count(), 1);
    // The host has the process id of `unshare`, because `unshare` and `sh` start it by exec.
    let disk = format!("/proc/{}/root{}", host.id(), home.path().join("disk").display());
    // The object fits, but the program does not.
    for left in [1 << 20, 64 << 10, 0] {
        let filled = Command::new("sh")
            .args(["-c", "cat /dev/zero > \"$0\"/fill; truncate -s -\"$1\" \"$0\"/fill"])
            .args([&disk, &left.to_string()])
            .stderr(Stdio::null())
            .status();
        assert!(filled.unwrap().success());
        let refused = ask(&format!("fn answer() -> u32 {{ {left} + 7 - {left} }}"));
        let told = "\"kind\":\"internal\"";
        assert!(
            refused.contains(told) && refused.contains("free 16 MB there"),
            "{left}: {refused}"
        );
        assert_eq!(fs::read_dir(&verdicts).unwrap().count(), 1, "{left}: a verdict is kept");
    }
    fs::remove_file(format!("{disk}/fill")).unwrap();
    let judged = ask("fn answer() -> u32 { 0 + 7 - 0 }");
    assert!(judged.contains("\"passed\":1") && judged.contains("\"cached\":false"), "{judged}");
    drop(requests);
    host.wait().unwrap();
}

#[test]
fn a_disk_that_is_full_from_the_start_is_named() {
    let home = tempfile::tempdir().unwrap();
    let output = with_a_small_disk(home.path(), "200k").output().expect("unshare (util-linux)");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("free 16 MB there, or set TMPDIR"), "{said}");
}

#[test]
fn a_compiler_that_is_killed_is_no_compile_error() {
    let folder = tempfile::tempdir().unwrap();
    let judge = judge(folder.path());
    let temporary = folder.path().join("temporary");
    let judged = while_killing_what_works_in(&temporary, || judge.judge(&task(), RIGHT));
    is_internal(judged, "give the container more memory");
    assert_eq!(kept(folder.path()), 0, "a verdict is kept");
    assert!(judge.judge(&task(), RIGHT).unwrap().is_success(), "it recovers");
}

/// Kills every process whose current folder lies in this one, until the work is done.
fn while_killing_what_works_in<T: Send>(folder: &Path, work: impl FnOnce() -> T + Send) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                for process in fs::read_dir("/proc").unwrap().flatten() {
                    let inside = fs::read_link(process.path().join("cwd"))
                        .is_ok_and(|cwd| cwd.starts_with(folder));
                    if inside {
                        kill(process.file_name().to_string_lossy());
                    }
                }
            }
        });
        let result = work();
        done.store(true, Ordering::SeqCst);
        result
    })
}

#[test]
fn a_missing_library_is_no_compile_error() {
    let folder = tempfile::tempdir().unwrap();
    let judge = judge(folder.path());
    assert!(judge.judge(&task(), RIGHT).unwrap().is_success());
    for entry in fs::read_dir(folder.path()).unwrap().flatten() {
        if entry.file_name().to_string_lossy().starts_with("harness-") {
            fs::remove_file(entry.path().join("libcode_evolution_harness.rlib")).unwrap();
        }
    }
    is_internal(judge.judge(&task(), "fn answer() -> u32 { 3 + 4 }"), "reinstall");
    assert_eq!(kept(folder.path()), 1, "only the first verdict is kept");
}

/// A candidate may print the messages of a broken machine. It still gets a verdict.
#[test]
fn a_candidate_cannot_pass_for_a_broken_machine() {
    let folder = tempfile::tempdir().unwrap();
    // With the scan, some candidates would be refused before they are compiled.
    let options = Options { cache: folder.path().to_owned(), cache_bytes: 1 << 20, ..options() };
    let judge = Judge::with(Options { scan: false, ..options }).unwrap();
    for code in [
        "compile_error!(\"No space left on device (os error 28)\");",
        "extern crate no_such_crate; fn answer() -> u32 { 7 }",
        "fn answer() -> u32 { unsafe extern \"C\" { safe fn no_such_function(); } no_such_function(); 7 }",
    ] {
        let verdict = judge.judge(&task(), code).unwrap();
        assert!(!verdict.compiled(), "{verdict:#?}");
        assert!(judge.judge(&task(), code).unwrap().cached, "{code}");
    }
}

/// The candidate waits for its threads longer than it computes, like every candidate on a machine that is
/// too busy. It gets the time again, and runs alone.
#[test]
fn a_candidate_that_waited_at_its_limit_runs_once_more_and_alone() {
    let folder = tempfile::tempdir().unwrap();
    let judge = judge(folder.path());
    let limits = Limits { case_wall_ms: 300, wall_ms: 900, ..Limits::default() };
    let task = task().limits(limits).hidden_case((), 7);
    let code = "fn answer() -> u32 { std::thread::sleep(std::time::Duration::from_secs(9)); 7 }";
    let verdict = judge.judge(&task, code).unwrap();
    assert_eq!(verdict.outcome, Outcome::TimeOut { limit_ms: 300 });
    let told = "A hidden case took longer than 300 ms.";
    assert!(verdict.feedback.contains(told), "{}", verdict.feedback);
    assert_eq!(kept(folder.path()), 0, "a limit of the clock is remembered");
}
