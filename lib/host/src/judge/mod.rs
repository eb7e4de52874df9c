//! Compiles candidates, runs their cases in the jail, makes the verdicts.
//!
//! A candidate passes three stages: the `scan` of its tokens, rustc and lld in the jail
//! (`compile`), its cases in the jail (`cases`). The judge believes nothing that a candidate says:
//! expected values never enter the jail, and times and memory are the kernel's.
//!
//! | module | subject |
//! |---|---|
//! | `signature` | a task's signature as types |
//! | `codec` | values between JSON and bytes, by type |
//! | `compare` | whether an output is right |
//! | `scan` | the friendly refusal; `pub` for the function |
//! | `plan` | a task, read and checked |
//! | `prepared` | its cases, and what a reply means for each |
//! | `glue` | the program around a candidate |
//! | `toolchain` | rustc, lld, the harness |
//! | `offered` | precompiled crates |
//! | `compile` | from a source to a program |
//! | `machine` | failures of this machine, told from the candidate's |
//! | `memory` | the memory that all jailed processes share |
//! | `cache` | verdicts on disk |
//! | `conversation` | frames and noise of a jailed process |
//! | `ending` | how it ended |
//! | `clock` | milliseconds |
//! | `cases` | runs the cases |
//! | `diagnostics` | rustc's messages |
//! | `execute` | whole programs |
//! | `resident` | a candidate that stays for many calls |
//! | `feedback` | what a model is told |
//! | `error` | why there is no verdict |

mod cache;
mod cases;
mod clock;
mod codec;
mod compare;
mod compile;
mod conversation;
mod diagnostics;
mod ending;
mod error;
mod execute;
mod feedback;
#[cfg(test)]
mod fuzz;
mod glue;
mod machine;
mod memory;
mod offered;
mod plan;
mod prepared;
mod resident;
mod scan;
mod signature;
mod toolchain;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError, RwLock, RwLockReadGuard};

use anyhow::Context;
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::{Outcome, Stage, Verdict};

use cache::Cache;
use cases::Results;
use compile::{Compilation, Compiled, Passed, Program};
use ending::SIGKILL;
use error::undisturbed;
use memory::Memory;
use offered::Libraries;
use plan::Plan;
use scan::Source;
use toolchain::{Harness, Toolchain};

use crate::folders;

pub(crate) use compare::all_alike;
pub use diagnostics::apply_suggestions;
pub use error::JudgeError;
pub(crate) use offered::{MANIFEST as OFFERED_MANIFEST, OFFERED};
pub use resident::{CallError, Resident};
pub use signature::{Signature, Type};

/// Judges candidates. Cheap to clone: clones share all they have.
#[derive(Debug, Clone)]
pub struct Judge {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    options: Options,
    toolchain: Toolchain,
    harness: Mutex<[Option<Harness>; 4]>,
    memory: Memory,
    /// Read by who judges beside others, written by who judges alone.
    turn: RwLock<()>,
    cache: Cache,
}

/// How a judge works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the harness, the offered crates and the verdicts are kept.
    pub cache: PathBuf,
    /// Where candidates are compiled; each in a folder of its own, removed afterwards.
    pub temporary: PathBuf,
    /// How many candidates are judged at once.
    pub workers: usize,
    /// What all jailed processes together may use, in bytes.
    pub memory_bytes: u64,
    /// What kept verdicts may take on disk, in bytes; 0 keeps none.
    pub cache_bytes: u64,
    /// Whether sources are scanned and `unsafe` is refused. Only tests of the jail itself say no.
    pub scan: bool,
    /// Whether to compile where the kernel has no Landlock, so that a hostile source can read
    /// every file that this user can read.
    pub allow_without_landlock: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache: folders::cache(),
            temporary: std::env::temp_dir(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            memory_bytes: memory::default_total(),
            cache_bytes: cache::DEFAULT_BYTES,
            scan: true,
            allow_without_landlock: false,
        }
    }
}

impl Judge {
    /// A judge with the default [`Options`].
    ///
    /// # Errors
    /// See [`Judge::with`].
    pub fn new() -> anyhow::Result<Judge> {
        Judge::with(Options::default())
    }

