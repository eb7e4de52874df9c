//! Starting a program: the preparations before the fork, and what the parent does right after it.
//!
//! Everything that allocates, opens a file or can be computed in advance happens here: rules, filter,
//! arguments, descriptors. The child only makes system calls on prepared data.

use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::Once;

use crate::child::{self, Plan, Report};
use crate::jail::{Jail, Limits, SpawnError, Stage};
use crate::layers::{Layers, layers};
use crate::prisoner::{Prisoner, Process};
use crate::{files, registry, syscalls};

impl Jail {
    /// Starts the program. When this returns, the program runs with every layer in force. If it was killed
    /// in its last step (by a limit, by [`kill_all`](crate::kill_all)), [`Process::wait`] says so.
    ///
    /// The program dies with the *thread* that calls this (the kernel ties `PR_SET_PDEATHSIG` to a
    /// thread), so call it on the thread that waits for the program.
    ///
    /// Two side effects last. This process becomes the parent of orphaned descendants
    /// (`PR_SET_CHILD_SUBREAPER`), to reap what a compiler leaves behind. A program of [`Stage::Run`] that
    /// is not executable becomes executable for its owner.
    ///
    /// # Errors
    /// If a layer is missing or refused, this process ignores `SIGCHLD`, or the program cannot be started.
    /// In each case no part of the program has run.
    pub fn spawn(&self) -> Result<Prisoner, SpawnError> {
        let layers = layers();
        // If a person allows it, missing Landlock is no reason to refuse.
        let least = u32::from(self.allow_without_landlock);
        let judged = Layers { landlock_abi: layers.landlock_abi.max(least), ..layers };
        match judged.refusal(self.stage).or_else(lost_ends) {
            Some(reason) => Err(SpawnError::Refused(reason)),
            None => start(self, layers),
        }
    }
}

/// Returns why exit statuses would be lost here; `None` if they would not.
fn lost_ends() -> Option<String> {
    // SAFETY: all-zero bytes are a valid `sigaction`, and the call writes only to it.
    let action = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        libc::sigaction(libc::SIGCHLD, ptr::null(), &mut action);
        action
    };
    let lost = action.sa_sigaction == libc::SIG_IGN || action.sa_flags & libc::SA_NOCLDWAIT != 0;
    lost.then(|| {
        "this process ignores SIGCHLD, so the kernel would not report how programs end; start it by \
         `env --default-signal=CHLD COMMAND`"
            .to_owned()
    })
}

fn start(jail: &Jail, layers: Layers) -> Result<Prisoner, SpawnError> {
    adopt_orphans();
    check_program(jail).map_err(|error| {
        let message = format!("{}: {error}", jail.program.display());
        at("program")(io::Error::new(error.kind(), message))
    })?;
    let landlock = match layers.landlock_abi {
        0 => None,
        _ => Some(files::ruleset(jail).map_err(|error| at("landlock")(io::Error::other(error)))?),
    };
    let filter = syscalls::filter(jail.stage).map_err(SpawnError::Refused)?;

    let (frames, their_frames) = UnixStream::pair().map_err(at("pipes"))?;
    let (stdout, their_stdout) = io::pipe().map_err(at("pipes"))?;
    let (stderr, their_stderr) = io::pipe().map_err(at("pipes"))?;
    let (mut report, their_report) = io::pipe().map_err(at("pipes"))?;

    let arguments = std::iter::once(jail.program.as_os_str())
        .chain(jail.args.iter().map(|argument| argument.as_os_str()))
        .map(c_string)
        .collect::<Result<Vec<_>, _>>()?;
    let environment = jail
        .env
        .iter()
        .map(|(name, value)| {
            let pair = [name.as_bytes(), b"=", value.as_bytes()].concat();
            c_string(OsStr::from_bytes(&pair))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let pointers = |strings: &[CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect()
    };

    let mut plan = Plan {
        program: c_string(jail.program.as_os_str())?,
        arguments: pointers(&arguments),
        environment: pointers(&environment),
        folder: c_string(jail.folder.as_os_str())?,
        standard: [
            above_standard(OwnedFd::from(their_frames))?,
            above_standard(OwnedFd::from(their_stdout))?,
            above_standard(OwnedFd::from(their_stderr))?,
        ],
        report: above_standard(OwnedFd::from(their_report))?,
        landlock: landlock.map(above_standard).transpose()?,
        limits: resource_limits(&jail.limits),
        filter,
        // SAFETY: the call takes no argument and cannot fail.
        parent: unsafe { libc::getpid() },
    };
    let pid = registry::start(jail.limits, || fork(&mut plan))?;
    let mut process = Process::new(pid);
    drop(plan); // closes our copies of the child's descriptors, so that the report ends

    let mut reports = Vec::new();
    report.read_to_end(&mut reports).map_err(at("report"))?;
    match Report::last(&reports) {
        Some(Report::Ready { peak_bytes }) => process.has_executed(peak_bytes),
        Some(Report::Failed { step, errno }) => {
            return Err(at(step)(io::Error::from_raw_os_error(errno)));
        }
        // `kill_all` may be called between the fork and the exec.
        None if registry::is_closed() => return Err(SpawnError::Exiting),
        None => return Err(at("start")(io::Error::other("the child died before exec"))),
    }
    let [stdout, stderr] = [stdout, stderr].map(|end| File::from(OwnedFd::from(end)));
    Ok(Prisoner { frames, stdout, stderr, process })
}

fn at(step: &'static str) -> impl FnOnce(io::Error) -> SpawnError {
    move |source| SpawnError::Step { step, source }
}

fn c_string(text: &OsStr) -> Result<CString, SpawnError> {
    CString::new(text.as_bytes()).map_err(|error| at("arguments")(error.into()))
}

/// Checks that the program exists, and makes a program of [`Stage::Run`] executable: GNU ld does that by
/// path, which the compile stage refuses.
fn check_program(jail: &Jail) -> io::Result<()> {
    let mut permissions = jail.program.metadata()?.permissions();
    if jail.stage == Stage::Run && permissions.mode() & 0o111 == 0 {
        permissions.set_mode(permissions.mode() | 0o100);
        std::fs::set_permissions(&jail.program, permissions)?;
    }
    Ok(())
}

/// Makes this process the parent of orphaned descendants, so that it can reap what a compiler leaves
/// behind, even if process 1 reaps nothing (as in many containers).
fn adopt_orphans() {
    static ONCE: Once = Once::new();
    // SAFETY: the option takes no pointer. It has existed since Linux 3.4; a failure would only leave the
    // orphans to process 1.
    ONCE.call_once(|| unsafe {
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    });
}

/// Moves a descriptor above those that the child puts in place.
fn above_standard(fd: OwnedFd) -> Result<OwnedFd, SpawnError> {
    // SAFETY: the call takes no pointer; where it succeeds, the descriptor is new and ours alone.
    unsafe {
        match libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, child::FIRST_FREE) {
            -1 => Err(at("pipes")(io::Error::last_os_error())),
            moved => Ok(OwnedFd::from_raw_fd(moved)),
        }
    }
}

/// Forks with every signal blocked, so that no handler of this process runs in the child.
fn fork(plan: &mut Plan) -> Result<i32, SpawnError> {
    // SAFETY: the signal sets are plain data that the calls fill in. The fork is a plain `clone` without
    // shared memory: the child runs on its own copy of this stack. Other threads of this process do not
    // exist there, and may have held locks (the allocator's); `child::run` takes no lock, only calls the
    // kernel, and does not return.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let pid = libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0);
        if pid == 0 {
            child::run(plan);
        }
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, ptr::null_mut());
        i32::try_from(pid).ok().filter(|pid| *pid > 0).ok_or_else(|| at("fork")(error))
    }
}

