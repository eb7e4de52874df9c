//! Finds where a candidate came from, in its session's log.

use std::path::Path;

use serde::Serialize;

use crate::audit::run::{Candidate, Run};

/// The origin of a candidate.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Origin {
    /// The label of the reply that contained the source: mode, model, notes. `None` if the source was written
    /// or changed in a cell.
    pub written_by: Option<String>,
    /// When that reply came: RFC 3339, UTC.
    pub answered: Option<String>,
    /// When the candidate was judged.
    pub judged: Option<String>,
    /// The ancestors, the nearest first. Their sources occur word for word in the prompts.
    pub ancestors: Vec<Ancestor>,
    /// The session's log, and the hash of its last line at that time.
    pub log: Option<String>,
}

/// A candidate that another one descends from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ancestor {
    /// The SHA-256 digest of the source.
    pub sha256: String,
    /// The label of the reply that contained the source.
    pub written_by: Option<String>,
    /// The result of its cases: `5 of 5`.
    pub passed: Option<String>,
}

impl Origin {
    /// Finds the origin of the source with this digest, from its first judgement on this task (a digest, too)
    /// in a session: later on, the source may be judged on other tasks, or come once more from another reply.
    /// The origin is empty if the session has no log, or if the log does not contain the source.
    pub fn find(log: Option<&Path>, sha256: &str, task: &str) -> Origin {
        let run = log.and_then(|log| std::fs::File::open(log).ok()).map(Run::read);
        let Some(Ok(run)) = run else { return Origin::default() };
        let same = |it: &Candidate| it.sha256 == sha256 && it.task == task;
        let Some(at) = run.candidates.iter().position(same) else { return Origin::default() };
        let candidate = &run.candidates[at];
        let exchange = candidate.exchange.map(|exchange| &run.exchanges[exchange]);
        let ancestors = run.ancestors(at).into_iter().map(|index| {
            let ancestor = &run.candidates[index];
            let verdict = ancestor.kept.as_ref().map(|kept| &kept.verdict);
            Ancestor {
                sha256: ancestor.sha256.clone(),
                written_by: ancestor.label.clone(),
                passed: verdict.map(|verdict| format!("{} of {}", verdict.passed, verdict.total)),
            }
        });
        Origin {
            written_by: candidate.label.clone(),
            answered: exchange.map(|exchange| exchange.time.clone()),
            judged: Some(candidate.time.clone()),
            ancestors: ancestors.collect(),
            log: Some(run.checked.to_string()),
        }
    }
}
