//! The session's audit log: what was asked, answered and judged.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::SystemTime;

use code_evolution_wire::model::{Answer, Ask};
use code_evolution_wire::program::{Execution, Program};
use code_evolution_wire::protocol::{Failure, FailureKind};
use code_evolution_wire::verdict::Verdict;
use serde_json::json;

use crate::audit::Log;
use crate::folders;
use crate::models::key::Key;

/// Names another file for the log.
const PATH: &str = "CODE_EVOLUTION_AUDIT_LOG";

/// The log of this session, once it has begun.
#[derive(Default)]
pub(super) struct Journal(OnceLock<Log>);

impl Journal {
    /// Begins the log, the first time, and returns its path.
    ///
    /// # Errors
    /// Why it cannot be written, and what to do about it. The session then goes on without one.
    pub(super) fn begin(&self) -> Result<PathBuf, String> {
        if let Some(log) = self.0.get() {
            return Ok(log.path().to_owned());
        }
        let log = Log::new(path().ok_or(format!("there is no home folder; set {PATH} to a file"))?);
        let version = env!("CARGO_PKG_VERSION");
        log.append("began", json!({ "version": version }), version.as_bytes())
            .map_err(|error| format!("{error:#}; set {PATH} to a file that can be written"))?;
        Ok(self.0.get_or_init(|| log).path().to_owned())
    }

    /// Keeps a session's key out of the log.
    pub(super) fn hide(&self, key: Option<Key>) {
        if let (Some(log), Some(key)) = (self.0.get(), key) {
            log.hide(key);
        }
    }

    pub(super) fn asked(&self, asks: &[Ask]) -> Result<(), Failure> {
        self.each(asks, Log::asked)
    }

    pub(super) fn answered(&self, answers: &[Answer]) -> Result<(), Failure> {
        self.each(answers, Log::answered)
    }

    pub(super) fn judged(&self, codes: &[String], verdicts: &[Verdict]) -> Result<(), Failure> {
        let pairs: Vec<_> = codes.iter().zip(verdicts).collect();
        self.each(&pairs, |log, (code, verdict)| log.judged(code, verdict))
    }

    pub(super) fn executed(&self, program: &Program, ran: &Execution) -> Result<(), Failure> {
        self.each(&[(program, ran)], |log, (program, ran)| log.executed(program, ran))
    }

    /// Writes a line for each. A log that has begun and cannot go on is an error: a gap that nobody
    /// is told of would make the whole log worthless.
    fn each<T>(
        &self,
        events: &[T],
        write: impl Fn(&Log, &T) -> anyhow::Result<String>,
    ) -> Result<(), Failure> {
        let Some(log) = self.0.get() else { return Ok(()) };
        for event in events {
            write(log, event).map_err(|error| Failure {
                kind: FailureKind::Internal,
                message: format!("{error:#}; run the setup cell again to begin a new audit log"),
            })?;
        }
        Ok(())
    }
}

/// What `$CODE_EVOLUTION_AUDIT_LOG` names, or a file of its own in the state folder.
fn path() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(PATH) {
        return Some(path.into());
    }
    let time = humantime::format_rfc3339_seconds(SystemTime::now());
    let name = format!("{time}-{}.jsonl", std::process::id());
    Some(folders::state()?.join("sessions").join(name))
}
