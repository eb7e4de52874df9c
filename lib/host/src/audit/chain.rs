//! The chain: how a line contains its hash, and the check of a whole log.

use std::io::{BufRead, BufReader, Read};

use anyhow::{Context, Result};

use super::{Entry, GENESIS};
use crate::files::digest;

/// The longest line, in bytes. This program never writes a longer line.
pub(super) const LONGEST_LINE: u64 = 4 << 20;

const HASH_FIELD: &str = ",\"hash\":\"";
/// The length of a line's end, which contains the hash. The hash covers every byte before [`HASH_FIELD`].
const TAIL: usize = HASH_FIELD.len() + 64 + "\"}".len();

/// Returns an entry as a finished line, and the line's hash.
pub(super) fn seal(entry: &Entry) -> Result<(String, String)> {
    let json = serde_json::to_string(entry)?;
    let body = json.strip_suffix('}').context("an entry is a JSON object")?;
    let hash = digest(body);
    Ok((format!("{body}{HASH_FIELD}{hash}\"}}\n"), hash))
}

/// Reads a line's entry and hash, or describes what is wrong with it.
pub(super) fn parse(line: &str) -> Result<(Entry, String), String> {
    let at = line.len().checked_sub(TAIL).filter(|at| line.is_char_boundary(*at));
    let (body, tail) = line.split_at(at.ok_or("is too short to be one")?);
    let hash = tail
        .strip_prefix(HASH_FIELD)
        .and_then(|tail| tail.strip_suffix("\"}"))
        .ok_or("does not end in a hash")?;
    if digest(body) != hash {
        return Err("was changed: its content does not have its hash".to_owned());
    }
    let entry = serde_json::from_str(&format!("{body}}}"))
        .map_err(|error| format!("is not a log entry: {error}"))?;
    Ok((entry, hash.to_owned()))
}

/// The result of checking a whole log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Every line is intact and follows the line before it.
    Intact {
        /// How many lines there are.
        lines: u64,
        /// The last line's hash; [`GENESIS`] for an empty log.
        last_hash: String,
    },
    /// The chain is broken.
    Broken {
        /// The first line that does not fit, counted from 1.
        line: u64,
        /// What is wrong with that line.
        why: String,
    },
}

impl std::fmt::Display for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Checked::Intact { lines, last_hash } => {
                write!(f, "intact, {lines} lines, last hash {last_hash}")
            }
            Checked::Broken { line, why } => write!(f, "broken, line {line} {why}"),
        }
    }
}

/// Checks a log's chain from its first line to its last.
///
/// # Errors
/// If the log cannot be read.
pub fn verify(log: impl Read) -> Result<Checked> {
    walk(log, |_| ())
}

/// Does the same as [`verify`], and passes each correct line to `visit`, up to the first broken line.
///
/// # Errors
/// If the log cannot be read.
pub fn walk(log: impl Read, mut visit: impl FnMut(Entry)) -> Result<Checked> {
    let mut reader = BufReader::new(log);
    let (mut lines, mut last_hash) = (0, GENESIS.to_owned());
    loop {
        let mut bytes = Vec::new();
        let mut line = Read::by_ref(&mut reader).take(LONGEST_LINE);
        if line.read_until(b'\n', &mut bytes).context("cannot read the audit log")? == 0 {
            return Ok(Checked::Intact { lines, last_hash });
        }
        let (entry, hash) = match follows(&bytes, lines, &last_hash) {
            Ok(entry) => entry,
            Err(why) => return Ok(Checked::Broken { line: lines + 1, why }),
        };
        lines += 1;
        last_hash = hash;
        visit(entry);
    }
}

/// Reads the entry and hash of the next line, after `lines` lines, or describes what is wrong with it.
fn follows(bytes: &[u8], lines: u64, last_hash: &str) -> Result<(Entry, String), String> {
    let line = match bytes.strip_suffix(b"\n") {
        Some(line) => line,
        None if bytes.len() as u64 == LONGEST_LINE => return Err("is too long to be one".into()),
        None => return Err("is cut off".into()),
    };
    let (entry, hash) = parse(std::str::from_utf8(line).map_err(|_| "is not text")?)?;
    if entry.prev != last_hash {
        return Err("does not follow the line before: lines were removed, added or moved".into());
    }
    if entry.seq != lines {
        return Err(format!("has number {}, but should have {lines}", entry.seq));
    }
    Ok((entry, hash))
}
