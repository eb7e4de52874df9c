//! Compiles candidates, runs their cases in the jail, makes the verdicts.
//!
//! A candidate passes three stages: the [`scan`] of its tokens, rustc and lld in the jail
//! ([`compile`]), its cases in the jail ([`cases`]). The judge believes nothing that a candidate says:
//! expected values never enter the jail, and times and memory are the kernel's.
//!
//! | module | subject |
//! |---|---|
//! | [`signature`] | a task's signature as types |
//! | [`codec`] | values between JSON and bytes, by type |
//! | [`compare`] | whether an output is right |
//! | [`scan`] | the friendly refusal; `pub` for the function |
//! | [`glue`] | the program around a candidate |
//! | [`toolchain`] | rustc, lld, the harness |
//! | [`offered`] | precompiled crates |
//! | [`compile`] | from a source to a program |
//! | [`conversation`] | frames and noise of a jailed process |
//! | [`cases`] | runs the cases |
//! | [`diagnostics`] | rustc's messages |
//! | [`execute`] | whole programs |
//! | [`feedback`] | what a model is told |

mod cases;
mod codec;
mod compare;
mod compile;
mod conversation;
mod diagnostics;
mod execute;
mod feedback;
mod glue;
mod offered;
mod scan;
mod signature;
mod toolchain;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;
use code_evolution_jail::SpawnError;
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::{Outcome, Stage, Timings, Verdict};
use sha2::{Digest, Sha256};

use cases::Prepared;
use compile::Compilation;
use offered::Libraries;
use scan::Source;
use signature::Signature;
use toolchain::{Harness, Toolchain};

pub use diagnostics::apply_suggestions;

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
}

/// How a judge works.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the harness, the offered crates and the verdicts are kept.
    pub cache: PathBuf,
    /// How many candidates are judged at once.
    pub workers: usize,
    /// Whether sources are scanned and `unsafe` is refused. Only tests of the jail itself say no.
    pub scan: bool,
    /// Whether to compile where the kernel has no Landlock, so that a hostile source can read
    /// every file that this user can read.
    pub allow_without_landlock: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache: cache_folder(),
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            scan: true,
            allow_without_landlock: false,
        }
    }
}

/// `$XDG_CACHE_HOME/code-evolution`, or in the home folder, or in the temporary folder.
fn cache_folder() -> PathBuf {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .unwrap_or_else(std::env::temp_dir)
        .join("code-evolution")
}

/// Why there is no verdict.
#[derive(Debug)]
pub enum JudgeError {
    /// The request makes no sense: a signature that cannot be served, a case that does not fit it.
    BadRequest(String),
    /// The sandbox is not safe here, so nothing was run.
    NoSandbox(String),
    /// Anything else.
    Internal(anyhow::Error),
}

impl std::fmt::Display for JudgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            JudgeError::BadRequest(message) | JudgeError::NoSandbox(message) => {
                f.write_str(message)
            }
            JudgeError::Internal(error) => write!(f, "{error:#}"),
        }
    }
}

impl std::error::Error for JudgeError {}

impl From<anyhow::Error> for JudgeError {
    fn from(error: anyhow::Error) -> Self {
        JudgeError::Internal(error)
    }
}

impl From<std::io::Error> for JudgeError {
    fn from(error: std::io::Error) -> Self {
        JudgeError::Internal(error.into())
    }
}

