//! The run stage's allow-list: a program that computes, has threads, and uses three descriptors.

use seccompiler::SeccompAction;

use super::rules::{Filter, OWN_PID, Rules, bits, is, null, word};

/// Allows the calls below, and the one exec.
pub(super) fn filter() -> Result<Filter, String> {
    let mut rules = Rules::of(ALWAYS);
    let mut allow = |call, conditions: &[_]| rules.add(call, conditions);

    // Memory: private only (RLIMIT_DATA counts neither shared memory nor mappings that grow down), and
    // nothing executable beyond the program itself. RLIMIT_DATA does not count read-only memory either.
    // Start-up code needs that memory, so the watch counts it.
    let kind = libc::MAP_TYPE | libc::MAP_GROWSDOWN | libc::MAP_HUGETLB;
    let not_executable = bits(2, libc::PROT_EXEC, 0);
    allow(libc::SYS_mmap, &[not_executable.clone(), bits(3, kind, libc::MAP_PRIVATE)])?;
    allow(libc::SYS_mprotect, &[not_executable])?;
    const GUARD_INSTALL: i32 = 102;
    const GUARD_REMOVE: i32 = 103;
    for advice in [
        libc::MADV_DONTNEED,
        libc::MADV_FREE,
        libc::MADV_HUGEPAGE,
        libc::MADV_NOHUGEPAGE,
        GUARD_INSTALL,
        GUARD_REMOVE,
    ] {
        allow(libc::SYS_madvise, &[is(2, advice)])?;
    }

    // Threads, exactly as glibc and musl make them; every other clone would be a process.
    let thread = libc::CLONE_VM
        | libc::CLONE_FS
        | libc::CLONE_FILES
        | libc::CLONE_SIGHAND
        | libc::CLONE_THREAD
        | libc::CLONE_SYSVSEM
        | libc::CLONE_SETTLS
        | libc::CLONE_PARENT_SETTID
        | libc::CLONE_CHILD_CLEARTID;
    for flags in [thread, thread | libc::CLONE_DETACHED] {
        allow(libc::SYS_clone, &[word(0, flags as u64)])?;
    }
    // Locks, but not with priority inheritance: it is a large part of the kernel's code, and neither std
    // nor the C library's usual locks need it.
    const OPERATION: i32 = libc::FUTEX_PRIVATE_FLAG - 1;
    for operation in [
        libc::FUTEX_WAIT,
        libc::FUTEX_WAKE,
        libc::FUTEX_REQUEUE,
        libc::FUTEX_CMP_REQUEUE,
        libc::FUTEX_WAIT_BITSET,
        libc::FUTEX_WAKE_BITSET,
    ] {
        allow(libc::SYS_futex, &[bits(1, OPERATION, operation)])?;
    }
    // The address of its thread-local variables.
    #[cfg(target_arch = "x86_64")]
    {
        const SET_FS: i32 = 0x1002;
        allow(libc::SYS_arch_prctl, &[is(0, SET_FS)])?;
    }

    // Signals to itself (`abort`), and to no other process.
    allow(libc::SYS_tgkill, &[is(0, OWN_PID)])?;
    // Its own name, and the name of a mapping (allocators label theirs).
    const SET_VMA: i32 = 0x5356_4d41;
    allow(libc::SYS_prctl, &[is(0, libc::PR_SET_NAME)])?;
    allow(libc::SYS_prctl, &[is(0, SET_VMA)])?;
    // Reading its own limits (the main thread's stack size), not changing them.
    allow(libc::SYS_prlimit64, &[is(0, 0), null(2)])?;
    // Descriptors: duplicate, close-on-exec, non-blocking; no owner to send signals to, no leases.
    for command in
        [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL]
    {
        allow(libc::SYS_fcntl, &[is(1, command)])?;
    }
    // The frames' socket, used as a stream: no address to send to, no out-of-band data.
    for flags in [0, libc::MSG_NOSIGNAL] {
        allow(libc::SYS_sendto, &[is(3, flags), null(4)])?;
    }
    allow(libc::SYS_recvfrom, &[is(3, 0), null(4)])?;
    let password = password()?;
    let [a, b, c] = password;
    allow(libc::SYS_execve, &[word(3, a), word(4, b), word(5, c)])?;

    rules.compile(SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, password)
}

/// Calls that a program of the run stage may make with any arguments.
pub(super) const ALWAYS: &[i64] = &[
    // Its only descriptors: the frames on 0, its output on 1 and 2.
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_ppoll,
    // Memory.
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    // Threads.
    libc::SYS_set_robust_list,
    libc::SYS_set_tid_address,
    libc::SYS_rseq,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_getcpu,
    // Its own signal handlers (stack overflow).
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Time and randomness.
    libc::SYS_clock_gettime,
    libc::SYS_clock_getres,
    libc::SYS_clock_nanosleep,
    libc::SYS_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_restart_syscall,
    // Older static glibc asks for the kernel's version before `main`, and gives up without an answer.
    libc::SYS_uname,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

/// Returns three random words whose halves differ from [`OWN_PID`].
fn password() -> Result<[u64; 3], String> {
    let mut words = [0_u64; 3];
    let length = size_of_val(&words);
    // SAFETY: `words` is writable for `length` bytes, and any bytes make valid integers.
    let filled = unsafe { libc::getrandom(words.as_mut_ptr().cast(), length, 0) };
    if usize::try_from(filled) != Ok(length) {
        return Err(format!("no randomness: {}", std::io::Error::last_os_error()));
    }
    Ok(words.map(|word| word | 0x8000_0000_8000_0000))
}
