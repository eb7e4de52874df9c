//! The attacks with their expected outcomes; each is a test.
//!
//! The code of the attacks is in `programs/attacker/`.

mod compile;
mod run;
mod run_x86;

use std::time::Duration;

use code_evolution_jail::{Exit, Limit, Stage};

use crate::batch::{Row, batches};

/// An attack.
#[derive(Debug, Clone, Copy)]
pub struct Attack {
    pub stage: Stage,
    pub name: &'static str,
    pub expected: Expected,
}

impl Attack {
    /// Returns whether the jail must also hold without Landlock: always in the run stage; in the compile
    /// stage only against attacks that use no file name.
    pub fn must_hold(&self, landlock: bool) -> bool {
        let by_landlock = [
            "read_",
            "list_",
            "symlink",
            "hardlink_out",
            "write_",
            "append_",
            "rename",
            "remove",
            "mkdir",
            "command_",
            "accounting",
        ];
        landlock
            || self.stage == Stage::Run
            || !by_landlock.iter().any(|name| self.name.starts_with(name))
    }

    /// Returns the attack's CPU limit, which is low only if this limit must end the attack.
    pub fn cpu_ms(&self) -> u64 {
        if let Stopped(Limit::Cpu) = self.expected { 200 } else { 10_000 }
    }

    /// Returns the attack's deadline, which is short only if the deadline must end the attack.
    pub fn wall(&self) -> Duration {
        Duration::from_millis(if let Stopped(Limit::Wall) = self.expected { 250 } else { 60_000 })
    }
}

/// The expected outcome.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// The kernel refuses the call, and the program continues.
    Denied,
    /// This signal ends the program.
    Signal(i32),
    /// The host ends the program.
    Stopped(Limit),
    /// Not an attack: the program must work, and print this.
    Works(&'static str),
}
use Expected::{Denied, Signal, Stopped, Works};

/// The text of a refusal. (A wrong argument gives another error, and means a wrong test.)
const REFUSALS: [&str; 10] = [
    "denied: Operation not permitted",
    "denied: Permission denied",
    "denied: Function not implemented",
    "denied: Cannot allocate memory",
    "denied: Resource temporarily unavailable",
    "denied: Invalid cross-device link", // how Landlock refuses to move a file between folders
    "denied: failed to lookup address information", // no socket to ask with
    "denied: EPERM",
    "denied: it is empty",
    "denied: none is open",
];

impl Expected {
    fn is(self, row: &Row) -> bool {
        let ended = |status| row.ended(status, None);
        match self {
            Denied => {
                ended(Exit::Code(0))
                    && REFUSALS.iter().any(|refusal| row.output.contains(refusal))
                    && !row.output.contains("got: ")
            }
            Signal(number) => ended(Exit::Signal(number)),
            Stopped(limit) => row.ended(Exit::Signal(libc::SIGKILL), Some(limit)),
            Works(text) => ended(Exit::Code(0)) && row.output.contains(&format!("got: {text}")),
        }
    }
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Denied => f.pad("denied"),
            Signal(number) => f.pad(&format!("signal {number}")),
            Stopped(limit) => f.pad(&format!("stopped: {limit:?}")),
            Works(text) => f.pad(&format!("works: {text}")),
        }
    }
}

#[track_caller]
fn check(attack: Attack) {
    for batch in batches().iter().filter(|batch| attack.must_hold(batch.landlock)) {
        let row = batch.row(attack.stage, attack.name);
        let Attack { expected, .. } = attack;
        assert!(expected.is(row), "as {}: expected `{expected}`, saw {row:#?}", batch.user);
        assert!(
            !row.output.contains(&batch.canary),
            "as {}: the canary leaked: {row:#?}",
            batch.user
        );
    }
}

macro_rules! attacks {
    ($stage:ident: $($name:ident => $expected:expr,)*) => {
        use super::*;

        pub const ALL: &[Attack] = &[$(Attack {
            stage: Stage::$stage,
            name: stringify!($name),
            expected: $expected,
        }),*];

        $(#[test]
        fn $name() {
            check(Attack { stage: Stage::$stage, name: stringify!($name), expected: $expected });
        })*
    };
}

use attacks;

/// Lists every attack of both stages.
pub fn all() -> impl Iterator<Item = Attack> {
    run::ALL.iter().chain(run_x86::ALL).chain(compile::ALL).copied()
}

#[test]
fn table() {
    println!("\n{:8} {:28} {:34} was it so as", "stage", "attack", "expected");
    let (mut count, mut wrong) = (0, Vec::new());
    for attack in all() {
        let mut line = format!(
            "{:8} {:28} {:34}",
            format!("{:?}", attack.stage),
            attack.name,
            attack.expected
        );
        for batch in batches().iter().filter(|batch| attack.must_hold(batch.landlock)) {
            count += 1;
            let row = batch.row(attack.stage, attack.name);
            let ok = attack.expected.is(row);
            line += &format!(" {}: {};", batch.user, if ok { "yes" } else { "WRONG" });
            if !ok {
                let mut row = row.clone();
                row.output = row.output.chars().take(200).collect();
                wrong.push(format!("as {}: {attack:?} {row:?}", batch.user));
            }
        }
        println!("{line}");
    }
    println!("{} attacks, tried {count} times, {} wrong\n", all().count(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_canary_is_nowhere() {
    for batch in batches() {
        for row in batch.rows() {
            assert!(!row.output.contains(&batch.canary), "{row:#?}");
        }
    }
}

#[test]
fn memory_stays_below_its_limit() {
    for batch in batches() {
        let bomb = batch.row(Stage::Run, "memory_bomb");
        let peak = bomb.peak_bytes;
        assert!(peak > 200 << 20 && peak < 300 << 20, "{bomb:#?}");
        assert!(bomb.output.contains("memory allocation of"), "{bomb:#?}");
    }
}

#[test]
fn without_the_jail_they_succeed() {
    for name in UNJAILED {
        let outside = tempfile::TempDir::new().unwrap();
        let secret = outside.path().join("secret");
        std::fs::write(&secret, "secret").unwrap();
        let output = std::process::Command::new(crate::batch::attacker())
            .arg(name)
            .args([&secret, outside.path()])
            .arg(std::process::id().to_string())
            .current_dir(outside.path())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("got: "), "{name}: {text}");
    }
}

/// Attacks that succeed for any user on an ordinary machine. So the jail stops them, and not a mistake in
/// the attacker.
const UNJAILED: [&str; 43] = [
    "read_passwd",
    "read_secret",
    "read_own_environ",
    "read_own_executable",
    "read_own_maps",
    "read_host_cmdline",
    "read_environment",
    "stat_secret",
    "readlink_executable",
    "list_home",
    "list_root",
    "working_directory",
    "symlink_out",
    "hardlink_out",
    "write_cwd",
    "write_home",
    "append_secret",
    "truncate",
    "open_and_truncate",
    "open_for_neither_and_truncate",
    "chmod",
    "chmod_at",
    "rename",
    "rename_in",
    "remove",
    "mkdir",
    "symlink",
    "unix_datagram",
    "socket_pair",
    "datagram_pair",
    "command",
    "command_own_file",
    "kill_host",
    "tgkill_host",
    "affinity_of_host",
    "prlimit_host",
    "shared_map",
    "map_that_grows_down",
    "executable_map",
    "priority_inheritance_lock",
    "memory_file",
    "pipe",
    "epoll",
];
