//! Runs every attack in a separate process, as root and as an unprivileged user.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::IntoRawFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use code_evolution_jail::{Exit, Jail, Limit, Limits, Prisoner, RunResult, Stage};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::attacks::{self, Attack};
use crate::fail_closed;
use crate::users::{self, User};

/// The variable that turns Landlock off.
const NO_LANDLOCK: &str = "JAIL_TEST_NO_LANDLOCK";

/// The result of one attack, as a row that the helper prints; some fields are `Debug` texts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    stage: String,
    name: String,
    pub output: String,
    status: String,
    stopped: String,
    pub peak_bytes: u64,
}

impl Row {
    fn new(attack: &Attack, ended: &RunResult, output: String) -> Self {
        Row {
            stage: format!("{:?}", attack.stage),
            name: attack.name.to_owned(),
            output,
            status: format!("{:?}", ended.status),
            stopped: format!("{:?}", ended.stopped),
            peak_bytes: ended.peak_bytes,
        }
    }

    /// Returns whether the attack ended like this.
    pub fn ended(&self, status: Exit, stopped: Option<Limit>) -> bool {
        self.status == format!("{status:?}") && self.stopped == format!("{stopped:?}")
    }
}

/// All attacks of one user, with or without Landlock.
pub struct Batch {
    pub user: String,
    pub canary: String,
    pub landlock: bool,
    rows: Vec<Row>,
}

impl Batch {
    /// Returns the result of one attack.
    pub fn row(&self, stage: Stage, name: &str) -> &Row {
        let stage = format!("{stage:?}");
        self.rows.iter().find(|row| row.stage == stage && row.name == name).unwrap()
    }

    /// Returns the result of each attack.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

/// Runs the attacks as each available user, and once more without Landlock, as in gVisor.
pub fn batches() -> &'static [Batch] {
    static BATCHES: OnceLock<Vec<Batch>> = OnceLock::new();
    BATCHES.get_or_init(|| {
        let users = users::users();
        let without = users.last().map(|user| (user, false));
        std::thread::scope(|scope| {
            let tries = users.iter().map(|user| (user, true)).chain(without);
            let running: Vec<_> =
                tries.map(|(user, landlock)| scope.spawn(move || run(*user, landlock))).collect();
            running.into_iter().map(|batch| batch.join().unwrap()).collect()
        })
    })
}

/// Compiles the attacker, once.
pub fn attacker() -> &'static Path {
    static ATTACKER: OnceLock<PathBuf> = OnceLock::new();
    ATTACKER.get_or_init(|| {
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/programs/attacker/main.rs");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("attacker");
        let output = Command::new("rustc")
            .args([
                "--edition=2024",
                "-Copt-level=1",
                "-Ctarget-feature=+crt-static",
                "-Crelocation-model=static",
            ])
            .arg("-o")
            .args([&program, &source])
            .output()
            .expect("rustc is on the path");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        program
    })
}

/// Makes a folder that every user can reach, with copies of this test and the attacker.
pub fn world() -> TempDir {
    let world = users::world();
    users::copy_program(attacker(), &world.path().join("attacker"));
    world
}

fn run(user: User, landlock: bool) -> Batch {
    let world = world();
    let canary = users::canary();
    let home = user.home(world.path(), &canary);
    users::copy_program(Path::new("/bin/true"), &home.join("program"));
    user.owns([home.join("program")]);
    let mut command = users::helper(world.path(), "attacks");
    command.env(users::CANARY, &canary);
    if !landlock {
        command.env(NO_LANDLOCK, "1");
    }
    let (rows, _) = users::rows::<Row>(user.runs(&mut command));
    assert_eq!(fs::read_to_string(home.join("secret")).unwrap(), canary, "the secret was changed");
    let name = format!("{}{}", user.name, if landlock { "" } else { ", no Landlock" });
    Batch { user: name, canary, landlock, rows }
}

/// The helper's part: tries every attack and prints a row for each.
pub fn play() {
    let world = users::own_world();
    let home = world.join("home");
    // The canary also lies in this process's memory, on the heap, and in an open descriptor that exec would
    // inherit.
    let canary = std::env::var(users::CANARY).unwrap();
    let secret = fs::File::open(home.join("secret")).unwrap();
    // SAFETY: the call takes no pointer, and the descriptor is ours.
    unsafe { libc::fcntl(secret.into_raw_fd(), libc::F_SETFD, 0) };
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = tcp.local_addr().unwrap().port();
    let _unix = UnixListener::bind(home.join("socket")).unwrap();

    let landlock = std::env::var_os(NO_LANDLOCK).is_none();
    if !landlock {
        fail_closed::refuse("landlock");
    }
    for attack in attacks::all().filter(|attack| attack.must_hold(landlock)) {
        let folder = TempDir::new_in(&world).unwrap();
        let limits = Limits { cpu_ms: attack.cpu_ms(), ..Limits::of(attack.stage) };
        let jail =
            Jail { limits, ..Jail::new(attack.stage, world.join("attacker"), folder.path()) };
        let jail = Jail { allow_without_landlock: !landlock, ..jail }
            .arg(attack.name)
            .arg(home.join("secret"))
            .arg(&home)
            .arg(std::process::id().to_string())
            .arg(port.to_string());
        let (ended, output) = watch(jail.spawn().expect("the jail starts"), attack.wall());
        users::row(&Row::new(&attack, &ended, output));
    }
    assert!(canary.starts_with("canary-"));
}

/// Sends `hello`, and collects the output on all three descriptors (64 kB of each; then a flood blocks)
/// until the program ends.
pub fn watch(prisoner: Prisoner, wall: Duration) -> (RunResult, String) {
    let Prisoner { mut frames, stdout, stderr, process } = prisoner;
    if let Err(error) = frames.write_all(b"hello") {
        // Most attacks read no frames and may already have ended.
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
    let gather = |from: fs::File| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // Keeps the pipe open after the cap, like a judge that has read enough.
            (&from).take(64 << 10).read_to_end(&mut bytes).unwrap();
            (bytes, from)
        })
    };
    let (stdout, stderr) = (gather(stdout), gather(stderr));
    let ended = process.wait(Instant::now() + wall);
    let mut bytes = [stdout, stderr].map(|reader| reader.join().unwrap().0).concat();
    frames.set_nonblocking(true).unwrap();
    let mut answer = [0; 64];
    if let Ok(length) = frames.read(&mut answer) {
        bytes.extend(&answer[..length]);
    }
    (ended, String::from_utf8_lossy(&bytes).into_owned())
}
