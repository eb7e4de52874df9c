//! Chooses which reply of a cassette answers a request.

use std::path::{Path, PathBuf};

use code_evolution_wire::model::{Ask, Fit};
use code_evolution_wire::protocol::{Failure, FailureKind};

use super::question::{KnownPrompts, Question, SAME_QUESTION};
use super::render::{REQUEST_KEYS, request_items};
use super::vocabulary::Vocabulary;
use super::{Cassette, Exchange, Kind, Reply, Request};
use crate::files;
use crate::models::ModelError;
use crate::models::alike::Profile;

/// A cassette that answers a session's requests.
#[derive(Debug)]
pub struct Player {
    path: PathBuf,
    cassette: Cassette,
    /// What each exchange's request asks for, to find the nearest exchange.
    questions: Vec<Question>,
    vocabulary: Vocabulary,
    known: KnownPrompts,
    /// How many replies each exchange has given in this cell.
    given: Vec<usize>,
    /// Which exchanges this session has matched exactly or adopted.
    settled: Vec<bool>,
    adopt: bool,
}

/// A reply of a cassette.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The reply; empty if none fits.
    pub reply: Reply,
    /// How well it fits.
    pub fit: Fit,
    /// How this request differs from the recorded one, if it does.
    pub note: Option<String>,
}

impl Replayed {
    /// Returns why there is no answer; `None` if there is an answer.
    pub fn failure(&self) -> Option<Failure> {
        (self.fit == Fit::Nothing).then(|| Failure {
            kind: FailureKind::NoReply,
            message: self.note.clone().unwrap_or_default(),
        })
    }
}

impl Player {
    /// Opens a cassette. With `adopt`, requests are written back into the file, as the module's text
    /// explains.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] if the file cannot be read.
    pub fn open(path: &Path, adopt: bool) -> Result<Self, ModelError> {
        let cassette = Cassette::read(path)?;
        let count = cassette.exchanges.len();
        let texts: Vec<String> = cassette.exchanges.iter().map(|it| it.request.text()).collect();
        let vocabulary = Vocabulary::new(texts.iter().map(String::as_str));
        let question = |it: &Exchange| Question::new(&it.request, &vocabulary);
        let questions: Vec<Question> = cassette.exchanges.iter().map(question).collect();
        Ok(Player {
            path: path.to_owned(),
            cassette,
            known: KnownPrompts::new(&questions),
            questions,
            vocabulary,
            given: vec![0; count],
            settled: vec![false; count],
            adopt,
        })
    }

    /// Returns the cassette.
    pub fn cassette(&self) -> &Cassette {
        &self.cassette
    }

    /// Returns the recorded model; `None` for a script, even if its head names a model.
    pub fn model(&self) -> Option<String> {
        match self.cassette.kind {
            Kind::Script => None,
            Kind::Recording => self.cassette.model.clone(),
        }
    }

    /// Makes every exchange start at its first reply again.
    pub fn rewind(&mut self) {
        self.given.fill(0);
    }

    /// Returns the next reply to a request.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] if the cassette is empty, or if adopting could not be saved.
    pub fn play(&mut self, ask: &Ask) -> Result<Replayed, ModelError> {
        let request = Request::from(ask);
        let exact = self.cassette.exchanges.iter().position(|known| known.request == request);
        if let Some(position) = exact {
            self.settled[position] = true;
            let note = self.starts_over(position);
            return Ok(Replayed { reply: self.next_reply(position), fit: Fit::Exact, note });
        }
        if let Some(reply) = self.cassette.choices.answer(&request) {
            return Ok(Replayed { reply, fit: Fit::Exact, note: None });
        }
        if self.cassette.kind == Kind::Recording && request.is_choice() {
            // A label for another text, or from another prompt, is not an answer.
            return Ok(self.nothing());
        }
        if self.adopt {
            return self.play_adopting(request);
        }
        self.play_nearest(&request)
    }

    /// Returns the reply of the exchange that asks for the same thing, if there is one.
    fn play_nearest(&mut self, request: &Request) -> Result<Replayed, ModelError> {
        let (position, alike) = self.nearest(request)?;
        if alike < SAME_QUESTION {
            return Ok(self.nothing());
        }
        let note = self.nearness(request, position, alike);
        Ok(Replayed { reply: self.next_reply(position), fit: Fit::Nearest, note: Some(note) })
    }

    fn nothing(&self) -> Replayed {
        let what = match self.cassette.kind {
            Kind::Script => "script",
            Kind::Recording => "recording",
        };
        let note = format!(
            "the {what} has nothing for this prompt; a key, a local model or your own chat has"
        );
        Replayed { reply: Reply::default(), fit: Fit::Nothing, note: Some(note) }
    }

    /// Returns the note for a recording that has no more replies to a prompt and gives the first again: a
    /// model would have given a new answer. A script needs no such note.
    fn starts_over(&self, position: usize) -> Option<String> {
        let count = self.cassette.exchanges[position].replies.len();
        let is_over = self.cassette.kind == Kind::Recording && self.given[position] >= count;
        is_over.then(|| {
            let replies = if count == 1 { "reply" } else { "replies" };
            format!("all {count} recorded {replies} to this prompt were given, so they start over")
        })
    }

    fn next_reply(&mut self, position: usize) -> Reply {
        let replies = &self.cassette.exchanges[position].replies;
        let reply = replies[self.given[position] % replies.len()].clone();
        self.given[position] += 1;
        reply
    }

