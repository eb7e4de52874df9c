//! Cleans texts of servers and models for printing, and reads text from JSON.

use code_evolution_wire::text::clip;
use serde_json::Value;

/// Makes a server's text part of a line: one line, no control characters, at most `most` characters.
pub(super) fn clean(text: &str, most: usize) -> String {
    let mut out = String::new();
    for word in printable(text).split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > 4 * most {
            break;
        }
    }
    clip(&out, most)
}

/// Removes terminal sequences and control characters; line ends and tabs become spaces.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // `ESC [ … letter` colours and moves; other sequences lose only their escape character.
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' => out.push_str("    "),
            '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            // Characters that change the writing direction can falsify what a text seems to say.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c => out.push(c),
        }
    }
    out
}

/// Returns a text, or the text inside a number, a list or an object.
pub(super) fn plain_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain_text).collect::<Vec<_>>().join("; "),
        Value::Object(object) => {
            let inner =
                ["message", "msg", "detail", "text"].iter().find_map(|key| object.get(*key));
            inner.map_or_else(|| value.to_string(), plain_text)
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_texts_are_cleaned() {
        assert_eq!(clean("a\n\u{1b}[31mred\u{1b}[0m\tb\u{7}\u{202e}", 50), "a red b");
        assert_eq!(clean("éééé", 2), "é…");
        assert_eq!(clean(&"x".repeat(10_000), 300).chars().count(), 300);
        assert_eq!(printable("    fn one() {\t1 }"), "    fn one() {    1 }");
    }
}
