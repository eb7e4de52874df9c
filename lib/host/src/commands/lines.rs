//! Reads one request per line; answers in order, working in parallel.

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use code_evolution_wire::protocol::{Failure, FailureKind};
use serde::Serialize;
use serde_json::{Value, json};

use crate::judge::JudgeError;
use crate::lock::Unpoisoned;

/// The line that is printed for one request.
pub struct Answer(String);

impl Answer {
    /// Makes an answer from a result, or from an error with its kind.
    pub fn of<T, L: Serialize>(
        id: &Value,
        result: Result<T, JudgeError>,
        line: impl FnOnce(T) -> L,
    ) -> Answer {
        let text = result.and_then(|value| {
            serde_json::to_string(&line(value)).map_err(|error| JudgeError::Internal(error.into()))
        });
        text.map_or_else(|error| Answer::failed(id, error.into()), Answer)
    }

    /// Makes the answer to a line that is not a request.
    pub fn bad_request(id: &Value, message: &str) -> Answer {
        let message = format!("this is not a request: {message}; write one JSON object a line");
        Answer::failed(id, Failure { kind: FailureKind::BadRequest, message })
    }

    fn failed(id: &Value, error: Failure) -> Answer {
        Answer(json!({ "id": id, "error": error }).to_string())
    }
}

/// Answers every line of standard input. Prints an answer as soon as all earlier answers are printed. Returns
/// at once if nobody reads the answers. Judgements and runs that have not finished then end with the process.
///
/// # Errors
/// If standard input or output breaks.
pub fn answer_all(
    workers: usize,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> Result<()> {
    let (requests, taken) = mpsc::sync_channel::<(usize, String)>(workers);
    let (answers, made) = mpsc::channel();
    let shared = Arc::new((Mutex::new(taken), answer));
    // The threads are not scoped: a scope would wait for the reader, which cannot be interrupted.
    let reader = std::thread::spawn(move || read(&requests));
    let workers = Vec::from_iter((0..workers).map(|_| {
        let (shared, answers) = (Arc::clone(&shared), answers.clone());
        std::thread::spawn(move || {
            let (taken, answer) = &*shared;
            loop {
                let next = taken.lock().unpoisoned().recv();
                let Ok((index, line)) = next else { return };
                if answers.send((index, answer(&line))).is_err() {
                    return;
                }
            }
        })
    }));
    drop(answers);
    print_in_order(&made)?;
    for worker in workers {
        worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    }
    reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Passes on the lines of standard input until it ends.
fn read(requests: &mpsc::SyncSender<(usize, String)>) -> Result<()> {
    for (index, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.context("reading standard input")?;
        requests.send((index, line)).context("giving a request to a worker")?;
    }
    Ok(())
}

fn print_in_order(made: &mpsc::Receiver<(usize, Answer)>) -> Result<()> {
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
