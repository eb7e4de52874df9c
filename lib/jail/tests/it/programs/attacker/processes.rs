//! Starting, reaching and outliving processes.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;
use std::{fs, process, ptr, thread};

use crate::kernel::{c, call, fork, new, nr};
use crate::{Outcome, Target, done, hang};

/// Tries an attack of this kind; returns `None` for an attack of another kind.
pub fn attack(name: &str, target: &Target) -> io::Result<Option<String>> {
    let Target { host, folder, .. } = target;
    let in_folder = |name: &str| format!("{folder}/{name}");
    let outcome: Outcome = match name {
        "command" => process::Command::new("/bin/true").status().map(|status| status.to_string()),
        "command_own_file" => {
            fs::write("script", "#!/bin/sh\necho hello\n")?;
            let file = fs::File::open("script")?;
            file.set_permissions(fs::Permissions::from_mode(0o755))?;
            drop(file);
            process::Command::new("./script").status().map(|status| status.to_string())
        }
        "command_home" => {
            process::Command::new(in_folder("program")).status().map(|s| s.to_string())
        }
        "fork" => fork().map(|pid| format!("child {pid}")),
        "fork_bomb" => {
            for _ in 0..50 {
                fork()?;
            }
            done("50 forks")
        }
        "setsid_grandchild" => {
            fork()?;
            call!(nr::setsid)?;
            hang()
        }
        "setsid" => {
            // Only a process that leads no group may do this. A thread cannot, so the attack forks where
            // that is allowed.
            if fork()? == 0 {
                let outcome = call!(nr::setsid);
                println!("{}", if outcome.is_ok() { "got: a session" } else { "denied: EPERM" });
                process::exit(0);
            }
            thread::sleep(Duration::from_millis(100));
            Err(io::Error::other("see the child's line"))
        }
        "setpgid" => call!(nr::setpgid, 0, 0),
        "execve" => {
            let program = c("/bin/true");
            let arguments = [program.as_ptr(), ptr::null()];
            call!(nr::execve, program.as_ptr(), arguments.as_ptr(), arguments[1..].as_ptr())
        }
        "execve_with_guesses" => {
            let program = c("/bin/true");
            let arguments = [program.as_ptr(), ptr::null()];
            let (argv, envp) = (arguments.as_ptr(), arguments[1..].as_ptr());
            let mut last = done("nothing tried");
            for guess in [0_i64, -1, i64::MIN, 0x8000_0000_8000_0000_u64 as i64] {
                last = call!(nr::execve, program.as_ptr(), argv, envp, guess, guess, guess);
            }
            last
        }
        "execveat" => {
            let program = c("/bin/true");
            let arguments = [program.as_ptr(), ptr::null()];
            let (argv, envp) = (arguments.as_ptr(), arguments[1..].as_ptr());
            call!(nr::execveat, -100, program.as_ptr(), argv, envp, 0)
        }
        "clone3" => call!(new::CLONE3, [0_u64; 11].as_ptr(), 88),
        "clone_vm_process" => {
            // Shares memory but is no thread: a process that the host would not know.
            call!(nr::clone, 0x100 | 0x4000 | 17, 0, 0, 0, 0)
        }
        "clone_new_user" => call!(nr::clone, 0x1000_0000 | 17, 0, 0, 0, 0),
        "unshare" => call!(nr::unshare, 0x1000_0000),
        "unshare_network" => call!(nr::unshare, 0x4000_0000),
        "setns" => call!(nr::setns, 0, 0),
        "kill_host" => call!(nr::kill, *host, 0),
        "kill_everyone" => call!(nr::kill, -1, 0),
        "kill_group_of_host" => call!(nr::kill, -*host, 0),
        "tgkill_host" => call!(nr::tgkill, *host, *host, 0),
        "tkill_host" => call!(nr::tkill, *host, 0),
        "sigqueue_host" => call!(nr::rt_sigqueueinfo, *host, 0, [0_u64; 16].as_ptr()),
        "tgsigqueue_host" => call!(nr::rt_tgsigqueueinfo, *host, *host, 0, [0_u64; 16].as_ptr()),
        "pidfd_host" => call!(new::PIDFD_OPEN, *host, 0),
        "pidfd_signal" => call!(new::PIDFD_SEND_SIGNAL, 0, 0, 0, 0),
        "ptrace_host" => call!(nr::ptrace, 0x4206, *host, 0, 0),
        "ptrace_me" => call!(nr::ptrace, 0, 0, 0, 0),
        "process_vm_readv" => {
            let mut byte = [0_u64; 2];
            let area = [byte.as_mut_ptr() as u64, 8];
            let theirs = [0x1_0000_u64, 8];
            let (area, theirs) = (area.as_ptr(), theirs.as_ptr());
            call!(nr::process_vm_readv, *host, area, 1, theirs, 1, 0)
        }
        "process_vm_writev" => {
            let area = [0x1_0000_u64, 8];
            call!(nr::process_vm_writev, *host, area.as_ptr(), 1, area.as_ptr(), 1, 0)
        }
        "process_madvise" => call!(new::PROCESS_MADVISE, 0, 0, 0, 0, 0),
        "kcmp" => call!(nr::kcmp, *host, *host, 0, 0, 0),
        "prlimit_host" => {
            // Reads the host's limits; a pointer as third argument would set them.
            call!(nr::prlimit64, *host, 7, 0, [0_u64; 2].as_mut_ptr())
        }
        "priority_of_host" => {
            call!(nr::getpriority, 0, *host).and_then(|_| call!(nr::setpriority, 0, *host, 0))
        }
        "schedule_host" => call!(nr::sched_setscheduler, *host, 0, [0_i32].as_ptr()),
        "affinity_of_host" => call!(nr::sched_setaffinity, *host, 8, [u64::MAX].as_ptr()),
        "raise_a_limit" => call!(nr::prlimit64, 0, 7, [1 << 20_u64, 1 << 20].as_ptr(), 0),
        "raise_cpu_limit" => call!(nr::setrlimit, 0, [u64::MAX, u64::MAX].as_ptr()),
        "outlive_the_host" => call!(nr::prctl, 1, 0, 0, 0, 0),
        "undumpable" => call!(nr::prctl, 4, 0, 0, 0, 0),
        "become_subreaper" => call!(nr::prctl, 36, 1, 0, 0, 0),
        "second_filter" => call!(nr::seccomp, 1, 0, [0_u64; 2].as_ptr()),
        "setuid" => call!(nr::setuid, 0).and_then(|_| call!(nr::setuid, 12345)),
        "capabilities" => {
            let header = [0x2008_0522_u32, 0];
            let all = [u32::MAX; 6];
            call!(nr::capset, header.as_ptr(), all.as_ptr())
        }
        _ => return Ok(None),
    };
    outcome.map(Some)
}