/// Returns the limits to set; none is higher than this process may set.
fn resource_limits(limits: &Limits) -> Vec<(child::Resource, libc::rlimit)> {
    let seconds = limits.cpu_ms.div_ceil(1_000);
    // RLIMIT_DATA counts private writable memory: allocations, but not the reservations of allocators and
    // thread stacks. RLIMIT_AS bounds these too, and also the page tables: reading through terabytes of
    // untouched memory would otherwise fill the kernel's own memory.
    let address_space = limits.memory_bytes.saturating_add(8 << 30);
    [
        // The hard limit is one second higher, so that the soft limit's SIGXCPU names the reason.
        (libc::RLIMIT_CPU, seconds, seconds + 1),
        (libc::RLIMIT_DATA, limits.memory_bytes, limits.memory_bytes),
        (libc::RLIMIT_AS, address_space, address_space),
        (libc::RLIMIT_STACK, limits.stack_bytes, limits.stack_bytes),
        (libc::RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (libc::RLIMIT_NOFILE, limits.descriptors, limits.descriptors),
        // Like 0, a limit of 1 writes no core file; unlike 0, it also keeps the system's crash reporter (a
        // pipe in core_pattern) from starting.
        (libc::RLIMIT_CORE, 1, 1),
        (libc::RLIMIT_MEMLOCK, 0, 0),
        (libc::RLIMIT_MSGQUEUE, 0, 0),
        // The count is per user, so a flood of queued signals would use up the host's share.
        (libc::RLIMIT_SIGPENDING, 64, 64),
        (libc::RLIMIT_NICE, 0, 0),
        (libc::RLIMIT_RTPRIO, 0, 0),
    ]
    .map(|(resource, soft, hard)| {
        let mut now = libc::rlimit { rlim_cur: 0, rlim_max: libc::RLIM_INFINITY };
        // SAFETY: the call writes only to `now`.
        unsafe { libc::getrlimit(resource, &mut now) };
        let rlim_max = hard.min(now.rlim_max);
        (resource, libc::rlimit { rlim_cur: soft.min(rlim_max), rlim_max })
    })
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_never_rise_and_cpu_warns_before_it_kills() {
        let limits = resource_limits(&Limits { cpu_ms: 1_500, ..Limits::of(Stage::Run) });
        let of = |wanted| limits.iter().find(|(resource, _)| *resource == wanted).unwrap().1;
        assert_eq!((of(libc::RLIMIT_CPU).rlim_cur, of(libc::RLIMIT_CPU).rlim_max), (2, 3));
        assert_eq!(of(libc::RLIMIT_FSIZE).rlim_max, 0);
        assert!(limits.iter().all(|(_, limit)| limit.rlim_cur <= limit.rlim_max));
    }

    #[test]
    fn a_nul_in_an_argument_is_refused() {
        let jail = Jail::new(Stage::Run, "/bin/true", "/").arg("a\0b");
        let error = jail.spawn().unwrap_err().to_string();
        assert!(error.contains("`arguments`"), "{error}");
    }
}
