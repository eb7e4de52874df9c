//! Compiles a source to a static program, in the jail: rustc makes an object, lld links the program.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use code_evolution_jail::{Exit, Jail, Limits as JailLimits, Stage};
use code_evolution_wire::task::Limits;
use code_evolution_wire::verdict::{Diagnostic, Level, Outcome};
use tempfile::TempDir;

use super::clock::{after, milliseconds};
use super::conversation::{Conversation, Remains};
use super::diagnostics;
use super::disk::check_disk;
use super::ending::{Bounds, End, SIGKILL, out_of_memory, signal};
use super::error::JudgeError;
use super::memory::Memory;
use super::offered::Libraries;
use super::scan::Published;
use super::toolchain::{FLAGS, HARNESS_CRATE, Harness, Toolchain};

/// How many bytes of the compiler's messages are read.
const MESSAGES: u64 = 1 << 20;

/// The program's file name, which a process list also shows.
const EXECUTABLE: &str = "candidate";
/// Almost every source compiles in this much memory, in bytes.
const USUAL_MEMORY: u64 = 256 << 20;

/// A source to compile, with everything that its compilation needs.
pub struct Compilation<'a> {
    /// The compiler.
    pub toolchain: &'a Toolchain,
    /// Where the new temporary folder is made.
    pub temporary: &'a Path,
    /// The harness at the same optimisation level.
    pub harness: &'a Harness,
    /// Precompiled crates that the source may use.
    pub libraries: &'a Libraries,
    /// The files: name and text. The first is the crate's root.
    pub files: &'a [(&'a str, &'a str)],
    /// The candidate's text after `pub` was inserted, with the positions.
    pub published: &'a Published,
    /// The Rust edition.
    pub edition: &'a str,
    /// rustc's optimisation level.
    pub opt_level: u8,
    /// Whether to report warnings.
    pub warnings: bool,
    /// clippy's compiler, if its lints are wanted.
    pub clippy: Option<&'a Path>,
    /// Whether `unsafe` is an error. Only the jail's own tests allow it.
    pub forbid_unsafe: bool,
    /// Whether to compile on a kernel without Landlock.
    pub allow_without_landlock: bool,
    /// The limits of the compilation.
    pub limits: &'a Limits,
}

/// A program that compiled.
pub struct Program {
    /// The program's folder; removed when this is dropped.
    pub folder: TempDir,
    /// The executable.
    pub path: PathBuf,
}

impl Program {
    /// Returns the jail that the program runs in, with this much CPU time and memory.
    pub fn jail(&self, cpu_ms: u64, memory_bytes: u64) -> Jail {
        let mut jail = Jail::new(Stage::Run, &self.path, self.folder.path());
        jail.limits = JailLimits { cpu_ms, memory_bytes, ..JailLimits::of(Stage::Run) };
        jail
    }
}

/// What to do with a program that passed.
pub type OnPass<'f> = &'f mut dyn FnMut(&Program) -> Result<(), JudgeError>;

/// The result of a compilation.
pub struct Compiled {
    /// The program, or how the compilation ended.
    pub program: Result<Program, Outcome>,
    /// The compiler's messages.
    pub diagnostics: Vec<Diagnostic>,
    /// Wall time of rustc, in milliseconds.
    pub compile_ms: f64,
    /// Wall time of the linker, in milliseconds.
    pub link_ms: f64,
}

