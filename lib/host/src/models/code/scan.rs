//! Enough of Rust's lexis to tell a definition from a mention.

/// The code with comments, strings and character literals blanked out, so that what is left are
/// tokens. Line ends stay.
fn tokens(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if c == '"' {
            quoted(rest)
        } else if c == 'r' && !out.ends_with(is_word) {
            raw_string(rest)
        } else if c == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.push(' ');
            rest = &rest[skipped..];
        }
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a block comment, which may nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut position) = (0_usize, 0);
    while position < text.len() {
        let rest = &text[position..];
        if rest.starts_with("/*") {
            depth += 1;
            position += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            position += 2;
            if depth == 0 {
                return position;
            }
        } else {
            position += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of a string literal.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (position, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return position + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a raw string literal; 0 where the `r` begins something else.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].bytes().take_while(|&byte| byte == b'#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    text[body..].find(&end).map_or(text.len(), |at| body + at + end.len())
}

/// The length of a character literal; 0 where the quote begins a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        // `'\''`: the escaped quote is not the end.
        Some((_, '\\')) if text[2..].starts_with("''") => 4,
        Some((_, '\\')) => text[2..].find('\'').map_or(0, |at| at + 3),
        Some(_) => match chars.next() {
            Some((end, '\'')) => end + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// The names of the functions that the code defines, in order.
pub(super) fn functions(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let mut names = Vec::new();
    let mut rest = tokens.as_str();
    while let Some(at) = rest.find("fn") {
        let word = !rest[..at].ends_with(is_word);
        let after = &rest[at + 2..];
        let name_on = after.trim_start();
        if word && name_on.len() < after.len() {
            let name_on = name_on.strip_prefix("r#").unwrap_or(name_on);
            let name: String = name_on.chars().take_while(|&c| is_word(c)).collect();
            let tail = name_on[name.len()..].trim_start();
            if !name.is_empty() && tail.starts_with(['(', '<']) && has_body(tail) {
                names.push(name);
            }
        }
        rest = after;
    }
    names
}

/// Whether a body follows before the declaration ends.
fn has_body(signature: &str) -> bool {
    // `;` also stands in an array's type, `[u8; 4]`, so it only ends what is outside brackets.
    let mut depth = 0_i32;
    for c in signature.chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            '{' => return true,
            ';' if depth <= 0 => return false,
            _ => {}
        }
    }
    false
}

/// Whether the code defines `fn function`.
pub(super) fn defines(code: &str, function: &str) -> bool {
    functions(code).iter().any(|name| name == function)
}

/// Whether a line can be the first of a program: an item, an attribute, a comment.
pub(super) fn starts_item(line: &str) -> bool {
    const STARTS: [&str; 20] = [
        "fn ",
        "pub ",
        "pub(",
        "use ",
        "#[",
        "#![",
        "//",
        "/*",
        "struct ",
        "enum ",
        "impl ",
        "impl<",
        "const ",
        "static ",
        "type ",
        "trait ",
        "mod ",
        "async fn ",
        "unsafe fn ",
        "macro_rules!",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
        // Prose begins with such words too ("use a loop", "type inference"): an item's line ends
        // like code, or opens something.
        && (line.starts_with(['#', '/']) || line.contains(['{', '(', ';']))
}
