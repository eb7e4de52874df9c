//! Reads what a reply says, in the same way for every source.
//!
//! Every reply comes in through [`receive`]: a provider's body or stream, a cassette, or a text that a person
//! pasted. It separates thinking from the text, removes a model's own marks, and reads calls of tools that
//! are in the text. All other modules read the clean text that is left. Each reader fails with a reason in
//! words, for a person and for the model that is asked again.
//!
//! | module | subject |
//! |---|---|
//! | `zones` | where a tag is a tag, and where it is only mentioned |
//! | `tags` | the tags and marks of many models |
//! | `thinking` | separates thinking from the text |
//! | `harmony` | the channels of gpt-oss |
//! | `calls` | tool calls in the text |
//! | `blocks`, `language` | the code blocks, and what their tags say |
//! | `repair` | fences as models write them |
//! | `items`, `scan` | separates Rust from words: functions and other items, stubs |
//! | [`code`] | the Rust code in a reply |
//! | `json`, `list`, `prompt`, `opinion` | readers of other contents |
//!
//! What it leaves out: the servers' formats (`response`), and what a cell does with an answer.

mod blocks;
mod calls;
pub mod code;
mod harmony;
mod items;
pub(super) mod json;
mod language;
mod list;
mod opinion;
mod prompt;
mod repair;
mod scan;
mod tags;
mod thinking;
mod zones;

use code_evolution_wire::ending::{Cut, Ending};
use code_evolution_wire::method::{
    FindCode, FindJson, FindList, FindOpinion, FindPrompt, ReadReply, answer,
};
use code_evolution_wire::model::{Answer, Tool};
use code_evolution_wire::reading::{ReplyText, Wanted};
use serde_json::Value;

use super::text::clean;
use code::NoCode;
use tags::Kind;
pub(in crate::models) use thinking::Extent;
use thinking::Split;
use zones::Zone;

/// The most characters of an unread call in a note.
const SHOWN: usize = 80;

