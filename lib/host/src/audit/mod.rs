//! Records what a session asked, received, compiled and ran, in a log that shows tampering.
//!
//! A log has one JSON object per line. Each line contains the hash of the line before and ends with its own
//! hash. So a line that was changed, removed, added or moved breaks the chain, and [`verify`] names the
//! place. A line has a short summary of what happened and the SHA-256 digest of the whole content (prompt,
//! reply, source). A copy of the content can be checked against the digest. Content that another person needs
//! to judge the session again is kept whole in the line, up to a size: see [`LONGEST_KEPT`] and
//! [`MOST_KEPT`].
//!
//! | module | subject |
//! |---|---|
//! | here | writing lines |
//! | `chain` | the hashes, and the check of a whole log |
//! | [`kept`] | the form in which a verdict is kept |
//! | [`run`] | reads a log as one session: questions, replies, candidates, descent |
//! | [`rejudge`] | judges every candidate again |
//! | [`page`] | shows a session as an HTML page |
//!
//! A chain alone cannot show that its last lines were cut off, or that somebody wrote the whole log again. To
//! guard against that, keep the last hash, which [`verify`] prints, somewhere else. A line is safe from a
//! crash of the process at once; a power cut may lose the last lines.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use code_evolution_wire::model::{Answer, Ask, Role};
use code_evolution_wire::program::{Execution, Program};
use code_evolution_wire::task::Task;
use code_evolution_wire::text::clip;
use code_evolution_wire::verdict::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::files::digest;
use crate::lock::Unpoisoned;
use crate::models::key::{Key, redact_secrets};

mod chain;
pub mod kept;
pub mod page;
pub mod rejudge;
pub mod run;

pub use chain::{Checked, verify, walk};
use chain::{parse, seal};

/// The `prev` of a log's first line.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The longest text of a summary, in characters; the digest covers the rest.
const SUMMARY_TEXT: usize = 200;
/// The longest text that a line keeps whole, in bytes of JSON. Of a longer text, the line keeps only the
/// digest.
pub const LONGEST_KEPT: usize = 1 << 20;
/// From this size on, in bytes, a log keeps no more content whole, because it must fit into an e-mail.
pub const MOST_KEPT: u64 = 16 << 20;

/// One line of a log, without its own hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The line's number, from 0.
    pub seq: u64,
    /// When the line was written: RFC 3339, UTC, milliseconds.
    pub time: String,
    /// What happened: `asked`, `answered`, `judged`, `executed`, or a caller's own word.
    pub event: String,
    /// The SHA-256 digest of the content, in hexadecimal.
    pub digest: String,
    /// Details for a reader.
    pub summary: Value,
    /// The whole content, if it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Value>,
    /// The hash of the line before, or [`GENESIS`].
    pub prev: String,
}

/// A log that is being written. Several processes may write to the same file.
#[derive(Debug, Clone)]
pub struct Log {
    path: PathBuf,
    keys: Arc<Mutex<Vec<Key>>>,
}

