//! The live process groups, and the watch over their limits.
//!
//! Every jailed program leads a process group and may not leave it, so one signal ends it with all
//! it started. A process id may be signalled only while it is listed here: it is taken off, under the lock,
//! before its leader is reaped and the number becomes free for another program.
//!
//! The watch is a thread that looks at each program every 20 ms. It enforces what the kernel
//! cannot: a CPU limit finer than a second, and a number of threads (`RLIMIT_NPROC` counts all
//! processes of a user, and not at all for root). It sleeps while there is nothing to watch.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use crate::jail::{Limits, SpawnError};
use crate::prisoner::Limit;

/// How often the watch looks.
const TICK: Duration = Duration::from_millis(20);

/// What is known of a live program.
pub(crate) struct Watched {
    limits: Limits,
    /// Whether exec has replaced the copy of this process's memory.
    executed: bool,
    pub(crate) stopped: Option<Limit>,
    pub(crate) peak_bytes: u64,
}

#[derive(Default)]
struct Registry {
    live: HashMap<i32, Watched>,
    closed: bool,
}

static REGISTRY: Mutex<Option<Registry>> = Mutex::new(None);
static STARTED: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Option<Registry>> {
    // A panic cannot leave the map half-changed, so a poisoned lock is as good as any.
    REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forks by `fork` and lists the child in one step, so that [`close`] misses none.
pub(crate) fn start(
    limits: Limits,
    fork: impl FnOnce() -> Result<i32, SpawnError>,
) -> Result<i32, SpawnError> {
    watch()?;
    let mut registry = lock();
    let registry = registry.get_or_insert_default();
    if registry.closed {
        return Err(SpawnError::Exiting);
    }
    let pid = fork()?;
    registry.live.insert(pid, Watched { limits, executed: false, stopped: None, peak_bytes: 0 });
    STARTED.notify_one();
    Ok(pid)
}

/// From now on the child's memory is the program's own.
pub(crate) fn executed(pid: i32) {
    if let Some(watched) = lock().as_mut().and_then(|registry| registry.live.get_mut(&pid)) {
        watched.executed = true;
    }
}

/// Kills a group if it is still listed; keeps the first reason given.
pub(crate) fn kill(pid: i32, reason: Option<Limit>) {
    if let Some(watched) = lock().as_mut().and_then(|registry| registry.live.get_mut(&pid)) {
        watched.stopped = watched.stopped.or(reason);
        kill_group(pid);
    }
}

/// Kills what is left of a group whose leader has ended, and takes it off the list. To be called
/// before the leader is reaped.
pub(crate) fn finish(pid: i32) -> Option<Watched> {
    let mut registry = lock();
    let watched = registry.as_mut()?.live.remove(&pid)?;
    kill_group(pid);
    Some(watched)
}

/// The largest memory seen, refreshed now.
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

/// Whether [`close`] was called.
pub(crate) fn is_closed() -> bool {
    lock().as_ref().is_some_and(|registry| registry.closed)
}

fn kill_group(pid: i32) {
    // SAFETY: `kill` touches no memory. The id is that of a child that has not been reaped, so it
    // names that child and its group and nothing else. Before `setsid` there is no group yet, hence
    // the second call. Errors mean that nothing is left to kill.
    unsafe {
        libc::kill(-pid, libc::SIGKILL);
        libc::kill(pid, libc::SIGKILL);
    }
}

fn watch() -> Result<(), SpawnError> {
    static WATCH: Once = Once::new();
    let mut result = Ok(());
    WATCH.call_once(|| {
        result = std::thread::Builder::new().name("jail watch".to_owned()).spawn(patrol).map(drop);
    });
    result.map_err(|source| SpawnError::Step { step: "watch", source })
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

impl Watched {
    /// The limit that the program has passed, if any.
    fn broken(&mut self, pid: i32) -> Option<Limit> {
        let cpu = cpu_time(pid)?;
        if cpu > Duration::from_millis(self.limits.cpu_ms) {
            return Some(Limit::Cpu);
        }
        if !self.executed {
            return None;
        }
        let status = Status::of(pid)?;
        self.peak_bytes = self.peak_bytes.max(status.peak_bytes);
        (status.threads > self.limits.threads).then_some(Limit::Threads)
    }
}

/// The CPU time of a process with all its threads; `None` once it is reaped.
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

/// What `/proc` says of a live process.
struct Status {
    threads: u64,
    peak_bytes: u64,
}

impl Status {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    /// A process that is ending has no memory any more, so the peak may be missing.
    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| -> Option<u64> {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().ok()
        };
        let peak_bytes = field("VmHWM").unwrap_or(0) * 1024;
        Some(Status { threads: field("Threads")?, peak_bytes })
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
    }

    #[test]
    fn a_zombie_has_no_memory() {
        let status = Status::parse("Name:\tx\nThreads:\t1\n").unwrap();
        assert_eq!((status.threads, status.peak_bytes), (1, 0));
        assert!(Status::parse("Name:\tx\n").is_none());
    }

    #[test]
    fn the_cpu_clock_of_another_process_is_read() {
        assert!(cpu_time(std::process::id() as i32).unwrap() > Duration::ZERO);
        let beyond_the_largest = (1 << 22) + 1;
        assert_eq!(cpu_time(beyond_the_largest), None);
    }
}