/// Why a reply does not contain what was wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// No code.
    Code(NoCode),
    /// Anything else; the text says why it is missing.
    Other(String),
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Missing::Code(error) => error.fmt(f),
            Missing::Other(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Missing {}

/// Reads what was wanted from a reply, as JSON of the type that [`Wanted`] documents.
///
/// # Errors
/// Says why it is missing, in words for a person and for the model.
pub fn read_for(reply: &ReplyText, wanted: &Wanted) -> Result<Value, Missing> {
    let ending = Ending::of(&reply.finish_reason);
    let missing = |why: String| match ending {
        Ending::Whole => Missing::Other(why),
        Ending::Cut(by) => {
            Missing::Other(format!("{why}; it was cut {by}: {}", advice(by, reply.max_tokens)))
        }
    };
    let json = |value: serde_json::Result<Value>| {
        value.map_err(|error| Missing::Other(format!("it cannot be sent ({error}): ask again")))
    };
    if reply.text.trim().is_empty() && !matches!(wanted, Wanted::Code { .. }) {
        return Err(missing("the reply has no text: ask again".to_owned()));
    }
    match wanted {
        Wanted::Code { function } => {
            let code = code::extract(reply, function).map_err(Missing::Code)?;
            json(answer::<ReadReply<FindCode>>(&code))
        }
        Wanted::List => {
            let list = list::read(&reply.text, !ending.is_whole());
            if list.items.is_empty() {
                return Err(missing(
                    "the reply holds no list: ask for one item on each line".to_owned(),
                ));
            }
            json(answer::<ReadReply<FindList>>(&list))
        }
        Wanted::Prompt => match (ending, prompt::read(&reply.text)) {
            (Ending::Cut(by), _) => Err(Missing::Other(format!(
                "the reply was cut {by}, and half a prompt is not usable: {}",
                advice(by, reply.max_tokens)
            ))),
            (Ending::Whole, Some(prompt)) => json(answer::<ReadReply<FindPrompt>>(&prompt)),
            (Ending::Whole, None) => {
                Err(Missing::Other("the reply holds no prompt: ask for the prompt only".to_owned()))
            }
        },
        Wanted::Json => {
            json(answer::<ReadReply<FindJson>>(&json::values(&reply.text, &reply.asked)))
        }
        Wanted::Opinion => match opinion::read(&reply.text, &reply.asked) {
            Ok(opinion) => json(answer::<ReadReply<FindOpinion>>(&opinion)),
            Err(why) => Err(missing(format!(
                "the reply holds no opinion ({why}): ask for JSON with `points` (0 to 20) and `reason`"
            ))),
        },
    }
}

/// Says what to do about a reply that was cut.
fn advice(by: Cut, max_tokens: u32) -> String {
    match by {
        Cut::Limit => format!("raise max_tokens, {}", raise(max_tokens)),
        Cut::Filter => "change the prompt".to_owned(),
        Cut::Transport | Cut::Unknown => "ask again".to_owned(),
    }
}

/// Reads an answer as it arrived: splits its text, reads the calls in it, and adds notes for the reader.
/// `offered` are the tools that the model could call, and `max_tokens` is its limit.
pub fn receive(answer: &mut Answer, offered: &[Tool], max_tokens: u32) {
    let mut notes: Vec<String> = answer.note.take().into_iter().collect();
    let extent = if answer.ending().is_whole() { Extent::Whole } else { Extent::Cut };
    let read = read(&answer.text, extent, offered);
    answer.text = read.text;
    let thinking = [std::mem::take(&mut answer.thinking), read.thinking];
    let thinking: Vec<&str> =
        thinking.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect();
    answer.thinking = thinking.join("\n\n");
    notes.extend(read.notes);
    if answer.tool_calls.is_empty() && !read.calls.is_empty() {
        answer.tool_calls = read.calls;
        for (position, call) in answer.tool_calls.iter_mut().enumerate() {
            call.id = format!("call_{position}");
        }
        if answer.ending().is_whole() {
            "tool_calls".clone_into(&mut answer.finish_reason);
        }
        notes.push("the call was in the text".to_owned());
    }
    notes.extend(ending_note(answer, max_tokens));
    answer.note = (!notes.is_empty()).then(|| notes.join("; "));
}

/// Returns the part of a text that a person sees while it grows.
pub(super) fn visible(text: &str, extent: Extent) -> String {
    read(text, extent, &[]).text
}

/// Returns the note for an answer that is not whole, or is empty.
fn ending_note(answer: &Answer, max_tokens: u32) -> Option<String> {
    let empty = answer.text.trim().is_empty() && answer.tool_calls.is_empty();
    match answer.ending() {
        Ending::Whole if empty && !answer.thinking.is_empty() => {
            Some("thinking only, no answer: ask again".to_owned())
        }
        Ending::Whole => None,
        Ending::Cut(Cut::Limit) => {
            let what = if empty { ", all of them thinking" } else { "" };
            Some(format!("{}{what}: {}", cut_at(max_tokens), raise(max_tokens)))
        }
        Ending::Cut(Cut::Filter) => {
            Some("cut by the provider's filter: change the prompt".to_owned())
        }
        Ending::Cut(Cut::Transport) => {
            Some(format!("cut by an error on its way (`{}`): ask again", answer.finish_reason))
        }
        Ending::Cut(Cut::Unknown) => Some(format!(
            "most likely cut, it stopped with `{}`: ask again",
            clean(&answer.finish_reason, 40)
        )),
    }
}

fn cut_at(max_tokens: u32) -> String {
    match max_tokens {
        0 => "cut at its limit".to_owned(),
        most => format!("cut at {} tokens", thousands(most)),
    }
}

/// Returns advice on how to let a model write a longer answer.
fn raise(max_tokens: u32) -> String {
    match max_tokens {
        0 => "raise `.max_tokens(…)`".to_owned(),
        most => format!("`.max_tokens({})`", most.saturating_mul(2)),
    }
}

fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The parts of a text.
struct Read {
    text: String,
    thinking: String,
    calls: Vec<code_evolution_wire::model::ToolCall>,
    notes: Vec<String>,
}

/// Returns whether a text cannot contain tags: JSON, whose strings may mention tags, or a program.
fn is_pure(text: &str) -> bool {
    if !text.contains(['<', '[', '◁']) {
        return true;
    }
    let trimmed = text.trim();
    let json = trimmed.starts_with(['{', '[']) && serde_json::from_str::<Value>(trimmed).is_ok();
    json || scan::is_program(trimmed)
}

fn read(text: &str, extent: Extent, offered: &[Tool]) -> Read {
    let mut notes = Vec::new();
    let mut calls = Vec::new();
    let mut split = Split { text: text.to_owned(), ..Split::default() };
    if !is_pure(text) {
        if let Some(messages) = harmony::read(text) {
            calls.extend(messages.calls.iter().map(|(name, body)| calls::call(name, body)));
            (split.text, split.thinking) = (messages.text, messages.thinking);
        }
        let inner = thinking::split(&split.text, extent);
        notes.extend(inner.note.map(str::to_owned));
        split = Split {
            thinking: [split.thinking, inner.thinking].join("\n\n").trim().to_owned(),
            ..inner
        };
    }
    let taken = calls::take(&split.text, offered);
    calls.extend(taken.calls);
    for unread in taken.unread {
        notes.push(format!(
            "a tool call in the text could not be read (`{}`)",
            clean(&unread, SHOWN)
        ));
    }
    let (text, left_out) =
        if is_pure(&taken.text) { (taken.text, false) } else { without_marks(&taken.text) };
    if left_out {
        notes.push("it continued with another role's turn, which is left out".to_owned());
    }
    Read { text, thinking: split.thinking, calls, notes }
}

/// Returns the text without the marks of a model's format. If the model invents another role's turn, the text
/// ends there. Also returns whether there was such a turn.
fn without_marks(text: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    for (zone, range) in zones::zones(text) {
        let part = &text[range.clone()];
        if zone == Zone::Inert {
            out.push_str(part);
            continue;
        }
        let mut at = 0;
        while at < part.len() {
            let here = &part[at..];
            let found = tags::at(here).filter(|found| {
                let whole = &text[range.start + at..];
                counts(text, range.start + at, whole, found, zone)
            });
            match found {
                Some(found) if found.kind == Kind::OtherTurn && !out.trim().is_empty() => {
                    let rest = &text[range.start + at + found.length..];
                    return (out.trim_end().to_owned(), !rest.trim().is_empty());
                }
                Some(found) => {
                    at = (at + found.length).min(part.len());
                    // Remove the line of the mark too.
                    if out.is_empty() || out.ends_with('\n') {
                        at += part[at..].len() - part[at..].trim_start_matches(['\n', ' ']).len();
                    }
                }
                None => {
                    let c = here.chars().next().map_or(1, char::len_utf8);
                    out.push_str(&here[..c]);
                    at += c;
                }
            }
        }
    }
    (out, false)
}

/// Returns whether a tag counts here: `<s>` and `[INST]` may be words of a text or types of a program, so
/// they count only at the ends of a line.
fn counts(text: &str, at: usize, here: &str, found: &tags::Found, zone: Zone) -> bool {
    if found.foreign {
        return true;
    }
    if zone == Zone::Code && matches!(found.kind, Kind::Think) {
        return false;
    }
    let before = text[..at].rsplit('\n').next().unwrap_or_default().trim();
    let after = here[found.length.min(here.len())..].split('\n').next().unwrap_or_default().trim();
    match zone {
        Zone::Code => before.is_empty() && after.is_empty(),
        _ => {
            matches!(found.kind, Kind::Mark | Kind::OtherTurn)
                && (before.is_empty() || after.is_empty())
        }
    }
}

#[cfg(test)]
mod fuzz;
