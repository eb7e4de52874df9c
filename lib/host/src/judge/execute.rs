//! Whole programs: `fn main`, standard input to standard output.

use code_evolution_jail::{Exit, Jail, Limit, Limits as JailLimits, Stage as JailStage};
use code_evolution_wire::program::{Execution, Program};
use code_evolution_wire::verdict::{Diagnostic, Outcome, Stage};

use super::compile::{Compilation, milliseconds, out_of_memory, signal_name};
use super::conversation::{Conversation, Remains};
use super::diagnostics::CANDIDATE;
use super::scan::Source;
use super::{Judge, JudgeError, after, undisturbed};

const EDITIONS: [&str; 4] = ["2015", "2018", "2021", "2024"];

impl Judge {
    /// Compiles and runs a whole program in the jail.
    ///
    /// # Errors
    /// If the request cannot be served or the sandbox is not safe; a bad program gets an execution
    /// that says how it ended.
    pub fn execute(&self, program: &Program) -> Result<Execution, JudgeError> {
        if !EDITIONS.contains(&program.edition.as_str()) {
            return Err(JudgeError::BadRequest(format!(
                "there is no Rust edition `{}`; choose one of {}",
                program.edition,
                EDITIONS.join(", ")
            )));
        }
        let options = &self.shared.options;
        let source = Source::new(&program.program);
        if options.scan
            && let Some(reason) = source.refusal()
        {
            return Ok(ended(Stage::Scan, "refused", reason, Vec::new()));
        }
        let published = source.publish(Some("main"));
        let compiled = Compilation {
            toolchain: &self.shared.toolchain,
            temporary: &options.temporary,
            harness: &self.harness(program.opt_level)?,
            libraries: &self.libraries(&program.crates)?,
            files: &[(CANDIDATE, &published.text)],
            published: &published,
            edition: &program.edition,
            opt_level: program.opt_level,
            warnings: false,
            clippy: None,
            forbid_unsafe: options.scan,
            allow_without_landlock: options.allow_without_landlock,
            limits: &program.limits,
        }
        .run(&self.shared.memory)?;
        let compiled = undisturbed(compiled)?;
        let built = match compiled.program {
            Ok(built) => built,
            Err(outcome) => {
                let status = match outcome {
                    Outcome::TimeOut { .. } => "time-out".to_owned(),
                    Outcome::OutOfMemory { .. } => "out of memory".to_owned(),
                    Outcome::Signal { name, .. } => name,
                    _ => "compile error".to_owned(),
                };
                let rendered: Vec<&str> =
                    compiled.diagnostics.iter().map(|said| said.rendered.as_str()).collect();
                let stderr = rendered.join("\n\n");
                return Ok(ended(Stage::Compile, &status, stderr, compiled.diagnostics));
            }
        };

        let limits = &program.limits;
        let memory = self.shared.memory.reserve(limits.memory_bytes);
        let mut jail = Jail::new(JailStage::Run, &built.path, built.folder.path());
        jail.limits = JailLimits {
            cpu_ms: limits.cpu_ms,
            memory_bytes: memory.bytes,
            ..JailLimits::of(JailStage::Run)
        };
        let deadline = after(limits.wall_ms);
        let talk = Conversation::new(jail.spawn()?, limits.captured_bytes)?;
        let remains = undisturbed(talk.run(program.stdin.as_bytes(), false, deadline))?;
        Ok(Execution {
            stage: Stage::Run,
            status: status(&remains),
            stdout: String::from_utf8_lossy(&remains.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&remains.stderr).into_owned(),
            diagnostics: compiled.diagnostics,
            cpu_ms: milliseconds(remains.ended.cpu),
            peak_bytes: remains.ended.peak_bytes,
        })
    }
}

fn ended(stage: Stage, status: &str, stderr: String, diagnostics: Vec<Diagnostic>) -> Execution {
    Execution {
        stage,
        status: status.to_owned(),
        stdout: String::new(),
        stderr,
        diagnostics,
        cpu_ms: 0.0,
        peak_bytes: 0,
    }
}

/// How a process ended, in a word or two: its exit code, a signal's name, the limit that it met.
pub fn status(remains: &Remains) -> String {
    match (remains.ended.stopped, remains.ended.status) {
        (Some(Limit::Cpu | Limit::Wall), _) | (_, Exit::Signal(24)) => "time-out".to_owned(),
        (Some(Limit::Threads), _) => "too many threads".to_owned(),
        (Some(Limit::Memory), _) => "out of memory".to_owned(),
        (None, Exit::Code(code)) => code.to_string(),
        (None, Exit::Signal(6)) if out_of_memory(&remains.stderr) => "out of memory".to_owned(),
        (None, Exit::Signal(number)) => signal_name(number),
    }
}