    /// Finds the most similar exchange (the first of equals) and its similarity. The last message must have
    /// the same role in both, because a person's words are not a tool's result.
    fn nearest(&self, request: &Request) -> Result<(usize, f64), ModelError> {
        let question = Question::new(request, &self.vocabulary);
        let last = |request: &Request| request.messages.last().map(|message| message.role);
        // The same words may come with other tools, which changes the answer.
        let tools = |exchange: &Exchange| {
            let offered = |name: &str| request.tools.iter().any(|tool| tool.name == name);
            exchange.request.tools.iter().filter(|tool| offered(&tool.name)).count()
        };
        let mut best: Vec<(usize, (f64, usize))> = Vec::new();
        for (position, exchange) in self.cassette.exchanges.iter().enumerate() {
            let alike = if exchange.request.messages == request.messages {
                1.0
            } else if last(&exchange.request) == last(request) {
                self.known.alike(&question, &self.questions[position])
            } else {
                0.0
            };
            let rank = (alike, tools(exchange));
            let most = best.first().map(|(_, most)| *most);
            if most.is_none_or(|most| rank > most) {
                best.clear();
            }
            if most.is_none_or(|most| rank >= most) {
                best.push((position, rank));
            }
        }
        // Of prompts with the same words, take the one whose word order is most similar.
        let order = Profile::new(&request.text());
        let of = |position: usize| Profile::new(&self.cassette.exchanges[position].request.text());
        let ordered = |&(position, _): &(usize, _)| {
            if best.len() == 1 { 1.0 } else { order.alike(&of(position)) }
        };
        let nearest = best.iter().rev().max_by(|a, b| ordered(a).total_cmp(&ordered(b)));
        nearest.map(|&(position, (alike, _))| (position, alike)).ok_or_else(|| {
            ModelError::Cassette(format!(
                "the cassette {} holds no exchange: record one with LLM_MODE=record, or set a key",
                self.path.display(),
            ))
        })
    }

    fn nearness(&self, request: &Request, position: usize, alike: f64) -> String {
        let found = &self.cassette.exchanges[position].request;
        let kind = match self.cassette.kind {
            Kind::Script => "scripted reply",
            Kind::Recording => "recorded reply",
        };
        if found.messages == request.messages {
            let mut other = Vec::new();
            let differences = [
                ("temperature", found.temperature != request.temperature),
                ("max_tokens", found.max_tokens != request.max_tokens),
                ("tools", found.tools != request.tools),
                ("schema", found.schema != request.schema),
            ];
            other.extend(differences.iter().filter(|(_, differs)| *differs).map(|(name, _)| *name));
            return format!(
                "{kind} to the same prompt with another {}; only a model answers with this one",
                other.join(", "),
            );
        }
        // An edited prompt must never show "100 % alike".
        let percent = (alike * 100.0).floor().min(99.0);
        format!("nearest {kind}, {percent} % alike; only a model answers exactly this prompt")
    }

    /// Answers with the unsettled exchange that fits best, and writes the request into the file.
    fn play_adopting(&mut self, request: Request) -> Result<Replayed, ModelError> {
        let profile = &Profile::new(&request.text());
        let mut best: Option<(usize, (f64, f64))> = None;
        for (position, exchange) in self.cassette.exchanges.iter().enumerate() {
            if self.settled[position] {
                continue;
            }
            // A draft has only a few phrases of the real prompt, so first compare how much of the draft is in
            // the request.
            let draft = Profile::new(&exchange.request.text());
            let rank = (draft.contained_in(profile), profile.alike(&draft));
            if best.is_none_or(|(_, most)| rank > most) {
                best = Some((position, rank));
            }
        }
        let Some((position, (contained, _))) = best else {
            let replayed = self.play_nearest(&request)?;
            let note = format!(
                "not adopted, every exchange has its request already: add one to the script; {}",
                replayed.note.unwrap_or_default(),
            );
            return Ok(Replayed { note: Some(note), ..replayed });
        };
        self.questions[position] = Question::new(&request, &self.vocabulary);
        self.cassette.exchanges[position].request = request;
        self.settled[position] = true;
        self.save_adopted(position)?;
        let percent = (contained * 100.0).floor();
        let note = format!(
            "adopted by exchange {} of the script; the request contains {percent} % of its draft",
            position + 1,
        );
        Ok(Replayed { reply: self.next_reply(position), fit: Fit::Exact, note: Some(note) })
    }

    /// Writes one exchange's request into the file and leaves everything else, comments too, as it is.
    fn save_adopted(&self, position: usize) -> Result<(), ModelError> {
        let shown = self.path.display();
        let failed = |error: String| {
            ModelError::Cassette(format!(
                "cannot adopt the request into {shown}: {error}; unset LLM_ADOPT or fix the file"
            ))
        };
        let text =
            std::fs::read_to_string(&self.path).map_err(|error| failed(error.to_string()))?;
        let mut document: toml_edit::DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| failed(error.to_string()))?;
        let table = document
            .get_mut("exchange")
            .and_then(|item| item.as_array_of_tables_mut())
            .and_then(|tables| tables.get_mut(position))
            .ok_or_else(|| failed(format!("exchange {} is gone", position + 1)))?;
        let replies = table.remove_entry("replies");
        let old: Vec<_> = REQUEST_KEYS.iter().map(|key| table.remove_entry(key)).collect();
        for (key, item) in request_items(&self.cassette.exchanges[position].request) {
            // The author's comment belongs to the old key, so keep that key.
            let kept = old.iter().flatten().find(|(old, _)| old.get() == key);
            match kept {
                Some((old, _)) => table.insert_formatted(old, item),
                None => table.insert(key, item),
            };
        }
        if let Some((key, item)) = replies {
            table.insert_formatted(&key, item);
        }
        files::replace(&self.path, document.to_string().as_bytes())
            .map_err(|error| failed(error.to_string()))
    }
}

#[cfg(test)]
mod tests;
