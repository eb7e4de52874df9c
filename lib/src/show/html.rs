//! The HTML parts that all panels use.
//!
//! This uses only elements and styles that JupyterLab's sanitizer keeps in an untrusted notebook (a fresh
//! clone): no `<svg>`, no `currentColor`, no script. It sets no foreground colour, and backgrounds are
//! translucent, so a panel looks right on a light and on a dark theme. If a site drops all styles, the
//! words and signs still say everything. A heading has more space above than below, so it belongs to its
//! text.

use crate::inert;

/// Wraps a panel. The classes stop MathJax from reading `$` in it as mathematics.
pub(crate) fn panel(body: &str) -> String {
    format!("<div class=\"mathjax_ignore tex2jax_ignore\">{body}</div>")
}

/// Writes the headline, close to the text that it summarises.
pub(crate) fn headline(text: &str) -> String {
    format!("<p style=\"margin: 4px 0 6px 0\"><strong>{}</strong></p>", inert::html(text))
}

/// Writes a block under its title, with space to the block above.
pub(crate) fn section(title: &str, body: &str) -> String {
    format!("<div style=\"margin: 0 0 20px 0\">{}{body}</div>", panel(&headline(title)))
}

/// Draws a frame around quoted words: a prompt, a reply.
pub(crate) fn frame(body: &str) -> String {
    format!(
        "<div style=\"border: 1px solid rgba(128, 128, 128, 0.45); \
         border-left: 4px solid rgba(0, 114, 178, 0.75); border-radius: 4px; \
         padding: 4px 12px; margin: 2px 0 8px 0\">{body}</div>"
    )
}

/// Writes a paragraph.
pub(crate) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>", inert::html(text))
}

/// Writes a less important line in small print.
pub(crate) fn small(text: &str) -> String {
    format!("<p><small>{}</small></p>", inert::html(text))
}

/// Writes who answered, below a figure or a table; nothing for an empty stamp.
pub(crate) fn stamp(text: &str) -> String {
    if text.is_empty() { String::new() } else { small(&stamped(text)) }
}

/// Formats a stamp the same way everywhere.
pub(crate) fn stamped(text: &str) -> String {
    format!("[{text}]")
}

/// Writes preformatted text that wraps at the edge of the page.
pub(crate) fn pre(text: &str) -> String {
    pre_of(&inert::html(text))
}

/// Like [`pre`], for HTML. The font is named, since the page of a saved notebook may not name it.
pub(crate) fn pre_of(html: &str) -> String {
    // HTML ignores a line break right after the tag. It ignores this one, so a line break of the text
    // stays.
    format!(
        "<pre style=\"white-space: pre-wrap; word-break: normal; word-wrap: break-word; \
         font-family: monospace; margin: 4px 0\">\n{html}</pre>"
    )
}

/// Writes a part that opens on a click.
pub(crate) fn details(summary: &str, body: &str) -> String {
    format!("<details><summary>{}</summary>{body}</details>", inert::html(summary))
}

/// The alignment of a table's column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// For words.
    Left,
    /// For numbers.
    Right,
}

/// Writes a table of texts, which are not HTML yet.
pub(crate) fn table(head: &[String], align: &[Align], rows: &[Vec<String>]) -> String {
    let cell = |tag: &str, column: usize, text: &str| {
        let side = match align.get(column) {
            Some(Align::Right) => "right",
            _ => "left",
        };
        let long = text.chars().count() > LONG_TEXT;
        let most = if long { "; max-width: 28em" } else { "" };
        format!("<{tag} style=\"text-align: {side}{most}\">{}</{tag}>", breakable(text))
    };
    let mut out = String::from("<table style=\"margin: 4px 0 8px 0\"><thead><tr>");
    for (column, text) in head.iter().enumerate() {
        out += &cell("th", column, text);
    }
    out += "</tr></thead><tbody>";
    for row in rows {
        out += "<tr>";
        for (column, text) in row.iter().enumerate() {
            out += &cell("td", column, text);
        }
        out += "</tr>";
    }
    out + "</tbody></table>"
}

/// From this many characters on, a text in a table wraps instead of widening its column.
const LONG_TEXT: usize = 50;

/// From this many characters on, a word may break, so that a table with a long value fits the page.
const LONG_WORD: usize = 40;

/// Prepares a text for a table. Break points are elements, since the sanitizer drops the style for them.
fn breakable(text: &str) -> String {
    text.split('\n').map(breakable_line).collect::<Vec<_>>().join("<br>")
}

fn breakable_line(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        if word.chars().count() <= LONG_WORD {
            return inert::html(word);
        }
        let letters: Vec<char> = word.chars().collect();
        let pieces =
            letters.chunk_by(|before, _| *before != ',').flat_map(|part| part.chunks(LONG_WORD));
        let pieces: Vec<String> =
            pieces.map(|piece| inert::html(&piece.iter().collect::<String>())).collect();
        pieces.join("<wbr>")
    });
    let html = words.collect::<Vec<_>>().join(" ");
    // A sign stays on the same line as the word after it.
    let sign = ["✓ ", "✗ "].into_iter().find(|sign| html.starts_with(sign));
    sign.map_or(html.clone(), |sign| html.replacen(sign, &sign.replace(' ', "&nbsp;"), 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_word_may_break() {
        let list = format!("a&b [{0},{0},1]", "9".repeat(19));
        let shown = format!("a&amp;b [{0},<wbr>{0},<wbr>1]", "9".repeat(19));
        assert_eq!(breakable(&list), shown);
        assert_eq!(breakable(&"x".repeat(41)), format!("{}<wbr>x", "x".repeat(40)));
        assert_eq!(breakable("one two, three"), "one two, three");
        assert_eq!(breakable("a question?\n<an example>"), "a question?<br>&lt;an example&gt;");
    }

    #[test]
    fn a_sign_stays_with_its_word() {
        assert_eq!(breakable("✗ failed"), "✗&nbsp;failed");
        assert_eq!(breakable("✓ all 4 cases passed"), "✓&nbsp;all 4 cases passed");
        assert_eq!(breakable("a ✗ b"), "a ✗ b");
    }
}
