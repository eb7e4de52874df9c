//! Killing everything at once, as a host does when it ends, never gives a wrong verdict.
//!
//! The effect is permanent, so each test has a separate process.

use std::fs;
use std::time::Duration;

use code_evolution_host::judge::{Judge, JudgeError, Options};
use code_evolution_wire::program::{Program, Status};
use code_evolution_wire::task::{Limits, Task};

use crate::support::{judge, options};
use crate::{processes, users};

/// Returns a task on which only a cancellation ends a sleeper.
fn task() -> Task {
    let hour = 3_600_000;
    Task::new("fn answer() -> u32").case((), 7).limits(Limits {
        case_wall_ms: hour,
        wall_ms: hour,
        ..Limits::default()
    })
}

const SLEEPER: &str = "fn answer() -> u32 { std::thread::sleep(std::time::Duration::MAX); 7 }";

#[track_caller]
fn in_a_process(role: &str) {
    judge(); // builds the harness, which the helper then finds
    let world = users::world();
    users::rows::<()>(&mut users::helper(world.path(), role));
}

/// The helper's part: cancels something.
pub fn cancel(what: &str) {
    match what.split_once(' ') {
        None if what == "batch" => batch(),
        None => last_candidate(),
        Some((_, moment)) => at(Duration::from_millis(moment.parse().unwrap())),
    }
}

#[test]
fn a_batch_that_is_cancelled_midway_gives_no_verdict() {
    in_a_process("batch");
}

fn batch() {
    let (kept, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let judge = Judge::with(Options {
        cache: kept.path().to_owned(),
        cache_bytes: 1 << 20,
        temporary: temporary.path().to_owned(),
        workers: 2,
        ..options()
    });
    let judge = judge.unwrap();
    let codes: Vec<String> = (0..12)
        .map(|n| match n {
            0..3 => format!("fn answer() -> u32 {{ 7 + {n} - {n} }}"),
            _ => SLEEPER.to_owned(),
        })
        .collect();
    let after_a_quarter = |line: &str| {
        assert_eq!(line, "judged 3 of 12");
        code_evolution_jail::kill_all();
    };
    let ended = judge.judge_all(&task(), &codes, &after_a_quarter);
    assert!(matches!(ended, Err(JudgeError::Cancelled)), "{ended:?}");
    assert!(ended.unwrap_err().to_string().contains("cancelled"));
    let verdicts = fs::read_dir(kept.path().join("verdicts")).unwrap();
    assert_eq!(verdicts.count(), 3, "what was judged before is kept, and nothing else");
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0, "a folder is left");
    assert!(children().is_empty(), "a process is left: {:?}", children());
    assert!(matches!(judge.judge(&task(), SLEEPER), Err(JudgeError::Cancelled)), "nothing starts");
}

#[test]
fn a_candidate_that_is_cancelled_in_its_last_case_is_not_blamed() {
    in_a_process("last");
}

fn last_candidate() {
    let judge = Judge::with(options()).unwrap();
    std::thread::scope(|scope| {
        let judged = scope.spawn(|| judge.judge(&task(), SLEEPER));
        while !children().contains(&"candidate".to_owned()) {
            assert!(!judged.is_finished(), "{:?}", judged.join());
            std::thread::sleep(Duration::from_millis(1));
        }
        code_evolution_jail::kill_all();
        let ended = judged.join().unwrap();
        assert!(matches!(ended, Err(JudgeError::Cancelled)), "{ended:?}");
    });
}

#[test]
fn a_cancellation_at_any_moment_gives_the_right_verdict_or_none() {
    for milliseconds in [0, 10, 30, 50, 70, 90, 110, 130, 170, 250] {
        in_a_process(&format!("after {milliseconds}"));
    }
}

fn at(moment: Duration) {
    let judge = Judge::with(options()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(moment);
            code_evolution_jail::kill_all();
        });
        let judged = scope.spawn(|| {
            loop {
                let verdict = judge.judge(&task(), "fn answer() -> u32 { 7 }")?;
                assert!(verdict.is_success(), "{verdict:#?}");
            }
        });
        let ran = || -> Result<(), JudgeError> {
            loop {
                let execution = judge.execute(&Program::new("fn main() {}"))?;
                assert_eq!(execution.status, Status::Exited(0), "{execution:#?}");
            }
        };
        for ended in [ran(), judged.join().unwrap()] {
            assert!(matches!(ended, Err(JudgeError::Cancelled)), "{ended:?}");
        }
    });
}

/// Returns the names of this process's children.
fn children() -> Vec<String> {
    let name = |pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    let names = processes::children(std::process::id()).into_iter().filter_map(name);
    names.map(|name| name.trim().to_owned()).collect()
}
