//! Keeping a session's answers in a cassette.

use std::io::Write;
use std::path::{Path, PathBuf};

use code_evolution_wire::model::{Answer, Ask};

use super::{Cassette, Exchange, Kind, Reply, Request};
use crate::models::ModelError;
use crate::models::key::{Key, find_secret};

/// A cassette that grows. A recording is of one session: its first answer replaces the file.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    cassette: Cassette,
    key: Option<Key>,
}

impl Recorder {
    /// Records answers of `model` to `path`, and refuses to write `key`.
    pub fn new(path: &Path, model: &str, key: Option<Key>) -> Self {
        let cassette = Cassette {
            kind: Kind::Recording,
            model: Some(model.to_owned()),
            note: Some("recorded with LLM_MODE=record; replayed where no key is set".to_owned()),
            exchanges: Vec::new(),
        };
        Recorder { path: path.to_owned(), cassette, key }
    }

    /// Adds an answer and saves the cassette. The file is whole at every moment.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] where it cannot be written, or where the exchange holds something
    /// that looks like a key; then it is not kept.
    pub fn record(&mut self, ask: &Ask, answer: &Answer) -> Result<(), ModelError> {
        let request = Request::from(ask);
        let named_above = self.cassette.model.as_deref() == Some(&answer.model);
        let reply = Reply {
            text: answer.text.clone(),
            finish_reason: answer.finish_reason.clone(),
            usage: answer.usage,
            model: (!named_above).then(|| answer.model.clone()),
            tool_calls: answer.tool_calls.clone(),
        };
        let exchange = Exchange { request, replies: vec![reply] };
        self.refuse_secrets(&exchange)?;
        let known =
            self.cassette.exchanges.iter_mut().find(|known| known.request == exchange.request);
        match known {
            Some(known) => known.replies.extend(exchange.replies),
            None => self.cassette.exchanges.push(exchange),
        }
        let text = format!(
            "# A recording of {}. To replace it, run the notebook with LLM_MODE=record.\n{}",
            self.cassette.model.as_deref().unwrap_or("a model").replace(char::is_control, " "),
            self.cassette.render(),
        );
        replace_file(&self.path, &text).map_err(|error| {
            ModelError::Cassette(format!(
                "cannot write the recording {}: {error}; choose a folder that can be written",
                self.path.display(),
            ))
        })
    }

    fn refuse_secrets(&self, exchange: &Exchange) -> Result<(), ModelError> {
        let one = Cassette { exchanges: vec![exchange.clone()], ..self.cassette.clone() };
        for (number, line) in one.render().lines().enumerate() {
            let hidden = self.key.as_ref().map_or_else(|| line.to_owned(), |key| key.redact(line));
            if hidden != line || find_secret(line).is_some() {
                return Err(ModelError::Cassette(format!(
                    "this answer was not recorded: line {} of exchange {} would hold what looks like an API key; take it out of the prompt and ask again",
                    number + 1,
                    self.cassette.exchanges.len() + 1,
                )));
            }
        }
        Ok(())
    }
}

/// Replaces a file in one step: a reader, or a crash, sees the old content or the new, whole.
pub(super) fn replace_file(path: &Path, text: &str) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written = (|| {
        let mut file = std::fs::File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        // The rename itself must survive a power cut.
        std::fs::File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        // The first error is the one to tell; the leftover is harmless.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use code_evolution_wire::model::{Mode, Usage};

    fn answer(text: &str) -> Answer {
        Answer {
            text: text.to_owned(),
            tool_calls: Vec::new(),
            model: "m".to_owned(),
            mode: Mode::Record,
            note: None,
            finish_reason: "stop".to_owned(),
            usage: Usage { input_tokens: 1, output_tokens: 2 },
        }
    }

    #[test]
    fn repeated_requests_become_one_exchange() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.toml");
        let mut recorder = Recorder::new(&path, "m", None);
        for text in ["one", "two"] {
            recorder.record(&Ask::new("a"), &answer(text)).unwrap();
        }
        recorder.record(&Ask::new("b"), &answer("three")).unwrap();
        let read = Cassette::read(&path).unwrap();
        assert_eq!(read.exchanges.len(), 2);
        assert_eq!(read.exchanges[0].replies[1].text, "two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_is_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.toml");
        let key = Key::new("a-canary-key-of-no-known-shape").unwrap();
        let mut recorder = Recorder::new(&path, "m", Some(key));
        recorder.record(&Ask::new("harmless"), &answer("fine")).unwrap();
        for secret in
            ["a-canary-key-of-no-known-shape", "sk-abcdefgh12345678", "Bearer abcdefgh12345678"]
        {
            let error =
                recorder.record(&Ask::new(format!("use\n{secret}")), &answer("x")).unwrap_err();
            assert!(error.message().contains("not recorded: line "), "{error}");
            assert!(!error.message().contains(secret), "{error}");
            assert!(recorder.record(&Ask::new("q"), &answer(secret)).is_err());
        }
        let read = Cassette::read(&path).unwrap();
        assert_eq!(read.exchanges.len(), 1);
    }
}
