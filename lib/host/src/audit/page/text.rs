//! Words of others, made harmless for a browser and for a reader.

/// The text with everything that would be unseen written out, as Rust writes it: `\u{202e}`. Line breaks
/// and tabs stay.
pub fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\t' | '\'' | '"' | '\\' => c.to_string(),
            c => c.escape_debug().to_string(),
        })
        .collect()
}

/// The text as the content of an element or of a quoted attribute.
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

/// A block of text.
pub fn pre(text: &str) -> String {
    // HTML drops one line break after the tag: this one.
    format!("<pre>\n{}</pre>", escape(text))
}

/// What a candidate is called: by the line of its verdict.
pub fn anchor(line: u64) -> String {
    format!("c{line}")
}
