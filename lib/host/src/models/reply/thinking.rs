//! Separates thinking from the text of a reply.

use std::ops::Range;

use super::tags::{self, Found, Kind};
use super::zones::{Zone, zones};

/// A reply, split into two parts.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Split {
    pub(super) text: String,
    pub(super) thinking: String,
    /// A note on how they were separated, for the reader.
    pub(super) note: Option<&'static str>,
}

/// How much of the reply has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::models) enum Extent {
    /// All of it.
    Whole,
    /// The end is missing, or has not arrived yet: thinking without an end takes the rest.
    Cut,
}

/// After this many tags of thinking, the rest stays as it is: no model thinks that often.
const MOST: usize = 100;

/// Removes what is between tags of thinking. If there is only a closing tag, everything before it is
/// thinking. If there is only an opening tag, everything after it is thinking, unless the form shows where
/// the answer begins: see [`answer_within`].
pub(super) fn split(text: &str, extent: Extent) -> Split {
    let mut split = Split { text: text.to_owned(), ..Split::default() };
    for _ in 0..MOST {
        let Some((at, tag)) = first_tag(&split.text) else { break };
        let (before, rest) = split.text.split_at(at);
        let (before, inside) = (before.to_owned(), rest[tag.length..].to_owned());
        if tag.kind == Kind::EndThink {
            end_alone(&mut split, &before, &inside);
        } else if let Some(end) = matching_end(&inside) {
            add(&mut split.thinking, &inside[..end.start]);
            split.text = join(&before, &inside[end.end..]);
        } else {
            unclosed(&mut split, &before, &inside, extent);
            break;
        }
    }
    split
}

/// Handles a closing tag without an opening one: the text before it is thinking, unless nothing follows, or
/// thinking was removed right there.
fn end_alone(split: &mut Split, before: &str, after: &str) {
    if after.trim().is_empty() || before.trim().is_empty() {
        split.text = join(before, after);
    } else {
        add(&mut split.thinking, before);
        split.text = after.trim_start_matches('\n').to_owned();
    }
}

fn unclosed(split: &mut Split, before: &str, inside: &str, extent: Extent) {
    let answer = if extent == Extent::Whole && before.trim().is_empty() {
        answer_within(inside)
    } else {
        None
    };
    let (thinking, answer) = inside.split_at(answer.unwrap_or(inside.len()));
    add(&mut split.thinking, thinking);
    if !answer.is_empty() {
        split.note =
            Some("the thinking has no end: the part that looks like the answer is taken from it");
    }
    split.text = join(before, answer);
}

/// Finds where the answer begins in thinking that was never closed. The answer may be code, a block or JSON
/// at the end of the thinking, or else the last of several paragraphs.
fn answer_within(inside: &str) -> Option<usize> {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(inside.match_indices('\n').map(|(at, _)| at + 1))
        .filter(|&at| at < inside.len())
        .collect();
    let line = |at: usize| inside[at..].lines().next().unwrap_or_default();
    let is_fence = |at: &usize| line(*at).trim_start().starts_with("```");
    let fences: Vec<usize> = starts.iter().copied().filter(is_fence).collect();
    let is_item = |at: &usize| super::scan::starts_function(line(*at));
    // Fences come in pairs, and the last one may be open.
    let block = fences.get(fences.len().saturating_sub(1) / 2 * 2).copied();
    let after_block = if fences.len().is_multiple_of(2) { fences.last().copied() } else { None };
    let bare = starts.iter().copied().filter(|&at| after_block.is_none_or(|end| at > end));
    if let Some(at) = bare.into_iter().find(is_item).filter(|_| fences.len().is_multiple_of(2)) {
        return Some(at);
    }
    if block.is_some() {
        return block;
    }
    let json = starts.iter().copied().find(|&at| {
        let rest = inside[at..].trim();
        rest.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(rest).is_ok()
    });
    let paragraph = || {
        let at = inside.trim_end().rfind("\n\n")? + 2;
        (!inside[..at].trim().is_empty()).then_some(at)
    };
    json.or_else(paragraph)
}

fn add(thinking: &mut String, more: &str) {
    let more = more.trim();
    if !thinking.is_empty() && !more.is_empty() {
        thinking.push_str("\n\n");
    }
    thinking.push_str(more);
}

/// Joins what was around a removed part.
fn join(before: &str, after: &str) -> String {
    let after = after.trim_start_matches([' ', '\n']);
    let before = before.trim_end_matches(' ');
    let gap =
        if before.is_empty() || after.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    format!("{before}{gap}{after}")
}

/// Finds the first tag of thinking that is not a mention.
fn first_tag(text: &str) -> Option<(usize, Found)> {
    let zones = zones(text);
    candidates(text).find(|&(at, tag)| {
        let zone = zones.iter().find(|(_, range)| range.contains(&at)).map(|(zone, _)| *zone);
        match (zone, tag.kind) {
            (Some(Zone::Prose), Kind::EndThink) => true,
            (Some(Zone::Prose), _) => begins(text, at, tag),
            (Some(Zone::Code), Kind::EndThink) => tag.foreign,
            (Some(Zone::Code), _) => stands_alone(text, at, tag),
            _ => false,
        }
    })
}

/// Returns whether thinking begins at a tag in prose: at the start of a line, or where it also ends. Inside a
/// sentence, a tag without an end is a mention.
fn begins(text: &str, at: usize, tag: Found) -> bool {
    let before = text[..at].rsplit('\n').next().unwrap_or_default();
    let after = &text[at + tag.length..];
    if before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == ':' && tag.length < 3)
    {
        // After a letter, `<Thought>` may be a part of a type: `Vec<Thought>`.
        return tag.foreign;
    }
    before.trim_matches([' ', '\t', '>', '*', '-', '\u{feff}']).is_empty()
        || matching_end(after).is_some()
}

