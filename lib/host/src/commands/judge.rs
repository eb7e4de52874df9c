//! `judge --task TASK.json CANDIDATE.rs ..` and `judge --jsonl`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::Verdict;
use lexopt::{Arg, Parser};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::UsageError;
use super::lines::{self, Answer};
use crate::judge::Judge;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    id: Value,
    task: Task,
    code: String,
}

#[derive(Serialize)]
struct Line {
    id: Value,
    #[serde(flatten)]
    verdict: Verdict,
}

/// Judges the candidates that the command line names.
///
/// # Errors
/// A [`UsageError`], a file that cannot be read, a task that cannot be served, or no sandbox.
pub fn run(mut arguments: Parser) -> Result<()> {
    let mut jsonl = false;
    let mut task: Option<PathBuf> = None;
    let mut candidates: Vec<PathBuf> = Vec::new();
    while let Some(argument) = arguments.next().map_err(UsageError::from)? {
        match argument {
            Arg::Long("jsonl") => jsonl = true,
            Arg::Long("task") => {
                task = Some(arguments.value().map_err(UsageError::from)?.into());
            }
            Arg::Value(path) => candidates.push(path.into()),
            other => return Err(UsageError::from(other.unexpected()).into()),
        }
    }
    match (jsonl, task) {
        (true, None) if candidates.is_empty() => judge_lines(),
        (true, _) => Err(UsageError("--jsonl takes its tasks from the requests".to_owned()).into()),
        (false, None) => Err(UsageError("which task? give --task TASK.json".to_owned()).into()),
        (false, Some(_)) if candidates.is_empty() => {
            Err(UsageError("which candidates? give one CANDIDATE.rs or more".to_owned()).into())
        }
        (false, Some(task)) => judge_files(&task, &candidates),
    }
}

fn judge_files(task: &Path, candidates: &[PathBuf]) -> Result<()> {
    let read = |path: &Path| {
        fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))
    };
    let task: Task = serde_json::from_str(&read(task)?)
        .with_context(|| format!("{} is not a task", task.display()))?;
    let codes = candidates.iter().map(|path| read(path)).collect::<Result<Vec<_>>>()?;
    let judge = Judge::new()?;
    let progress = |line: &str| eprintln!("{line}");
    let verdicts = judge.judge_all(&task, &codes, &progress)?;
    let mut output = std::io::stdout().lock();
    for (path, verdict) in candidates.iter().zip(verdicts) {
        let line = Line { id: path.to_string_lossy().into(), verdict };
        writeln!(output, "{}", serde_json::to_string(&line)?)?;
    }
    Ok(())
}

fn judge_lines() -> Result<()> {
    let judge = Judge::new()?;
    lines::answer_all(judge.workers(), move |line| match serde_json::from_str::<Request>(line) {
        Err(error) => {
            let id = serde_json::from_str::<Value>(line).ok();
            let id = id.and_then(|request| request.get("id").cloned()).unwrap_or_default();
            Answer::bad_request(&id, &error.to_string())
        }
        Ok(Request { id, task, code }) => {
            Answer::of(&id, judge.judge(&task, &code), |verdict| Line { id: id.clone(), verdict })
        }
    })
}
