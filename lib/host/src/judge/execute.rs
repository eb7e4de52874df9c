//! Runs whole programs: `fn main`, standard input to standard output.

use code_evolution_wire::program::{Execution, Program, Status};
use code_evolution_wire::verdict::{Diagnostic, Stage};

use super::clock::{after, milliseconds};
use super::compile::Compilation;
use super::conversation::Conversation;
use super::diagnostics::CANDIDATE;
use super::ending::{End, uncompiled};
use super::error::{JudgeError, unless_cancelled};
use super::scan::{Published, Source};
use super::shared::Judge;

const EDITIONS: [&str; 4] = ["2015", "2018", "2021", "2024"];

impl Judge {
    /// Compiles and runs a whole program in the jail.
    ///
    /// # Errors
    /// If the request cannot be served or the sandbox is not safe. A bad program is not an error: the
    /// returned execution says how it ended.
    pub fn execute(&self, program: &Program) -> Result<Execution, JudgeError> {
        if !EDITIONS.contains(&program.edition.as_str()) {
            return Err(JudgeError::BadRequest(format!(
                "there is no Rust edition `{}`; choose one of {}",
                program.edition,
                EDITIONS.join(", ")
            )));
        }
        let options = &self.shared.options;
        if let Some(reason) = self.refusal(&Source::new(&program.program)) {
            return Ok(ended(Stage::Scan, Status::Refused, reason, Vec::new()));
        }
        let unchanged = Published::unchanged(&program.program);
        let compiled = Compilation {
            toolchain: &self.shared.toolchain,
            temporary: &options.temporary,
            harness: &self.harness(program.opt_level)?,
            libraries: &self.libraries(&program.crates)?,
            files: &[(CANDIDATE, &unchanged.text)],
            published: &unchanged,
            edition: &program.edition,
            opt_level: program.opt_level,
            warnings: false,
            clippy: None,
            forbid_unsafe: options.scan,
            allow_without_landlock: options.allow_without_landlock,
            limits: &program.limits,
        }
        .run_checked(&self.shared.memory)?;
        let compiled = unless_cancelled(compiled)?;
        let built = match compiled.program {
            Ok(built) => built,
            Err(outcome) => {
                let rendered: Vec<&str> =
                    compiled.diagnostics.iter().map(|said| said.rendered.as_str()).collect();
                let stderr = rendered.join("\n\n");
                let status = uncompiled(outcome);
                return Ok(ended(Stage::Compile, status, stderr, compiled.diagnostics));
            }
        };

        let limits = &program.limits;
        let memory = self.shared.memory.reserve(limits.memory_bytes);
        let deadline = after(limits.wall_ms);
        let prisoner = built.jail(limits.cpu_ms, memory.bytes).spawn()?;
        let conversation = Conversation::new(prisoner, limits.captured_bytes)?;
        let remains =
            unless_cancelled(conversation.run(program.stdin.as_bytes(), false, deadline))?;
        Ok(Execution {
            stage: Stage::Run,
            status: End::of(&remains).into(),
            stdout_cut: remains.stdout_cut,
            stderr_cut: remains.stderr_cut,
            stdout: String::from_utf8_lossy(&remains.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&remains.stderr).into_owned(),
            diagnostics: compiled.diagnostics,
            cpu_ms: milliseconds(remains.ended.cpu),
            peak_bytes: remains.ended.peak_bytes,
        })
    }
}

fn ended(stage: Stage, status: Status, stderr: String, diagnostics: Vec<Diagnostic>) -> Execution {
    Execution {
        stage,
        status,
        stdout: String::new(),
        stdout_cut: false,
        stderr,
        stderr_cut: false,
        diagnostics,
        cpu_ms: 0.0,
        peak_bytes: 0,
    }
}
