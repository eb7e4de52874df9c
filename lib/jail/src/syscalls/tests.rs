//! Runs each filter on every call, in an interpreter of classic BPF. For many calls, an attack cannot show
//! that a rule is missing, since the kernel itself refuses them to a process without capabilities.

use seccompiler::sock_filter;

use super::rules::{NEWEST, OWN_PID};
use super::{Filter, filter, run};
use crate::jail::Stage;

/// The answer of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Allowed,
    Denied,
    Unknown,
    Killed,
}
use Answer::{Allowed, Denied, Killed, Unknown};

const ARCH: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
const PID: u64 = 4711;

/// Runs a filter on the data that the kernel shows it of a call.
fn interpret(program: &[sock_filter], arch: u32, call: i64, arguments: &[u64]) -> Answer {
    let mut words = [0; 16];
    words[..2].copy_from_slice(&[call as u32, arch]);
    for (at, argument) in (4..).step_by(2).zip(arguments) {
        words[at..at + 2].copy_from_slice(&[*argument as u32, (*argument >> 32) as u32]);
    }
    let (mut accumulator, mut at) = (0, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        let skip = |condition| usize::from(if condition { jt } else { jf });
        at += 1;
        match code {
            0x20 => accumulator = words[k as usize / 4],
            0x54 => accumulator &= k,
            0x05 => at += k as usize,
            0x15 => at += skip(accumulator == k),
            0x25 => at += skip(accumulator > k),
            0x35 => at += skip(accumulator >= k),
            0x06 => {
                const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
                const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
                return match k {
                    libc::SECCOMP_RET_ALLOW => Allowed,
                    EPERM => Denied,
                    ENOSYS => Unknown,
                    libc::SECCOMP_RET_KILL_PROCESS => Killed,
                    other => panic!("the filter answers {other:x}"),
                };
            }
            other => panic!("no instruction {other:x}"),
        }
    }
}

/// Returns the filter of a stage as a child with this process id installs it.
fn installed(stage: Stage) -> Filter {
    let mut filter = filter(stage).unwrap();
    filter.program[filter.own_pid_at].k = PID as u32;
    assert!(filter.program.iter().all(|instruction| instruction.k != OWN_PID));
    filter
}

fn answer(stage: Stage, call: i64, arguments: &[u64]) -> Answer {
    interpret(&installed(stage).program, ARCH, call, arguments)
}

macro_rules! calls {
    ($($name:ident)*) => { [$(libc::$name),*] };
}

/// Repeats the deny-list on purpose: nobody removes a call in two places by accident.
fn never() -> Vec<i64> {
    let everywhere = calls![
        SYS_socket SYS_connect SYS_bind SYS_listen SYS_accept SYS_accept4 SYS_sendmsg SYS_sendmmsg
        SYS_recvmsg SYS_recvmmsg SYS_kill SYS_tkill SYS_rt_sigqueueinfo SYS_rt_tgsigqueueinfo
        SYS_pidfd_send_signal SYS_pidfd_getfd SYS_ptrace SYS_process_vm_readv SYS_process_vm_writev
        SYS_process_madvise SYS_process_mrelease SYS_kcmp SYS_setsid SYS_setpgid SYS_setpriority
        SYS_ioprio_set SYS_sched_setscheduler SYS_sched_setparam SYS_sched_setattr
        SYS_sched_setaffinity SYS_migrate_pages SYS_move_pages SYS_shmget SYS_shmat SYS_shmctl
        SYS_msgget SYS_msgsnd SYS_msgrcv SYS_msgctl SYS_semget SYS_semop SYS_semtimedop SYS_semctl
        SYS_mq_open SYS_mq_unlink SYS_memfd_create SYS_memfd_secret SYS_truncate SYS_fchmodat
        SYS_fchownat SYS_fchown SYS_utimensat SYS_setxattr SYS_lsetxattr SYS_fsetxattr
        SYS_removexattr SYS_lremovexattr SYS_fremovexattr SYS_inotify_init1 SYS_inotify_add_watch
        SYS_fanotify_init SYS_fanotify_mark SYS_name_to_handle_at SYS_open_by_handle_at SYS_openat2
        SYS_quotactl SYS_quotactl_fd SYS_swapon SYS_swapoff SYS_io_uring_setup SYS_io_uring_enter
        SYS_io_uring_register SYS_io_setup SYS_io_submit SYS_bpf SYS_perf_event_open
        SYS_userfaultfd SYS_keyctl SYS_add_key SYS_request_key SYS_mount SYS_umount2 SYS_move_mount
        SYS_mount_setattr SYS_open_tree SYS_fsopen SYS_fsconfig SYS_fsmount SYS_fspick
        SYS_pivot_root SYS_chroot SYS_unshare SYS_setns SYS_personality SYS_acct SYS_reboot
        SYS_syslog SYS_kexec_load SYS_kexec_file_load SYS_init_module SYS_finit_module
        SYS_delete_module SYS_settimeofday SYS_clock_settime SYS_clock_adjtime SYS_adjtimex
        SYS_sethostname SYS_setdomainname SYS_vhangup
    ];
    [&everywhere[..], x86::NEVER].concat()
}

