//! Keeps verdicts on disk, by content.
//!
//! The key covers all that a verdict depends on: the candidate, the task, the compiler, and the libraries.
//! Time-outs are not kept, because a busy machine may have caused them. An entry starts with a hash of the
//! rest. If the hash does not match (the entry is cut short, changed, or of an older version), the entry
//! counts as absent. When the entries exceed a limit, the least recently used are removed first.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use anyhow::{Context, Result};
use code_evolution_wire::verdict::Verdict;
use sha2::{Digest, Sha256};

use crate::files::{digest, hex};

/// The default limit for all entries, in bytes.
pub const DEFAULT_BYTES: u64 = 64 << 20;
/// The size is checked each time that this fraction of the limit has been written.
const SHARE: u64 = 16;
/// Increase this when the meaning of verdicts changes.
const VERSION: &str = "3";

/// A folder of verdicts.
#[derive(Debug)]
pub struct Cache {
    folder: PathBuf,
    limit: u64,
    /// Bytes written since the last check of the size.
    written: AtomicU64,
}

impl Cache {
    /// Opens a folder of verdicts, which need not exist yet.
    pub fn new(folder: PathBuf, limit: u64) -> Self {
        // Check the size at the first write: an earlier process may have left too many entries.
        Cache { folder, limit, written: AtomicU64::new(limit) }
    }

    /// Hashes these texts, in this order, into a key.
    pub fn key<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        for text in texts {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        }
        hex(&hash.finalize())
    }

    /// Returns the verdict of this key, if there is one, marked as cached.
    pub fn get(&self, key: &str) -> Option<Verdict> {
        let path = self.folder.join(key);
        let text = fs::read_to_string(&path).ok()?;
        let (sum, body) = text.split_once('\n')?;
        if sum != digest(body) {
            return None;
        }
        let verdict: Verdict = serde_json::from_str(body).ok()?;
        // Mark the entry as just used, so it is removed last. If the write fails, it is only removed earlier.
        if let Ok(file) = File::options().append(true).open(&path) {
            let _ = file.set_modified(SystemTime::now());
        }
        Some(Verdict { cached: true, ..verdict })
    }

    /// Keeps a verdict.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn put(&self, key: &str, verdict: &Verdict) -> Result<()> {
        let context = || format!("keeping a verdict in {}", self.folder.display());
        fs::create_dir_all(&self.folder).with_context(context)?;
        let body = serde_json::to_string(verdict)?;
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
        writeln!(file, "{}", digest(&body)).with_context(context)?;
        file.write_all(body.as_bytes()).with_context(context)?;
        file.persist(self.folder.join(key)).with_context(context)?;
        let written = self.written.fetch_add(body.len() as u64, Ordering::Relaxed);
        if written + body.len() as u64 > self.limit / SHARE {
            self.written.store(0, Ordering::Relaxed);
            prune(&self.folder, self.limit - self.limit / SHARE).with_context(context)?;
        }
        Ok(())
    }
}

/// Removes the least recently used entries until the rest fits.
fn prune(folder: &Path, limit: u64) -> Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Another process may have removed the entry meanwhile.
        let Ok(metadata) = entry.metadata() else { continue };
        entries.push((metadata.modified()?, metadata.len(), entry.path()));
    }
    let mut size: u64 = entries.iter().map(|(_, bytes, _)| bytes).sum();
    entries.sort();
    for (_, bytes, path) in entries {
        if size <= limit {
            break;
        }
        let _ = fs::remove_file(path);
        size -= bytes;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use code_evolution_wire::verdict::{Outcome, Stage};

    fn verdict(feedback: &str) -> Verdict {
        let verdict = Verdict::new(Stage::Run, Outcome::Finished, Vec::new());
        Verdict { feedback: feedback.to_owned(), cpu_ms: 0.1, ..verdict }
    }

    #[test]
    fn a_verdict_comes_back_marked() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("verdicts"), 1 << 20);
        let key = Cache::key(["code", "task"]);
        assert_eq!(cache.get(&key), None);
        cache.put(&key, &verdict("good")).unwrap();
        assert_eq!(cache.get(&key), Some(Verdict { cached: true, ..verdict("good") }));
    }

    #[test]
    fn texts_are_kept_apart_in_a_key() {
        assert_ne!(Cache::key(["ab", "c"]), Cache::key(["a", "bc"]));
    }

    #[test]
    fn a_damaged_entry_is_absent() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned(), 1 << 20);
        cache.put("key", &verdict("passed 1")).unwrap();
        let path = folder.path().join("key");
        let text = fs::read_to_string(&path).unwrap();
        for damaged in [text.replace("passed 1", "passed 9"), text[..80].to_owned(), String::new()]
        {
            fs::write(&path, damaged).unwrap();
            assert_eq!(cache.get("key"), None);
        }
    }

    #[test]
    fn the_size_is_limited_and_the_newest_stay() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().to_owned(), 64 << 10);
        let text = "x".repeat(2_000);
        for number in 0..100 {
            cache.put(&format!("{number:03}"), &verdict(&text)).unwrap();
        }
        let size: u64 = fs::read_dir(folder.path())
            .unwrap()
            .map(|e| e.unwrap().metadata().unwrap().len())
            .sum();
        assert!(size <= 64 << 10, "{size}");
        assert!(cache.get("099").is_some());
        assert_eq!(cache.get("000"), None);
    }
}