impl Log {
    /// Makes a log at `path`; the first line creates the file and its folder.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Log { path: path.into(), keys: Arc::default() }
    }

    /// Hides this key in every later summary, even if it does not look like a key. Clones of the log hide it
    /// too.
    pub fn hide(&self, key: Key) {
        self.keys.lock().unpoisoned().push(key);
    }

    /// Returns the path of the log.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a question.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn asked(&self, ask: &Ask) -> Result<String> {
        let prompt = ask.messages.last().map_or("", |message| message.content.as_str());
        let summary =
            json!({"messages": ask.messages.len(), "prompt": prompt, "max_tokens": ask.max_tokens});
        let system = ask.messages.iter().find(|message| message.role == Role::System);
        let kept = json!({"system": system.map(|message| &message.content), "prompt": prompt});
        self.keep("asked", summary, kept, &serde_json::to_vec(ask)?)
    }

    /// Adds the answer to a question. Its summary has the digests of the question and of the text; other
    /// lines refer to these digests.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn answered(&self, ask: &Ask, answer: &Answer) -> Result<String> {
        let summary = json!({
            "from": answer.label(),
            "text": answer.text,
            "usage": answer.usage,
            "mode": answer.mode,
            "model": answer.model,
            "question": digest(serde_json::to_vec(ask)?),
            "reply": digest(&answer.text),
        });
        let kept = json!({"text": answer.text});
        self.keep("answered", summary, kept, &serde_json::to_vec(answer)?)
    }

    /// Adds a source that was taken from a reply, or made from another source.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn derived(&self, event: &str, from: &str, code: &str) -> Result<String> {
        self.append(event, json!({"from": digest(from)}), code.as_bytes())
    }

    /// Adds a task, before its first verdict. `toolchain` is what `rustc -vV` prints.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn task(&self, task: &Task, toolchain: &str) -> Result<String> {
        let hidden = task.cases.iter().filter(|case| case.hidden).count();
        let toolchain = toolchain.trim();
        let summary =
            json!({"signature": task.signature, "cases": task.cases.len(), "hidden": hidden});
        let kept = json!({"task": task, "toolchain": toolchain});
        self.keep("task", summary, kept, &serde_json::to_vec(task)?)
    }

    /// Adds a source that was compiled and judged on a task. `from` is the label of the reply that contained
    /// the source; `None` if the source was written in a cell.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn judged(
        &self,
        task: &Task,
        code: &str,
        from: Option<&str>,
        verdict: &Verdict,
    ) -> Result<String> {
        let summary = json!({
            "stage": verdict.stage,
            "passed": verdict.passed,
            "total": verdict.total,
            "code": code,
            "from": from,
            "task": task_digest(task)?,
        });
        let kept = json!({"code": code, "verdict": kept::Verdict::of(verdict)});
        self.keep("judged", summary, kept, code.as_bytes())
    }

    /// Adds a whole program that was run.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn executed(&self, program: &Program, ran: &Execution) -> Result<String> {
        let source = &program.program;
        let summary = json!({"stage": ran.stage, "status": ran.status, "program": source});
        self.append("executed", summary, source.as_bytes())
    }

    /// Adds a line and returns its hash. In the summary, keys given to [`Log::hide`] and texts that look like
    /// keys are hidden, and long texts are shortened. Of `payload`, the line contains only the digest.
    ///
    /// # Errors
    /// If the file cannot be written, or its last line is not a whole line of a log.
    pub fn append(&self, event: &str, summary: Value, payload: &[u8]) -> Result<String> {
        self.write(event, summary, None, payload)
    }

    /// Does the same as [`Log::append`]; the line also contains `kept`, without keys, if its size allows.
    ///
    /// # Errors
    /// As [`Log::append`].
    pub fn keep(&self, event: &str, summary: Value, kept: Value, payload: &[u8]) -> Result<String> {
        self.write(event, summary, Some(kept), payload)
    }

    fn write(
        &self,
        event: &str,
        summary: Value,
        kept: Option<Value>,
        payload: &[u8],
    ) -> Result<String> {
        let shown = self.path.display();
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder of the audit log {shown}"))?;
        }
        let mut file = File::options()
            .read(true)
            .append(true)
            .create(true)
            // Only the user may read the log, because prompts are private.
            .mode(0o600)
            .open(&self.path)
            .with_context(|| format!("cannot open the audit log {shown}"))?;
        // The lock is held until the file closes, so two processes cannot append after the same line.
        file.lock().with_context(|| format!("cannot lock the audit log {shown}"))?;
        let last = last_line(&mut file)
            .with_context(|| format!("cannot continue the audit log {shown}"))?;
        let (seq, prev) = match last {
            None => (0, GENESIS.to_owned()),
            Some(line) => {
                let (entry, hash) = parse(&line).map_err(|why| {
                    anyhow::anyhow!(
                        "the last line of the audit log {shown} {why}: move the file away"
                    )
                })?;
                (entry.seq + 1, hash)
            }
        };
        let keys = self.keys.lock().unpoisoned();
        let full = file.metadata().is_ok_and(|metadata| metadata.len() >= MOST_KEPT);
        let kept = kept
            .filter(|_| !full)
            .map(|kept| change_texts(kept, &|text| redact(text, &keys)))
            .filter(|kept| kept.to_string().len() <= LONGEST_KEPT);
        let entry = Entry {
            seq,
            time: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            event: event.to_owned(),
            digest: digest(payload),
            summary: change_texts(summary, &|text| clip(&redact(text, &keys), SUMMARY_TEXT)),
            kept,
            prev,
        };
        let (line, hash) = seal(&entry)?;
        file.write_all(line.as_bytes())
            .with_context(|| format!("cannot write the audit log {shown}"))?;
        Ok(hash)
    }
}

/// Returns the digest by which a log's lines name a task.
///
/// # Errors
/// If the task cannot be written as JSON.
pub fn task_digest(task: &Task) -> Result<String> {
    Ok(digest(serde_json::to_vec(task)?))
}

/// Changes every text in a JSON value.
fn change_texts(value: Value, change: &dyn Fn(String) -> String) -> Value {
    match value {
        Value::String(text) => change(text).into(),
        Value::Array(list) => list.into_iter().map(|item| change_texts(item, change)).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, member)| (name, change_texts(member, change))).collect()
        }
        other => other,
    }
}

/// Hides keys in a text.
fn redact(text: String, keys: &[Key]) -> String {
    // Hide known keys first: if only the start of a key looks like a secret, the rest would remain.
    redact_secrets(&keys.iter().fold(text, |text, key| key.redact(&text)))
}

/// Returns the last line of a file that ends with a line end; `None` for an empty file.
fn last_line(file: &mut File) -> Result<Option<String>> {
    let length = file.seek(SeekFrom::End(0)).context("cannot find its end")?;
    if length == 0 {
        return Ok(None);
    }
    let mut window = 4_096;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start)).context("cannot find its last line")?;
        let mut bytes = Vec::new();
        let mut end = Read::by_ref(file).take(window);
        end.read_to_end(&mut bytes).context("cannot read its last line")?;
        let Some(line) = bytes.strip_suffix(b"\n") else {
            bail!("its last line is cut off: move the file away to start another");
        };
        let before = line.iter().rposition(|&byte| byte == b'\n');
        if before.is_some() || start == 0 {
            let line = &line[before.map_or(0, |at| at + 1)..];
            return Ok(Some(String::from_utf8_lossy(line).into_owned()));
        }
        window *= 4;
    }
}

#[cfg(test)]
mod tests;
