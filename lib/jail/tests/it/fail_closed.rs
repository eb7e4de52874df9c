//! If an outer seccomp filter refuses any step of the jail, nothing runs.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use code_evolution_jail::{Jail, Limit, Limits, Stage};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use crate::{batch, users};

/// What the outer filter refuses: a name, the calls, and a condition on an argument.
type Refused = (&'static str, &'static [i64], Option<(u8, SeccompCmpOp, u64)>);

const REFUSED: &[Refused] = &[
    ("seccomp", &[libc::SYS_seccomp], None),
    (
        "installing a filter",
        &[libc::SYS_seccomp],
        Some((0, SeccompCmpOp::Eq, libc::SECCOMP_SET_MODE_FILTER as u64)),
    ),
    (
        "landlock",
        &[
            libc::SYS_landlock_create_ruleset,
            libc::SYS_landlock_add_rule,
            libc::SYS_landlock_restrict_self,
        ],
        None,
    ),
    ("landlock rules", &[libc::SYS_landlock_add_rule], None),
    ("landlock restriction", &[libc::SYS_landlock_restrict_self], None),
    (
        "no_new_privs",
        &[libc::SYS_prctl],
        Some((0, SeccompCmpOp::Eq, libc::PR_SET_NO_NEW_PRIVS as u64)),
    ),
    (
        "death signal",
        &[libc::SYS_prctl],
        Some((0, SeccompCmpOp::Eq, libc::PR_SET_PDEATHSIG as u64)),
    ),
    ("close_range", &[libc::SYS_close_range], None),
    ("limits", &[libc::SYS_prlimit64], Some((2, SeccompCmpOp::Ne, 0))),
    ("capabilities", &[libc::SYS_capset], None),
    ("session", &[libc::SYS_setsid], None),
    ("exec", &[libc::SYS_execve], None),
    ("pidfd", &[libc::SYS_pidfd_open], None),
    ("threads", &[libc::SYS_clone3], None),
    (
        "threads by flags",
        &[libc::SYS_clone],
        Some((0, SeccompCmpOp::MaskedEq(libc::CLONE_THREAD as u64), libc::CLONE_THREAD as u64)),
    ),
];

/// Refuses these calls to this thread and all that it starts, permanently.
pub fn refuse(name: &str) {
    let (_, calls, condition) = REFUSED.iter().find(|(refused, ..)| *refused == name).unwrap();
    let rules: BTreeMap<i64, Vec<SeccompRule>> = calls
        .iter()
        .map(|call| {
            let conditions = condition.clone().map(|(argument, operator, value)| {
                let condition =
                    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, operator, value);
                SeccompRule::new(vec![condition.unwrap()]).unwrap()
            });
            (*call, conditions.into_iter().collect())
        })
        .collect();
    let arch = std::env::consts::ARCH.try_into().unwrap();
    let refuse = SeccompAction::Errno(libc::EPERM as u32);
    let filter: BpfProgram =
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).unwrap().try_into().unwrap();
    seccompiler::apply_filter(&filter).unwrap();
}

/// The helper's part: tries both stages with these calls refused.
pub fn try_without(name: &str) {
    let world = users::own_world();
    refuse(name);
    for (name, stage, allow_without_landlock) in [
        ("Run", Stage::Run, false),
        ("Compile", Stage::Compile, false),
        ("Compile allowed without Landlock", Stage::Compile, true),
    ] {
        let folder = tempfile::TempDir::new_in(&world).unwrap();
        let attack = if stage == Stage::Run { "threads" } else { "write_and_rename_in_folder" };
        let jail = Jail::new(stage, world.join("attacker"), folder.path()).arg(attack);
        let jail = Jail { allow_without_landlock, ..jail };
        let result = match jail.spawn() {
            Ok(prisoner) => {
                format!(
                    "{:?}",
                    prisoner.process.wait(Instant::now() + Duration::from_secs(60)).status
                )
            }
            Err(error) => error.to_string(),
        };
        let traces = fs::read_dir(folder.path()).unwrap().count();
        // SAFETY: a null pointer means that no status is wanted.
        let children = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) } != -1;
        println!("\n{name}: {result}; {traces} files; children: {children}");
    }
}