impl Compilation<'_> {
    /// Compiles and links in a new temporary folder.
    ///
    /// Almost every source compiles in a fraction of the memory limit, so the first attempt reserves only
    /// that much. A source that needs more is compiled again with its full limit.
    ///
    /// Fails if the jail is not safe here or a file cannot be written. A wrong source is not an error.
    pub fn run(&self, memory: &Memory) -> Result<Compiled, JudgeError> {
        let most = self.limits.compile_memory_bytes;
        let reserved = memory.reserve(most.min(USUAL_MEMORY));
        let compiled = self.run_within(reserved.bytes)?;
        let starved =
            matches!(compiled.program, Err(Outcome::OutOfMemory { .. } | Outcome::Signal { .. }));
        if !starved || reserved.bytes >= most {
            return Ok(compiled);
        }
        drop(reserved);
        self.run_within(memory.reserve(most).bytes)
    }

    fn run_within(&self, memory_bytes: u64) -> Result<Compiled, JudgeError> {
        let folder = self.lay_out().or_else(|error| {
            check_disk(self.temporary)?;
            Err(anyhow::Error::from(error))
        })?;
        let deadline = after(self.limits.compile_wall_ms);
        let hidden = [
            (folder.path().display().to_string(), "."),
            (self.toolchain.sysroot.display().to_string(), "/rust"),
        ];
        let run = |program: &Path, arguments| -> Result<(Remains, f64), JudgeError> {
            let started = Instant::now();
            let prisoner = self.jail(program, folder.path(), arguments, memory_bytes).spawn()?;
            let remains = Conversation::new(prisoner, MESSAGES)?.run(&[], true, deadline);
            Ok((remains, milliseconds(started.elapsed())))
        };

        let (remains, mut compile_ms) = run(&self.toolchain.rustc, self.rustc_arguments())?;
        let mut diagnostics = diagnostics::read(&remains.stderr, self.published, &hidden);
        if remains.ended.status != Exit::Code(0) {
            let outcome = self.outcome(&remains, &diagnostics, memory_bytes);
            if outcome == Outcome::CompileError && !has_error(&diagnostics) {
                diagnostics.extend(diagnostics::plain(&remains.stderr, &hidden));
            }
            return Ok(Compiled { program: Err(outcome), diagnostics, compile_ms, link_ms: 0.0 });
        }

        if let Some(clippy) = self.clippy {
            let (remains, lint_ms) = run(clippy, self.clippy_arguments())?;
            compile_ms += lint_ms;
            if remains.ended.status != Exit::Code(0) {
                let outcome = self.outcome(&remains, &[], memory_bytes);
                diagnostics.extend(diagnostics::plain(&remains.stderr, &hidden));
                return Ok(Compiled {
                    program: Err(outcome),
                    diagnostics,
                    compile_ms,
                    link_ms: 0.0,
                });
            }
            let said = diagnostics::read(&remains.stderr, self.published, &hidden);
            diagnostics.extend(said.into_iter().filter(diagnostics::is_clippys));
        }

        let (remains, link_ms) = run(&self.toolchain.lld, self.link_arguments())?;
        if remains.ended.status != Exit::Code(0) {
            let outcome = self.outcome(&remains, &[], memory_bytes);
            diagnostics.extend(diagnostics::plain(&remains.stderr, &hidden));
            return Ok(Compiled { program: Err(outcome), diagnostics, compile_ms, link_ms });
        }
        let path = folder.path().join(EXECUTABLE);
        Ok(Compiled { program: Ok(Program { folder, path }), diagnostics, compile_ms, link_ms })
    }

    /// Makes a new temporary folder with the files.
    fn lay_out(&self) -> std::io::Result<TempDir> {
        let folder =
            tempfile::Builder::new().prefix("code-evolution-").tempdir_in(self.temporary)?;
        for (name, text) in self.files {
            fs::write(folder.path().join(name), text)?;
        }
        Ok(folder)
    }

    fn rustc_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![self.files[0].0.into()];
        arguments.extend(FLAGS.map(OsString::from));
        arguments.extend(["--emit=obj=main.o", "-Crelocation-model=static"].map(OsString::from));
        arguments.push(format!("-Copt-level={}", self.opt_level).into());
        if !self.warnings {
            arguments.push("-Awarnings".into());
        }
        if self.forbid_unsafe {
            arguments.push("-Funsafe_code".into());
        }
        arguments.extend(self.crate_arguments());
        arguments
    }

    /// Returns the arguments of a run that only checks and lints. A lint is never an error here, and an
    /// `allow` in the candidate does not silence it: otherwise a candidate could switch off every lint.
    fn clippy_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = vec![self.files[0].0.into()];
        let flags = ["--emit=metadata=main.rmeta", "--cap-lints=warn", "--force-warn=clippy::all"];
        arguments.extend(flags.map(OsString::from));
        arguments.extend(self.crate_arguments());
        arguments
    }

    /// Returns the arguments that rustc and clippy share.
    fn crate_arguments(&self) -> Vec<OsString> {
        let flags = ["--crate-name=main", "--crate-type=bin", "--error-format=json"];
        let mut arguments: Vec<OsString> = flags.map(OsString::from).to_vec();
        arguments.push(format!("--edition={}", self.edition).into());
        let external = |name: &str, path: &Path| {
            let mut argument = OsString::from(format!("--extern={name}="));
            argument.push(path);
            argument
        };
        arguments.push(external(HARNESS_CRATE, &self.harness.rlib));
        for (name, path) in &self.libraries.external {
            arguments.push(external(name, path));
        }
        for folder in &self.libraries.folders {
            let mut argument = OsString::from("-Ldependency=");
            argument.push(folder);
            arguments.push(argument);
        }
        arguments
    }

    fn link_arguments(&self) -> Vec<OsString> {
        let mut arguments: Vec<OsString> = [
            "-flavor",
            "gnu",
            "-static",
            "--no-pie",
            "--gc-sections",
            "--strip-all",
            "--eh-frame-hdr",
            "--threads=1",
            "--build-id=none",
            "-znoexecstack",
            "-zrelro",
            "-znow",
            "-O0",
            "-o",
            EXECUTABLE,
        ]
        .map(OsString::from)
        .to_vec();
        arguments.extend(self.toolchain.start.iter().map(|path| path.into()));
        arguments.push("main.o".into());
        arguments.push((&self.harness.allocator).into());
        arguments.push((&self.harness.rlib).into());
        arguments.extend(self.libraries.rlibs.iter().map(|path| path.into()));
        arguments.extend(self.toolchain.libraries.iter().cloned());
        arguments
    }

    fn jail(&self, program: &Path, folder: &Path, args: Vec<OsString>, memory_bytes: u64) -> Jail {
        let mut jail = Jail::new(Stage::Compile, program, folder)
            .env("PATH", "/usr/bin:/bin")
            .env("TMPDIR", folder)
            .env("LC_ALL", "C");
        jail.args = args;
        jail.readable = self.toolchain.readable.clone();
        jail.readable.extend(self.harness.rlib.parent().map(Path::to_owned));
        jail.readable.extend(self.libraries.folders.iter().cloned());
        jail.allow_without_landlock = self.allow_without_landlock;
        jail.limits = JailLimits {
            cpu_ms: self.limits.compile_cpu_ms,
            memory_bytes,
            ..JailLimits::of(Stage::Compile)
        };
        jail
    }

    fn outcome(&self, remains: &Remains, diagnostics: &[Diagnostic], limit_bytes: u64) -> Outcome {
        let bounds = Bounds {
            cpu_ms: self.limits.compile_cpu_ms,
            wall_ms: self.limits.compile_wall_ms,
            memory_bytes: limit_bytes,
        };
        match End::of(remains) {
            end @ (End::CpuTime | End::Deadline | End::Memory) => end.outcome(&bounds),
            // Something else killed the compiler, so its messages may be incomplete. (The judge itself kills
            // a compiler that prints more than is read.)
            End::Signal(SIGKILL) if (remains.stderr.len() as u64) < MESSAGES => signal(SIGKILL),
            _ if has_error(diagnostics) => Outcome::CompileError,
            _ if out_of_memory(&remains.stderr) => Outcome::OutOfMemory { limit_bytes },
            end @ End::Signal(_) => end.outcome(&bounds),
            End::Threads => signal(SIGKILL),
            End::Exited(_) | End::OutOfMemory | End::Output => Outcome::CompileError,
        }
    }
}

fn has_error(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error)
}
