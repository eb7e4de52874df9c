//! The running program: its pipes, its CPU clock, its end.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::run_result::{Exit, Limit, RunResult};

/// A jailed program that has started. Dropping its process kills it.
#[derive(Debug)]
pub struct Prisoner {
    /// Our end of the socket pair; the other end is the program's standard input. The program reads what we
    /// write here, and we read what it writes *to its standard input*. So standard output and error carry
    /// no protocol. Shut this down for writing before you wait for a program that reads to the end.
    pub frames: UnixStream,
    /// What the program writes to standard output.
    pub stdout: File,
    /// What the program writes to standard error.
    pub stderr: File,
    /// The process, a separate field so that the streams can move to other threads.
    pub process: Process,
}

/// A jailed process and its group.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    /// The child's memory just before exec, in bytes; the kernel's peak includes it.
    floor_bytes: u64,
    reaped: bool,
}

impl Process {
    pub(crate) fn new(pid: i32) -> Self {
        Process { pid, floor_bytes: 0, reaped: false }
    }

    pub(crate) fn has_executed(&mut self, floor_bytes: u64) {
        self.floor_bytes = floor_bytes;
        crate::registry::executed(self.pid);
    }

    /// Returns the process id, which is also the id of its group and session.
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Returns the CPU time of the process and its threads so far, to the nanosecond, by the kernel's
    /// clock. For an ended process that is not yet reaped, this is its total.
    pub fn cpu_time(&self) -> Duration {
        crate::registry::cpu_time(self.pid).unwrap_or_default()
    }

    /// Returns the largest resident memory so far, in bytes. It is exact while the program lives, so ask
    /// before the program may end.
    pub fn peak_bytes(&self) -> u64 {
        crate::registry::peak_bytes(self.pid).unwrap_or_default()
    }

    /// Stops the process and all that it started, until [`Process::resume`]: the kernel gives them no time.
    /// A running thread stops within its next few instructions. Do not call this during a wait.
    pub fn pause(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Continues the process after [`Process::pause`].
    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: `kill` touches no memory. The leader is reaped only by `self`, so its id names its group
        // and no other. An error means that all have ended.
        unsafe { libc::kill(-self.pid, signal) };
    }

    /// Kills the process and all that it started. You must still wait for its end.
    pub fn kill(&self) {
        crate::registry::kill(self.pid, None);
    }

    /// Waits for the process to end, kills it at the deadline, kills what is left of its group, and
    /// reaps them all.
    pub fn wait(mut self, deadline: Instant) -> RunResult {
        if !self.ends_before(deadline) {
            crate::registry::kill(self.pid, Some(Limit::Wall));
        }
        self.reap()
    }

    /// Blocks until the leader has ended (`true`) or the deadline has passed (`false`). Reaps nothing.
    fn ends_before(&self, deadline: Instant) -> bool {
        use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
        // SAFETY: the call takes no pointer; the id is that of a child not yet reaped. Where it
        // succeeds the descriptor is new and ours alone.
        let pidfd = unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, self.pid, 0);
            i32::try_from(fd).ok().filter(|fd| *fd >= 0).map(|fd| OwnedFd::from_raw_fd(fd))
        };
        loop {
            if self.has_ended(libc::WNOHANG) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            match &pidfd {
                Some(pidfd) => {
                    let milliseconds = i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX);
                    let mut poll =
                        libc::pollfd { fd: pidfd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
                    // SAFETY: `poll` is one valid entry that outlives the call. An interrupted call
                    // only makes the loop look once more.
                    unsafe { libc::poll(&mut poll, 1, milliseconds) };
                }
                // For kernels before 5.3, and sandboxes without the call.
                None => std::thread::sleep(left.min(Duration::from_millis(1))),
            }
        }
    }

    /// Returns whether the leader has ended; with `flags` 0, blocks until then. Does not reap it.
    fn has_ended(&self, flags: libc::c_int) -> bool {
        // SAFETY: all-zero bytes are a valid `siginfo_t`, the call writes only to it, and reading
        // its process id is sound for what `waitid` fills in (0 where nothing has ended).
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let id = self.pid.unsigned_abs();
            let result =
                libc::waitid(libc::P_PID, id, &mut info, libc::WEXITED | libc::WNOWAIT | flags);
            // An error can only mean that other code in this process has reaped the leader, against the
            // rules.
            result != 0 || info.si_pid() == self.pid
        }
    }

    fn reap(&mut self) -> RunResult {
        while !self.has_ended(0) {}
        let watched = crate::registry::finish(self.pid);
        self.reaped = true;

        let mut usage = Usage::default();
        // A lost exit status must not look like a success.
        let status = usage.reap(self.pid).unwrap_or(libc::SIGKILL);
        // We can reap its descendants now: we are their subreaper, and they could not leave the group. They
        // are already killed, so this takes no time.
        while usage.reap(-self.pid).is_some() {}

        let seen = watched.as_ref().map_or(0, |watched| watched.peak_bytes);
        // The child may gain a few pages between its look at its own peak and exec.
        let slack = 256 << 10;
        let peak_bytes = match usage.peak_bytes {
            peak if peak > self.floor_bytes + slack => peak,
            peak if seen == 0 => peak,
            _ => seen,
        };
        RunResult {
            status: match libc::WIFSIGNALED(status) {
                true => Exit::Signal(libc::WTERMSIG(status)),
                false => Exit::Code(libc::WEXITSTATUS(status)),
            },
            stopped: watched.and_then(|watched| watched.stopped),
            cpu: usage.cpu,
            peak_bytes,
        }
    }
}

/// What the reaped processes used together.
#[derive(Default)]
struct Usage {
    cpu: Duration,
    peak_bytes: u64,
}

impl Usage {
    /// Reaps one process (an id, or a negated group), and blocks until there is one. Returns its status, or
    /// `None` when none is left.
    fn reap(&mut self, id: i32) -> Option<i32> {
        let mut status = 0;
        // SAFETY: all-zero bytes are a valid `rusage`; the call writes only to the two variables.
        let (reaped, usage) = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            let reaped = loop {
                let reaped = libc::wait4(id, &mut status, libc::__WALL, &mut usage);
                let interrupted =
                    std::io::Error::last_os_error().raw_os_error() == Some(libc::EINTR);
                if reaped != -1 || !interrupted {
                    break reaped;
                }
            };
            (reaped, usage)
        };
        if reaped == -1 {
            return None;
        }
        let time = |time: libc::timeval| {
            let seconds = Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0));
            seconds + Duration::from_micros(u64::try_from(time.tv_usec).unwrap_or(0))
        };
        self.cpu += time(usage.ru_utime) + time(usage.ru_stime);
        self.peak_bytes = self.peak_bytes.max(u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024);
        Some(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill();
            self.reap();
        }
    }
}
