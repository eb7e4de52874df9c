//! The notebooks' scripts, asked for what they have and for what they have not.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use code_evolution_wire::model::{Ask, Fit, Message, Role};
use serde::Deserialize;

use super::{Cassette, Player, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    frames: HashMap<String, String>,
    unrelated: Vec<Unrelated>,
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unrelated {
    script: String,
    system: Option<String>,
    prompt: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    script: String,
    /// Phrases of the request, divided by `|`.
    of: String,
    change: Vec<(String, String)>,
}

fn data() -> Data {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/likeness.toml");
    toml_edit::de::from_str(&std::fs::read_to_string(path).expect("the data")).expect("readable")
}

fn script(name: &str) -> PathBuf {
    let notebooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../notebooks/cassettes");
    notebooks.join(format!("{name}.toml"))
}

fn ask(request: &Request) -> Ask {
    Ask {
        messages: request.messages.clone(),
        temperature: request.temperature,
        max_tokens: request.max_tokens,
        tools: request.tools.clone(),
        schema: request.schema.clone(),
        stream: false,
    }
}

#[test]
fn what_no_script_has_is_not_answered() {
    let data = data();
    assert!(data.unrelated.len() >= 30);
    let framed = |text: &str| {
        data.frames.iter().fold(text.to_owned(), |text, (name, frame)| {
            text.replace(&format!("{{{name}}}"), frame)
        })
    };
    let mut answered = Vec::new();
    for unrelated in &data.unrelated {
        let mut asked = Ask::new(framed(&unrelated.prompt));
        if let Some(system) = &unrelated.system {
            asked.messages.insert(0, Message::new(Role::System, framed(system)));
        }
        let replayed =
            Player::open(&script(&unrelated.script), false).unwrap().play(&asked).unwrap();
        if replayed.fit != Fit::Nothing {
            answered.push((&unrelated.script, &unrelated.prompt, replayed.note));
        }
    }
    assert!(answered.is_empty(), "{answered:#?}");
}

#[test]
fn an_edited_prompt_gets_the_reply_to_what_it_asks() {
    let data = data();
    let mut wrong = Vec::new();
    for edit in &data.edit {
        let path = script(&edit.script);
        let cassette = Cassette::read(&path).unwrap();
        let holds = |request: &Request| edit.of.split('|').all(|it| request.text().contains(it));
        let exchange = cassette.exchanges.iter().find(|known| holds(&known.request));
        let exchange = exchange.unwrap_or_else(|| panic!("no prompt holds {}", edit.of));
        let mut edited = ask(&exchange.request);
        for message in &mut edited.messages {
            for (old, new) in &edit.change {
                message.content = message.content.replace(old, new);
            }
        }
        assert_ne!(edited.messages, exchange.request.messages, "no edit of {}", edit.of);
        let replayed = Player::open(&path, false).unwrap().play(&edited).unwrap();
        if replayed.reply != exchange.replies[0] {
            wrong.push((&edit.of, &edit.change, replayed.note, replayed.reply.text));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Edits that change nothing of what is asked.
const HARMLESS: [fn(&str) -> String; 4] = [
    |text| format!("{text}\nThank you very much for your help with this."),
    |text| format!("Please take your time.\n{text}"),
    |text| text.replacen("Answer", "Reply", 1) + " ",
    |text| text.replacen(". ", ", please. ", 1) + "\n!",
];

#[test]
fn a_harmless_edit_of_any_prompt_gets_that_prompts_reply() {
    let mut wrong = Vec::new();
    for name in ["01_self_reparation", "02_code_evolution", "03_toolmaker", "04_evolving_team"] {
        let cassette = Cassette::read(&script(name)).unwrap();
        let mut player = Player::open(&script(name), false).unwrap();
        for exchange in &cassette.exchanges {
            for harmless in HARMLESS {
                let mut edited = ask(&exchange.request);
                edited.messages[0].content = harmless(&edited.messages[0].content);
                player.rewind();
                let replayed = player.play(&edited).unwrap();
                if replayed.reply != exchange.replies[0] {
                    wrong.push((edited.messages[0].content.clone(), replayed.note));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}
