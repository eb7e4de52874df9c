//! Judges every candidate of a log again on this machine.
//!
//! A log comes from somebody else, so nothing in it is trusted. Its sources are compiled and run in the jail
//! like any candidate. Limits that this machine cannot spare are refused. Cached verdicts are not used, and
//! times are not compared.
//!
//! # Decisions
//!
//! - **A machine's failure is not a different verdict.** The answer is "could not be judged here" if a limit
//!   of the clock ended one of the two judgements, if the compiler differs, or if two judgements here
//!   disagree. Then a person has to look at it.
//! - **A difference is confirmed** by a second judgement before it is reported.

use std::collections::{BTreeMap, HashMap};

use code_evolution_wire::task::{Limits, Task};

use super::kept::Verdict;
use super::run::{Candidate, Judged, KeptTask, Run};
use crate::judge::{Judge, JudgeError};

/// A log's task may ask for at most this many times the default limits.
const MOST_OF_DEFAULT: u64 = 10;

/// The result of judging a candidate again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The same verdict, except for times.
    Agrees,
    /// A different verdict: says in a few words what the log says and what this machine says.
    Differs(String),
    /// The candidate could not be judged here, for this reason.
    Unknown(String),
}

/// Judges every candidate again, on every core. Calls `tell` with each candidate and its result, in order.
pub fn rejudge(run: &Run, judge: &Judge, mut tell: impl FnMut(&Candidate, &Found)) {
    let here = judge_all_here(run, judge);
    for candidate in &run.candidates {
        let found = match (&candidate.kept, run.task(candidate)) {
            (None, _) => Found::Unknown("its source or verdict was not kept whole".to_owned()),
            (_, None) => Found::Unknown("its task was not kept whole".to_owned()),
            (Some(kept), Some(task)) => {
                let key = (candidate.task.as_str(), candidate.sha256.as_str());
                match here.get(&key) {
                    Some(here) => compare(judge, candidate, kept, task, here),
                    None => Found::Unknown("it was left out; judge the log again".to_owned()),
                }
            }
        };
        tell(candidate, &found);
    }
}

/// Returns the verdicts by task and source; the same source on the same task is judged once.
fn judge_all_here<'a>(
    run: &'a Run,
    judge: &Judge,
) -> HashMap<(&'a str, &'a str), Result<Verdict, String>> {
    let mut codes: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for candidate in &run.candidates {
        if let Some(kept) = &candidate.kept {
            let same_task = codes.entry(&candidate.task).or_default();
            same_task.insert(&candidate.sha256, &kept.code);
        }
    }
    let mut here = HashMap::new();
    for candidate in &run.candidates {
        let Some(codes) = codes.remove(candidate.task.as_str()) else { continue };
        let Some(kept) = run.task(candidate) else { continue };
        let sources: Vec<String> = codes.values().map(|code| (*code).to_owned()).collect();
        let verdicts = judge_here(judge, &kept.task, &sources);
        for (index, sha256) in codes.into_keys().enumerate() {
            let verdict = match &verdicts {
                Ok(verdicts) => Ok(verdicts[index].clone()),
                Err(why) => Err(why.clone()),
            };
            here.insert((candidate.task.as_str(), sha256), verdict);
        }
    }
    here
}

fn compare(
    judge: &Judge,
    candidate: &Candidate,
    kept: &Judged,
    task: &KeptTask,
    here: &Result<Verdict, String>,
) -> Found {
    let then = &kept.verdict;
    if candidate.summary != [then.passed, then.total].map(|count| u64::try_from(count).ok()) {
        return Found::Differs(
            "its line contradicts itself: summary and verdict differ".to_owned(),
        );
    }
    let here = match here {
        Ok(here) => here,
        Err(why) => return Found::Unknown(why.clone()),
    };
    let Some(difference) = then.difference(here) else { return Found::Agrees };
    if then.is_by_chance() || here.is_by_chance() {
        return Found::Unknown(format!("a limit ended it: {difference}"));
    }
    if task.toolchain.trim() != judge.toolchain().trim() {
        let first = |text: &str| text.lines().next().unwrap_or("an unknown compiler").to_owned();
        let (there, here) = (first(&task.toolchain), first(judge.toolchain()));
        return Found::Unknown(format!("{difference}, but by another compiler ({there}; {here})"));
    }
    match judge_here(judge, &task.task, std::slice::from_ref(&kept.code)) {
        Ok(again) if here.difference(&again[0]).is_none() => Found::Differs(difference),
        Ok(_) => Found::Unknown("two judgements here disagree: it depends on chance".to_owned()),
        Err(why) => Found::Unknown(why),
    }
}

fn judge_here(judge: &Judge, task: &Task, codes: &[String]) -> Result<Vec<Verdict>, String> {
    let task = Task { limits: affordable(&task.limits)?, ..task.clone() };
    match judge.judge_all(&task, codes, &|_| ()) {
        Ok(verdicts) => Ok(verdicts.iter().map(Verdict::of).collect()),
        Err(JudgeError::BadRequest(why)) => Err(format!("its task is not valid: {why}")),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns the limits if this machine can spare them.
fn affordable(limits: &Limits) -> Result<Limits, String> {
    let default = Limits::default();
    for (name, wanted, usual) in [
        ("compile_cpu_ms", limits.compile_cpu_ms, default.compile_cpu_ms),
        ("compile_wall_ms", limits.compile_wall_ms, default.compile_wall_ms),
        ("compile_memory_bytes", limits.compile_memory_bytes, default.compile_memory_bytes),
        ("cpu_ms", limits.cpu_ms, default.cpu_ms),
        ("case_wall_ms", limits.case_wall_ms, default.case_wall_ms),
        ("wall_ms", limits.wall_ms, default.wall_ms),
        ("memory_bytes", limits.memory_bytes, default.memory_bytes),
        ("output_bytes", limits.output_bytes, default.output_bytes),
        ("captured_bytes", limits.captured_bytes, default.captured_bytes),
    ] {
        let most = usual.saturating_mul(MOST_OF_DEFAULT);
        if wanted > most {
            return Err(format!(
                "its task's limit {name} is {wanted}; at most {most} is spent here"
            ));
        }
    }
    Ok(limits.clone())
}