/// The helper's part: the first start gets no thread for the watch, and the next one does.
pub fn first_without_a_watch() {
    let world = users::own_world();
    let limits = Limits { cpu_ms: 200, ..Limits::of(Stage::Run) };
    let jail = Jail::new(Stage::Run, world.join("attacker"), &world).arg("endless_loop");
    let jail = Jail { limits, ..jail };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            refuse("threads");
            refuse("threads by flags");
            let error = jail.spawn().unwrap_err().to_string();
            assert!(error.contains("`watch` failed"), "{error}");
        });
    });
    let ended = jail.spawn().unwrap().process.wait(Instant::now() + Duration::from_secs(60));
    assert_eq!(ended.stopped, Some(Limit::Cpu), "{ended:?}");
}

#[test]
fn a_watch_that_could_not_start_is_started_the_next_time() {
    plays("no thread for the watch");
}

/// The helper's part: if the kernel reaps children by itself, nothing runs.
pub fn lose_the_ends_of_children() {
    let world = users::own_world();
    let spawn = || Jail::new(Stage::Run, world.join("attacker"), &world).arg("abort").spawn();
    let set = |handler, flags| {
        // SAFETY: all-zero bytes are a valid `sigaction`, which outlives the call; no handler runs.
        let done = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            (action.sa_sigaction, action.sa_flags) = (handler, flags);
            libc::sigaction(libc::SIGCHLD, &action, std::ptr::null_mut())
        };
        assert_eq!(done, 0);
    };
    for (handler, flags) in [(libc::SIG_IGN, 0), (libc::SIG_DFL, libc::SA_NOCLDWAIT)] {
        set(handler, flags);
        let error = spawn().map(|prisoner| prisoner.process.wait(Instant::now()).status);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("SIGCHLD") && error.contains("env --default-signal"), "{error}");
    }
    set(libc::SIG_DFL, 0);
    spawn().unwrap();
}

#[test]
fn without_exit_statuses_of_children_nothing_runs() {
    plays("SIGCHLD is ignored");
}

/// Runs a helper that checks itself.
#[track_caller]
fn plays(role: &str) {
    let world = batch::world();
    let output = users::helper(world.path(), role).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Runs both stages with this refused, and expects these texts in the results.
#[track_caller]
fn expect(name: &str, run: &str, compile: &str) {
    expect_also(name, run, compile, compile);
}

/// Does the same, with another text for a compile stage that may run without Landlock.
#[track_caller]
fn expect_also(name: &str, run: &str, compile: &str, allowed: &str) {
    let world = batch::world();
    let output = users::helper(world.path(), name).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let allowed = ("Compile allowed without Landlock: ", allowed);
    for (stage, expected) in [("Run: ", run), ("Compile: ", compile), allowed] {
        let line = text.lines().find(|line| line.starts_with(stage)).unwrap();
        assert!(line.contains(expected), "{line}");
        assert!(line.ends_with("children: false"), "{line}");
        if expected != RUNS {
            assert!(line.contains("nothing was run"), "{line}");
            assert!(line.contains("; 0 files"), "{line}");
        }
    }
}

const RUNS: &str = "Code(0)";

#[test]
fn without_seccomp_nothing_runs() {
    expect("seccomp", "refuses seccomp filters", "refuses seccomp filters");
    expect("installing a filter", "refuses seccomp filters", "refuses seccomp filters");
}

#[test]
fn without_landlock_nothing_compiles() {
    // A person can allow it. A program without files is safe with seccomp alone.
    expect_also("landlock", RUNS, "has no Landlock", RUNS);
}

#[test]
fn with_half_of_landlock_nothing_runs() {
    expect("landlock rules", "`landlock` failed", "`landlock` failed");
    expect("landlock restriction", "`landlock` failed", "`landlock` failed");
}

#[test]
fn with_any_other_step_refused_nothing_runs() {
    for (name, step) in [
        ("no_new_privs", "`no_new_privs` failed"),
        ("death signal", "`parent death signal` failed"),
        ("close_range", "`close_range` failed"),
        ("limits", "`limits` failed"),
        ("capabilities", "`capabilities` failed"),
        ("session", "`setsid` failed"),
        ("exec", "`exec` failed"),
    ] {
        expect(name, step, step);
    }
}

#[test]
fn without_pidfd_it_still_waits() {
    expect("pidfd", RUNS, RUNS);
}

#[test]
fn a_missing_folder_or_program_is_named() {
    let world = batch::world();
    let missing = world.path().join("missing");
    let error = Jail::new(Stage::Run, &missing, world.path()).spawn().unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
    let attacker = world.path().join("attacker");
    let error = Jail::new(Stage::Run, attacker, missing).spawn().unwrap_err().to_string();
    assert!(error.contains("`folder`"), "{error}");
}