/// Returns whether a tag in code is alone on its line: `<Thinking>::new()` is Rust.
fn stands_alone(text: &str, at: usize, tag: Found) -> bool {
    let before = text[..at].rsplit('\n').next().unwrap_or_default().trim();
    let after = text[at + tag.length..].split('\n').next().unwrap_or_default();
    let own = before.is_empty() && (after.trim().is_empty() || !after.starts_with([':', ',', '(']));
    own || before.ends_with(['}', ';']) && !after.starts_with(':') || tag.foreign
}

/// Lists every tag of thinking in a text, mentions too.
fn candidates(text: &str) -> impl Iterator<Item = (usize, Found)> {
    text.match_indices(['<', '[', '◁', '＜']).filter_map(|(at, _)| {
        let found = tags::at(&text[at..])?;
        matches!(found.kind, Kind::Think | Kind::EndThink).then_some((at, found))
    })
}

/// Returns whether back-ticks are open after this start of a line. A fence does not count: "```</think>" ends
/// both.
fn in_ticks(before: &str) -> bool {
    let runs = before.split(|c| c != '`').filter(|run| (1..3).contains(&run.len()));
    runs.count() % 2 == 1
}

/// Finds the closing tag of the thinking in which a text begins. A tag that opens at the start of a line
/// inside it needs its own closing tag, if there are enough closing tags.
fn matching_end(inside: &str) -> Option<Range<usize>> {
    let mut depth = 1;
    let mut last = None;
    for (at, tag) in candidates(inside) {
        let before = inside[..at].rsplit('\n').next().unwrap_or_default();
        if in_ticks(before) {
            continue;
        }
        if tag.kind == Kind::EndThink {
            depth -= 1;
            last = Some(at..at + tag.length);
            if depth == 0 {
                return last;
            }
        } else if before.trim().is_empty() || tags::at(before.trim()).is_some() {
            depth += 1;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn whole(reply: &str, text: &str, thinking: &str) {
        let found = split(reply, Extent::Whole);
        assert_eq!((found.text.as_str(), found.thinking.as_str()), (text, thinking), "{reply}");
    }

    #[test]
    fn thinking_is_taken_out_wherever_it_stands() {
        whole("<think>a</think>b", "b", "a");
        whole("<THINK>\na\n</THINK>\n\nb", "b", "a");
        whole("b\n<think>a</think>\nc", "b\nc", "a");
        whole("So, <think>a</think> b", "So,\nb", "a");
        whole("<think>a</think><think>b</think>c", "c", "a\n\nb");
        whole(
            "<think>\na\n<think>\nb\n</think>\nc\n</think>\nd",
            "d",
            "a\n<think>\nb\n</think>\nc",
        );
        whole("<think><think>a</think></think>b", "b", "<think>a</think>");
        whole("<think>the tag <think> is mine</think>b", "b", "the tag <think> is mine");
        whole("<think>a</think>\n</think>b", "b", "a");
        whole("<think></think>\nb", "b", "");
        whole("◁think▷a◁/think▷b", "b", "a");
        whole("[THINK]a[/THINK]b", "b", "a");
        whole("<seed:think>a</seed:think>b", "b", "a");
        whole("<reasoning effort=\"low\">a</reasoning>b", "b", "a");
        whole("<thinking>\n```rust\nlet a = 1;\n</thinking>\nb", "b", "```rust\nlet a = 1;");
        whole("<think>```rust\na\n```</think>b", "b", "```rust\na\n```");
        whole("<think>a `</think>` b</think>c", "c", "a `</think>` b");
        whole("<think>a ``</think>`` b</think>c", "c", "a ``</think>`` b");
    }

    #[test]
    fn thinking_with_only_a_closing_tag() {
        whole("a\n</think>\nb", "b", "a");
        whole(
            "a\n```rust\nfn one() {}\n</think>\n```rust\nb\n```",
            "```rust\nb\n```",
            "a\n```rust\nfn one() {}",
        );
        whole("b\n</think>\n", "b\n", "");
        whole("</think>b", "b", "");
    }

    #[test]
    fn thinking_that_is_never_closed() {
        whole("<think>\na\nb", "", "a\nb");
        whole("<think>\na\n\nb c", "b c", "a");
        whole("<think>\na\n```rust\nfn one() {}\n```\n", "```rust\nfn one() {}\n```\n", "a");
        whole(
            "<think>\na\n```rust\nx\n```\nno.\n\nfn one() {}\n",
            "fn one() {}\n",
            "a\n```rust\nx\n```\nno.",
        );
        whole("<think>\na: {\"b\": 1}\n{\"b\": 2}", "{\"b\": 2}", "a: {\"b\": 1}");
        whole("b\n<think>\na", "b\n", "a");
        let cut = split("<think>\na\n\nb c", Extent::Cut);
        assert_eq!((cut.text.as_str(), cut.thinking.as_str()), ("", "a\n\nb c"));
    }

    #[test]
    fn a_mention_is_not_thinking() {
        for text in [
            "the tag `<think>` opens, `</think>` closes",
            "the tag <think> opens it",
            "```rust\nlet a = \"<think>\";\n// </think>\nlet b = Vec::<Thought>::new();\n```",
            "fn one() -> &'static str {\n    \"<think>x</think>\"\n}",
            "a Vec<Thought> is no tag",
            "```rust\nlet x: Vec<Thinking> = <Thinking>::all();\n    <Thinking>::one()\n```",
        ] {
            whole(text, text, "");
        }
    }
}
