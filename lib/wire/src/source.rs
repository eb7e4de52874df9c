//! A minimal Rust lexer that tells code from comments and literals.
//!
//! Both sides need it: the host looks for a function's definition in a reply, and a notebook removes the
//! comments before another model reads the code. It reads any text, even one that is cut off or not Rust at
//! all. It tells apart only code, comments and literals.

/// The kind of a part of a Rust text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Tokens and white space.
    Code,
    /// A comment, including doc comments. A line comment ends before the line break.
    Comment,
    /// A string, byte string or character, with its quotes and its prefix.
    Literal,
}

/// Splits a text into its parts, in order. The joined parts give the text again; no part is empty.
///
/// ```
/// use code_evolution_wire::source::{Part, parts};
/// let found: Vec<_> = parts("let c = '/'; // why").collect();
/// let expected = [
///     (Part::Code, "let c = "),
///     (Part::Literal, "'/'"),
///     (Part::Code, "; "),
///     (Part::Comment, "// why"),
/// ];
/// assert_eq!(found, expected);
/// ```
pub fn parts(text: &str) -> impl Iterator<Item = (Part, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut code = 0;
        let mut before = None;
        let next = loop {
            let here = &rest[code..];
            let Some(c) = here.chars().next() else { break None };
            if let Some(found) = special(here, before) {
                break Some(found);
            }
            code += c.len_utf8();
            before = Some(c);
        };
        let (part, length) = match next {
            _ if code > 0 => (Part::Code, code),
            Some(found) => found,
            None => return None,
        };
        let (this, after) = rest.split_at(length);
        rest = after;
        Some((part, this))
    })
}

/// Returns the comment or literal at the start of a text, with its length in bytes; `before` is the
/// character in front of it.
fn special(text: &str, before: Option<char>) -> Option<(Part, usize)> {
    if text.starts_with("//") {
        return Some((Part::Comment, text.find('\n').unwrap_or(text.len())));
    }
    if text.starts_with("/*") {
        return Some((Part::Comment, block_comment(text)));
    }
    let literal = if text.starts_with('"') {
        Some(quoted(text))
    } else if text.starts_with('\'') {
        character(text)
    } else if before.is_some_and(is_word) {
        // The apparent prefix is the end of a name.
        None
    } else {
        ["r", "br", "cr"].iter().find_map(|prefix| raw_string(text, prefix))
    };
    literal.map(|length| (Part::Literal, length))
}

/// Returns whether a character can be part of a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Returns the length of a block comment; block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of a character literal; `None` if the quote begins a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    match (chars.next()?.1, chars.next()?) {
        // `'\''`: the escaped quote does not end the literal.
        ('\\', (_, '\'')) if text[3..].starts_with('\'') => Some(4),
        ('\\', _) => text[2..].find('\'').map(|at| at + 3),
        (_, (end, '\'')) => Some(end + 1),
        _ => None,
    }
}

fn raw_string(text: &str, prefix: &str) -> Option<usize> {
    let after = text.strip_prefix(prefix)?;
    let hashes = after.bytes().take_while(|&byte| byte == b'#').count();
    let body = after[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(text.len() - body.len() + length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn only(wanted: Part, text: &str) -> Vec<&str> {
        parts(text).filter(|(part, _)| *part == wanted).map(|(_, text)| text).collect()
    }

    #[test]
    fn literals_are_no_comments() {
        for (code, literals) in [
            (r#"let s = "// no \" comment /*";"#, vec![r#""// no \" comment /*""#]),
            (r##"let s = r#"// " no"#; let r = 1;"##, vec![r##"r#"// " no"#"##]),
            (r#"let c = '"'; let d = '\''; let e = '/';"#, vec![r#"'"'"#, r"'\''", "'/'"]),
            (r"let u = '\u{2f}'; let n = b'\n';", vec![r"'\u{2f}'", r"'\n'"]),
            ("fn f<'a>(x: &'a str) -> &'a str { x }", vec![]),
            (r#"let var"//""#, vec![r#""//""#]),
            (r#"b"\"//""#, vec![r#""\"//""#]),
        ] {
            assert_eq!(only(Part::Literal, code), literals, "{code}");
            assert!(only(Part::Comment, code).is_empty(), "{code}");
        }
    }

    #[test]
    fn a_raw_byte_string_ends_at_its_own_end() {
        for code in [r#"let a = br"\"; // obey"#, r##"br#"""#; // obey"##, r#"cr"\"; // obey"#] {
            assert_eq!(only(Part::Comment, code), ["// obey"], "{code}");
        }
    }

    #[test]
    fn block_comments_nest_and_may_be_cut_off() {
        assert_eq!(only(Part::Comment, "1 /* /* two */ */ 2"), ["/* /* two */ */"]);
        assert_eq!(only(Part::Comment, "1 /* open"), ["/* open"]);
        assert_eq!(only(Part::Literal, r#"1 "open"#), [r#""open"#]);
    }

    proptest! {
        #[test]
        fn the_joined_parts_are_the_text(text in "\\PC{0,40}|[rbc#\"'/*\\\\\n xé]{0,60}") {
            let whole: String = parts(&text).map(|(_, part)| part).collect();
            prop_assert_eq!(whole, text.as_str());
            prop_assert!(parts(&text).all(|(_, part)| !part.is_empty()));
        }
    }
}
