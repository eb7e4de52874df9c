//! The running program: its pipes, its CPU clock, its end.

use std::fs::File;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use crate::ended::{Ended, Exit, Limit};

/// A jailed program that has started. Dropping its process kills it.
#[derive(Debug)]
pub struct Prisoner {
    /// Our end of the socket pair whose other end is the program's standard input. What is written
    /// here it reads; what it writes *to its standard input* is read here. Standard output and error
    /// thus carry only noise. Shut it down for writing before waiting for a program that reads to the
    /// end.
    pub frames: UnixStream,
    /// What the program writes to standard output.
    pub stdout: File,
    /// What the program writes to standard error.
    pub stderr: File,
    /// The process; separate, so that the streams can be moved to other threads.
    pub process: Process,
}

/// A jailed process and its group.
#[derive(Debug)]
pub struct Process {
    pid: i32,
    /// Memory of the child just before exec, in bytes; the kernel's peak includes it.
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

    /// The process id, which is also its group's and its session's.
    pub fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// CPU time so far, of the process with its threads, to the nanosecond, by the kernel's clock. Of
    /// an ended process that has not been waited for, its total.
    pub fn cpu_time(&self) -> Duration {
        crate::registry::cpu_time(self.pid).unwrap_or_default()
    }

    /// Largest resident memory so far, in bytes. Exact while the program lives; ask for it
    /// before letting it end.
    pub fn peak_bytes(&self) -> u64 {
        crate::registry::peak_bytes(self.pid).unwrap_or_default()
    }

    /// Stops the process and all it started, until [`Process::resume`]: the kernel gives them no time. A
    /// thread that runs is stopped within its next few instructions. Not while it is waited for.
    pub fn pause(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Lets the process go on after [`Process::pause`].
    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: `kill` touches no memory. The leader is reaped only by `self`, so its id names its group
        // and no other. An error means that all have ended.
        unsafe { libc::kill(-self.pid, signal) };
    }

    /// Kills the process and all it started. Its end is still to be waited for.
    pub fn kill(&self) {
        crate::registry::kill(self.pid, None);
    }

    /// Waits for the process to end, kills it at the deadline, kills what is left of its group, and
    /// reaps them all.
    pub fn wait(mut self, deadline: Instant) -> Ended {
        if !self.ends_before(deadline) {
            crate::registry::kill(self.pid, Some(Limit::Wall));
        }
        self.reap()
    }

    /// Blocks until the leader has ended (true) or the deadline has passed (false). Reaps nothing.
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
                // Kernels before 5.3, and sandboxes without the call.
                None => std::thread::sleep(left.min(Duration::from_millis(1))),
            }
        }
    }

    /// Whether the leader has ended; blocks for it with `flags` 0. Leaves it to be reaped.
    fn has_ended(&self, flags: libc::c_int) -> bool {
        // SAFETY: all-zero bytes are a valid `siginfo_t`, the call writes only to it, and reading
        // its process id is sound for what `waitid` fills in (0 where nothing has ended).
        unsafe {
            let mut info: libc::siginfo_t = std::mem::zeroed();
            let id = self.pid.unsigned_abs();
            let result =
                libc::waitid(libc::P_PID, id, &mut info, libc::WEXITED | libc::WNOWAIT | flags);
            // An error can only mean that someone else has reaped it: this process, against the rules.
            result != 0 || info.si_pid() == self.pid
        }
    }

    fn reap(&mut self) -> Ended {
        while !self.has_ended(0) {}
        let watched = crate::registry::finish(self.pid);
        self.reaped = true;

        let mut usage = Usage::default();
        // An end that was lost is not to pass for a success.
        let status = usage.reap(self.pid).unwrap_or(libc::SIGKILL);
        // What it started is ours to reap by now: we are its subreaper, and it could not leave the
        // group. The kill is on its way, so this takes no time.
        while usage.reap(-self.pid).is_some() {}

        let seen = watched.as_ref().map_or(0, |watched| watched.peak_bytes);
        // A few pages may be added between the child's look at its own peak and exec.
        let slack = 256 << 10;
        let peak_bytes = match usage.peak_bytes {
            peak if peak > self.floor_bytes + slack => peak,
            peak if seen == 0 => peak,
            _ => seen,
        };
        Ended {
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

/// What reaped processes took together.
#[derive(Default)]
struct Usage {
    cpu: Duration,
    peak_bytes: u64,
}

impl Usage {
    /// Reaps one process (an id, or a negated group), blocking until there is one; its status, or
    /// `None` when there is none left.
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
