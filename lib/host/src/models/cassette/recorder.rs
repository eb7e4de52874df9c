//! Records a session's answers in a cassette.

use std::path::{Path, PathBuf};

use code_evolution_wire::model::{Answer, Ask};

use super::choices::Choices;
use super::{Cassette, Exchange, Kind, Reply, Request};
use crate::files;
use crate::models::ModelError;
use crate::models::key::{Key, find_secret};

/// A cassette that grows. It records one session: the session's first answer replaces the file.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    cassette: Cassette,
    key: Option<Key>,
}

impl Recorder {
    /// Makes a recorder for `model` that writes to `path` and never writes `key`.
    pub fn new(path: &Path, model: &str, key: Option<Key>) -> Self {
        let cassette = Cassette {
            kind: Kind::Recording,
            model: Some(model.to_owned()),
            date: None,
            note: Some("replayed where this model cannot be asked".to_owned()),
            exchanges: Vec::new(),
            choices: Choices::default(),
        };
        Recorder { path: path.to_owned(), cassette, key }
    }

    /// Continues the file: keeps the answers that it already holds.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] if the file is not a recording of this model.
    pub fn with_the_file(mut self) -> Result<Self, ModelError> {
        let there = Cassette::read(&self.path)?;
        if there.kind != Kind::Recording || there.model != self.cassette.model {
            return Err(ModelError::Cassette(format!(
                "{} is not a recording of {}, so nothing is added to it: record it again",
                self.path.display(),
                self.cassette.model.as_deref().unwrap_or("this model"),
            )));
        }
        self.cassette = there;
        Ok(self)
    }

    /// Adds an answer and saves the cassette. The file is complete at every moment.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] if the file cannot be written, or if the exchange contains something that
    /// looks like a key; that exchange is not kept.
    pub fn record(&mut self, ask: &Ask, answer: &Answer) -> Result<(), ModelError> {
        let request = Request::from(ask);
        if self.cassette.date.is_none() {
            self.cassette.date.clone_from(&answer.date);
        }
        let named_above = self.cassette.model.as_deref() == Some(&answer.model);
        let reply = Reply {
            text: answer.text.clone(),
            thinking: answer.thinking.clone(),
            finish_reason: answer.finish_reason.clone(),
            usage: answer.usage,
            model: (!named_above).then(|| answer.model.clone()),
            tool_calls: answer.tool_calls.clone(),
            extra: answer.extra.clone(),
        };
        let exchange = Exchange { request, replies: vec![reply] };
        self.refuse_secrets(&exchange)?;
        self.keep(exchange);
        let text = format!(
            "# A recording of {}. To replace it, see \"Recording a cassette\" in .github/CONTRIBUTING.md.\n{}",
            self.cassette.model.as_deref().unwrap_or("a model").replace(char::is_control, " "),
            self.cassette.render(),
        );
        files::replace(&self.path, text.as_bytes()).map_err(|error| {
            ModelError::Cassette(format!(
                "cannot write the recording {}: {error}; choose a folder that can be written",
                self.path.display(),
            ))
        })
    }

    fn keep(&mut self, exchange: Exchange) {
        let Exchange { request, replies } = exchange;
        if replies.iter().all(|reply| self.cassette.choices.keep(&request, reply)) {
            return;
        }
        match self.cassette.exchanges.iter_mut().find(|known| known.request == request) {
            Some(known) => known.replies.extend(replies),
            None => self.cassette.exchanges.push(Exchange { request, replies }),
        }
    }

    fn refuse_secrets(&self, exchange: &Exchange) -> Result<(), ModelError> {
        let asked = Exchange { replies: Vec::new(), ..exchange.clone() };
        for (part, exchange) in [("prompt", asked), ("reply", exchange.clone())] {
            // Check the text exactly as the file would contain it.
            let (kind, model) = (Kind::Recording, self.cassette.model.clone());
            let choices = Choices::default();
            let written = Cassette {
                kind,
                model,
                date: None,
                note: None,
                exchanges: vec![exchange],
                choices,
            }
            .render();
            let holds_key = self.key.as_ref().is_some_and(|key| key.redact(&written) != written);
            if holds_key || find_secret(&written).is_some() {
                return Err(ModelError::Cassette(format!(
                    "this answer was not recorded: the {part} holds what looks like an API key; take it out of the prompt and ask again"
                )));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use code_evolution_wire::model::{Fit, Mode, Usage};

    fn answer(text: &str) -> Answer {
        Answer {
            text: text.to_owned(),
            thinking: String::new(),
            tool_calls: Vec::new(),
            model: "m".to_owned(),
            mode: Mode::Record,
            note: None,
            finish_reason: "stop".to_owned(),
            usage: Usage { input_tokens: 1, output_tokens: 2 },
            extra: Default::default(),
            failure: None,
            fit: Fit::Exact,
            date: Some("2026-11-27".to_owned()),
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
    fn a_recording_continues_only_with_its_own_model() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recording.toml");
        Recorder::new(&path, "m", None).record(&Ask::new("a"), &answer("one")).unwrap();
        let again = Recorder::new(&path, "m", None).with_the_file();
        again.unwrap().record(&Ask::new("b"), &answer("two")).unwrap();
        assert_eq!(Cassette::read(&path).unwrap().exchanges.len(), 2);
        let error = Recorder::new(&path, "other", None).with_the_file().unwrap_err();
        assert!(error.message().contains("not a recording of other"), "{error}");
        std::fs::write(&path, "kind = \"script\"\nmodel = \"m\"").unwrap();
        assert!(Recorder::new(&path, "m", None).with_the_file().is_err());
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
            let asked = recorder.record(&Ask::new(format!("use\n{secret}")), &answer("x"));
            let answered = recorder.record(&Ask::new("q"), &answer(secret));
            for (part, recorded) in [("prompt", asked), ("reply", answered)] {
                let error = recorded.unwrap_err();
                let told = format!("not recorded: the {part} ");
                assert!(error.message().contains(&told), "{error}");
                assert!(!error.message().contains(secret), "{error}");
            }
        }
        let read = Cassette::read(&path).unwrap();
        assert_eq!(read.exchanges.len(), 1);
    }
}
