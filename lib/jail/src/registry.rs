//! The live process groups, and the watch over their limits.
//!
//! Every jailed program leads a process group and cannot leave it, so one signal ends it with all that it
//! started. A process id may be signalled only while it is listed here. It is removed, under the lock,
//! before its leader is reaped and the number becomes free for another program.
//!
//! The watch is a thread that checks each program every 20 ms. It enforces limits that the kernel cannot:
//! CPU time finer than a second, the number of threads (`RLIMIT_NPROC` counts all processes of a user, and
//! does not bind root), and memory that the program has made read-only (`RLIMIT_DATA` counts only what is
//! writable now). It sleeps while no program runs.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::jail::{Limits, SpawnError};
use crate::run_result::Limit;

/// How often the watch checks.
const TICK: Duration = Duration::from_millis(20);

/// The state of a live program.
pub(crate) struct LiveProgram {
    limits: Limits,
    /// Whether exec has replaced the copy of this process's memory.
    executed: bool,
    pub(crate) stopped: Option<Limit>,
    pub(crate) peak_bytes: u64,
}

#[derive(Default)]
struct Registry {
    live: HashMap<i32, LiveProgram>,
    /// Whether the watch has been started.
    watched: bool,
    closed: bool,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);
static STARTED: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Option<Registry>> {
    // A panic cannot leave the map half-changed, so a poisoned lock is safe to use.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `fork` and lists the child in one step, so that [`close`] misses no child.
pub(crate) fn start(
    limits: Limits,
    fork: impl FnOnce() -> Result<i32, SpawnError>,
) -> Result<i32, SpawnError> {
    let mut registry = lock();
    let registry = registry.get_or_insert_default();
    if registry.closed {
        return Err(SpawnError::Exiting);
    }
    if !registry.watched {
        let watch = std::thread::Builder::new().name("jail watch".to_owned()).spawn(patrol);
        watch.map_err(|source| SpawnError::Step { step: "watch", source })?;
        registry.watched = true;
    }
    let pid = fork()?;
    registry
        .live
        .insert(pid, LiveProgram { limits, executed: false, stopped: None, peak_bytes: 0 });
    STARTED.notify_one();
    Ok(pid)
}

/// Records that exec has replaced the child's memory by the program's own.
pub(crate) fn executed(pid: i32) {
    if let Some(watched) = lock().as_mut().and_then(|registry| registry.live.get_mut(&pid)) {
        watched.executed = true;
    }
}

/// Kills a group if it is still listed. The first reason given is kept.
pub(crate) fn kill(pid: i32, reason: Option<Limit>) {
    if let Some(watched) = lock().as_mut().and_then(|registry| registry.live.get_mut(&pid)) {
        watched.stopped = watched.stopped.or(reason);
        kill_group(pid);
    }
}

/// Kills what is left of a group whose leader has ended, and removes it from the list. Call this before the
/// leader is reaped.
pub(crate) fn finish(pid: i32) -> Option<LiveProgram> {
    let mut registry = lock();
    let watched = registry.as_mut()?.live.remove(&pid)?;
    kill_group(pid);
    Some(watched)
}

/// Returns the largest memory seen, after a fresh look.
pub(crate) fn peak_bytes(pid: i32) -> Option<u64> {
    let mut registry = lock();
    let watched = registry.as_mut()?.live.get_mut(&pid)?;
    if let Some(status) = Status::of(pid) {
        watched.peak_bytes = watched.peak_bytes.max(status.peak_bytes);
    }
    Some(watched.peak_bytes)
}

/// Kills every group, and lets no other start.
pub(crate) fn close() {
    let mut registry = lock();
    let registry = registry.get_or_insert_default();
    registry.closed = true;
    for pid in registry.live.keys() {
        kill_group(*pid);
    }
}

/// Returns whether [`close`] was called.
pub(crate) fn is_closed() -> bool {
    lock().as_ref().is_some_and(|registry| registry.closed)
}

fn kill_group(pid: i32) {
    // SAFETY: `kill` touches no memory. The id is that of a child that has not been reaped (nothing starts
    // where the kernel reaps by itself), so it names only that child and its group. Before `setsid` there
    // is no group yet, hence the second call. An error means that nothing is left to kill.
    unsafe {
        libc::kill(-pid, libc::SIGKILL);
        libc::kill(pid, libc::SIGKILL);
    }
}

fn patrol() {
    loop {
        let mut registry = lock();
        while registry.as_ref().is_none_or(|registry| registry.live.is_empty()) {
            registry = STARTED.wait(registry).unwrap_or_else(PoisonError::into_inner);
        }
        for (pid, watched) in registry.iter_mut().flat_map(|registry| &mut registry.live) {
            if let Some(limit) = watched.broken(*pid) {
                watched.stopped = watched.stopped.or(Some(limit));
                kill_group(*pid);
            }
        }
        drop(registry);
        std::thread::sleep(TICK);
    }
}

impl LiveProgram {
    /// Returns the limit that the program has exceeded, if any.
    fn broken(&mut self, pid: i32) -> Option<Limit> {
        let Limits { cpu_ms, memory_bytes, stack_bytes, threads, .. } = self.limits;
        if cpu_time(pid).is_some_and(|cpu| cpu > Duration::from_millis(cpu_ms)) {
            return Some(Limit::Cpu);
        }
        if !self.executed {
            return None;
        }
        let status = Status::of(pid)?;
        self.peak_bytes = self.peak_bytes.max(status.peak_bytes);
        if status.threads > threads {
            return Some(Limit::Threads);
        }
        // The kernel's own limits let a program have this much without tricks.
        let most = memory_bytes.saturating_add(stack_bytes);
        (status.private_bytes > most).then_some(Limit::Memory)
    }
}

/// Returns the CPU time of a process with all its threads; `None` once it is reaped.
pub(crate) fn cpu_time(pid: i32) -> Option<Duration> {
    let mut clock: libc::clockid_t = 0;
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: both calls write only to the variable whose address they are given.
    let known = unsafe {
        libc::clock_getcpuclockid(pid, &mut clock) == 0
            && libc::clock_gettime(clock, &mut time) == 0
    };
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanoseconds = u32::try_from(time.tv_nsec).ok()?;
    known.then(|| Duration::new(seconds, nanoseconds))
}

/// The figures in `/proc` about a live process.
#[derive(Debug, PartialEq, Eq)]
struct Status {
    threads: u64,
    peak_bytes: u64,
    /// Memory that only this process holds: without pages of files, with pages in swap.
    private_bytes: u64,
}

impl Status {
    fn of(pid: i32) -> Option<Self> {
        let process = format!("/proc/{pid}");
        let status = Self::read(process.as_ref())?;
        if status.private_bytes > 0 || status.threads < 2 {
            return Some(status);
        }
        // The main thread has ended and shows no memory any more, but other threads do.
        let threads = fs::read_dir(format!("{process}/task")).ok()?.flatten();
        let mut statuses = threads.filter_map(|thread| Self::read(&thread.path()));
        statuses.find(|status| status.private_bytes > 0).or(Some(status))
    }

    fn read(folder: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(folder.join("status")).ok()?)
    }

    /// Reads a status; `None` for a thread that is ending and has no memory any more.
    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok()
        };
        let bytes = |name| field(name).unwrap_or(0) * 1024;
        // gVisor does not distinguish the kinds of pages.
        let anonymous = if field("RssAnon").is_some() { "RssAnon" } else { "VmRSS" };
        Some(Status {
            threads: field("Threads")?,
            peak_bytes: bytes("VmHWM"),
            private_bytes: bytes(anonymous) + bytes("RssShmem") + bytes("VmSwap"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_status_is_read() {
        let own = Status::of(std::process::id() as i32).unwrap();
        assert!(own.threads >= 1);
        assert!(own.peak_bytes > 100_000);
        assert!(own.private_bytes > 10_000 && own.private_bytes < own.peak_bytes);
    }

    #[test]
    fn pages_of_files_do_not_count_as_the_programs_memory() {
        let text = "VmHWM:\t 9 kB\nRssAnon:\t 4 kB\nRssFile:\t 3 kB\nRssShmem:\t 2 kB\n\
                    VmSwap:\t 1 kB\nThreads:\t2\n";
        let expected = Status { threads: 2, peak_bytes: 9 << 10, private_bytes: 7 << 10 };
        assert_eq!(Status::parse(text), Some(expected));
    }

    #[test]
    fn a_zombie_has_no_memory() {
        let status = Status::parse("Name:\tx\nThreads:\t1\n").unwrap();
        assert_eq!(status, Status { threads: 1, peak_bytes: 0, private_bytes: 0 });
        assert!(Status::parse("Name:\tx\n").is_none());
    }

    #[test]
    fn the_cpu_clock_of_another_process_is_read() {
        assert!(cpu_time(std::process::id() as i32).unwrap() > Duration::ZERO);
        let beyond_the_largest = (1 << 22) + 1;
        assert_eq!(cpu_time(beyond_the_largest), None);
    }
}
