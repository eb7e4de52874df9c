//! `exec PROGRAM.rs [< input]` and `exec --jsonl`.

use std::fs;
use std::io::{IsTerminal, Read, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use code_evolution_wire::program::{Execution, Program};
use lexopt::{Arg, Parser};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::UsageError;
use super::lines::{self, Answer};
use crate::judge::Judge;

#[derive(Deserialize)]
struct Request {
    id: Value,
    // `deny_unknown_fields` does not work with `flatten`; `Program` itself refuses unknown fields.
    #[serde(flatten)]
    program: Value,
}

#[derive(Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Value::is_null")]
    id: Value,
    #[serde(flatten)]
    execution: Execution,
}

/// Runs the program that the command line names.
///
/// # Errors
/// A [`UsageError`], a file that cannot be read, or no sandbox.
pub fn run(mut arguments: Parser) -> Result<()> {
    let mut jsonl = false;
    let mut source: Option<PathBuf> = None;
    let mut crates = Vec::new();
    while let Some(argument) = arguments.next().map_err(UsageError::from)? {
        match argument {
            Arg::Long("jsonl") => jsonl = true,
            Arg::Long("crate") => {
                let name = arguments.value().map_err(UsageError::from)?;
                crates.push(name.to_string_lossy().into_owned());
            }
            Arg::Value(path) if source.is_none() => source = Some(path.into()),
            other => return Err(UsageError::from(other.unexpected()).into()),
        }
    }
    match (jsonl, source) {
        (true, None) if crates.is_empty() => exec_lines(),
        (false, Some(path)) => exec_file(&path, crates),
        (true, _) => {
            let why = "--jsonl takes its programs and their crates from the requests";
            Err(UsageError(why.to_owned()).into())
        }
        (false, None) => Err(UsageError("which program? give a PROGRAM.rs".to_owned()).into()),
    }
}

fn exec_file(path: &PathBuf, crates: Vec<String>) -> Result<()> {
    let source = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let mut program = Program::new(source);
    program.crates = crates;
    let mut input = std::io::stdin();
    if !input.is_terminal() {
        input.read_to_string(&mut program.stdin).context("reading standard input")?;
    }
    let execution = Judge::new()?.execute(&program)?;
    let line = Line { id: Value::Null, execution };
    writeln!(std::io::stdout(), "{}", serde_json::to_string(&line)?)?;
    Ok(())
}

fn exec_lines() -> Result<()> {
    let judge = Judge::new()?;
    lines::answer_all(judge.workers(), move |line| {
        let request: Request = match serde_json::from_str(line) {
            Ok(request) => request,
            Err(error) => return Answer::bad_request(&Value::Null, &error.to_string()),
        };
        let program: Program = match serde_json::from_value(request.program) {
            Ok(program) => program,
            Err(error) => return Answer::bad_request(&request.id, &error.to_string()),
        };
        Answer::of(&request.id, judge.execute(&program), |execution| Line {
            id: request.id.clone(),
            execution,
        })
    })
}
