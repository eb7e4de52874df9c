//! seccomp: which system calls a stage may make.
//!
//! The run stage has an allow-list: what is not named fails with `EPERM`. The compile stage runs
//! rustc and a linker of the system, whose calls differ between distributions, so it has a deny-list,
//! closed at the top: a call that is newer than the list fails with `ENOSYS`, like one that the
//! kernel does not have.
//!
//! # The one exec
//!
//! The filter comes last before `execve`, so it has to let that one pass, and none after it. It
//! cannot read a path (a filter sees pointers, not what they point to), and a pointer's value could be
//! reproduced by the program. So the exec carries a password: `execve` takes three arguments, a
//! filter sees six, and the kernel ignores the rest. The filter demands three random words there. They
//! are drawn once in the host, live only in its memory and in the child until exec; exec
//! replaces memory and registers, and a program can read neither its filter nor the host. Landlock,
//! where there is one, denies executing any other file as well.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, sock_filter,
};

use crate::jail::Stage;

/// A filter, compiled, with the place where the child writes its own process id.
#[derive(Clone)]
pub(crate) struct Filter {
    pub(crate) program: BpfProgram,
    pub(crate) own_pid_at: usize,
    pub(crate) password: [u64; 3],
}

/// Stands for the child's process id, which is known only after the fork. No process id is this
/// large (the kernel's maximum is 2^22).
const OWN_PID: u32 = 0x7fff_5a5a;

/// The newest call that the lists take into account; also below every number of the x32 interface.
const NEWEST: i64 = libc::SYS_set_mempolicy_home_node;

/// The filter of a stage, compiled once a process.
///
/// # Errors
/// The machine's architecture has no filter, or there is no randomness for the password.
pub(crate) fn filter(stage: Stage) -> Result<Filter, String> {
    static RUN: OnceLock<Result<Filter, String>> = OnceLock::new();
    static COMPILE: OnceLock<Result<Filter, String>> = OnceLock::new();
    let (cell, make): (_, fn() -> Result<Filter, String>) = match stage {
        Stage::Run => (&RUN, run),
        Stage::Compile => (&COMPILE, compile),
    };
    cell.get_or_init(make).clone()
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// One condition on an argument: its index from 0, its width, the comparison, the value.
type Condition = (u8, Width, Op, u64);

fn rule(conditions: &[Condition]) -> Result<SeccompRule, String> {
    let conditions = conditions
        .iter()
        .map(|(argument, width, op, value)| {
            SeccompCondition::new(*argument, width.clone(), op.clone(), *value)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| error.to_string())?;
    SeccompRule::new(conditions).map_err(|error| error.to_string())
}

/// `argument == value`, comparing 32 bits, as the kernel reads an `int`.
fn is(argument: u8, value: impl Into<i64>) -> Condition {
    (argument, Width::Dword, Op::Eq, value.into() as u32 as u64)
}

/// `argument & mask == value`.
fn bits(argument: u8, mask: impl Into<i64>, value: impl Into<i64>) -> Condition {
    (argument, Width::Qword, Op::MaskedEq(mask.into() as u64), value.into() as u64)
}

fn null(argument: u8) -> Condition {
    (argument, Width::Qword, Op::Eq, 0)
}

fn run() -> Result<Filter, String> {
    let password = password()?;
    let mut rules: Rules = ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    let mut allow = |call: i64, conditions: &[Condition]| -> Result<(), String> {
        rules.entry(call).or_default().push(rule(conditions)?);
        Ok(())
    };

    // Memory: private only (RLIMIT_DATA does not count shared memory, nor mappings that grow down),
    // and nothing executable beyond the program itself.
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
        allow(libc::SYS_clone, &[(0, Width::Qword, Op::Eq, flags as u64)])?;
    }

    // Signals to itself (`abort`), and to nobody else.
    allow(libc::SYS_tgkill, &[is(0, OWN_PID)])?;
    // Its name, and the name of a mapping (allocators label theirs).
    const SET_VMA: i32 = 0x5356_4d41;
    allow(libc::SYS_prctl, &[is(0, libc::PR_SET_NAME)])?;
    allow(libc::SYS_prctl, &[is(0, SET_VMA)])?;
    // Reading its own limits (the main thread's stack size), not changing any.
    allow(libc::SYS_prlimit64, &[is(0, 0), null(2)])?;
    // Descriptors: duplicate, close-on-exec, non-blocking; no owner to send signals to, no leases.
    for command in
        [libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL]
    {
        allow(libc::SYS_fcntl, &[is(1, command)])?;
    }
    // The frames' socket, as a stream: no address to send to.
    allow(libc::SYS_sendto, &[null(4)])?;
    allow(libc::SYS_recvfrom, &[null(4)])?;
    let [a, b, c] = password;
    allow(
        libc::SYS_execve,
        &[(3, Width::Qword, Op::Eq, a), (4, Width::Qword, Op::Eq, b), (5, Width::Qword, Op::Eq, c)],
    )?;

    assemble(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow, password)
}

/// What a program of the run stage may call with any arguments.
const ALWAYS: &[i64] = &[
    // Its two ends of the world: the frames on 0, the noise on 1 and 2.
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
    // Threads and locks.
    libc::SYS_futex,
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
    // Older static glibc asks for the kernel's version before `main`, and gives up without it.
    libc::SYS_uname,
    libc::SYS_exit,
    libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_arch_prctl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_time,
];

fn compile() -> Result<Filter, String> {
    let mut rules: Rules = NEVER.iter().map(|call| (*call, Vec::new())).collect();
    let mut deny = |call: i64, conditions: &[Condition]| -> Result<(), String> {
        rules.entry(call).or_default().push(rule(conditions)?);
        Ok(())
    };

    // A pair of connected sockets is a pipe to oneself (std's `Command` makes one).
    deny(libc::SYS_socketpair, &[(0, Width::Dword, Op::Ne, libc::AF_UNIX as u64)])?;
    deny(libc::SYS_tgkill, &[(0, Width::Dword, Op::Ne, u64::from(OWN_PID))])?;
    // Namespaces would give capabilities, and with them more of the kernel to attack.
    for namespace in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        deny(libc::SYS_clone, &[bits(0, namespace, namespace)])?;
    }
    // Opening for reading may truncate, which Landlock before version 3 does not see.
    let truncates = libc::O_TRUNC | libc::O_ACCMODE;
    deny(libc::SYS_openat, &[bits(2, truncates, libc::O_TRUNC | libc::O_RDONLY)])?;
    #[cfg(target_arch = "x86_64")]
    deny(libc::SYS_open, &[bits(1, truncates, libc::O_TRUNC | libc::O_RDONLY)])?;
    // Staying alive after the host, or being traced by it: not the compiler's to choose.
    for option in [libc::PR_SET_PDEATHSIG, libc::PR_SET_DUMPABLE, libc::PR_SET_CHILD_SUBREAPER] {
        deny(libc::SYS_prctl, &[is(0, option)])?;
    }
    // Raising a limit, or touching another process's.
    deny(libc::SYS_prlimit64, &[(0, Width::Dword, Op::Ne, 0)])?;
    // Typing into a terminal, and signals through descriptors.
    deny(libc::SYS_ioctl, &[(1, Width::Dword, Op::Eq, libc::TIOCSTI)])?;
    const SET_OWNER_EX: i32 = 15;
    for command in [libc::F_SETOWN, SET_OWNER_EX] {
        deny(libc::SYS_fcntl, &[is(1, command)])?;
    }

    assemble(rules, SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), [0; 3])
}

