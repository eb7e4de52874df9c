//! Judges for tests.

use std::path::PathBuf;
use std::sync::OnceLock;

use code_evolution_host::judge::{Judge, Options};
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::Verdict;

/// Options that keep no verdicts.
pub fn options() -> Options {
    Options { cache: cache(), cache_bytes: 0, ..Options::default() }
}

/// Where tests keep the harness.
pub fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// The judge as notebooks have it, but without a cache of verdicts.
pub fn judge() -> &'static Judge {
    static JUDGE: OnceLock<Judge> = OnceLock::new();
    JUDGE.get_or_init(|| Judge::with(options()).expect("a judge"))
}

/// The verdict of one candidate.
#[track_caller]
pub fn verdict(task: &Task, code: &str) -> Verdict {
    judge().judge(task, code).unwrap_or_else(|error| panic!("{error}\nof {code}"))
}

/// Fails unless every case passes.
#[track_caller]
pub fn assert_passes(task: &Task, code: &str) {
    let verdict = verdict(task, code);
    assert!(verdict.is_success() && verdict.total > 0, "{code}\n{verdict:#?}");
}
