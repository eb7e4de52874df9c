//! Which reply of a cassette answers a request.

use std::path::{Path, PathBuf};

use code_evolution_wire::model::Ask;

use super::render::{REQUEST_KEYS, request_items};
use super::{Cassette, Kind, Reply, Request};
use crate::files;
use crate::models::ModelError;
use crate::models::alike::Profile;

/// Below this part alike, the nearest exchange most likely answers another question.
const RELATED: f64 = 0.5;

/// A cassette that answers a session's requests.
#[derive(Debug)]
pub struct Player {
    path: PathBuf,
    cassette: Cassette,
    /// How many replies each exchange has given in this session.
    given: Vec<usize>,
    /// Which exchanges this session has matched exactly or adopted.
    settled: Vec<bool>,
    adopt: bool,
}

/// A reply of a cassette.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// The reply.
    pub reply: Reply,
    /// How it differs from an answer to exactly this request, if it does.
    pub note: Option<String>,
}

impl Player {
    /// Opens a cassette. With `adopt`, requests are written back into the file, as the module says.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] where it cannot be read.
    pub fn open(path: &Path, adopt: bool) -> Result<Self, ModelError> {
        let cassette = Cassette::read(path)?;
        let count = cassette.exchanges.len();
        Ok(Player {
            path: path.to_owned(),
            cassette,
            given: vec![0; count],
            settled: vec![false; count],
            adopt,
        })
    }

    /// The cassette.
    pub fn cassette(&self) -> &Cassette {
        &self.cassette
    }

    /// The model that was recorded; `None` for a script, whatever its head says.
    pub fn model(&self) -> Option<String> {
        match self.cassette.kind {
            Kind::Script => None,
            Kind::Recording => self.cassette.model.clone(),
        }
    }

    /// The next reply to a request.
    ///
    /// # Errors
    /// [`ModelError::Cassette`] where the cassette is empty, or adopting could not be saved.
    pub fn play(&mut self, ask: &Ask) -> Result<Replayed, ModelError> {
        let request = Request::from(ask);
        let exact = self.cassette.exchanges.iter().position(|known| known.request == request);
        if let Some(position) = exact {
            self.settled[position] = true;
            return Ok(Replayed { reply: self.next_reply(position), note: None });
        }
        let profile = Profile::new(&request.text());
        if self.adopt {
            return self.play_adopting(request, &profile);
        }
        let (position, alike) = self.nearest(&profile)?;
        let note = self.nearness(&request, position, alike);
        Ok(Replayed { reply: self.next_reply(position), note: Some(note) })
    }

    fn next_reply(&mut self, position: usize) -> Reply {
        let replies = &self.cassette.exchanges[position].replies;
        let reply = replies[self.given[position] % replies.len()].clone();
        self.given[position] += 1;
        reply
    }

    /// The exchange whose text is most alike, the first of equals, and how much alike it is.
    fn nearest(&self, profile: &Profile) -> Result<(usize, f64), ModelError> {
        let mut best: Option<(usize, f64)> = None;
        for (position, exchange) in self.cassette.exchanges.iter().enumerate() {
            let alike = profile.alike(&Profile::new(&exchange.request.text()));
            if best.is_none_or(|(_, most)| alike > most) {
                best = Some((position, alike));
            }
        }
        best.ok_or_else(|| {
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
                "{kind} to the same prompt with another {}: set a key to have a model answer",
                other.join(", "),
            );
        }
        // An edit is never "100 % alike".
        let percent = (alike * 100.0).floor().min(99.0);
        if alike < RELATED {
            format!(
                "no {kind} fits; the nearest, {percent} % alike, answers another question: set a key to have a model answer yours"
            )
        } else {
            format!("nearest {kind}, {percent} % alike: set a key to have a model answer your edit")
        }
    }

    /// Answers from the unsettled exchange that fits best, and writes the request into the file.
    fn play_adopting(
        &mut self,
        request: Request,
        profile: &Profile,
    ) -> Result<Replayed, ModelError> {
        let mut best: Option<(usize, (f64, f64))> = None;
        for (position, exchange) in self.cassette.exchanges.iter().enumerate() {
            if self.settled[position] {
                continue;
            }
            // A draft is a few phrases of the real prompt, so what counts first is how much of it
            // the request holds.
            let draft = Profile::new(&exchange.request.text());
            let rank = (draft.contained_in(profile), profile.alike(&draft));
            if best.is_none_or(|(_, most)| rank > most) {
                best = Some((position, rank));
            }
        }
        let Some((position, (contained, _))) = best else {
            let (position, alike) = self.nearest(profile)?;
            let note = format!(
                "not adopted, every exchange has its request already: add one to the script; {}",
                self.nearness(&request, position, alike),
            );
            return Ok(Replayed { reply: self.next_reply(position), note: Some(note) });
        };
        self.cassette.exchanges[position].request = request;
        self.settled[position] = true;
        self.save_adopted(position)?;
        let percent = (contained * 100.0).floor();
        let note = format!(
            "adopted by exchange {} of the script, {percent} % of whose draft the request holds",
            position + 1,
        );
        Ok(Replayed { reply: self.next_reply(position), note: Some(note) })
    }