impl From<SpawnError> for JudgeError {
    fn from(error: SpawnError) -> Self {
        match error {
            SpawnError::Exiting => JudgeError::Internal(error.into()),
            error => JudgeError::NoSandbox(error.to_string()),
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
        let toolchain = Toolchain::find()?;
        let judge =
            Judge { shared: Arc::new(Shared { options, toolchain, harness: Mutex::default() }) };
        judge.harness(0)?;
        Ok(judge)
    }

    /// How many candidates are judged at once.
    pub fn workers(&self) -> usize {
        self.shared.options.workers
    }

    fn harness(&self, opt_level: u8) -> anyhow::Result<Harness> {
        let mut built = self.shared.harness.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = built.get_mut(usize::from(opt_level)).with_context(|| {
            format!("there is no optimisation level {opt_level}; choose one from 0 to 3")
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
        let harness = self.harness(0)?;
        let mut folders: Vec<PathBuf> = harness.rlib.parent().map(PathBuf::from).into_iter().collect();
        folders.push(offered::prepare(&self.shared.toolchain, &self.shared.options.cache)?);
        Ok(folders)
    }

    fn libraries(&self, crates: &[String]) -> Result<Libraries, JudgeError> {
        Libraries::find(crates, &self.shared.toolchain, &self.shared.options.cache)
    }

    /// Judges one candidate.
    ///
    /// # Errors
    /// If the task cannot be served or the sandbox is not safe; a bad candidate gets a verdict.
    pub fn judge(&self, task: &Task, code: &str) -> Result<Verdict, JudgeError> {
        let plan = Plan::new(task)?;
        self.judge_planned(&plan, code)
    }

    /// Judges a population on every core; the verdicts are in the candidates' order. `progress` gets
    /// a line after each.
    ///
    /// # Errors
    /// The first error of any; see [`Judge::judge`].
    pub fn judge_all(
        &self,
        task: &Task,
        codes: &[String],
        progress: &(dyn Fn(&str) + Sync),
    ) -> Result<Vec<Verdict>, JudgeError> {
        let plan = Plan::new(task)?;
        let next = AtomicUsize::new(0);
        let verdicts: Mutex<Vec<Option<Verdict>>> = Mutex::new(vec![None; codes.len()]);
        let done = AtomicUsize::new(0);
        let work = || -> Result<(), JudgeError> {
            while let Some((index, code)) = {
                let index = next.fetch_add(1, Ordering::Relaxed);
                codes.get(index).map(|code| (index, code))
            } {
                let verdict = self.judge_planned(&plan, code).inspect_err(|_| {
                    // The others stop at their next candidate.
                    next.store(codes.len(), Ordering::Relaxed);
                })?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                progress(&format!("judged {done} of {}", codes.len()));
                verdicts.lock().unwrap_or_else(PoisonError::into_inner)[index] = Some(verdict);
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
            .context("a candidate was not judged")
            .map_err(JudgeError::from)
    }

    fn judge_planned(&self, plan: &Plan<'_>, code: &str) -> Result<Verdict, JudgeError> {
        let task = plan.task;
        let options = &self.shared.options;
        let source = Source::new(code);
        if options.scan
            && let Some(reason) = source.refusal()
        {
            return Ok(plan.failed(Stage::Scan, Outcome::Refused { reason }));
        }
        let name = task.function().filter(|_| task.driver.is_none());
        let published = source.publish(name);
        let harness = self.harness(task.opt_level)?;
        let libraries = self.libraries(&task.crates)?;
        let mut files = vec![("main.rs", plan.main.as_str()), ("candidate.rs", &published.text)];
        files.extend(plan.driver.as_deref().map(|driver| ("driver.rs", driver)));
        let compiled = Compilation {
            toolchain: &self.shared.toolchain,
            harness: &harness,
            libraries: &libraries,
            files: &files,
            published: &published,
            edition: "2024",
            opt_level: task.opt_level,
            warnings: task.warnings,
            forbid_unsafe: options.scan,
            allow_without_landlock: options.allow_without_landlock,
            limits: &task.limits,
        }
        .run()?;
        let (compile_ms, link_ms) = (compiled.compile_ms, compiled.link_ms);
        let mut verdict = match compiled.program {
            Err(outcome) => plan.failed(Stage::Compile, outcome),
            Ok(program) => {
                let seed = seed(&task.signature, code);
                let results = plan.prepared.run(&program.path, program.folder.path(), seed)?;
                Verdict {
                    stage: Stage::Run,
                    outcome: results.outcome,
                    passed: results.cases.iter().filter(|case| case.passed).count(),
                    total: results.cases.len(),
                    cases: results.cases,
                    diagnostics: Vec::new(),
                    feedback: String::new(),
                    cpu_ms: results.cpu_ms,
                    peak_bytes: results.peak_bytes,
                    cached: false,
                    timings: Timings {
                        start_ms: results.start_ms,
                        cases_ms: results.cases_ms,
                        ..Timings::default()
                    },
                }
            }
        };
        verdict.diagnostics = compiled.diagnostics;
        verdict.timings.compile_ms = compile_ms;
        verdict.timings.link_ms = link_ms;
        verdict.feedback = feedback::feedback(task, &verdict);
        Ok(verdict)
    }
}

/// A task, read and checked once for all its candidates.
struct Plan<'a> {
    task: &'a Task,
    prepared: Prepared<'a>,
    main: String,
    driver: Option<String>,
}

impl<'a> Plan<'a> {
    fn new(task: &'a Task) -> Result<Self, JudgeError> {
        let called = task.driver.as_ref().map_or(&task.signature, |driver| &driver.signature);
        let signature = Signature::parse(called).map_err(JudgeError::BadRequest)?;
        if task.opt_level > 3 {
            return Err(JudgeError::BadRequest(format!(
                "there is no optimisation level {}; choose one from 0 to 3",
                task.opt_level
            )));
        }
        let driver = task.driver.as_ref().map(|driver| {
            let published = Source::new(&driver.source).publish(Some(&signature.name));
            glue::driver_file(&published.text)
        });
        Ok(Plan {
            task,
            prepared: Prepared::new(task, &signature)?,
            main: glue::main_file(&signature, driver.is_some()),
            driver,
        })
    }

    /// The verdict of a candidate that never ran.
    fn failed(&self, stage: Stage, outcome: Outcome) -> Verdict {
        let cases = self.prepared.not_run("not run: the code did not compile");
        let mut verdict = Verdict {
            stage,
            outcome,
            passed: 0,
            total: cases.len(),
            cases,
            diagnostics: Vec::new(),
            feedback: String::new(),
            cpu_ms: 0.0,
            peak_bytes: 0,
            cached: false,
            timings: Timings::default(),
        };
        verdict.feedback = feedback::feedback(self.task, &verdict);
        verdict
    }
}

/// The same candidate gets its cases in the same order.
fn seed(signature: &str, code: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(signature);
    hash.update(code);
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}
