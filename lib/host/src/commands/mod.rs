//! The commands for a person or a script, one module per command.
//!
//! Standard output carries only results. `serve`, `judge`, `exec` and `toolbox serve` print JSON, one value
//! per line. The other commands print lines for a person. Progress and errors go to standard error. A wrong
//! command line ends with exit code 2, a failure with 1; `audit rejudge` has its own exit codes.

pub mod audit;
pub mod doctor;
pub mod exec;
pub mod judge;
mod lines;
pub mod prepare;
pub mod serve;
pub mod toolbox;
mod workshop;

use std::path::PathBuf;

use lexopt::{Arg, Parser};

/// How to call the host.
pub const USAGE: &str = r#"usage: code_evolution_host COMMAND

  serve [--owner PID]                   answer a notebook on standard input and output
  judge --task TASK.json CANDIDATE.rs.. judge candidates: one JSON verdict a line
  judge --jsonl                         the same for requests on standard input:
                                        {"id":..,"task":{..},"code":".."}
  exec [--crate NAME].. PROGRAM.rs      compile and run a program in the jail, with standard input
  exec --jsonl                          the same for requests on standard input:
                                        {"id":..,"program":"..","stdin":"..","crates":[..],"edition":"2024"}
  doctor                                show the jail's layers and limits, try to break out, and say
                                        whether the workshop around this program can be opened
  audit verify FILE..                   check that session logs are as they were written
  audit rejudge FILE..                  judge every candidate of session logs again, here; the exit code:
                                        0 all agree, 1 a log was changed, 2 a verdict differs,
                                        3 something could not be judged here
  audit show FILE                       a session as an HTML page: lineage, curves, prompts, replies, cost
  toolbox verify FOLDER..               check that tools are what was admitted
  toolbox serve FOLDER                  offer the tools to an assistant, over the Model Context Protocol
                                        on standard input and output
  prepare                               build once what candidates are linked with
"#;

/// A wrong command line.
#[derive(Debug)]
pub struct UsageError(pub String);

impl std::fmt::Display for UsageError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}

/// Refuses the remaining arguments.
///
/// # Errors
/// A [`UsageError`] that names the first argument.
fn no_more(mut arguments: Parser) -> Result<(), UsageError> {
    match arguments.next()? {
        None => Ok(()),
        Some(argument) => Err(argument.unexpected().into()),
    }
}

/// Reads the rest of a command line: at least one path, and nothing else.
///
/// # Errors
/// A [`UsageError`]: `missing` if there is no path, or a message that names an unknown option.
fn paths(mut arguments: Parser, missing: &str) -> Result<Vec<PathBuf>, UsageError> {
    let mut paths = Vec::new();
    while let Some(argument) = arguments.next()? {
        match argument {
            Arg::Value(path) => paths.push(path.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    match paths.is_empty() {
        true => Err(UsageError(missing.to_owned())),
        false => Ok(paths),
    }
}

impl From<lexopt::Error> for UsageError {
    fn from(error: lexopt::Error) -> Self {
        UsageError(error.to_string())
    }
}
