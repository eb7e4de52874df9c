//! `judge --task TASK.json CANDIDATE.rs ..` and `judge --jsonl`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::Verdict;
use lexopt::{Arg, Parser};
use serde::Serialize;

use super::UsageError;
use crate::judge::{Judge, Options};

/// One line of output.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Judges what the command line names.
///
/// # Errors
/// A [`UsageError`], a file that cannot be read, a task that cannot be served, no sandbox.
pub fn run(mut arguments: Parser) -> Result<()> {
    let mut task = None;
    let mut candidates: Vec<PathBuf> = Vec::new();
    while let Some(argument) = arguments.next().map_err(UsageError::from)? {
        match argument {
            Arg::Long("task") => {
                task = Some(PathBuf::from(arguments.value().map_err(UsageError::from)?));
            }
            Arg::Value(path) => candidates.push(path.into()),
            other => return Err(UsageError::from(other.unexpected()).into()),
        }
    }
    let Some(task) = task else {
        return Err(UsageError("which task? give --task TASK.json".to_owned()).into());
    };
    if candidates.is_empty() {
        return Err(UsageError("which candidates? give one CANDIDATE.rs or more".to_owned()).into());
    }
    let text = fs::read_to_string(&task).with_context(|| format!("reading {}", task.display()))?;
    let task: Task =
        serde_json::from_str(&text).with_context(|| format!("{} is not a task", task.display()))?;
    let codes = candidates
        .iter()
        .map(|path| fs::read_to_string(path).with_context(|| format!("reading {}", path.display())))
        .collect::<Result<Vec<_>>>()?;
    let judge = Judge::new(Options::default())?;
    for (path, verdict) in candidates.iter().zip(judge.judge_all(&task, &codes, &|_| {})?) {
        let line = Line { id: &path.to_string_lossy(), verdict: &verdict };
        println!("{}", serde_json::to_string(&line)?);
    }
    Ok(())
}
