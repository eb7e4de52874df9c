//! Many candidates at once, and the cache of verdicts.

use std::fs;
use std::sync::Mutex;

use code_evolution_host::judge::{Judge, JudgeError, Options};
use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::verdict::Outcome;

use crate::outcomes::{patient, short};
use crate::processes::{kill, thread_named};
use crate::support::{judge, options};

fn task() -> Task {
    Task::new("fn answer() -> u32").case((), 7).limits(short())
}

#[test]
fn verdicts_are_in_the_candidates_order() {
    let codes: Vec<String> = (0..12)
        .map(|n| match n % 4 {
            0 => format!("fn answer() -> u32 {{ {n} }}"),
            1 => "fn answer() -> u32 { panic!() }".to_owned(),
            2 => "fn answer() -> u32 { \"seven\" }".to_owned(),
            _ => {
                "fn answer() -> u32 { std::thread::sleep(std::time::Duration::MAX); 7 }".to_owned()
            }
        })
        .collect();
    let lines = Mutex::new(Vec::new());
    let progress = |line: &str| lines.lock().unwrap().push(line.to_owned());
    let verdicts = judge().judge_all(&task(), &codes, &progress).unwrap();
    for (index, verdict) in verdicts.iter().enumerate() {
        match index % 4 {
            0 => assert_eq!(verdict.cases[0].got, Some(index.into())),
            1 => assert!(verdict.cases[0].panic.is_some()),
            2 => assert!(!verdict.compiled()),
            _ => assert!(verdict.cases[0].problem.as_ref().unwrap().contains("longer than")),
        }
    }
    let quarters = ["judged 3 of 12", "judged 6 of 12", "judged 9 of 12", "judged 12 of 12"];
    assert_eq!(*lines.lock().unwrap(), quarters);
    assert_eq!(judge().judge_all(&task(), &[], &|_| {}).unwrap(), []);
}

#[test]
fn a_verdict_made_before_comes_from_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { cache: folder.path().to_owned(), cache_bytes: 1 << 20, ..options() };
    let judge = Judge::with(options).unwrap();
    let code = "fn answer() -> u32 { 7 }";
    let first = judge.judge(&task(), code).unwrap();
    let again = judge.judge(&task(), code).unwrap();
    assert!(!first.cached && again.cached);
    assert_eq!((again.passed, &again.cases), (first.passed, &first.cases));
    assert!(!judge.judge(&task().case((), 8), code).unwrap().cached, "another task");
    assert!(!judge.judge(&task(), "fn answer() -> u32 { 8 }").unwrap().cached, "another candidate");

    for entry in fs::read_dir(folder.path().join("verdicts")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"passed\":1", "\"passed\":9")).unwrap();
    }
    let judged = judge.judge(&task(), code).unwrap();
    assert!(!judged.cached && judged.passed == 1, "a damaged entry is judged again");

    let sleeper = "fn answer() -> u32 { std::thread::sleep(std::time::Duration::MAX); 7 }";
    judge.judge(&task(), sleeper).unwrap();
    assert!(!judge.judge(&task(), sleeper).unwrap().cached, "a time-out is not kept");
}

#[test]
fn a_verdict_with_cases_skipped_for_time_is_not_cached() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { cache: folder.path().to_owned(), cache_bytes: 1 << 20, ..options() };
    let judge = Judge::with(options).unwrap();
    // After the first case, the CPU time that is left is too short to start a process.
    let task = task().case((), 8).limits(Limits { cpu_ms: 20, ..short() });
    let code = "fn answer() -> u32 { std::process::exit(3) }";
    let first = judge.judge(&task, code).unwrap();
    assert_eq!(first.outcome, Outcome::Exited { code: 3 });
    let left_out = |problem: &String| problem.contains("the time for all cases is used up");
    assert!(first.cases.iter().any(|case| case.problem.as_ref().is_some_and(left_out)));
    assert!(!judge.judge(&task, code).unwrap().cached, "the verdict was cached");
}

#[test]
fn no_folder_and_no_process_is_left() {
    let temporary = tempfile::tempdir().unwrap();
    let codes = ["loop { std::thread::park() }", "std::process::exit(0)", "7"];
    let mut codes = codes.map(named).to_vec();
    codes.push("fn answer(".to_owned());
    let judge =
        Judge::with(Options { temporary: temporary.path().to_owned(), ..options() }).unwrap();
    judge.judge_all(&task(), &codes, &|_| {}).unwrap();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    assert_eq!(thread_named("left-behind"), None, "a process is left");
}

/// Returns a candidate that runs `body` while another of its threads sleeps. A test finds that thread by its
/// name.
fn named(body: &str) -> String {
    format!(
        "fn answer() -> u32 {{
            let thread = std::thread::Builder::new().name(\"left-behind\".into());
            thread.spawn(|| std::thread::sleep(std::time::Duration::MAX)).unwrap();
            {body}
        }}"
    )
}

#[test]
fn a_candidate_killed_from_outside_gets_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { cache: folder.path().to_owned(), cache_bytes: 1 << 20, ..options() };
    let judge = Judge::with(options).unwrap();
    // A unique name makes the process easy to find among those of other tests.
    let code = "fn answer() -> u32 { std::thread::Builder::new().name(\"victim-4711\".into())
        .spawn(|| std::thread::sleep(std::time::Duration::MAX)).unwrap().join().unwrap(); 7 }";
    let task = task().limits(patient());
    let killed = std::thread::scope(|scope| {
        let judged = scope.spawn(|| judge.judge(&task, code));
        while !judged.is_finished() {
            if let Some(victim) = thread_named("victim-4711") {
                kill(victim);
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        judged.join().unwrap()
    });
    let Err(JudgeError::Internal(error)) = killed else { panic!("{killed:#?}") };
    assert!(error.to_string().contains("killed twice by somebody else"), "{error}");
    let verdicts = fs::read_dir(folder.path().join("verdicts")).into_iter().flatten();
    assert_eq!(verdicts.count(), 0, "a verdict was cached");
}
