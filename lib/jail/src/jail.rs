//! What to run and what it may use up.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// The kind of program, which decides what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A compiler and its linker: reads the toolchain and the system's libraries, writes in one folder,
    /// starts processes. It has no network and no other file. `chmod` is refused; so if a linker makes its
    /// output executable by path (GNU ld does, lld does not), [`Stage::Run`] does that later.
    Compile,
    /// A statically linked program: reads and writes its three descriptors, computes, has threads. It has
    /// no file and no other process.
    Run,
}

/// What a program may use up. The kernel enforces each limit, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of one process and all its threads, in milliseconds. The kernel counts whole seconds
    /// (rounded up here); the host's watch ends the program within about 20 ms of the limit.
    pub cpu_ms: u64,
    /// Private writable memory of one process, in bytes. An allocation beyond it fails, and a Rust program
    /// then aborts. The kernel does not count memory that is made read-only, but the host's watch does:
    /// within about 20 ms, it ends a program that holds more than this plus its stack.
    pub memory_bytes: u64,
    /// The main thread's stack, in bytes.
    pub stack_bytes: u64,
    /// The largest file that the program may write, in bytes.
    pub file_bytes: u64,
    /// The number of open descriptors of one process.
    pub descriptors: u64,
    /// The number of threads of the program itself, which the host's watch checks every 20 ms.
    pub threads: u64,
}

impl Limits {
    /// Returns limits that suit a stage on a small machine.
    pub fn of(stage: Stage) -> Self {
        match stage {
            Stage::Compile => Limits {
                cpu_ms: 8_000,
                memory_bytes: 1 << 30,
                stack_bytes: 8 << 20,
                file_bytes: 64 << 20,
                descriptors: 256,
                threads: 64,
            },
            Stage::Run => Limits {
                cpu_ms: 2_000,
                memory_bytes: 256 << 20,
                stack_bytes: 8 << 20,
                file_bytes: 0,
                descriptors: 16,
                threads: 64,
            },
        }
    }
}

/// A program to run, and the only things it may touch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jail {
    /// The kind of program.
    pub stage: Stage,
    /// The executable. In [`Stage::Run`] it must be linked statically.
    pub program: PathBuf,
    /// The program's arguments, without its own name.
    pub args: Vec<OsString>,
    /// The program's environment; nothing is inherited.
    pub env: Vec<(OsString, OsString)>,
    /// Its current folder at the start; in [`Stage::Compile`] also the only folder where it may write.
    pub folder: PathBuf,
    /// Folders that [`Stage::Compile`] may read and execute, besides the system's programs and libraries:
    /// the toolchain, the harness. [`Stage::Run`] opens no file, so it ignores them.
    pub readable: Vec<PathBuf>,
    /// What the program may use up.
    pub limits: Limits,
    /// Whether [`Stage::Compile`] may run without Landlock. A hostile source can then read (`include_str!`)
    /// every file that this user can read. This is a person's decision, made in code.
    pub allow_without_landlock: bool,
}

impl Jail {
    /// Creates a jail for a program without arguments and environment, with the stage's usual limits.
    pub fn new(stage: Stage, program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        Jail {
            stage,
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            folder: folder.into(),
            readable: Vec::new(),
            limits: Limits::of(stage),
            allow_without_landlock: false,
        }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.args.push(argument.as_ref().to_owned());
        self
    }

    /// Adds a variable to the environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }
}

/// Why a program was not started. No part of it has run.
#[derive(Debug)]
#[non_exhaustive]
pub enum SpawnError {
    /// A layer is missing, so nothing runs here.
    Refused(String),
    /// A step of the set-up failed.
    Step {
        /// The step: `seccomp`, `landlock`, `exec`, ...
        step: &'static str,
        /// The kernel's error.
        source: std::io::Error,
    },
    /// [`kill_all`](crate::kill_all) was called before or during the start: the host is exiting.
    Exiting,
}

impl std::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SpawnError::Refused(reason) => write!(f, "nothing was run: {reason}"),
            SpawnError::Step { step, source } => write!(
                f,
                "nothing was run: the jail's step `{step}` failed: {source}; run \
                 `code_evolution_host doctor` to see which layers are in force"
            ),
            SpawnError::Exiting => f.write_str("nothing was run: the host is exiting"),
        }
    }
}

impl std::error::Error for SpawnError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            SpawnError::Step { source, .. } => Some(source),
            SpawnError::Refused(_) | SpawnError::Exiting => None,
        }
    }
}
