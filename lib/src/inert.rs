//! Text from elsewhere, made harmless before anyone sees it.
//!
//! What a model wrote and what a candidate printed may hold anything. Three readers could be
//! misled by it, and this module serves all three:
//!
//! - **The browser** would run HTML. [`html`] escapes every character that HTML gives a meaning.
//! - **The kernel** reads the notebook process's standard output and obeys certain lines of it. One
//!   of them (`EVCXR_BEGIN_CONTENT` and a MIME type) works anywhere in a line, so a prefix is no
//!   protection: here no text keeps the letters `EVCXR_` next to each other.
//! - **The person** would believe what is displayed. Terminal escapes, characters that reorder text
//!   or have no width, and unusual spaces are written out the way Rust writes them: `\u{202e}`.
//!
//! What stays possible: text can lie in plain letters, and look-alike letters of other alphabets
//! stay as they are, since human languages need them.

use std::fmt::Write as _;

pub(crate) use code_evolution_wire::text::clip;
use serde_json::Value;

/// What the kernel's control lines begin with.
const CONTROL: &str = "EVCXR_";
/// What stands there instead. No backslash: it would spoil JSON that is quoted within JSON.
const HARMLESS: &str = "EVCXR-";

/// The text with everything unseen made visible and no control line of the kernel in it. Line
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

/// Like [`text()`], on one line: a line break becomes `⏎`, a tab a space.
pub fn line(text: &str) -> String {
    self::text(text).trim_end_matches('\n').replace('\n', "⏎").replace('\t', " ")
}

/// Like [`line()`], cut to at most `limit` characters, the last of them `…` if something is missing.
pub fn short(text: &str, limit: usize) -> String {
    clip(&line(text), limit)
}

/// The text as the content of an HTML element or of a quoted attribute: made visible like [`text()`],
/// and without a character that HTML would read as markup.
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

/// Every line of the text, inert and after a prefix, so that it cannot be taken for the notebook's
/// own words.
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

/// The text without a control string of the kernel, and else as it is: for a finished panel, checked
/// once more.
///
/// ```
/// use code_evolution::inert;
/// assert_eq!(inert::seal("EVCXR_BEGIN_CONTENT x"), "EVCXR-BEGIN_CONTENT x");
/// ```
pub fn seal(text: &str) -> String {
    text.replace(CONTROL, HARMLESS)
}

/// JSON without a control string of the kernel in any of its texts, however they were written. A cell
/// may print any field of what it got, not only panels, and one panic message that says
/// `EVCXR_BEGIN_CONTENT x` would make the kernel wait for an end that never comes.
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

/// Writes out what a reader would not see.
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

/// Whether a reader sees this character after that one.
fn is_seen(c: char, before: Option<char>) -> bool {
    match c {
        ' '..='~' => true,
        // U+FE0E and U+FE0F choose between the text form and the picture of a character: `⚠️`. A
        // single one is common; a row of them can hide a message.
        '\u{fe0e}' | '\u{fe0f}' => before.is_some_and(|b| !b.is_ascii() && !is_selector(b)),
        c if is_selector(c) || is_blank_letter(c) => false,
        c => is_printable(c),
    }
}

fn is_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Characters that Unicode files under letters, marks or symbols although they show nothing.
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

/// Whether the standard library's own table calls a character printable: no control, format,
/// private, unassigned or unusual space character. (Asked of the second letter of a text, since an
/// accent at the start of one is escaped too.)
fn is_printable(c: char) -> bool {
    let mut letters = [b'a'; 5];
    let end = 1 + c.encode_utf8(&mut letters[1..]).len();
    std::str::from_utf8(&letters[..end]).is_ok_and(|pair| pair.escape_debug().count() == 2)
}

/// How many columns a text takes in a font of fixed width; East Asian letters and pictures take
/// two. Close enough for aligning a table.
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

/// The text followed by spaces up to this many columns.
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
    fn what_is_unseen_is_written_out() {
        assert_eq!(text("a\u{200b}b\u{ad}c\u{feff}"), r"a\u{200b}b\u{ad}c\u{feff}");
        assert_eq!(text("\u{e0041}\u{2028}\u{85}\u{0}"), r"\u{e0041}\u{2028}\u{85}\u{0}");
        assert_eq!(text("⚠\u{fe0f}\u{fe0f}x\u{fe00}"), "⚠\u{fe0f}\\u{fe0f}x\\u{fe00}");
        assert_eq!(text("\u{3164}\u{a0}"), r"\u{3164}\u{a0}");
    }

    #[test]
    fn line_ends_of_every_kind() {
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
    fn html_is_what_it_was_once_a_browser_has_read_it() {
        assert_eq!(html("a < b && c > \"d\""), "a &lt; b &amp;&amp; c &gt; &quot;d&quot;");
    }
}
