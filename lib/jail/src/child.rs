//! What the child does between fork and exec, step by step.
//!
//! The order matters. Limits and capabilities come before the layers that would forbid setting them.
//! `no_new_privs` comes before seccomp, which requires it. seccomp comes last, since its filter allows
//! little more than the `execve` that follows. A step that fails ends the child; its name reaches the
//! parent through a pipe that exec closes.
//!
//! If root runs the host, the child stays user 0, but without capabilities. It is then an ordinary user who
//! owns root's files, and Landlock keeps those files out of reach. As `nobody`, a candidate would be no
//! safer, since it can open no file anyway; and the compiler could not reach a toolchain in root's home
//! folder.

use std::convert::Infallible;
use std::ffi::CString;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use crate::syscalls::Filter;

/// The type of the kernel's resource numbers in this C library.
#[cfg(target_env = "gnu")]
pub(crate) type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
pub(crate) type Resource = libc::c_int;

/// Everything that the child needs, prepared before the fork.
pub(crate) struct Plan {
    pub(crate) program: CString,
    /// Null-terminated; the strings belong to the caller and outlive the fork.
    pub(crate) arguments: Vec<*const libc::c_char>,
    /// Like `arguments`.
    pub(crate) environment: Vec<*const libc::c_char>,
    pub(crate) folder: CString,
    /// They become descriptors 0, 1 and 2.
    pub(crate) standard: [OwnedFd; 3],
    pub(crate) report: OwnedFd,
    pub(crate) landlock: Option<OwnedFd>,
    pub(crate) limits: Vec<(Resource, libc::rlimit)>,
    pub(crate) filter: Filter,
    pub(crate) parent: libc::pid_t,
}

/// The child moves the report's pipe and the Landlock ruleset to these descriptors.
const REPORT: libc::c_int = 3;
const LANDLOCK: libc::c_int = 4;
/// The lowest number of a prepared descriptor, above those that the child fills.
pub(crate) const FIRST_FREE: libc::c_int = 10;

/// The steps, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Descriptors,
    Signals,
    Session,
    CloseRange,
    Limits,
    NoNewPrivileges,
    Capabilities,
    DeathSignal,
    Folder,
    Landlock,
    Report,
    Seccomp,
    Exec,
}

impl Step {
    const ALL: [(Step, &str); 13] = [
        (Step::Descriptors, "descriptors"),
        (Step::Signals, "signals"),
        (Step::Session, "setsid"),
        (Step::CloseRange, "close_range"),
        (Step::Limits, "limits"),
        (Step::NoNewPrivileges, "no_new_privs"),
        (Step::Capabilities, "capabilities"),
        (Step::DeathSignal, "parent death signal"),
        (Step::Folder, "folder"),
        (Step::Landlock, "landlock"),
        (Step::Report, "report"),
        (Step::Seccomp, "seccomp"),
        (Step::Exec, "exec"),
    ];
}

/// What the child tells its parent, in two 64-bit words. Nothing follows `Failed`; the filter and exec
/// follow `Ready`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// Every layer except the last is in force.
    Ready { peak_bytes: u64 },
    /// A step failed.
    Failed { step: &'static str, errno: i32 },
}

const READY: u64 = u64::MAX;

impl Report {
    /// Returns the last complete report in these bytes.
    pub(crate) fn last(bytes: &[u8]) -> Option<Self> {
        let (reports, _) = bytes.as_chunks::<16>();
        let (words, _) = reports.last()?.as_chunks::<8>();
        let [kind, value] = [u64::from_ne_bytes(words[0]), u64::from_ne_bytes(words[1])];
        if kind == READY {
            return Some(Report::Ready { peak_bytes: value });
        }
        let (_, step) = Step::ALL.into_iter().find(|(step, _)| *step as u64 == kind)?;
        Some(Report::Failed { step, errno: i32::try_from(value).ok()? })
    }
}

