//! Reads a log as one session: its questions, replies, tasks and candidates, and the parents of each
//! candidate.
//!
//! Everything is derived from the lines. A candidate came from a reply if the line `extracted` says so.
//! Another candidate is its parent if the parent's source occurs word for word in the prompt that the reply
//! answers. No line records what a cell did in between (a source that it changed, a prompt that it
//! shortened), so such a candidate has no origin here.

use std::collections::HashMap;
use std::io::Read;

use code_evolution_wire::model::{Mode, Usage};
use code_evolution_wire::task::Task;
use serde::Deserialize;

use super::kept::Verdict;
use super::{Checked, Entry, task_digest, walk};
use crate::files::digest;

/// The shortest source, in bytes, that is searched for in prompts; a shorter one may occur there by chance.
const SHORTEST_PARENT: usize = 20;

/// A session, as its log records it.
#[derive(Debug)]
pub struct Run {
    /// Whether the log is as it was written. Lines after a broken line are not read.
    pub checked: Checked,
    /// When the first line was written: RFC 3339, UTC.
    pub began: String,
    /// The questions that were answered, in the answers' order.
    pub exchanges: Vec<Exchange>,
    /// The judged sources, in order.
    pub candidates: Vec<Candidate>,
    /// How many whole programs were run.
    pub programs: usize,
    tasks: HashMap<String, KeptTask>,
}

/// A question and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The line of the answer, from 1.
    pub line: u64,
    /// When the question was answered.
    pub time: String,
    /// The system prompt.
    pub system: Option<String>,
    /// The question; shortened if it was too long to be kept.
    pub prompt: String,
    /// Who answered: the reply's label.
    pub label: String,
    /// Where the answer came from.
    pub mode: Option<Mode>,
    /// The model's name.
    pub model: String,
    /// The answer; shortened if it was too long to be kept.
    pub reply: String,
    /// The tokens that the answer used.
    pub usage: Usage,
}

impl Exchange {
    /// Returns who answered, in two words: the label without the details of one reply.
    pub fn source(&self) -> String {
        let mut parts = self.label.split(" · ");
        match (parts.next(), parts.next()) {
            (Some(mode), Some(model)) => format!("{mode} · {model}"),
            _ => self.label.clone(),
        }
    }
}

/// A judged source.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The line of the candidate's verdict, from 1.
    pub line: u64,
    /// When the candidate was judged.
    pub time: String,
    /// The source's SHA-256 digest.
    pub sha256: String,
    /// The source and its verdict, if both were kept and match the digest.
    pub kept: Option<Judged>,
    /// How many cases passed, and how many there are, from the line's summary.
    pub summary: [Option<u64>; 2],
    /// The task's digest; see [`Run::task`].
    pub task: String,
    /// The label of the reply that contained the source; `None` if the source was written in a cell.
    pub label: Option<String>,
    /// The exchange that the source came from: its index in [`Run::exchanges`].
    pub exchange: Option<usize>,
    /// The candidate's parents: their indices in [`Run::candidates`]; see the module's documentation.
    pub parents: Vec<usize>,
    /// One more than the largest generation of its parents; 0 without parents.
    pub generation: usize,
}

/// A source and its verdict.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Judged {
    /// The source.
    pub code: String,
    /// The verdict.
    pub verdict: Verdict,
}

/// A task, and the compiler of its candidates.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct KeptTask {
    /// The task.
    pub task: Task,
    /// What `rustc -vV` printed.
    pub toolchain: String,
}

impl Run {
    /// Reads a log up to its end, or to the first line that is broken.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn read(log: impl Read) -> anyhow::Result<Run> {
        let mut reader = Reader::default();
        let checked = walk(log, |entry| reader.add(entry))?;
        let mut run = Run {
            checked,
            began: reader.began,
            exchanges: reader.exchanges,
            candidates: reader.candidates,
            programs: reader.programs,
            tasks: reader.tasks,
        };
        run.find_parents();
        Ok(run)
    }

    /// Returns the task of a candidate, if it was kept and matches its digest.
    pub fn task(&self, candidate: &Candidate) -> Option<&KeptTask> {
        self.tasks.get(&candidate.task)
    }

    /// Returns the ancestors of a candidate, the nearest first, each once.
    pub fn ancestors(&self, of: usize) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        let mut next = vec![of];
        while let Some(child) = next.pop() {
            for &parent in &self.candidates[child].parents {
                if !found.contains(&parent) {
                    found.push(parent);
                    next.push(parent);
                }
            }
        }
        found.sort_by(|a, b| b.cmp(a));
        found
    }

    fn find_parents(&mut self) {
        for child in 0..self.candidates.len() {
            let Some(exchange) = self.candidates[child].exchange else { continue };
            let prompt = self.exchanges[exchange].prompt.as_str();
            let answered = self.exchanges[exchange].line;
            let (sha256, task) = (&self.candidates[child].sha256, &self.candidates[child].task);
            let mut parents: Vec<usize> = Vec::new();
            for (index, parent) in self.candidates[..child].iter().enumerate() {
                let code = parent.kept.as_ref().map_or("", |kept| kept.code.trim());
                let is_parent = parent.line < answered
                    && parent.task == *task
                    && parent.sha256 != *sha256
                    && code.len() >= SHORTEST_PARENT
                    && prompt.contains(code);
                if !is_parent {
                    continue;
                }
                // If the same source was judged twice, only its last judgement is a parent.
                let earlier = |&known: &usize| self.candidates[known].sha256 == parent.sha256;
                match parents.iter().position(earlier) {
                    Some(known) => parents[known] = index,
                    None => parents.push(index),
                }
            }
            let generation = parents.iter().map(|&parent| self.candidates[parent].generation + 1);
            self.candidates[child].generation = generation.max().unwrap_or(0);
            self.candidates[child].parents = parents;
        }
    }
}

