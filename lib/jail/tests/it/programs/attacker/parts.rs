//! Other parts of the kernel.

use std::io;

use crate::kernel::{c, call, new, nr};
use crate::{Outcome, Target};

/// Tries an attack of this kind; returns `None` for an attack of another kind.
pub fn attack(name: &str, target: &Target) -> io::Result<Option<String>> {
    let Target { host, .. } = target;
    let outcome: Outcome = match name {
        "io_uring" => call!(new::IO_URING_SETUP, 1, [0_u64; 32].as_mut_ptr()),
        "bpf" => call!(nr::bpf, 0, [0_u64; 16].as_ptr(), 72),
        "perf" => call!(nr::perf_event_open, [0_u64; 16].as_ptr(), 0, -1, -1, 0),
        "userfaultfd" => call!(nr::userfaultfd, 1),
        "keyring" => call!(nr::keyctl, 0, -3, 1),
        "add_key" => {
            call!(nr::add_key, c("user").as_ptr(), c("x").as_ptr(), c("y").as_ptr(), 1, -3)
        }
        "mount" => {
            let (source, at, kind) = (c("none"), c("/tmp"), c("tmpfs"));
            call!(nr::mount, source.as_ptr(), at.as_ptr(), kind.as_ptr(), 0, 0)
        }
        "open_tree" => call!(new::OPEN_TREE, -100, c("/tmp").as_ptr(), 1),
        "fsopen" => call!(new::FSOPEN, c("tmpfs").as_ptr(), 0),
        "chroot" => call!(nr::chroot, c(".").as_ptr()),
        "personality" => call!(nr::personality, 0x0004_0000),
        "inotify" => call!(nr::inotify_init1, 0),
        "landlock_probe" => call!(new::LANDLOCK_CREATE_RULESET, 0, 0, 1),
        "owner_of_descriptor" => call!(nr::fcntl, 0, 8, *host),
        "owner_by_ioctl" => call!(nr::ioctl, 0, 0x8901, [*host as i32].as_ptr()),
        "type_into_terminal" => call!(nr::ioctl, 0, 0x5412, [b'x'].as_ptr()),
        "paste_into_terminal" => call!(nr::ioctl, 0, 0x541c, [3_u8].as_ptr()),
        "priority_inheritance_lock" => {
            // FUTEX_LOCK_PI, private, on a free lock.
            call!(nr::futex, [0_u32].as_mut_ptr(), 6 | 128, 0, 0, 0, 0)
        }
        "vmsplice" => call!(nr::vmsplice, 1, [0_u64; 2].as_ptr(), 0, 0),
        "timer" => call!(nr::timer_create, 0, 0, [0_u64; 1].as_mut_ptr()),
        "interval_timer" => call!(nr::setitimer, 0, [0_u64; 4].as_ptr(), 0),
        "pipe" => call!(nr::pipe2, [0_i32; 2].as_mut_ptr(), 0),
        "epoll" => call!(nr::epoll_create1, 0),
        "event" => call!(nr::eventfd2, 0, 0),
        "machine_load" => call!(nr::sysinfo, [0_u64; 16].as_mut_ptr()),
        "swap" => call!(nr::swapon, c("x").as_ptr(), 0),
        "accounting" => call!(nr::acct, c("x").as_ptr()),
        "future_call" => call!(new::FUTURE),
        "x32_call" => call!(0x4000_0000_i64 + nr::getppid),
        #[cfg(target_arch = "x86_64")]
        "foreign_call" => {
            let result: i64;
            // Calls getpid through the 32-bit interface, which numbers calls differently.
            unsafe { std::arch::asm!("int 0x80", inout("rax") 20_i64 => result) };
            Ok(format!("result {result}"))
        }
        _ => return Ok(None),
    };
    outcome.map(Some)
}
