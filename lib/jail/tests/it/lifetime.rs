//! No program outlives its time, and nothing is left behind.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use code_evolution_jail::{Exit, Jail, Limit, Prisoner, SpawnError, Stage};
use tempfile::TempDir;

use crate::{batch, users};

fn jail(stage: Stage, attack: &str, folder: &Path) -> Jail {
    Jail::new(stage, batch::attacker(), folder).arg(attack)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn alive(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

/// Blocks until the process is gone; fails after a minute.
#[track_caller]
fn is_gone(pid: u32) {
    let deadline = soon();
    while alive(pid) {
        assert!(Instant::now() < deadline, "process {pid} is still there");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[track_caller]
fn first_line(prisoner: &mut Prisoner) -> String {
    let mut line = String::new();
    BufReader::new(&mut prisoner.stdout).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

#[test]
fn every_layer_is_in_force() {
    let folder = TempDir::new().unwrap();
    for stage in [Stage::Run, Stage::Compile] {
        let prisoner = jail(stage, "endless_sleep", folder.path()).spawn().unwrap();
        let status =
            fs::read_to_string(format!("/proc/{}/status", prisoner.process.pid())).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().to_owned()
        };
        assert_eq!((field("NoNewPrivs"), field("Seccomp")), ("1".to_owned(), "2".to_owned()));
        for set in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(field(set), "0000000000000000", "{set}");
        }
        if users::privileged() {
            assert_eq!(field("CapBnd"), "0000000000000000");
        }
        let mut descriptors: Vec<String> =
            fs::read_dir(format!("/proc/{}/fd", prisoner.process.pid()))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
        descriptors.sort();
        assert_eq!(descriptors, ["0", "1", "2"]);
        prisoner.process.kill();
        assert_eq!(prisoner.process.wait(soon()).status, Exit::Signal(libc::SIGKILL));
    }
}

#[test]
fn a_dropped_prisoner_dies() {
    let folder = TempDir::new().unwrap();
    let prisoner = jail(Stage::Run, "endless_sleep", folder.path()).spawn().unwrap();
    let pid = prisoner.process.pid();
    assert!(alive(pid));
    drop(prisoner);
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn child_processes_die_with_the_program() {
    let folder = TempDir::new().unwrap();
    let mut prisoner = jail(Stage::Compile, "leave_a_child", folder.path()).spawn().unwrap();
    let line = first_line(&mut prisoner);
    let child: u32 = line.strip_prefix("got: child ").unwrap().parse().unwrap();
    let ended = prisoner.process.wait(soon());
    assert_eq!((ended.status, ended.stopped), (Exit::Code(0), None));
    // Not even a zombie is left: `wait` has reaped it.
    assert!(!Path::new(&format!("/proc/{child}")).exists());
}

#[test]
fn cpu_time_and_memory_are_seen_from_outside() {
    let folder = TempDir::new().unwrap();
    let prisoner = jail(Stage::Run, "endless_loop", folder.path()).spawn().unwrap();
    let deadline = soon();
    while prisoner.process.cpu_time() < Duration::from_millis(20) {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(1));
    }
    prisoner.process.kill();
    assert!(prisoner.process.wait(soon()).cpu >= Duration::from_millis(20));

    // Larger than the program below, since the child's peak starts at this size.
    let ballast = std::hint::black_box(vec![1_u8; 64 << 20]);
    let mut prisoner = jail(Stage::Run, "hang_with_a_megabyte", folder.path()).spawn().unwrap();
    assert_eq!(first_line(&mut prisoner), "ready 1048576");
    let peak = prisoner.process.peak_bytes();
    assert!(peak > 1 << 20 && peak < 16 << 20, "{peak}");
    prisoner.process.kill();
    assert_eq!(prisoner.process.wait(soon()).peak_bytes, peak);
    assert_eq!(ballast.len(), 64 << 20);
}

#[test]
fn a_deadline_ends_the_program() {
    let folder = TempDir::new().unwrap();
    let prisoner = jail(Stage::Run, "endless_sleep", folder.path()).spawn().unwrap();
    let ended = prisoner.process.wait(Instant::now());
    assert_eq!(ended.status, Exit::Signal(libc::SIGKILL));
    assert_eq!(ended.stopped, Some(Limit::Wall));
}

#[test]
fn killing_the_host_kills_its_programs() {
    let world = batch::world();
    let mut host = users::helper(world.path(), "hold").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(host.stdout.take().unwrap()).lines();
    let pids: Vec<u32> = lines
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("pid ")?.parse().ok())
        .take(2)
        .collect();
    assert!(pids.len() == 2 && pids.iter().all(|pid| alive(*pid)), "{pids:?}");
    host.kill().unwrap(); // SIGKILL: the host cannot do anything about it
    host.wait().unwrap();
    pids.into_iter().for_each(is_gone);
}

/// The helper's part of the test above.
pub fn hold() {
    let folder = TempDir::new_in(users::own_world()).unwrap();
    let program = users::own_world().join("attacker");
    let jail = |stage| Jail::new(stage, &program, folder.path()).arg("endless_sleep");
    let prisoners = [Stage::Run, Stage::Compile].map(|stage| jail(stage).spawn().unwrap());
    for prisoner in &prisoners {
        println!("\npid {}", prisoner.process.pid());
    }
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn an_exiting_host_kills_all_and_starts_no_more() {
    let world = batch::world();
    let output = users::helper(world.path(), "kill all").output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}", String::from_utf8_lossy(&output.stdout));
}

/// The helper's part of the test above. First it counts what 300 prisoners leave behind.
pub fn kill_all() {
    let folder = TempDir::new_in(users::own_world()).unwrap();
    let program = users::own_world().join("attacker");
    let jail = |stage, attack| Jail::new(stage, &program, folder.path()).arg(attack);

    let descriptors = || fs::read_dir("/proc/self/fd").unwrap().count();
    jail(Stage::Run, "abort").spawn().unwrap().process.wait(soon());
    let before = descriptors();
    for round in 0..100 {
        let mut prisoner = jail(Stage::Run, "abort").spawn().unwrap();
        let mut errors = Vec::new();
        prisoner.stderr.read_to_end(&mut errors).unwrap();
        assert_eq!(
            prisoner.process.wait(soon()).status,
            Exit::Signal(libc::SIGABRT),
            "round {round}"
        );
        jail(Stage::Compile, "leave_a_child").spawn().unwrap().process.wait(soon());
        drop(jail(Stage::Compile, "endless_sleep").spawn().unwrap());
        let missing = Jail::new(Stage::Run, &program, "/missing").spawn();
        assert!(matches!(missing, Err(SpawnError::Step { step: "folder", .. })));
    }
    assert_eq!(descriptors(), before);
    // SAFETY: a null pointer means that no status is wanted.
    let children = unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) };
    assert_eq!(children, -1, "a child is left");

    let (started, starts) = std::sync::mpsc::channel();
    let waiting: Vec<_> = [Stage::Run, Stage::Compile, Stage::Run]
        .map(|stage| {
            let (jail, started) = (jail(stage, "endless_sleep"), started.clone());
            std::thread::spawn(move || {
                let prisoner = jail.spawn().unwrap();
                started.send(()).unwrap();
                prisoner.process.wait(soon())
            })
        })
        .into();
    waiting.iter().for_each(|_| starts.recv().unwrap());
    assert!(!code_evolution_jail::is_closing());
    code_evolution_jail::kill_all();
    assert!(code_evolution_jail::is_closing());
    for thread in waiting {
        let ended = thread.join().unwrap();
        assert_eq!((ended.status, ended.stopped), (Exit::Signal(libc::SIGKILL), None));
    }
    assert!(matches!(jail(Stage::Run, "threads").spawn(), Err(SpawnError::Exiting)));
}