    /// Finds the compiler, and builds the harness where the cache folder has none.
    ///
    /// # Errors
    /// If there is no usable toolchain, or the cache folder cannot be written.
    pub fn with(options: Options) -> anyhow::Result<Judge> {
        let toolchain = Toolchain::find().or_else(|error| {
            // It compiles an empty program, which needs a place.
            machine::check_disk(&options.temporary)?;
            Err(error)
        })?;
        let shared = Shared {
            toolchain,
            harness: Mutex::default(),
            memory: Memory::new(options.memory_bytes),
            turn: RwLock::default(),
            cache: Cache::new(options.cache.join("verdicts"), options.cache_bytes),
            options,
        };
        let judge = Judge { shared: Arc::new(shared) };
        judge.harness(0)?;
        Ok(judge)
    }

    /// The compiler that it uses.
    pub fn rustc(&self) -> &std::path::Path {
        &self.shared.toolchain.rustc
    }

    /// What `rustc -vV` prints for that compiler.
    pub fn toolchain(&self) -> &str {
        &self.shared.toolchain.version
    }

    /// How many candidates are judged at once.
    pub fn workers(&self) -> usize {
        self.shared.options.workers
    }

    fn harness(&self, opt_level: u8) -> Result<Harness, JudgeError> {
        let mut built = self.shared.harness.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = built.get_mut(usize::from(opt_level)).ok_or_else(|| {
            JudgeError::BadRequest(format!(
                "there is no optimisation level {opt_level}; choose one from 0 to 3"
            ))
        })?;
        if let Some(harness) = slot {
            return Ok(harness.clone());
        }
        let harness = self.shared.toolchain.harness(&self.shared.options.cache, opt_level)?;
        Ok(slot.insert(harness).clone())
    }

    /// Builds what candidates are linked with: the harness, and the crates that tasks may offer.
    /// Needs a registry the first time. Returns the folders.
    ///
    /// # Errors
    /// If a build fails.
    pub fn prepare(&self) -> anyhow::Result<Vec<PathBuf>> {
        // The levels that tasks ask for most: fast to compile, and fast to run.
        let harnesses = [self.harness(0)?, self.harness(3)?];
        let mut folders: Vec<PathBuf> =
            harnesses.iter().filter_map(|harness| Some(harness.rlib.parent()?.into())).collect();
        folders.push(offered::prepare(&self.shared.toolchain, &self.shared.options.cache)?);
        Ok(folders)
    }

    fn libraries(&self, crates: &[String]) -> Result<Libraries, JudgeError> {
        Libraries::find(crates, &self.shared.toolchain, &self.shared.options.cache)
    }

    /// Judges one candidate.
    ///
    /// # Errors
    /// If the task cannot be served or the sandbox is not safe; [`JudgeError::Cancelled`] if all
    /// candidates were killed meanwhile. A bad candidate gets a verdict.
    pub fn judge(&self, task: &Task, code: &str) -> Result<Verdict, JudgeError> {
        let plan = Plan::to_judge(task)?;
        self.judge_planned(&plan, code, &mut |_| Ok(()))
    }