    /// Writes one exchange's request into the file and leaves the rest of it, comments too, alone.
    fn save_adopted(&self, position: usize) -> Result<(), ModelError> {
        let shown = self.path.display();
        let failed = |error: String| {
            ModelError::Cassette(format!(
                "cannot adopt the request into {shown}: {error}; unset LLM_ADOPT or mend the file"
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
            // The old key carries the author's comment.
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
mod tests {
    use super::*;

    const SCRIPT: &str = r#"# Written by hand.
kind = "script"

# The first step.
[[exchange]]
# What is asked.
prompt = "Write fn one in Rust, please, and nothing else."
replies = ["first", "second"]

[[exchange]]
prompt = "repair the function; error[E0382]: use of moved value"
replies = ["third"]
"#;

    fn player(adopt: bool) -> (tempfile::TempDir, Player) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.toml");
        std::fs::write(&path, SCRIPT).unwrap();
        let player = Player::open(&path, adopt).unwrap();
        (folder, player)
    }

    #[test]
    fn a_repeated_request_gets_the_next_reply_and_then_the_first_again() {
        let (_folder, mut player) = player(false);
        let ask = Ask::new("Write fn one in Rust, please, and nothing else.\n");
        let texts: Vec<String> = (0..3).map(|_| player.play(&ask).unwrap().reply.text).collect();
        assert_eq!(texts, ["first", "second", "first"]);
        assert_eq!(player.play(&ask).unwrap().note, None);
    }

    #[test]
    fn an_edited_request_gets_the_nearest_and_says_so() {
        let (_folder, mut player) = player(false);
        let edited =
            player.play(&Ask::new("Write fn two in Rust, please, and nothing else.")).unwrap();
        assert_eq!(edited.reply.text, "first");
        let note = edited.note.unwrap();
        assert!(
            note.starts_with("nearest scripted reply, 89 % alike") && note.contains("set a key"),
            "{note}"
        );
        let note = player.play(&Ask::new("¿Qué hora es?")).unwrap().note.unwrap();
        assert!(note.starts_with("no scripted reply fits"), "{note}");
        let mut hotter = Ask::new("Write fn one in Rust, please, and nothing else.");
        hotter.temperature = Some(1.5);
        let note = player.play(&hotter).unwrap().note.unwrap();
        assert!(note.contains("same prompt with another temperature"), "{note}");
    }

    #[test]
    fn adopting_writes_the_request_into_the_draft_and_keeps_the_rest() {
        let (folder, mut player) = player(true);
        let path = folder.path().join("script.toml");
        let long = "Here is code that fails.\n\nerror[E0382]: use of moved value\n\nPlease repair the function;\nkeep its name.";
        let mut ask = Ask::new(long);
        ask.temperature = Some(0.2);
        let adopted = player.play(&ask).unwrap();
        assert_eq!(adopted.reply.text, "third");
        assert!(adopted.note.unwrap().starts_with("adopted by exchange 2"));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with(SCRIPT.split("[[exchange]]\nprompt = \"repair").next().unwrap()),
            "{text}"
        );
        assert!(
            text.ends_with(&format!(
                "prompt = '''\n{long}'''\ntemperature = 0.2\nreplies = [\"third\"]\n"
            )),
            "{text}"
        );
        let mut again = Player::open(&path, false).unwrap();
        assert_eq!(again.play(&ask).unwrap().note, None);
    }

    #[test]
    fn two_requests_do_not_fight_over_one_exchange() {
        let (folder, mut player) = player(true);
        player.play(&Ask::new("Write fn one in Rust, please, and nothing else.")).unwrap();
        player.play(&Ask::new("repair the function; use of moved value; A")).unwrap();
        let before = std::fs::read_to_string(folder.path().join("script.toml")).unwrap();
        let third = player.play(&Ask::new("repair the function; use of moved value; B")).unwrap();
        assert!(third.note.unwrap().starts_with("not adopted"));
        assert_eq!(std::fs::read_to_string(folder.path().join("script.toml")).unwrap(), before);
    }

    #[test]
    fn an_empty_cassette_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty.toml");
        std::fs::write(&path, "kind = \"script\"\n").unwrap();
        let error = Player::open(&path, false).unwrap().play(&Ask::new("a")).unwrap_err();
        assert!(error.message().contains("holds no exchange"), "{error}");
    }
}
