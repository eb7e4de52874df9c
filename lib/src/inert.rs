//! Makes text from models and programs harmless before anyone sees it.
//!
//! A model's reply or a candidate's output may hold anything. This module protects three readers from it:
//!
//! - **The browser** would run HTML. [`html`] escapes every character that has a meaning in HTML.
//! - **The kernel** reads the notebook process's standard output and obeys certain lines of it. One of them
//!   (`EVCXR_BEGIN_CONTENT` and a MIME type) works anywhere in a line, so a prefix does not protect.
//!   Therefore no text keeps the letters `EVCXR_` next to each other.
//! - **The person** would believe what is displayed. Terminal escapes, characters that reorder text or have
//!   no width, and unusual spaces are written the way Rust escapes them: `\u{202e}`.
//!
//! Two risks remain: text can lie in plain letters, and look-alike letters of other alphabets stay as they
//! are, since human languages need them.

use std::fmt::Write as _;

pub(crate) use code_evolution_wire::text::clip;
use serde_json::Value;

/// The first letters of the kernel's control lines.
const CONTROL: &str = "EVCXR_";
/// The replacement. It has no backslash, which would spoil JSON quoted within JSON.
const HARMLESS: &str = "EVCXR-";

/// Makes every invisible character of the text visible, and breaks every control line of the kernel. Line
/// breaks and tabs stay.
///
/// ```
/// use code_evolution::inert;
/// assert_eq!(inert::text("a\u{1b}[31m\u{202e}b"), r"a\u{1b}[31m\u{202e}b");
/// assert_eq!(inert::text("EVCXR_END_CONTENT"), "EVCXR-END_CONTENT");
/// ```
pub fn text(text: &str) -> String {
    seal(&visible(text))
}

/// Like [`text()`], but on one line: a line break becomes `⏎`, a tab becomes a space.
pub fn line(text: &str) -> String {
    self::text(text).trim_end_matches('\n').replace('\n', "⏎").replace('\t', " ")
}

/// Like [`line()`], but cut to at most `limit` characters; the last one is `…` if something is missing.
pub fn short(text: &str, limit: usize) -> String {
    clip(&line(text), limit)
}

/// Escapes the text for an HTML element or a quoted attribute: like [`text()`], and no character is left
/// that HTML would read as markup.
///
/// ```
/// use code_evolution::inert;
/// assert_eq!(inert::html("<b onclick='x'>"), "&lt;b onclick=&#39;x&#39;&gt;");
/// assert_eq!(inert::html("EVCXR_END_CONTENT"), "EVCXR-END_CONTENT");
/// ```
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    seal(&out)
}

/// Puts a prefix before every line of the inert text, so that it cannot be taken for the notebook's own
/// words.
///
/// ```
/// use code_evolution::inert;
/// assert_eq!(inert::quote("one\ntwo"), "│ one\n│ two");
/// ```
pub fn quote(text: &str) -> String {
    let text = self::text(text);
    let lines: Vec<String> = text.lines().map(|line| format!("│ {line}")).collect();
    lines.join("\n")
}

/// Removes the kernel's control strings from the text and leaves the rest as it is: a last check for a
/// finished panel.
///
/// ```
/// use code_evolution::inert;
/// assert_eq!(inert::seal("EVCXR_BEGIN_CONTENT x"), "EVCXR-BEGIN_CONTENT x");
/// ```
pub fn seal(text: &str) -> String {
    text.replace(CONTROL, HARMLESS)
}

/// Removes the kernel's control strings from every text in the JSON, however they were encoded. A cell may
/// print any field of an answer, not only panels. A single panic message with `EVCXR_BEGIN_CONTENT x` would
/// make the kernel wait for an end that never comes.
///
/// ```
/// use code_evolution::inert;
/// let hidden = serde_json::from_str(r#"["EVCXR\u005fEND_CONTENT"]"#)?;
/// assert_eq!(inert::value(hidden), serde_json::json!(["EVCXR-END_CONTENT"]));
/// # Ok::<(), serde_json::Error>(())
/// ```
pub fn value(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(seal(&text)),
        Value::Array(items) => items.into_iter().map(self::value).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (seal(&name), self::value(field))).collect()
        }
        other => other,
    }
}

