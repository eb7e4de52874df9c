//! Harmony: the format in which gpt-oss thinks, calls and answers. Some servers leave it in the text.
//!
//! A message is `<|start|>role<|channel|>name to=recipient<|constrain|>json<|message|>text`, and ends with
//! `<|end|>`, `<|call|>` or `<|return|>`. The channel `analysis` is thinking, a message with a recipient is a
//! call, and everything else is for the reader. See the
//! [description](https://developers.openai.com/cookbook/articles/openai-harmony).

use super::tags;
use super::zones::{Zone, zones};

/// The content of a text's messages, each kind in one piece.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Messages {
    pub(super) text: String,
    pub(super) thinking: String,
    /// The calls: a tool's name and its arguments as the model wrote them.
    pub(super) calls: Vec<(String, String)>,
}

/// The names of this format's marks.
const MARKS: [&str; 8] = [
    "<|start|>",
    "<|channel|>",
    "<|constrain|>",
    "<|message|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|constraint|>",
];

/// Reads the messages of a text in this format; `None` if the text has no channels.
pub(super) fn read(text: &str) -> Option<Messages> {
    if !text.contains("<|channel|>") && !text.contains("<|message|>") {
        return without_marks(text);
    }
    let zones = zones(text);
    let live =
        |at: usize| !zones.iter().any(|(zone, range)| *zone == Zone::Inert && range.contains(&at));
    let mut messages = Messages::default();
    let (mut header, mut in_header, mut from, mut any) = (String::new(), false, 0, false);
    let marks = text.match_indices("<|").filter(|(at, _)| live(*at));
    for (at, _) in marks {
        let Some(mark) = MARKS.iter().find(|mark| text[at..].starts_with(**mark)) else { continue };
        if at < from {
            continue;
        }
        any |= *mark == "<|channel|>" || *mark == "<|message|>";
        let piece = &text[from..at];
        from = at + mark.len();
        if in_header {
            header.push_str(piece);
            match *mark {
                "<|message|>" => in_header = false,
                "<|channel|>" => header.push_str(" channel:"),
                "<|constrain|>" | "<|constraint|>" => header.push(' '),
                _ => {
                    messages.add(&std::mem::take(&mut header), "");
                    in_header = *mark == "<|start|>";
                }
            }
            continue;
        }
        messages.add(&header, piece);
        header.clear();
        in_header = matches!(*mark, "<|start|>" | "<|channel|>");
        if *mark == "<|channel|>" {
            header.push_str("channel:");
        }
    }
    let rest = &text[from..];
    if in_header {
        // The mark before the message was lost, so the message follows the channel's name directly.
        let name_end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        header.push_str(&rest[..name_end]);
        messages.add(&header, &rest[name_end..]);
    } else {
        messages.add(&header, rest);
    }
    any.then_some(messages)
}

/// Reads a text of a server that drops the marks but keeps the names: `analysisLet me
/// see.assistantfinalDone.`
fn without_marks(text: &str) -> Option<Messages> {
    let inside = text.trim_start().strip_prefix("analysis")?;
    let (thinking, answer) = inside.split_once("assistantfinal")?;
    Some(Messages {
        text: answer.to_owned(),
        thinking: thinking.trim().to_owned(),
        calls: Vec::new(),
    })
}

impl Messages {
    fn add(&mut self, header: &str, body: &str) {
        if let Some(to) = header.split("to=").nth(1) {
            let name = to.split(|c: char| c.is_whitespace() || c == '<').next().unwrap_or_default();
            self.calls.push((name.to_owned(), body.trim().to_owned()));
            return;
        }
        let channel = header.split("channel:").nth(1).unwrap_or_default();
        let part = if channel.trim_start().starts_with("analysis") {
            &mut self.thinking
        } else {
            &mut self.text
        };
        let body = body.trim();
        if body.is_empty() {
            return;
        }
        if !part.is_empty() {
            part.push_str("\n\n");
        }
        part.push_str(body);
    }
}

/// Removes what leaks into a tool's name: `functions.add<|channel|>json` is `add`.
pub(super) fn tool_name(name: &str) -> String {
    let end = name.match_indices('<').map(|(at, _)| at).find(|&at| tags::at(&name[at..]).is_some());
    let name = name[..end.unwrap_or(name.len())].trim();
    let name = name.split_whitespace().next().unwrap_or_default();
    let name = name.strip_prefix("functions.").unwrap_or(name);
    // Kimi numbers its calls: `functions.add:0`.
    let (bare, number) = name.rsplit_once(':').unwrap_or((name, "x"));
    if number.chars().all(|c| c.is_ascii_digit()) { bare.to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> (String, String, Vec<(String, String)>) {
        let found = read(text).unwrap_or_else(|| panic!("no messages in {text}"));
        (found.text, found.thinking, found.calls)
    }

    #[test]
    fn channels_are_told_apart() {
        let call = |name: &str, arguments: &str| vec![(name.to_owned(), arguments.to_owned())];
        let owned = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        for (text, (answer, thinking), calls) in [
            (
                "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>",
                owned("yes", "hm"),
                vec![],
            ),
            ("<|channel|>final<|message|>yes", owned("yes", ""), vec![]),
            ("<|channel|>final\nyes", owned("yes", ""), vec![]),
            ("<|channel|>analysis<|message|>hm", owned("", "hm"), vec![]),
            (
                "<|channel|>commentary to=functions.add <|constrain|>json<|message|>{\"a\":1}<|call|>",
                owned("", ""),
                call("functions.add", "{\"a\":1}"),
            ),
            (
                "<|start|>assistant to=functions.add<|channel|>commentary json<|message|>{}<|call|>",
                owned("", ""),
                call("functions.add", "{}"),
            ),
            (
                "<|channel|>commentary<|message|>I add.<|end|><|start|>assistant<|channel|>final<|message|>34",
                owned("I add.\n\n34", ""),
                vec![],
            ),
            ("analysisLet me see.assistantfinalDone.", owned("Done.", "Let me see."), vec![]),
        ] {
            assert_eq!(said(text), (answer, thinking, calls), "{text}");
        }
        for text in
            ["a", "the mark `<|channel|>` is one", "let a = \"<|channel|>final<|message|>\";"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn names_without_marks() {
        for name in [
            "add",
            "functions.add",
            "add<|channel|>json",
            "add <|constrain|>json",
            "functions.add:0",
        ] {
            assert_eq!(tool_name(name), "add");
        }
        assert_eq!(tool_name("a_b-2"), "a_b-2");
    }
}