/// Sends a report, and returns whether that worked.
fn tell(kind: u64, value: u64) -> bool {
    let words = [kind, value];
    let length = size_of_val(&words);
    // SAFETY: the call reads `length` bytes of `words`. A report is shorter than PIPE_BUF, so it is
    // written whole or not at all.
    let written = unsafe { libc::write(REPORT, words.as_ptr().cast(), length) };
    usize::try_from(written) == Ok(length)
}

/// Jails this process and becomes the program; on failure, reports the step and exits.
///
/// # Safety
/// Only for the child of a fork: this closes descriptors and never returns. The pointers in the plan must
/// be valid.
pub(crate) unsafe fn run(plan: &mut Plan) -> ! {
    // The report's pipe must be in place before any step can report.
    // SAFETY: none of these calls touches memory.
    unsafe {
        if libc::dup3(plan.report.as_raw_fd(), REPORT, libc::O_CLOEXEC) != REPORT {
            libc::_exit(127);
        }
    }
    // SAFETY: the caller's promise. `errno` belongs to this thread; `_exit` runs none of the parent's
    // handlers.
    unsafe {
        let Err(step) = become_program(plan);
        let errno = *libc::__errno_location();
        tell(step as u64, errno as u64);
        libc::_exit(127)
    }
}

/// Returns an error if a system call has returned -1.
fn check(step: Step, result: impl Into<i64>) -> Result<(), Step> {
    if result.into() == -1 { Err(step) } else { Ok(()) }
}

/// Becomes the program. Returns only on failure, with `errno` set.
///
/// # Safety
/// Like [`run`]. Everything here must be async-signal-safe: no allocation, no lock, no panic, since
/// another thread may have held the allocator's lock at the fork.
unsafe fn become_program(plan: &mut Plan) -> Result<Infallible, Step> {
    // SAFETY: each call gets either plain numbers, or pointers to data that lives in `plan` or on
    // this stack and outlives the call.
    unsafe {
        place_descriptors(plan)?;
        reset_signals()?;
        check(Step::Session, libc::setsid())?;
        let first = if plan.landlock.is_some() { LANDLOCK + 1 } else { LANDLOCK };
        let closed = libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0);
        check(Step::CloseRange, closed)?;

        go_first_when_memory_runs_out();
        for (resource, limit) in &plan.limits {
            check(Step::Limits, libc::setrlimit(*resource, limit))?;
        }
        libc::umask(0o077);
        check(Step::NoNewPrivileges, libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        check(Step::Capabilities, drop_capabilities())?;
        // Comes after the capabilities, since a change of credentials clears this setting. The parent may
        // have died before, so its id is checked.
        check(Step::DeathSignal, libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
        if libc::getppid() != plan.parent {
            *libc::__errno_location() = libc::ESRCH;
            return Err(Step::DeathSignal);
        }

        check(Step::Folder, libc::chdir(plan.folder.as_ptr()))?;
        if plan.landlock.is_some() {
            let restricted = libc::syscall(libc::SYS_landlock_restrict_self, LANDLOCK, 0);
            check(Step::Landlock, restricted)?;
            libc::close(LANDLOCK);
        }

        // The kernel's peak for the program will include this memory, a copy of the parent's.
        let mut usage: libc::rusage = zeroed();
        check(Step::Report, libc::getrusage(libc::RUSAGE_SELF, &mut usage))?;
        if !tell(READY, usage.ru_maxrss as u64 * 1024) {
            return Err(Step::Report);
        }
        check(Step::Seccomp, restrict_calls(&mut plan.filter))?;
        let [a, b, c] = plan.filter.password;
        libc::syscall(
            libc::SYS_execve,
            plan.program.as_ptr(),
            plan.arguments.as_ptr(),
            plan.environment.as_ptr(),
            a,
            b,
            c,
        );
        Err(Step::Exec)
    }
}

/// Puts the prepared descriptors in place.
///
/// # Safety
/// Replaces descriptors 0 to 4. Async-signal-safe.
unsafe fn place_descriptors(plan: &Plan) -> Result<(), Step> {
    // SAFETY: no call touches memory.
    unsafe {
        for (at, fd) in (0..).zip(&plan.standard) {
            check(Step::Descriptors, libc::dup2(fd.as_raw_fd(), at))?;
        }
        if let Some(ruleset) = &plan.landlock {
            let placed = libc::dup3(ruleset.as_raw_fd(), LANDLOCK, libc::O_CLOEXEC);
            check(Step::Descriptors, placed)?;
        }
    }
    Ok(())
}

/// Resets all signals: an ignored or blocked signal would stay so over exec.
///
/// # Safety
/// Changes the calling process's signals. Async-signal-safe.
unsafe fn reset_signals() -> Result<(), Step> {
    // SAFETY: the set is plain data that outlives the calls; the default disposition is no handler.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL); // refused for KILL, STOP and two of the C library's
        }
        let mut none: libc::sigset_t = zeroed();
        libc::sigemptyset(&mut none);
        check(Step::Signals, libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut()))
    }
}