/// The part of a session that has been read so far.
#[derive(Default)]
struct Reader {
    began: String,
    exchanges: Vec<Exchange>,
    candidates: Vec<Candidate>,
    programs: usize,
    tasks: HashMap<String, KeptTask>,
    /// Questions by their digests: the system prompt and the prompt.
    asked: HashMap<String, (Option<String>, String)>,
    /// The exchange that a text came from, by the digest of the text (a reply or a source).
    origins: HashMap<String, usize>,
}

impl Reader {
    fn add(&mut self, entry: Entry) {
        if self.began.is_empty() {
            self.began.clone_from(&entry.time);
        }
        match entry.event.as_str() {
            "asked" => {
                let text = |name| text(&entry, name);
                let system = entry.kept.as_ref().and_then(|kept| kept["system"].as_str());
                let question = (system.map(str::to_owned), text("prompt"));
                self.asked.insert(entry.digest, question);
            }
            "answered" => self.answered(&entry),
            "extracted" | "repaired" => {
                let from = entry.summary["from"].as_str().and_then(|from| self.origins.get(from));
                if let Some(&exchange) = from {
                    self.origins.insert(entry.digest, exchange);
                }
            }
            "task" => {
                let kept: Option<KeptTask> =
                    entry.kept.and_then(|kept| serde_json::from_value(kept).ok());
                // The content may differ from its digest: a key was hidden in it, or it was forged.
                let kept = kept
                    .filter(|kept| task_digest(&kept.task).is_ok_and(|task| task == entry.digest));
                self.tasks.extend(kept.map(|kept| (entry.digest, kept)));
            }
            "judged" => self.judged(entry),
            "executed" => self.programs += 1,
            _ => {}
        }
    }

    fn answered(&mut self, entry: &Entry) {
        let field = |name: &str| entry.summary[name].as_str().unwrap_or_default().to_owned();
        let (system, prompt) = self.asked.get(&field("question")).cloned().unwrap_or_default();
        self.origins.insert(field("reply"), self.exchanges.len());
        self.exchanges.push(Exchange {
            line: entry.seq + 1,
            time: entry.time.clone(),
            system,
            prompt,
            label: field("from"),
            mode: serde_json::from_value(entry.summary["mode"].clone()).ok(),
            model: field("model"),
            reply: text(entry, "text"),
            usage: serde_json::from_value(entry.summary["usage"].clone()).unwrap_or_default(),
        });
    }

    fn judged(&mut self, entry: Entry) {
        let kept: Option<Judged> = entry.kept.and_then(|kept| serde_json::from_value(kept).ok());
        let kept = kept.filter(|kept| digest(&kept.code) == entry.digest);
        let count = |name: &str| entry.summary[name].as_u64();
        self.candidates.push(Candidate {
            summary: ["passed", "total"].map(count),
            line: entry.seq + 1,
            time: entry.time,
            kept,
            task: entry.summary["task"].as_str().unwrap_or_default().to_owned(),
            label: entry.summary["from"].as_str().map(str::to_owned),
            exchange: self.origins.get(&entry.digest).copied(),
            parents: Vec::new(),
            generation: 0,
            sha256: entry.digest,
        });
    }
}

/// Returns the whole text if it is kept, otherwise its beginning from the summary.
fn text(entry: &Entry, name: &str) -> String {
    let whole = entry.kept.as_ref().and_then(|kept| kept[name].as_str());
    let text = whole.or_else(|| entry.summary[name].as_str());
    text.unwrap_or_default().to_owned()
}
