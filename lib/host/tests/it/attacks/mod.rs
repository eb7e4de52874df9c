//! The attacks on the judge with their expected outcomes; each is a test. Some attacks work while a source is
//! compiled ([`compile`], [`bombs`], [`programs`]). Others are candidates that try to get a score without
//! earning it ([`forgeries`]).
//!
//! Every attack is tried as each available user. In the first run the scan is off and `unsafe` is allowed, so
//! that the jail alone must hold. The second run has a notebook's settings. `cargo test -p
//! code_evolution_host -- --nocapture attacks` prints the table.

mod batch;
mod bombs;
mod compile;
mod forgeries;
mod programs;

use std::sync::LazyLock;

use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::verdict::Stage;

pub use batch::play;
use batch::{Observation, Row, batches};

use crate::outcomes::patient;

/// An attack.
#[derive(Debug, Clone)]
struct Attack {
    kind: Kind,
    name: &'static str,
    expected: Expected,
    task: Task,
    /// The source. `SECRET` stands for a file in a home folder, `HOME` for that folder.
    code: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A source that tries to learn a secret while it is compiled.
    Compile,
    /// A source that would keep the compiler busy for ever.
    Bomb,
    /// A whole program that tries to be compiled to something else.
    Program,
    /// A candidate that tries to get a score without earning it.
    Forgery,
}

/// The expected outcome.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// The attack does not compile.
    NotCompiled,
    /// The attack runs and passes no case: whatever it gets is worthless.
    Harmless,
    /// The attack passes no case: a limit or an error ends the compiler, or the program is useless.
    Worthless,
    /// The attack breaks the protocol, and the reason contains this text. At least one case fails.
    Violates(&'static str),
    /// The process ends in one of these ways, and no case passes.
    Ends(&'static [&'static str]),
    /// The judge accepts an answer to every case, and this many are right.
    Scores(usize),
}
use Expected::{Ends, Harmless, NotCompiled, Scores, Violates, Worthless};

impl Expected {
    fn is(self, seen: &Observation) -> bool {
        let Observation { stage, ended, passed, total, .. } = seen;
        let ran = *stage == Stage::Run;
        match self {
            NotCompiled => *stage == Stage::Compile && ended == "compile error" && *passed == 0,
            Harmless => ran && *passed == 0,
            Worthless => *stage != Stage::Scan && *passed == 0,
            Violates(why) => {
                ran && ended.starts_with("violation") && ended.contains(why) && passed < total
            }
            Ends(how) => ran && how.iter().any(|how| ended == how) && *passed == 0,
            Scores(count) => ran && ended == "finished" && *passed == count,
        }
    }

    /// Returns whether this also holds with a notebook's settings: the scan may refuse more, but must not
    /// let more pass.
    fn is_scanned(self, seen: &Observation) -> bool {
        let refused = seen.stage != Stage::Run && seen.passed == 0;
        self.is(seen) || (refused && !matches!(self, Scores(1..)))
    }

    /// Returns limits that end an endless attack soon and end nothing else, however busy the machine is.
    fn limits(self) -> Limits {
        let patient = Limits { compile_wall_ms: 120_000, cpu_ms: 10_000, ..patient() };
        match self {
            Worthless => {
                Limits { compile_cpu_ms: 2_000, compile_memory_bytes: 512 << 20, ..patient }
            }
            Ends(_) => Limits { cpu_ms: 400, case_wall_ms: 300, wall_ms: 900, ..patient },
            _ => patient,
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(&match self {
            NotCompiled => "compile error".to_owned(),
            Harmless => "runs, passes nothing".to_owned(),
            Worthless => "passes nothing".to_owned(),
            Violates(why) => format!("violation: ..{why}.."),
            Ends(how) => how.join(" or "),
            Scores(count) => format!("finished, {count} right"),
        })
    }
}

/// Defines attacks of one kind. Each is a task and a source.
macro_rules! attacks {
    ($kind:ident: $($name:ident => $expected:expr, $attempt:expr;)*) => {
        pub fn all() -> Vec<$crate::attacks::Attack> {
            vec![$({
                let (expected, (task, code)) = ($expected, $attempt);
                $crate::attacks::Attack {
                    kind: $crate::attacks::Kind::$kind,
                    name: stringify!($name),
                    expected,
                    task: task.limits(expected.limits()),
                    code: code.to_string(),
                }
            }),*]
        }

        $(#[test]
        fn $name() {
            $crate::attacks::check($crate::attacks::Kind::$kind, stringify!($name));
        })*
    };
}
use attacks;

static ALL: LazyLock<Vec<Attack>> =
    LazyLock::new(|| [compile::all(), bombs::all(), programs::all(), forgeries::all()].concat());

#[track_caller]
fn check(kind: Kind, name: &str) {
    let attack = ALL.iter().find(|attack| (attack.kind, attack.name) == (kind, name)).unwrap();
    for batch in batches() {
        let Row { jailed, scanned, .. } = batch.row(attack);
        let (user, expected, code) = (batch.user.name, attack.expected, &attack.code);
        let code: String = code.chars().take(2_000).collect();
        assert!(expected.is(jailed), "as {user}: expected {expected}, saw {jailed:#?}\nof {code}");
        if let Some(scanned) = scanned {
            assert!(expected.is_scanned(scanned), "as {user}, scanned: {scanned:#?}\nof {code}");
        }
        for seen in [Some(jailed), scanned.as_ref()].into_iter().flatten() {
            for secret in [batch.canary.as_str(), "root:x:0"] {
                assert!(!seen.all.contains(secret), "as {user}: {secret} leaked: {seen:#?}");
            }
            assert!(seen.feedback_chars <= 1_200 && seen.diagnostics <= 50, "{seen:#?}");
        }
    }
}

#[test]
fn table() {
    let row = |kind: &str, name: &str, user: &str, expected: &str, jailed: &str, scanned: &str| {
        println!("{kind:8} {name:42} {user:14} {expected:30} {jailed:44} {scanned}");
    };
    println!();
    row("kind", "attack", "user", "expected", "seen by the jail alone", "seen with the scan");
    let mut wrong = Vec::new();
    for attack in ALL.iter() {
        for batch in batches() {
            let Row { jailed, scanned, .. } = batch.row(attack);
            let shown = scanned.as_ref().map_or("not tried".to_owned(), Observation::short);
            let (kind, expected) = (format!("{:?}", attack.kind), attack.expected.to_string());
            row(&kind, attack.name, batch.user.name, &expected, &jailed.short(), &shown);
            let as_expected = attack.expected.is(jailed)
                && scanned.as_ref().is_none_or(|seen| attack.expected.is_scanned(seen));
            if !as_expected {
                wrong.push(format!("{} as {}", attack.name, batch.user.name));
            }
        }
    }
    let (count, users) = (ALL.len(), batches().len());
    println!("{count} attacks, as {users} users, {} not as expected: {wrong:?}\n", wrong.len());
    assert_eq!(wrong, [""; 0]);
}

/// Checks every verdict, execution, feedback and audit log, and everything that the judge's process
/// printed.
#[test]
fn the_canary_is_nowhere() {
    for batch in batches() {
        assert!(batch.output.contains("\"judged\""), "there is no audit log:\n{}", batch.output);
        assert!(!batch.output.contains(&batch.canary), "as {}:\n{}", batch.user.name, batch.output);
    }
}
