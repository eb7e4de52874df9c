//! Asks the notebooks' scripts questions that they answer, and questions that they must not answer.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use code_evolution_wire::model::{Ask, Fit, Message, Role};
use serde::Deserialize;

use super::player::Replayed;
use super::{Cassette, Exchange, Kind, Player, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    lines: Lines,
    exercise: Exercise,
    frames: HashMap<String, String>,
    unrelated: Vec<Unrelated>,
    edit: Vec<Edit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    harmless: Vec<String>,
    unrelated: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exercise {
    bodies: Vec<String>,
    told: Vec<String>,
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
    /// Phrases of the request, separated by `|`.
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
fn unknown_prompts_are_not_answered() {
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

/// Returns all scripts, also those of `notebooks/further`. Recordings are not scripts.
fn scripts() -> Vec<PathBuf> {
    let files = std::fs::read_dir(script("").parent().expect("a folder")).expect("cassettes");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.retain(|path| Cassette::read(path).expect("a cassette").kind == Kind::Script);
    paths.sort();
    assert!(paths.len() >= 7, "{paths:?}");
    paths
}

/// Edits of a message, each with its name.
type Edits = Vec<(String, Box<dyn Fn(&str) -> String>)>;

/// Makes edits that add a line: before the text, after it, and inside it.
fn more(lines: &[String]) -> Edits {
    let mut edits: Edits = Vec::new();
    for line in lines {
        let (before, after, within) = (line.clone(), line.clone(), line.clone());
        edits.push((format!("{line} .."), Box::new(move |text| format!("{before}\n{text}"))));
        edits.push((format!(".. {line}"), Box::new(move |text| format!("{text}\n{after}"))));
        let goes_on = move |text: &str| text.replacen(". ", &format!(". {within} "), 1);
        edits.push((format!(".. {line} .."), Box::new(goes_on)));
    }
    edits
}

/// Changes the words of the first line.
fn in_first_line(text: &str, change: impl Fn(&mut Vec<String>)) -> String {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    change(&mut words);
    format!("{}\n{rest}", words.join(" "))
}

/// Swaps two letters of a word.
fn slip(word: &mut String) {
    let letters: Vec<char> = word.chars().collect();
    if letters.len() > 3 && letters.iter().all(char::is_ascii_alphabetic) {
        let mut slipped = letters;
        slipped.swap(1, 2);
        *word = slipped.into_iter().collect();
    }
}

/// Makes edits that do not change the question.
fn harmless(lines: &[String]) -> Edits {
    let mut edits = more(lines);
    let mut add = |name: &str, edit: fn(&str) -> String| {
        edits.push((name.to_owned(), Box::new(edit)));
    };
    add("reply", |text| text.replacen("Answer", "Reply", 1) + " ");
    add("please", |text| text.replacen(". ", ", please. ", 1) + "\n!");
    add("slips", |text| in_first_line(text, |words| words.iter_mut().skip(1).for_each(slip)));
    add("order", |text| {
        let of_prose = |words: &[String]| words.iter().take_while(|it| !it.contains('`')).count();
        in_first_line(text, |words| {
            let prose = of_prose(words);
            words[..prose].rotate_left(prose.min(2));
        })
    });
    add("capitals", |text| in_first_line(text, |words| words[0] = words[0].to_uppercase()));
    add("spaces", |text| text.replace(". ", ".  ").replace('\n', "\n\n"));
    edits
}

/// Only one of this many edits is tried on each prompt, to save time.
const EACH: usize = 23;

/// Tries edits on each message of a person, in each exchange of each script. Returns how many were tried, and
/// those that `wrong` finds.
fn try_edits(
    edits: &Edits,
    wrong: impl Fn(&Exchange, &Replayed) -> bool,
) -> (usize, Vec<(String, Option<String>)>) {
    let (mut tried, mut found) = (0, Vec::new());
    for path in scripts() {
        let cassette = Cassette::read(&path).unwrap();
        let mut player = Player::open(&path, false).unwrap();
        for (number, exchange) in cassette.exchanges.iter().enumerate() {
            let asked = ask(&exchange.request);
            for at in 0..asked.messages.len() {
                if matches!(asked.messages[at].role, Role::Assistant | Role::Tool) {
                    continue;
                }
                // Each prompt gets some of the edits; all prompts together get every edit.
                for (name, edit) in edits.iter().skip(number % EACH).step_by(EACH) {
                    let mut edited = asked.clone();
                    edited.messages[at].content = edit(&asked.messages[at].content);
                    if edited.messages[at].content.trim_end() == asked.messages[at].content {
                        continue;
                    }
                    player.rewind();
                    let replayed = player.play(&edited).unwrap();
                    tried += 1;
                    if wrong(exchange, &replayed) {
                        let prompt = &edited.messages[at].content;
                        let file = path.file_name().unwrap_or_default().display().to_string();
                        found.push((format!("{file}, {name}: {prompt}"), replayed.note));
                    }
                }
            }
        }
    }
    (tried, found)
}

#[test]
fn a_harmless_edit_of_any_prompt_gets_that_prompts_reply() {
    let edits = harmless(&data().lines.harmless);
    let (tried, wrong) = try_edits(&edits, |of, replayed| replayed.reply != of.replies[0]);
    assert!(wrong.is_empty(), "{} of {tried} are wrong: {wrong:#?}", wrong.len());
}

#[test]
fn an_additional_request_in_any_prompt_gets_no_reply() {
    let edits = more(&data().lines.unrelated);
    let (tried, wrong) = try_edits(&edits, |_, replayed| replayed.fit != Fit::Nothing);
    assert!(wrong.is_empty(), "{} of {tried} are answered: {wrong:#?}", wrong.len());
}

#[test]
fn a_different_request_gets_no_reply() {
    let mut edits: Edits = Vec::new();
    for line in data().lines.unrelated {
        edits.push((line.clone(), Box::new(move |_| line.clone())));
    }
    let (tried, wrong) = try_edits(&edits, |_, replayed| replayed.fit != Fit::Nothing);
    assert!(wrong.is_empty(), "{} of {tried} are answered: {wrong:#?}", wrong.len());
}

#[test]
fn the_exercise_is_repaired_however_it_was_broken() {
    let Data { exercise, frames, .. } = data();
    let mut player = Player::open(&script("01_self_reparation"), false).unwrap();
    let mut wrong = Vec::new();
    for body in &exercise.bodies {
        for told in &exercise.told {
            let code = format!("fn largest(numbers: &[i64]) -> i64 {{\n    {body}\n}}");
            let frame = frames["repair"].trim();
            player.rewind();
            let asked = format!("{frame}\n```rust\n{code}\n```\n\nWhat happened:\n{told}\n");
            let replayed = player.play(&Ask::new(asked)).unwrap();
            if !replayed.reply.text.contains("fn largest(numbers: &[i64]) -> i64 {") {
                wrong.push((code, told, replayed.note));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong: {wrong:#?}", wrong.len());
}