/// What the compile stage may not call, whatever the arguments.
const NEVER: &[i64] = &[
    // Network, and descriptors passed through sockets.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmmsg,
    // Other processes. Staying in the group is what lets the host end it.
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pidfd_getfd,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_kcmp,
    libc::SYS_setsid,
    libc::SYS_setpgid,
    libc::SYS_setpriority,
    libc::SYS_ioprio_set,
    libc::SYS_sched_setscheduler,
    libc::SYS_sched_setparam,
    libc::SYS_sched_setattr,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Shared memory and queues that other programs could read, or that outlive the process.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    // What Landlock does not cover, or covers only in later versions. A linker that marks its output
    // as executable by path (GNU ld) leaves that to the caller.
    libc::SYS_truncate,
    libc::SYS_fchmodat,
    libc::SYS_fchownat,
    libc::SYS_fchown,
    libc::SYS_utimensat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    libc::SYS_removexattr,
    libc::SYS_lremovexattr,
    libc::SYS_fremovexattr,
    libc::SYS_inotify_init1,
    libc::SYS_inotify_add_watch,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_openat2,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    // Parts of the kernel that a compiler has no use for.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_setup,
    libc::SYS_io_submit,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_personality,
    libc::SYS_acct,
    libc::SYS_reboot,
    libc::SYS_syslog,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_memfd_secret,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chmod,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_chown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lchown,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utime,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_utimes,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_futimesat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_inotify_init,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
];

/// Compiles the rules, behind a prologue that answers `ENOSYS` to calls beyond [`NEWEST`] (among them
/// all of x32's, which seccompiler does not look for) and to `clone3`, whose flags a filter cannot
/// see: glibc then falls back to `clone`.
fn assemble(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
    password: [u64; 3],
) -> Result<Filter, String> {
    let arch = std::env::consts::ARCH.try_into().map_err(|_| {
        format!("there is no seccomp filter for {} processors", std::env::consts::ARCH)
    })?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch)
        .map_err(|error| format!("the seccomp filter is wrong: {error}"))?;
    let compiled: BpfProgram =
        filter.try_into().map_err(|error| format!("the seccomp filter is wrong: {error}"))?;

    // The numbers of classic BPF: load a word, jump, return.
    let load = |at| sock_filter { code: 0x20, jt: 0, jf: 0, k: at };
    let jump_if_greater = |k, jt| sock_filter { code: 0x25, jt, jf: 0, k };
    let jump_if_equal = |k, jt| sock_filter { code: 0x15, jt, jf: 0, k };
    let jump = |k| sock_filter { code: 0x05, jt: 0, jf: 0, k };
    let answer = |k| sock_filter { code: 0x06, jt: 0, jf: 0, k };
    let mut program = vec![
        load(0), // the call's number
        jump_if_greater(NEWEST as u32, 2),
        jump_if_equal(libc::SYS_clone3 as u32, 1),
        jump(1),
        answer(libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ];
    program.extend(compiled);

    let own_pid_at = program
        .iter()
        .position(|instruction| instruction.k == OWN_PID)
        .ok_or("the seccomp filter has no place for the process id")?;
    Ok(Filter { program, own_pid_at, password })
}

/// Three random words whose halves differ from [`OWN_PID`].
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
