//! The compile stage's deny-list: no network, no other process, no new privilege, and nothing that Landlock
//! does not cover.

use seccompiler::SeccompAction;

use super::rules::{Filter, OWN_PID, Rules, bits, is, is_not, not_null};

/// Refuses the calls below.
pub(super) fn filter() -> Result<Filter, String> {
    let mut rules = Rules::of(NEVER);
    let mut deny = |call, conditions: &[_]| rules.add(call, conditions);

    // A pair of connected streams only reaches the process itself (std's `Command` makes such a pair). A
    // pair of datagram sockets could send to every socket that has a path.
    deny(libc::SYS_socketpair, &[is_not(0, libc::AF_UNIX)])?;
    const KIND: i32 = 0xf;
    for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW] {
        deny(libc::SYS_socketpair, &[bits(1, KIND, kind)])?;
    }
    deny(libc::SYS_sendto, &[not_null(4)])?;
    for call in [libc::SYS_sendto, libc::SYS_recvfrom] {
        deny(call, &[bits(3, libc::MSG_OOB, libc::MSG_OOB)])?;
    }
    deny(libc::SYS_tgkill, &[is_not(0, OWN_PID)])?;
    // Namespaces would give capabilities, and so a larger part of the kernel to attack.
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
    // Even an `open` for reading, or in mode 3 (only for `ioctl`), may truncate the file. Landlock before
    // version 3 does not cover that.
    let mode_and_truncate = libc::O_TRUNC | libc::O_ACCMODE;
    let (reading, neither) = (libc::O_TRUNC | libc::O_RDONLY, libc::O_ACCMODE);
    deny(libc::SYS_openat, &[bits(2, mode_and_truncate, reading)])?;
    deny(libc::SYS_openat, &[bits(2, libc::O_ACCMODE, neither)])?;
    #[cfg(target_arch = "x86_64")]
    deny(libc::SYS_open, &[bits(1, mode_and_truncate, reading)])?;
    #[cfg(target_arch = "x86_64")]
    deny(libc::SYS_open, &[bits(1, libc::O_ACCMODE, neither)])?;
    // The compiler must not choose to outlive the host or to be traced by it.
    for option in [libc::PR_SET_PDEATHSIG, libc::PR_SET_DUMPABLE, libc::PR_SET_CHILD_SUBREAPER] {
        deny(libc::SYS_prctl, &[is(0, option)])?;
    }
    // It may not raise a limit, nor touch another process's limits.
    deny(libc::SYS_prlimit64, &[is_not(0, 0)])?;
    // It may not type into a terminal, nor send signals through descriptors.
    const SET_OWNER: u32 = 0x8901;
    const SET_OWNER_OF_SOCKET: u32 = 0x8902;
    for request in [libc::TIOCSTI as u32, libc::TIOCLINUX as u32, SET_OWNER, SET_OWNER_OF_SOCKET] {
        deny(libc::SYS_ioctl, &[is(1, request)])?;
    }
    const SET_OWNER_EX: i32 = 15;
    for command in [libc::F_SETOWN, SET_OWNER_EX] {
        deny(libc::SYS_fcntl, &[is(1, command)])?;
    }

    rules.compile(SeccompAction::Allow, SeccompAction::Errno(libc::EPERM as u32), [0; 3])
}

/// Calls that the compile stage may not make, whatever the arguments.
const NEVER: &[i64] = &[
    // Network, and passing descriptors through sockets.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    libc::SYS_recvmsg,
    libc::SYS_recvmmsg,
    // Other processes. The host can end only processes that stay in the group.
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
    libc::SYS_sched_setaffinity,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Shared memory and queues that other programs can read, or that outlive the process.
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
    // Files without a path, which Landlock lets every process execute.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    // Calls that Landlock does not cover, or covers only in later versions. If a linker makes its output
    // executable by path (GNU ld), the run stage does that later.
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
    // Parts of the kernel that a compiler does not need.
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
