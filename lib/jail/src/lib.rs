//! Runs an untrusted program in a jail of Landlock, seccomp and resource limits, without privileges,
//! namespaces, control groups or a container engine.
//!
//! Why another sandbox: the existing ones need user namespaces (refused on Binder and in most containers)
//! or a privileged helper, or they jail the calling process instead of a child.
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
//! | `run_result` | how it ended, and what it used |
//! | `registry` | the live process groups, and the watch over their limits |
//! | `layers` | the layers of this machine, and what is refused without them |
//!
//! # What it leaves out
//!
//! - It does not hide that a file exists (the compiler needs `stat`), the clock, how busy the machine is,
//!   its name and its kernel's version (older static C libraries do not start without `uname`).
//! - At compile time it limits each file and each process, but not their number: a per-user count of
//!   processes would include every other program of the user. The compiler may also change the mode of one
//!   of your files that it can open (`fchmod`, which `std::fs::copy` needs). No code of a candidate runs at
//!   that time.
//! - A host killed by `SIGKILL` takes its jailed programs along, but a linker that one of them had started
//!   runs on until it is done or reaches its CPU limit.
//! - A flaw in the kernel is a way out. If that matters, run the host in a container or on Binder.

#[cfg(not(target_os = "linux"))]
compile_error!(
    "the jail is made of parts of Linux; on other systems use the Binder link of the README, or its \
     container"
);

mod child;
mod files;
mod jail;
mod layers;
mod prisoner;
mod registry;
mod run_result;
mod spawn;
mod syscalls;

pub use jail::{Jail, Limits, SpawnError, Stage};
pub use layers::{Layers, layers, refusal};
pub use prisoner::{Prisoner, Process};
pub use run_result::{Exit, Limit, RunResult};

/// Kills every jailed process group of this process, and refuses to start more. Call this when the host
/// exits.
pub fn kill_all() {
    registry::close();
}

/// Returns whether [`kill_all`] was called. If not, it has caused none of the exits seen so far.
pub fn is_closing() -> bool {
    registry::is_closed()
}