    /// Judges a population on every core; the verdicts are in the candidates' order. `progress` gets
    /// a line after each quarter of a population of ten or more.
    ///
    /// [`code_evolution_jail::kill_all`] cancels it: it then ends at once, without a verdict for anyone.
    /// What was judged before lies in the cache.
    ///
    /// # Errors
    /// The first error of any; see [`Judge::judge`].
    pub fn judge_all(
        &self,
        task: &Task,
        codes: &[String],
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Vec<Verdict>, JudgeError> {
        let plan = Plan::to_judge(task)?;
        let next = AtomicUsize::new(0);
        let verdicts: Mutex<Vec<Option<Verdict>>> = Mutex::new(vec![None; codes.len()]);
        let work = || -> Result<(), JudgeError> {
            while let Some((index, code)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                codes.get(index).map(|code| (index, code))
            } {
                let verdict =
                    self.judge_planned(&plan, code, &mut |_| Ok(())).inspect_err(|_| {
                        // The others stop at their next candidate.
                        next.store(codes.len(), Ordering::Relaxed);
                    })?;
                let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                verdicts[index] = Some(verdict);
                let done = verdicts.iter().flatten().count();
                if is_news(done, codes.len()) {
                    progress(&format!("judged {done} of {}", codes.len()));
                }
            }
            Ok(())
        };
        let workers = self.shared.options.workers.clamp(1, codes.len().max(1));
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
        })?;
        let verdicts = verdicts.into_inner().unwrap_or_else(PoisonError::into_inner);
        verdicts
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .context("a candidate was left out; judge the population again")
            .map_err(JudgeError::from)
    }

    /// `passed` gets the program if it was compiled now and passed every case.
    fn judge_planned(
        &self,
        plan: &Plan<'_>,
        code: &str,
        passed: Passed<'_>,
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
        let (verdict, by_chance) =
            undisturbed(self.compile_and_run(plan, code, &source, &harness, &libraries, passed)?)?;
        if let Some(key) = key.filter(|_| !by_chance)
            && let Err(error) = self.shared.cache.put(&key, &verdict)
        {
            // The verdict is as good without it. One line is enough for a whole session.
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                eprintln!(
                    "verdicts are not kept: {error:#}; free some space there to judge faster"
                );
            });
        }
        Ok(verdict)
    }

    /// All that a verdict depends on; `None` where verdicts are not kept.
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

    /// Why a source is refused, if it is.
    fn refusal(&self, source: &Source<'_>) -> Option<String> {
        self.shared.options.scan.then(|| source.refusal()).flatten()
    }

    /// The verdict, and whether judging again might give another: see [`ending::End::is_by_chance`].
    fn compile_and_run(
        &self,
        plan: &Plan<'_>,
        code: &str,
        source: &Source<'_>,
        harness: &Harness,
        libraries: &Libraries,
        passed: Passed<'_>,
    ) -> Result<(Verdict, bool), JudgeError> {
        let task = plan.task;
        let together = self.shared.turn.read().unwrap_or_else(PoisonError::into_inner);
        let compiled = self.compile(plan, source, harness, libraries)?;
        let (mut verdict, fates, by_chance) = match compiled.program {
            Err(outcome) => {
                // Of memory too: the watch may have seen it, and on another day not.
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
                let fates = std::mem::take(&mut results.fates);
                let by_chance = results.by_chance;
                let verdict = Verdict::from(results);
                if verdict.is_success() {
                    passed(&program)?;
                }
                (verdict, fates, by_chance)
            }
        };
        verdict.diagnostics = compiled.diagnostics;
        verdict.timings.compile_ms = compiled.compile_ms;
        verdict.timings.link_ms = compiled.link_ms;
        verdict.feedback = feedback::feedback(task, &verdict, &fates);
        Ok((verdict, by_chance))
    }

    /// Runs the cases. Where a busy machine may be the reason of a failure, it runs them once more, and
    /// no other candidate beside them. `together` is the permission to work beside others.
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
            undisturbed(plan.prepared.run(program, seed, memory.bytes)?)
        };
        let results = run()?;
        drop(together);
        if !results.waited && !results.killed {
            return Ok(results);
        }
        let _alone = self.shared.turn.write().unwrap_or_else(PoisonError::into_inner);
        let results = run()?;
        match results.killed {
            false => Ok(results),
            true => Err(machine::killed("the candidate")),
        }
    }

    fn compile(
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

/// A candidate as the judge compiles it: its function public, or everything where a driver calls it.
pub(crate) fn published(task: &Task, code: &str) -> String {
    Source::new(code).publish(task.function().filter(|_| task.driver.is_none())).text
}

/// A source whose function `name` is public, wherever its author forgot to say so.
pub fn publish(code: &str, name: &str) -> String {
    Source::new(code).publish(Some(name)).text
}

/// Whether it is worth a line that so many of a population are judged: each quarter, and nothing for
/// a handful. (Depends on numbers alone: a notebook's output is the same on every run.)
fn is_news(done: usize, all: usize) -> bool {
    all >= 10 && done * 4 / all > (done - 1) * 4 / all
}
