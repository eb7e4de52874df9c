//! Finds where in a reply a tag or a mark counts, and where it is only mentioned.
//!
//! `<think>` in a string of the code is text; `</think>` after a block is a tag. So a reply is divided into
//! three kinds of zones: prose, the tokens of fenced code, and inert text. Inert text is literals and
//! comments in code, code in back-ticks, and text in quotes on one line.

use std::ops::Range;

use code_evolution_wire::source::{Part, parts};

/// The kind of a part of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Zone {
    /// Words, and everything that is in no other zone.
    Prose,
    /// The tokens of a fenced block of code.
    Code,
    /// A mention: nothing in it counts as a tag or a mark.
    Inert,
}

/// Returns the zones of a text, in order, without gaps.
pub(super) fn zones(text: &str) -> Vec<(Zone, Range<usize>)> {
    let mut zones = Vec::new();
    let mut fence: Option<(usize, bool)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        match fence {
            None => {
                prose(line, at, &mut zones);
                if let Some(info) = opens(line) {
                    fence = Some((end, is_code(info)));
                }
            }
            Some((start, code)) if closes(line) => {
                block(&text[start..at], start, code, &mut zones);
                prose(line, at, &mut zones);
                fence = None;
            }
            Some(_) => {}
        }
        at = end;
    }
    if let Some((start, code)) = fence {
        block(&text[start..], start, code, &mut zones);
    }
    zones
}

fn block(text: &str, start: usize, code: bool, zones: &mut Vec<(Zone, Range<usize>)>) {
    let mut at = start;
    if !code {
        for line in text.split_inclusive('\n') {
            prose(line, at, zones);
            at += line.len();
        }
        return;
    }
    for (part, text) in parts(text) {
        let zone = if part == Part::Code { Zone::Code } else { Zone::Inert };
        zones.push((zone, at..at + text.len()));
        at += text.len();
    }
}

/// Divides a line of prose: back-ticks and quotes make a mention, and so does a comment without a fence.
fn prose(line: &str, start: usize, zones: &mut Vec<(Zone, Range<usize>)>) {
    if line.trim_start().starts_with("//") {
        zones.push((Zone::Inert, start..start + line.len()));
        return;
    }
    let mut from = 0;
    while let Some((open, length)) = mention(&line[from..]) {
        zones.push((Zone::Prose, start + from..start + from + open));
        zones.push((Zone::Inert, start + from + open..start + from + open + length));
        from += open + length;
    }
    zones.push((Zone::Prose, start + from..start + line.len()));
}

/// Finds the first quoted part of a line: its start, and its length with both quote marks.
fn mention(line: &str) -> Option<(usize, usize)> {
    for (at, c) in line.char_indices().filter(|(_, c)| matches!(c, '`' | '"' | '“')) {
        let ticks = line[at..].chars().take_while(|&next| next == '`').count();
        // A fence is not a quotation.
        if c == '`' && ticks >= 3 {
            return None;
        }
        let (mark, end) = match c {
            '`' => ("`".repeat(ticks), "`".repeat(ticks)),
            '"' => ("\"".to_owned(), "\"".to_owned()),
            _ => ("“".to_owned(), "”".to_owned()),
        };
        let inside = at + mark.len();
        let close = if c == '"' { unescaped(&line[inside..]) } else { line[inside..].find(&end) };
        if let Some(close) = close {
            return Some((at, mark.len() + close + end.len()));
        }
    }
    None
}

fn unescaped(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// Returns the info string of a line that opens a block.
fn opens(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>');
    let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let info = rest.trim_start_matches(mark);
    (rest.len() - info.len() >= 3 && !info.contains('`')).then(|| info.trim())
}

/// Returns whether a line closes a block, even with a model's mark after the fence or code before it.
fn closes(line: &str) -> bool {
    let rest = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>').trim_end();
    let bare = rest.trim_start_matches(['`', '~']);
    let run = rest.len() - bare.len();
    if run >= 3 {
        return bare.is_empty() || bare.starts_with(['<', ' ', '[', '◁']);
    }
    rest.ends_with("}```")
}

fn is_code(info: &str) -> bool {
    let word = info.split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty());
    matches!(
        word.unwrap_or_default().to_lowercase().as_str(),
        "" | "rust" | "rs" | "diff" | "patch"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn zone_of(text: &str, part: &str) -> Zone {
        let at = text.find(part).expect("the part");
        let found = zones(text).into_iter().find(|(_, range)| range.contains(&at));
        found.expect("a zone").0
    }

    #[test]
    fn a_tag_is_a_mention_in_strings_comments_and_quotes() {
        for (text, zone) in [
            ("so: <t>", Zone::Prose),
            ("the tag `<t>` is", Zone::Inert),
            ("the tag \"a <t> b\" is", Zone::Inert),
            ("say \\\"no: <t>", Zone::Prose),
            ("// <t>\nfn f() {}", Zone::Inert),
            ("```rust\nlet a = 1;\n<t>\n```", Zone::Code),
            ("```rust\nlet a = \"<t>\";\n```", Zone::Inert),
            ("```rust\n/* <t>\n*/\n```", Zone::Inert),
            ("```\nlet a = 1;\n```\n<t>", Zone::Prose),
            ("```text\n<t>\n```", Zone::Prose),
            ("```\nlet a = 1;\n```<t>", Zone::Prose),
            ("```\nlet a = \"open\n", Zone::Inert),
        ] {
            let part = if text.contains("<t>") { "<t>" } else { "open" };
            assert_eq!(zone_of(text, part), zone, "{text}");
        }
    }

    proptest! {
        #[test]
        fn zones_have_no_gaps(text in "(```|~~~|\n|`|\"|“|”|rust|é|/|\\*|<t>| ){0,40}") {
            let mut end = 0;
            for (_, range) in zones(&text) {
                prop_assert_eq!(range.start, end);
                end = range.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
