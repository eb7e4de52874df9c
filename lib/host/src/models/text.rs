//! Texts of servers and models: made safe to print, and read.

use std::time::Duration;

use serde_json::Value;

/// A server's text as part of a line: one line, no control characters, not longer than `most`
/// characters.
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
    match out.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &out[..end]),
        None => out,
    }
}

/// A text without terminal sequences and control characters; line ends and tabs become spaces.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // `ESC [ … letter` colours and moves; other sequences lose their escape only.
            '\u{1b}' if chars.peek() == Some(&'[') => {
                chars.next();
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\t' => out.push_str("    "),
            '\n' | '\r' => out.push(' '),
            c if c.is_control() => {}
            // Characters that turn the direction of what follows can make a text lie.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c => out.push(c),
        }
    }
    out
}

/// A text, or what of it there is in a number, a list or an object.
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

/// A duration as rate-limit headers and Gemini write it: `37`, `37s`, `6m0s`, `1h2m3.5s`, `120ms`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..letters] {
                "" | "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                "m" => 60.0,
                "h" => 3_600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[letters..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn server_texts_are_cleaned() {
        assert_eq!(clean("a\n\u{1b}[31mred\u{1b}[0m\tb\u{7}\u{202e}", 50), "a red b");
        assert_eq!(clean("éééé", 2), "éé…");
        assert_eq!(clean(&"x".repeat(10_000), 300).chars().count(), 301);
        assert_eq!(printable("    fn one() {\t1 }"), "    fn one() {    1 }");
    }

    #[test]
    fn durations() {
        let ms = |text| duration(text).map(|duration| duration.as_millis());
        assert_eq!(ms("37s"), Some(37_000));
        assert_eq!(ms("37"), Some(37_000));
        assert_eq!(ms("6m0s"), Some(360_000));
        assert_eq!(ms("1h2m3.5s"), Some(3_723_500));
        assert_eq!(ms("120ms"), Some(120));
        for odd in
            ["", "soon", "-1", "1.2.3s", "1w", "1e999999999s", "99999999999999999999999999999d"]
        {
            assert_eq!(ms(odd), None, "{odd}");
        }
    }
}