/// The calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
mod x86 {
    pub const NEVER: &[i64] = &calls![
        SYS_chmod SYS_chown SYS_lchown SYS_utime SYS_utimes SYS_futimesat SYS_inotify_init
        SYS_modify_ldt SYS_iopl SYS_ioperm SYS_uselib
    ];
    pub const COMPILE_CONDITIONAL: &[i64] = &calls![SYS_open];
    pub const RUN_CONDITIONAL: &[i64] = &calls![SYS_arch_prctl];
}
#[cfg(not(target_arch = "x86_64"))]
mod x86 {
    pub const NEVER: &[i64] = &[];
    pub const COMPILE_CONDITIONAL: &[i64] = &[];
    pub const RUN_CONDITIONAL: &[i64] = &[];
}

/// Checks every call on the lists, except those whose rule depends on arguments. Whatever the arguments
/// are, a listed call gets one answer and any other call the opposite.
#[track_caller]
fn sweep(stage: Stage, conditional: &[i64], listed: &[i64], answers: [Answer; 2]) {
    let filter = installed(stage);
    for call in (0..=NEWEST).filter(|call| !conditional.contains(call)) {
        for arguments in [[0; 6], [1; 6], [u64::MAX; 6], [1 << 32; 6]] {
            let expected = match (call == libc::SYS_clone3, listed.contains(&call)) {
                (true, _) => Unknown,
                (_, true) => answers[0],
                (_, false) => answers[1],
            };
            let seen = interpret(&filter.program, ARCH, call, &arguments);
            assert_eq!(seen, expected, "{stage:?}: call {call} with {arguments:?}");
        }
    }
}

#[test]
fn the_compile_stage_refuses_its_list_and_nothing_else() {
    let everywhere = calls![
        SYS_socketpair SYS_sendto SYS_recvfrom SYS_tgkill SYS_clone SYS_openat SYS_prctl
        SYS_prlimit64 SYS_ioctl SYS_fcntl
    ];
    let conditional = [&everywhere[..], x86::COMPILE_CONDITIONAL].concat();
    sweep(Stage::Compile, &conditional, &never(), [Denied, Allowed]);
}

#[test]
fn the_run_stage_allows_its_list_and_nothing_else() {
    let everywhere = calls![
        SYS_mmap SYS_mprotect SYS_madvise SYS_clone SYS_futex SYS_tgkill SYS_prctl SYS_prlimit64
        SYS_fcntl SYS_sendto SYS_recvfrom SYS_execve
    ];
    let conditional = [&everywhere[..], x86::RUN_CONDITIONAL].concat();
    sweep(Stage::Run, &conditional, run::ALWAYS, [Allowed, Denied]);
}

#[test]
fn newer_calls_and_calls_of_other_interfaces_do_not_exist() {
    for stage in [Stage::Run, Stage::Compile] {
        for call in [NEWEST + 1, 600, 0x4000_0000, 0x4000_0000 + libc::SYS_read, -1] {
            assert_eq!(answer(stage, call, &[]), Unknown, "{stage:?}: {call}");
        }
        const I386: u32 = 0x4000_0003;
        assert_eq!(interpret(&installed(stage).program, I386, libc::SYS_read, &[]), Killed);
    }
}

/// Checks the rules that depend on arguments: the call, its arguments, the answer.
#[track_caller]
fn answers(stage: Stage, table: &[(i64, &[u64], Answer)]) {
    for (call, arguments, expected) in table {
        let seen = answer(stage, *call, arguments);
        assert_eq!(seen, *expected, "{stage:?}: call {call} with {arguments:x?}");
    }
}

