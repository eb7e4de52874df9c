//! Makes text from models and strangers harmless for a browser and for a reader.

/// Writes out invisible characters as Rust does: `\u{202e}`. Line breaks and tabs stay.
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' | '\'' | '"' | '\\' => c.to_string(),
            c => c.escape_debug().to_string(),
        })
        .collect()
}

/// Escapes the text for the content of an element or a quoted attribute.
pub fn escape(text: &str) -> String {
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
    out
}

/// Writes a block of text.
pub fn pre(text: &str) -> String {
    // HTML drops one line break after the tag, so write one more.
    format!("<pre>\n{}</pre>", escape(text))
}

/// Returns the anchor of a candidate: the line of its verdict.
pub fn anchor(line: u64) -> String {
    format!("c{line}")
}
