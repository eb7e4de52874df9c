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
//! | `candidate` | one candidate, from its source to its verdict |
//! | `compile` | from a source to a program |
//! | `machine` | failures of this machine, told from the candidate's |
//! | `disk` | whether there is room for a candidate |
//! | `memory` | the memory that all jailed processes share |
//! | `cache` | verdicts on disk |
//! | `conversation` | frames and noise of a jailed process |
//! | `noise` | what it prints, kept up to a limit |
//! | `ending` | how it ended |
//! | `clock` | milliseconds |
//! | `cases` | runs the cases |
//! | `diagnostics` | rustc's messages |
//! | `execute` | whole programs |
//! | `resident` | a candidate that stays for many calls |
//! | `feedback` | what a model is told |
//! | `error` | why there is no verdict |

mod cache;
mod candidate;
mod cases;
mod clock;
mod codec;
mod compare;
mod compile;
mod conversation;
mod diagnostics;
mod disk;
mod ending;
mod error;
mod execute;
mod feedback;
#[cfg(test)]
mod fuzz;
mod glue;
mod machine;
mod memory;
mod noise;
mod offered;
mod plan;
mod prepared;
mod resident;
mod scan;
mod signature;
mod toolchain;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::Context;
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::Verdict;

use cache::Cache;
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
            disk::check_disk(&options.temporary)?;
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