#[test]
fn the_compile_stage_checks_arguments() {
    const HIGH: u64 = 1 << 32; // a bit that the kernel does not see in an `int`
    answers(
        Stage::Compile,
        &[
            (libc::SYS_socketpair, &[1, 1], Allowed),
            (libc::SYS_socketpair, &[1, 1 | 0o2_000_000], Allowed),
            (libc::SYS_socketpair, &[1, 2 | 0o2_000_000], Denied),
            (libc::SYS_socketpair, &[2, 1], Denied),
            (libc::SYS_sendto, &[3, 0, 0, 0, 0], Allowed),
            (libc::SYS_sendto, &[3, 0, 0, 0, HIGH], Denied),
            (libc::SYS_sendto, &[3, 0, 0, 0x4001, 0], Denied),
            (libc::SYS_recvfrom, &[3, 0, 0, 0x40, 0], Allowed),
            (libc::SYS_recvfrom, &[3, 0, 0, 1, 0], Denied),
            (libc::SYS_tgkill, &[PID, PID, 6], Allowed),
            (libc::SYS_tgkill, &[PID + 1, PID, 6], Denied),
            (libc::SYS_clone, &[17], Allowed),
            (libc::SYS_clone, &[0x1000_0000 | 17], Denied),
            (libc::SYS_clone, &[0x4000_0000 | 17], Denied),
            (libc::SYS_openat, &[0, 0, 0o101], Allowed),
            (libc::SYS_openat, &[0, 0, 0o1101], Allowed),
            (libc::SYS_openat, &[0, 0, 0o1000], Denied),
            (libc::SYS_openat, &[0, 0, HIGH | 0o1000], Denied),
            (libc::SYS_openat, &[0, 0, 0o3], Denied),
            (libc::SYS_prctl, &[15], Allowed),
            (libc::SYS_prctl, &[1], Denied),
            (libc::SYS_prctl, &[HIGH | 4], Denied),
            (libc::SYS_prctl, &[36], Denied),
            (libc::SYS_prlimit64, &[0, 7, 1], Allowed),
            (libc::SYS_prlimit64, &[PID, 7, 0], Denied),
            (libc::SYS_ioctl, &[0, 0x5401], Allowed),
            (libc::SYS_ioctl, &[0, 0x5412], Denied),
            (libc::SYS_ioctl, &[0, 0x541c], Denied),
            (libc::SYS_ioctl, &[0, HIGH | 0x8901], Denied),
            (libc::SYS_ioctl, &[0, 0x8902], Denied),
            (libc::SYS_fcntl, &[0, 1], Allowed),
            (libc::SYS_fcntl, &[0, 8], Denied),
            (libc::SYS_fcntl, &[0, HIGH | 15], Denied),
        ],
    );
}

#[test]
fn the_run_stage_checks_arguments() {
    const THREAD: u64 = 0x3d_0f00;
    let [a, b, c] = installed(Stage::Run).password;
    answers(
        Stage::Run,
        &[
            (libc::SYS_mmap, &[0, 4096, 3, 0x22], Allowed),
            (libc::SYS_mmap, &[0, 4096, 7, 0x22], Denied),
            (libc::SYS_mmap, &[0, 4096, 3, 0x21], Denied),
            (libc::SYS_mmap, &[0, 4096, 3, 0x23], Denied),
            (libc::SYS_mmap, &[0, 4096, 3, 0x122], Denied),
            (libc::SYS_mmap, &[0, 4096, 3, 0x4_0022], Denied),
            (libc::SYS_mprotect, &[0, 4096, 1], Allowed),
            (libc::SYS_mprotect, &[0, 4096, 5], Denied),
            (libc::SYS_madvise, &[0, 4096, 4], Allowed),
            (libc::SYS_madvise, &[0, 4096, 12], Denied),
            (libc::SYS_clone, &[THREAD], Allowed),
            (libc::SYS_clone, &[THREAD & !0x1_0000], Denied),
            (libc::SYS_clone, &[17], Denied),
            (libc::SYS_futex, &[0, 128], Allowed),
            (libc::SYS_futex, &[0, 9 | 128 | 256], Allowed),
            (libc::SYS_futex, &[0, 6 | 128], Denied),
            (libc::SYS_futex, &[0, 13], Denied),
            (libc::SYS_tgkill, &[PID, PID, 6], Allowed),
            (libc::SYS_tgkill, &[1, 1, 6], Denied),
            (libc::SYS_prctl, &[15], Allowed),
            (libc::SYS_prctl, &[4], Denied),
            (libc::SYS_prlimit64, &[0, 3, 0], Allowed),
            (libc::SYS_prlimit64, &[0, 3, 1], Denied),
            (libc::SYS_prlimit64, &[1, 3, 0], Denied),
            (libc::SYS_fcntl, &[0, 1030], Allowed),
            (libc::SYS_fcntl, &[0, 8], Denied),
            (libc::SYS_sendto, &[0, 0, 0, 0x4000, 0], Allowed),
            (libc::SYS_sendto, &[0, 0, 0, 1, 0], Denied),
            (libc::SYS_sendto, &[0, 0, 0, 0, 1], Denied),
            (libc::SYS_recvfrom, &[0, 0, 0, 0, 0], Allowed),
            (libc::SYS_recvfrom, &[0, 0, 0, 1, 0], Denied),
            (libc::SYS_execve, &[0, 0, 0, a, b, c], Allowed),
            (libc::SYS_execve, &[0, 0, 0, a, b, c ^ 1], Denied),
            (libc::SYS_execve, &[0, 0, 0, a, 0, c], Denied),
        ],
    );
    #[cfg(target_arch = "x86_64")]
    answers(
        Stage::Run,
        &[(libc::SYS_arch_prctl, &[0x1002], Allowed), (libc::SYS_arch_prctl, &[0x1012], Denied)],
    );
}