/// Makes the kernel kill this process, not the notebook, when all memory is used up. Raising the score
/// needs no privilege; without `/proc`, the kernel decides by size alone.
///
/// # Safety
/// Async-signal-safe.
unsafe fn go_first_when_memory_runs_out() {
    // SAFETY: both strings outlive the calls, and the second is written with its length.
    unsafe {
        let flags = libc::O_WRONLY | libc::O_CLOEXEC;
        let score = libc::open(c"/proc/self/oom_score_adj".as_ptr(), flags);
        if score != -1 {
            libc::write(score, b"1000".as_ptr().cast(), 4);
            libc::close(score);
        }
    }
}

/// Writes the process id into the filter and installs it; -1 on failure.
///
/// # Safety
/// Restricts the calling process for good. Async-signal-safe.
unsafe fn restrict_calls(filter: &mut Filter) -> libc::c_long {
    // SAFETY: `own_pid_at` is an index into the filter; the program that the call reads has the
    // length that it is given, and seccompiler's instructions have the kernel's layout.
    unsafe {
        let instructions = filter.program.as_mut_ptr();
        (*instructions.add(filter.own_pid_at)).k = libc::getpid() as u32;
        let program = libc::sock_fprog {
            len: filter.program.len() as libc::c_ushort,
            filter: instructions.cast(),
        };
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program)
    }
}

/// Gives up every capability for good; -1 on failure.
///
/// Without privileges the first steps are refused, and not needed: under `no_new_privs`, an exec cannot add
/// what the last step has taken away.
///
/// # Safety
/// Changes the calling process for good. Async-signal-safe.
unsafe fn drop_capabilities() -> libc::c_long {
    /// User 0 gives no capabilities, nothing turns them back on, and all of this is locked.
    const ROOT_IS_NOBODY: libc::c_ulong = 0xef;
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [0_u32; 6]; // effective, permitted and inheritable, twice
    // SAFETY: `header` and `none` have the layout and the length that version 3 of the call reads.
    unsafe {
        libc::prctl(libc::PR_SET_SECUREBITS, ROOT_IS_NOBODY, 0, 0, 0);
        libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        for capability in 0..64 {
            libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0);
        }
        libc::syscall(libc::SYS_capset, &header, none.as_ptr())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_its_step() {
        let bytes = |kind: u64, value: u64| [kind.to_ne_bytes(), value.to_ne_bytes()].concat();
        let ready = bytes(READY, 4096);
        assert_eq!(Report::last(&ready), Some(Report::Ready { peak_bytes: 4096 }));
        let failed = [ready, bytes(Step::Seccomp as u64, 1)].concat();
        assert_eq!(Report::last(&failed), Some(Report::Failed { step: "seccomp", errno: 1 }));
        assert_eq!(Report::last(&failed[..15]), None);
        assert_eq!(Report::last(&bytes(99, 0)), None);
    }
}
