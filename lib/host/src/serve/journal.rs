//! The session's audit log: what was asked, answered and judged.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};
use std::time::SystemTime;

use code_evolution_wire::model::{Answer, Ask};
use code_evolution_wire::program::{Execution, Program};
use code_evolution_wire::protocol::{Failure, FailureKind};
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::Verdict;
use serde_json::json;

use crate::audit::{Log, task_digest};
use crate::files::digest;
use crate::folders;
use crate::lock::Unpoisoned;
use crate::models::key::Key;

/// The variable that names another file for the log.
const PATH: &str = "CODE_EVOLUTION_AUDIT_LOG";

/// The log of this session, after it has begun.
#[derive(Default)]
pub(super) struct Journal {
    log: OnceLock<Log>,
    origins: Mutex<Origins>,
}

/// Facts from earlier lines that later lines need.
#[derive(Default)]
struct Origins {
    /// The label of the reply that a text came from, by the text's digest.
    labels: HashMap<String, String>,
    /// The digests of the tasks that the log contains.
    tasks: HashSet<String>,
}

impl Journal {
    /// Begins the log at the first call, and returns its path.
    ///
    /// # Errors
    /// Says why the log cannot be written, and what to do about it. The session then continues without a log.
    pub(super) fn begin(&self) -> Result<PathBuf, String> {
        if let Some(log) = self.log.get() {
            return Ok(log.path().to_owned());
        }
        let log = Log::new(path().ok_or(format!("there is no home folder; set {PATH} to a file"))?);
        let version = env!("CARGO_PKG_VERSION");
        log.append("began", json!({ "version": version }), version.as_bytes())
            .map_err(|error| format!("{error:#}; set {PATH} to a file that can be written"))?;
        Ok(self.log.get_or_init(|| log).path().to_owned())
    }

    /// Returns the log's path, after it has begun.
    pub(super) fn path(&self) -> Option<&Path> {
        self.log.get().map(Log::path)
    }

    /// Keeps a session's key out of the log.
    pub(super) fn hide(&self, key: Option<Key>) {
        if let (Some(log), Some(key)) = (self.log.get(), key) {
            log.hide(key);
        }
    }

    pub(super) fn asked(&self, asks: &[Ask]) -> Result<(), Failure> {
        self.each(asks, Log::asked)
    }

    pub(super) fn answered(&self, asks: &[Ask], answers: &[Answer]) -> Result<(), Failure> {
        let mut origins = self.origins();
        for answer in answers {
            origins.labels.insert(digest(&answer.text), answer.label());
        }
        drop(origins);
        let pairs: Vec<_> = asks.iter().zip(answers).collect();
        self.each(&pairs, |log, (ask, answer)| log.answered(ask, answer))
    }

    /// Logs a source that was taken from a text (`extracted`), or made from another source (`repaired`).
    pub(super) fn derived(&self, event: &str, from: &str, code: &str) -> Result<(), Failure> {
        let mut origins = self.origins();
        let label = origins.labels.get(&digest(from)).cloned();
        origins.labels.extend(label.map(|label| (digest(code), label)));
        drop(origins);
        self.each(&[()], |log, ()| log.derived(event, from, code))
    }

    /// Logs a judged source; `toolchain` is what `rustc -vV` prints.
    pub(super) fn judged(
        &self,
        task: &Task,
        toolchain: &str,
        codes: &[String],
        verdicts: &[Verdict],
    ) -> Result<(), Failure> {
        let Ok(key) = task_digest(task) else { return Ok(()) };
        if self.origins().tasks.insert(key) {
            self.each(&[task], |log, task| log.task(task, toolchain))?;
        }
        let pairs: Vec<_> = codes.iter().zip(verdicts).collect();
        self.each(&pairs, |log, (code, verdict)| {
            let label = self.origins().labels.get(&digest(code)).cloned();
            log.judged(task, code, label.as_deref(), verdict)
        })
    }

    pub(super) fn executed(&self, program: &Program, ran: &Execution) -> Result<(), Failure> {
        self.each(&[(program, ran)], |log, (program, ran)| log.executed(program, ran))
    }

    fn origins(&self) -> std::sync::MutexGuard<'_, Origins> {
        self.origins.lock().unpoisoned()
    }

    /// Writes one line per item. A log that has begun and cannot continue is an error: a silent gap would
    /// make the whole log worthless.
    fn each<T>(
        &self,
        events: &[T],
        write: impl Fn(&Log, &T) -> anyhow::Result<String>,
    ) -> Result<(), Failure> {
        let Some(log) = self.log.get() else { return Ok(()) };
        for event in events {
            write(log, event).map_err(|error| Failure {
                kind: FailureKind::Internal,
                message: format!("{error:#}; run the setup cell again to begin a new audit log"),
            })?;
        }
        Ok(())
    }
}

/// Returns the file that `$CODE_EVOLUTION_AUDIT_LOG` names, or a new file in the state folder.
fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(PATH) {
        return Some(path.into());
    }
    let time = humantime::format_rfc3339_seconds(SystemTime::now());
    let name = format!("{time}-{}.jsonl", std::process::id());
    Some(folders::state()?.join("sessions").join(name))
}
