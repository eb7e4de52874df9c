//! Other processes: what `/proc` says about them, and their end.

use std::fmt::Display;
use std::fs;
use std::process::{Command, Stdio};

/// Kills a process, which may have ended in the meantime.
pub fn kill(pid: impl Display) {
    Command::new("kill").args(["-9", &pid.to_string()]).stderr(Stdio::null()).status().unwrap();
}

/// Returns the children of a process, by their ids.
pub fn children(parent: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).unwrap().flatten();
    let children = tasks.map(|task| fs::read_to_string(task.path().join("children")));
    let children = children.flatten().collect::<Vec<_>>().concat();
    children.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

/// Returns the process that has a thread of this name. A unique name makes it easy to find among those of
/// other tests.
pub fn thread_named(name: &str) -> Option<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter(|entry| entry.path().join("task").is_dir()).find_map(|process| {
        let mut threads = fs::read_dir(process.path().join("task")).ok()?.flatten();
        let named = |thread: fs::DirEntry| {
            fs::read_to_string(thread.path().join("comm")).is_ok_and(|comm| comm.trim() == name)
        };
        threads.any(named).then(|| process.file_name().to_str()?.parse().ok()).flatten()
    })
}

/// Returns the state of each thread of a process (`T` is stopped), and the CPU time of all, in clock ticks.
pub fn states_and_ticks(pid: u32) -> (String, u64) {
    let (mut states, mut ticks) = (String::new(), 0);
    for thread in fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten() {
        let stat = fs::read_to_string(thread.path().join("stat")).unwrap();
        // The process's name comes before these fields and may contain anything.
        let (_, fields) = stat.rsplit_once(") ").unwrap();
        let fields: Vec<&str> = fields.split(' ').collect();
        states.push_str(fields[0]);
        ticks += fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    }
    (states, ticks)
}
