//! Runs a program that nobody vouches for: jailed by Landlock, seccomp and resource limits,
//! unprivileged, without namespaces, control groups or a container engine.
//!
//! Why our own: the sandboxes at hand need user namespaces (refused on Binder and in most
//! containers), a privileged helper, or jail the calling process instead of a child.
//!
//! ```no_run
//! use code_evolution_jail::{Jail, Stage};
//! use std::time::{Duration, Instant};
//!
//! let prisoner = Jail::new(Stage::Run, "/tmp/candidate/program", "/tmp/candidate").spawn()?;
//! let ended = prisoner.process.wait(Instant::now() + Duration::from_secs(2));
//! println!("{:?} after {:?}", ended.status, ended.cpu);
//! # Ok::<(), code_evolution_jail::SpawnError>(())
//! ```
//!
//! | module | subject |
//! |---|---|
//! | `jail` | what to run and what it may use up |
//! | `spawn` | starting it: the preparations before the fork |
//! | `child` | what the child does between fork and exec, step by step |
//! | `files` | Landlock: which files a stage may touch |
//! | `syscalls` | seccomp: which system calls a stage may make |
//! | `prisoner` | the running program: its pipes, its CPU clock, its end |
//! | `ended` | how it ended, and what it took |
//! | `registry` | the live process groups, and the watch over their limits |
//! | `layers` | what this machine offers, and what is refused without it |
//!
//! # What it leaves out
//!
//! - It does not hide that a file exists (`stat` is the compiler's to use), nor the clock, how busy
//!   the machine is, its name and its kernel's version (`uname`, without which a static C library of
//!   some years ago does not start).
//! - At compile time it limits each file and each process, not their number: a per-user count of
//!   processes would include every other program of the user. And the compiler may change the mode
//!   of a file of yours that it can open (`fchmod`, which `std::fs::copy` needs). No code of a
//!   candidate runs then.
//! - A host that is killed outright (`SIGKILL`) takes its jailed programs along, but a linker that one
//!   of them had started goes on until it is done or at its CPU limit.
//! - A flaw in the kernel is a way out; where that matters, run the host in a container or on Binder.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "the jail is made of parts of Linux; on other systems use the Binder link of the README, or its \
     container"
);

mod child;
mod ended;
mod files;
mod jail;
mod layers;
mod prisoner;
mod registry;
mod spawn;
mod syscalls;

pub use ended::{Ended, Exit, Limit};
pub use jail::{Jail, Limits, SpawnError, Stage};
pub use layers::{Layers, layers, refusal};
pub use prisoner::{Prisoner, Process};

/// Kills every jailed process group of this process, and refuses to start more. For the host's exit.
pub fn kill_all() {
    registry::close();
}

/// Whether [`kill_all`] was called. Where it was not, no end that was seen so far is its work.
pub fn is_closing() -> bool {
    registry::is_closed()
}
