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
//! let ended = prisoner.wait(Instant::now() + Duration::from_secs(2));
//! println!("{:?} after {:?}", ended.status, ended.cpu);
//! # Ok::<(), code_evolution_jail::SpawnError>(())
//! ```
//!
//! | module | subject |
//! |---|---|
//! | [`jail`] | what to run and what it may use up |
//! | [`prisoner`] | the running program: its pipes, its CPU clock, its end |
//! | `spawn` | the preparations before the fork |
//! | `child` | what the child does between fork and exec, step by step |
//! | `files` | Landlock: which files a stage may touch |
//! | `syscalls` | seccomp: which system calls a stage may make |
//! | `registry` | the live process groups, and the watch over their limits |
//! | [`layers`](mod@layers) | what this machine offers, and what is refused without it |
//!
//! # What it leaves out
//!
//! - It does not hide that a file exists (`stat` is the compiler's to use), nor the clock, the
//!   kernel's version, or how busy the machine is.
//! - At compile time it limits each file and each process, not their number: a per-user count of
//!   processes would include every other program of the user. And the compiler may change the mode
//!   of a file of yours that it can open (`fchmod`, which `std::fs::copy` needs). No code of a
//!   candidate runs then.
//! - A host that is killed outright (`SIGKILL`) takes its jailed programs along, but a linker that one
//!   of them had started goes on until it is done or at its CPU limit.
//! - A flaw in the kernel is a way out; where that matters, run the host in a container or on Binder.

pub mod jail;
pub mod layers;
pub mod prisoner;

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod registry;
#[cfg(target_os = "linux")]
mod spawn;
#[cfg(target_os = "linux")]
mod syscalls;

pub use jail::{Jail, Limits, SpawnError, Stage};
pub use layers::{Layers, layers, refusal};
pub use prisoner::{Ended, Exit, Frames, Limit, Prisoner, Process};

/// Kills every jailed process group of this process, and refuses to start more. For the host's exit.
pub fn kill_all() {
    #[cfg(target_os = "linux")]
    registry::close();
}

/// Whether [`kill_all`] was called. Where it was not, no end that was seen so far is its work.
pub fn is_closing() -> bool {
    #[cfg(target_os = "linux")]
    return registry::is_closed();
    #[cfg(not(target_os = "linux"))]
    false
}
