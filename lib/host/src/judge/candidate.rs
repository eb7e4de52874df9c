//! Judges one candidate: scan, cache, compiler, cases, verdict.
//!
//! A verdict that the machine may have influenced is not kept. Cases that failed while the machine was busy
//! run once more, alone.

use std::sync::{Once, RwLockReadGuard};

use code_evolution_wire::verdict::{Outcome, Stage, Verdict};

use super::cache::Cache;
use super::cases::Results;
use super::compile::{Compilation, Compiled, OnPass, Program};
use super::ending::SIGKILL;
use super::error::{JudgeError, unless_cancelled};
use super::offered::Libraries;
use super::plan::{self, Plan};
use super::scan::Source;
use super::shared::Judge;
use super::toolchain::Harness;
use super::{feedback, machine};
use crate::lock::Unpoisoned;

impl Judge {
    /// Judges with a plan. `passed` gets the program if it was compiled now and passed every case.
    pub(super) fn judge_planned(
        &self,
        plan: &Plan<'_>,
        code: &str,
        passed: OnPass<'_>,
    ) -> Result<Verdict, JudgeError> {
        let source = Source::new(code);
        if let Some(reason) = self.refusal(&source) {
            return Ok(plan.failed(Stage::Scan, Outcome::Refused { reason }));
        }
        let harness = self.harness(plan.task.opt_level)?;
        let libraries = self.libraries(&plan.task.crates)?;
        let key = self.key(plan, code, &harness, &libraries)?;
        if let Some(verdict) = key.as_ref().and_then(|key| self.shared.cache.get(key)) {
            return Ok(verdict);
        }
        let (verdict, by_chance) = unless_cancelled(
            self.compile_and_run(plan, code, &source, &harness, &libraries, passed)?,
        )?;
        if let Some(key) = key.filter(|_| !by_chance)
            && let Err(error) = self.shared.cache.put(&key, &verdict)
        {
            // The verdict is valid without the cache, so only print a line, once per session.
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                eprintln!(
                    "verdicts are not kept: {error:#}; free some space there to judge faster"
                );
            });
        }
        Ok(verdict)
    }

    /// Hashes all that a verdict depends on; `None` if verdicts are not kept.
    fn key(
        &self,
        plan: &Plan<'_>,
        code: &str,
        harness: &Harness,
        libraries: &Libraries,
    ) -> Result<Option<String>, JudgeError> {
        let options = &self.shared.options;
        if options.cache_bytes == 0 {
            return Ok(None);
        }
        let task = serde_json::to_string(plan.task).map_err(anyhow::Error::from)?;
        let limits = &plan.task.limits;
        let memory = [limits.compile_memory_bytes, limits.memory_bytes]
            .map(|bytes| bytes.min(self.shared.memory.total()));
        let linked = format!("{harness:?}{libraries:?}{memory:?}{}", options.scan);
        Ok(Some(Cache::key([code, &task, &plan.main, &self.shared.toolchain.version, &linked])))
    }

    /// Returns why a source is refused, if it is.
    pub(super) fn refusal(&self, source: &Source<'_>) -> Option<String> {
        self.shared.options.scan.then(|| source.refusal()).flatten()
    }

    /// Returns the verdict, and whether judging again might give another: see
    /// [`super::ending::End::is_by_chance`].
    fn compile_and_run(
        &self,
        plan: &Plan<'_>,
        code: &str,
        source: &Source<'_>,
        harness: &Harness,
        libraries: &Libraries,
        passed: OnPass<'_>,
    ) -> Result<(Verdict, bool), JudgeError> {
        let task = plan.task;
        let together = self.shared.turn.read().unpoisoned();
        let compiled = self.compile(plan, source, harness, libraries)?;
        let (mut verdict, case_runs, by_chance) = match compiled.program {
            Err(outcome) => {
                // Memory counts too: the watch may see a short peak in one run and miss it in another.
                let by_chance = matches!(
                    outcome,
                    Outcome::TimeOut { .. }
                        | Outcome::OutOfMemory { .. }
                        | Outcome::Signal { number: SIGKILL, .. }
                );
                (plan.failed(Stage::Compile, outcome), Vec::new(), by_chance)
            }
            Ok(program) => {
                let mut results = self.run_cases(plan, code, &program, together)?;
                let case_runs = std::mem::take(&mut results.case_runs);
                let by_chance = results.by_chance;
                let verdict = Verdict::from(results);
                if verdict.is_success() {
                    passed(&program)?;
                }
                (verdict, case_runs, by_chance)
            }
        };
        verdict.diagnostics = compiled.diagnostics;
        verdict.timings.compile_ms = compiled.compile_ms;
        verdict.timings.link_ms = compiled.link_ms;
        verdict.feedback = feedback::feedback(task, &verdict, &case_runs);
        Ok((verdict, by_chance))
    }

    /// Runs the cases. If a busy machine may have caused a failure, runs them once more while no other
    /// candidate runs. `together` is the lock that candidates hold when they run in parallel.
    fn run_cases(
        &self,
        plan: &Plan<'_>,
        code: &str,
        program: &Program,
        together: RwLockReadGuard<'_, ()>,
    ) -> Result<Results, JudgeError> {
        let seed = plan::seed(&plan.task.signature, code);
        let run = || {
            let memory = self.shared.memory.reserve(plan.task.limits.memory_bytes);
            unless_cancelled(plan.prepared.run(program, seed, memory.bytes)?)
        };
        let results = run()?;
        drop(together);
        if !results.waited && !results.killed {
            return Ok(results);
        }
        let _alone = self.shared.turn.write().unpoisoned();
        let results = run()?;
        match results.killed {
            false => Ok(results),
            true => Err(machine::killed("the candidate")),
        }
    }

    pub(super) fn compile(
        &self,
        plan: &Plan<'_>,
        source: &Source<'_>,
        harness: &Harness,
        libraries: &Libraries,
    ) -> Result<Compiled, JudgeError> {
        let task = plan.task;
        let options = &self.shared.options;
        let published = source.publish(task.function().filter(|_| task.driver.is_none()));
        let mut files = vec![("main.rs", plan.main.as_str()), ("candidate.rs", &published.text)];
        files.extend(plan.driver.as_deref().map(|driver| ("driver.rs", driver)));
        Compilation {
            toolchain: &self.shared.toolchain,
            temporary: &options.temporary,
            harness,
            libraries,
            files: &files,
            published: &published,
            edition: "2024",
            opt_level: task.opt_level,
            warnings: task.warnings,
            clippy: task.lints.then(|| self.shared.toolchain.clippy()).transpose()?,
            forbid_unsafe: options.scan,
            allow_without_landlock: options.allow_without_landlock,
            limits: &task.limits,
        }
        .run_checked(&self.shared.memory)
    }
}