/// Escapes what a reader would not see.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            '\n' | '\t' => out.push(c),
            '\r' => out.push_str(r"\r"),
            c if is_seen(c, before) => out.push(c),
            c => {
                // Writing to a string cannot fail.
                let _ = write!(out, "{}", c.escape_unicode());
            }
        }
        before = Some(c);
    }
    out
}

/// Returns whether a reader sees the character `c` after the character `before`.
fn is_seen(c: char, before: Option<char>) -> bool {
    match c {
        ' '..='~' => true,
        // U+FE0E and U+FE0F choose between the text form and the picture of a character: `⚠️`. A single
        // selector is common; a row of them can hide a message.
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|b| !b.is_ascii() && !is_selector(b)),
        c if is_selector(c) || is_blank_letter(c) => false,
        c => is_printable(c),
    }
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Returns whether Unicode calls this a letter, mark or symbol although it shows nothing.
fn is_blank_letter(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{ffa0}'
    )
}

/// Returns whether the standard library calls a character printable: no control, format, private,
/// unassigned or unusual space character. (The character is tested in second place, since an accent at the
/// start of a text is escaped too.)
fn is_printable(c: char) -> bool {
    let mut letters = [b'a'; 5];
    let end = 1 + c.encode_utf8(&mut letters[1..]).len();
    std::str::from_utf8(&letters[..end]).is_ok_and(|pair| pair.escape_debug().count() == 2)
}

/// Estimates how many columns a text takes in a fixed-width font; East Asian letters and pictures take two.
/// The estimate is good enough to align a table.
pub(crate) fn columns(text: &str) -> usize {
    text.chars()
        .map(|c| match c {
            '\u{300}'..='\u{36f}' | '\u{fe0e}' | '\u{fe0f}' => 0,
            '\u{1100}'..='\u{115f}'
            | '\u{2705}'
            | '\u{274c}'
            | '\u{2e80}'..='\u{a4cf}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{fe30}'..='\u{fe6f}'
            | '\u{ff00}'..='\u{ff60}'
            | '\u{1f300}'..='\u{1faff}'
            | '\u{20000}'..='\u{3fffd}' => 2,
            _ => 1,
        })
        .sum()
}

/// Appends spaces to the text up to this many columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for ordinary in ["let x = 1;\n\tx", "é e\u{301} ß 日本語 हिन्दी", "✅ 🔐 ⚠\u{fe0f} → ≤", ""]
        {
            assert_eq!(text(ordinary), ordinary);
        }
    }

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(text("a\u{200b}b\u{ad}c\u{feff}"), r"a\u{200b}b\u{ad}c\u{feff}");
        assert_eq!(text("\u{e0041}\u{2028}\u{85}\u{0}"), r"\u{e0041}\u{2028}\u{85}\u{0}");
        assert_eq!(text("⚠\u{fe0f}\u{fe0f}x\u{fe00}"), "⚠\u{fe0f}\\u{fe0f}x\\u{fe00}");
        assert_eq!(text("\u{3164}\u{a0}"), r"\u{3164}\u{a0}");
    }

    #[test]
    fn every_kind_of_line_end_is_handled() {
        assert_eq!(text("a\r\nb\rc"), "a\nb\\rc");
        assert_eq!(line("a\nb\tc\n"), "a⏎b c");
        assert_eq!(short("abcdef", 4), "abc…");
        assert_eq!(short("abcd", 4), "abcd");
    }

    #[test]
    fn the_kernel_finds_no_control_line() {
        let attack = "x EVCXR_BEGIN_CONTENT text/html\nEVCXR_END_CONTENT\r\nEVCXR_INPUT_REQUEST:";
        assert!(!text(attack).contains(CONTROL));
        assert!(!html(attack).contains(CONTROL));
        assert!(!quote(attack).contains(CONTROL));
    }

    #[test]
    fn a_browser_reads_back_the_original_text() {
        assert_eq!(html("a < b && c > \"d\""), "a &lt; b &amp;&amp; c &gt; &quot;d&quot;");
    }
}
