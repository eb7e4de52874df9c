//! Requests a line on standard input, answers a line on standard output: in order, in parallel.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::judge::JudgeError;

/// What is printed for one request.
pub struct Answer(String);

impl Answer {
    /// A result, or the error with its kind.
    pub fn of<T, L: Serialize>(
        id: &Value,
        result: Result<T, JudgeError>,
        line: impl FnOnce(T) -> L,
    ) -> Answer {
        let (kind, message) = match result {
            Ok(value) => match serde_json::to_string(&line(value)) {
                Ok(text) => return Answer(text),
                Err(error) => ("internal", error.to_string()),
            },
            Err(JudgeError::BadRequest(message)) => ("bad_request", message),
            Err(JudgeError::NoSandbox(message)) => ("no_sandbox", message),
            Err(error @ JudgeError::Cancelled) => ("cancelled", error.to_string()),
            Err(JudgeError::Internal(error)) => ("internal", format!("{error:#}")),
        };
        Answer(json!({ "id": id, "error": { "kind": kind, "message": message } }).to_string())
    }

    /// A line that is no request.
    pub fn bad_request(id: Value, message: &str) -> Answer {
        let message = format!("this is not a request: {message}; write one JSON object a line");
        Answer(
            json!({ "id": id, "error": { "kind": "bad_request", "message": message } }).to_string(),
        )
    }
}

/// Answers every line of standard input. An answer is printed as soon as all before it are.
///
/// # Errors
/// If standard input or output breaks.
pub fn answer_all(workers: usize, answer: impl Fn(&str) -> Answer + Sync) -> Result<()> {
    let (requests, taken) = mpsc::sync_channel::<(usize, String)>(workers);
    let taken = Mutex::new(taken);
    let (answers, made) = mpsc::channel::<(usize, Answer)>();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let answers = answers.clone();
            let (taken, answer) = (&taken, &answer);
            scope.spawn(move || {
                loop {
                    let next = taken.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((index, line)) = next else { return };
                    if answers.send((index, answer(&line))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(answers);
        let printer = scope.spawn(move || print_in_order(&made));
        let read = std::io::stdin().lock().lines().enumerate().try_for_each(|(index, line)| {
            let line = line.context("reading standard input")?;
            requests.send((index, line)).context("giving a request to a worker")
        });
        drop(requests);
        let printed = printer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        read.and(printed)
    })
}

fn print_in_order(made: &mpsc::Receiver<(usize, Answer)>) -> Result<()> {
    let printed = print_until_error(made);
    // Where nobody reads, the workers must not be left with answers that nobody takes.
    made.iter().for_each(drop);
    printed
}

fn print_until_error(made: &mpsc::Receiver<(usize, Answer)>) -> Result<()> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    let mut output = std::io::stdout().lock();
    for (index, answer) in made {
        waiting.insert(index, answer);
        while let Some(Answer(text)) = waiting.remove(&next) {
            writeln!(output, "{text}").context("writing standard output")?;
            output.flush().context("writing standard output")?;
            next += 1;
        }
    }
    Ok(())
}
