//! Judges one candidate, or a whole population in parallel.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::Verdict;

use super::error::JudgeError;
use super::plan::Plan;
use super::shared::Judge;
use crate::lock::Unpoisoned;

impl Judge {
    /// Judges one candidate.
    ///
    /// Fails if the task cannot be served or the sandbox is not safe; [`JudgeError::Cancelled`] if all
    /// candidates were killed meanwhile. A bad candidate is not an error: it gets a verdict.
    pub fn judge(&self, task: &Task, code: &str) -> Result<Verdict, JudgeError> {
        let plan = Plan::to_judge(task)?;
        self.judge_planned(&plan, code, &mut |_| Ok(()))
    }

    /// Judges a population on every core. The verdicts are in the candidates' order. `progress` gets a line
    /// after each quarter of a population of ten or more.
    ///
    /// [`code_evolution_jail::kill_all`] cancels the whole call: it returns at once, without any verdict. The
    /// verdicts made before stay in the cache.
    ///
    /// # Errors
    /// The first error; see [`Judge::judge`].
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
                        // The other workers stop before their next candidate.
                        next.store(codes.len(), Ordering::Relaxed);
                    })?;
                let mut verdicts = verdicts.lock().unpoisoned();
                verdicts[index] = Some(verdict);
                let done = verdicts.iter().flatten().count();
                if should_report(done, codes.len()) {
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
        let verdicts = verdicts.into_inner().unpoisoned();
        verdicts
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .context("a candidate was left out; judge the population again")
            .map_err(JudgeError::from)
    }
}

/// Returns whether to print progress: after each quarter of a population, never for fewer than ten. (It
/// depends on the numbers alone, so a notebook's output is the same on every run.)
fn should_report(done: usize, all: usize) -> bool {
    all >= 10 && done * 4 / all > (done - 1) * 4 / all
}
