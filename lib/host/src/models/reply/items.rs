//! Separates the top-level items of a Rust text without parsing them.
//!
//! A reply's code may be cut, or wrong in a way that the compiler should report. So this module counts braces
//! outside of comments and literals, and leaves the content of each item as it is.

use code_evolution_wire::source::{Part, is_word, parts};

/// One item, with the comments and attributes before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) text: String,
    /// `fn`, `struct`, `impl`, ...; empty if the text is not an item: a macro call, a statement, prose.
    pub(super) kind: &'static str,
    /// The names that the item defines: the function's name, the type of an `impl`, each name of a `use`.
    pub(super) names: Vec<String>,
    /// Whether the end of the item is present.
    pub(super) whole: bool,
}

const KINDS: [&str; 13] = [
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "impl",
    "mod",
    "use",
    "const",
    "static",
    "type",
    "extern",
    "macro_rules",
];

/// Returns the items of a text in order; together they are the whole text.
pub(super) fn items(code: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let (mut text, mut tokens, mut depth) = (String::new(), String::new(), 0_i32);
    for (part, piece) in parts(code) {
        if part != Part::Code {
            text.push_str(piece);
            // Put a character in place of the literal or comment, so that the words around it stay separate.
            tokens.push(if part == Part::Literal { '"' } else { ' ' });
            continue;
        }
        for c in piece.chars() {
            text.push(c);
            tokens.push(c);
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth = (depth - 1).max(0),
                _ => {}
            }
            let ends = match c {
                ';' => depth == 0,
                '}' => depth == 0 && !wants_semicolon(&tokens),
                _ => false,
            };
            if ends {
                items.push(item(std::mem::take(&mut text), &std::mem::take(&mut tokens), true));
            }
        }
    }
    if tokens.trim().is_empty() {
        // Comments at the end belong to the last item.
        match items.last_mut() {
            Some(last) => last.text.push_str(&text),
            None if text.is_empty() => {}
            None => items.push(item(text, &tokens, true)),
        }
    } else {
        items.push(item(text, &tokens, false));
    }
    items
}

/// Returns the tokens without attributes.
fn head(tokens: &str) -> &str {
    let mut rest = tokens.trim_start();
    while let Some(attribute) = rest.strip_prefix("#!").or(rest.strip_prefix('#')) {
        let Some(inside) = attribute.trim_start().strip_prefix('[') else { break };
        let mut depth = 1;
        let end = inside.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '[') - i32::from(*c == ']');
            depth == 0
        });
        let Some((end, _)) = end else { break };
        rest = inside[end + 1..].trim_start();
    }
    rest
}

fn words(tokens: &str) -> impl Iterator<Item = &str> {
    tokens.split(|c: char| !is_word(c)).filter(|word| !word.is_empty())
}

fn kind(tokens: &str) -> &'static str {
    for word in words(head(tokens)).take(8) {
        let before_body = head(tokens).split('{').next().unwrap_or_default();
        if word == "extern" && before_body.contains("fn ") {
            continue;
        }
        // `const fn` is a function.
        if word == "const" && words(head(tokens)).take(6).any(|word| word == "fn") {
            continue;
        }
        if let Some(kind) = KINDS.iter().find(|kind| **kind == word) {
            return kind;
        }
        let before = ["pub", "crate", "super", "self", "in", "async", "unsafe", "default", "r"];
        if !before.contains(&word) {
            return "";
        }
    }
    ""
}

/// Returns whether the item ends at a semicolon, even if a brace closes before it.
fn wants_semicolon(tokens: &str) -> bool {
    matches!(kind(tokens), "use" | "const" | "static" | "type")
}

fn item(text: String, tokens: &str, whole: bool) -> Item {
    let kind = kind(tokens);
    let head = head(tokens);
    let after = || {
        let at = head.find(kind).map_or(0, |at| at + kind.len());
        head[at..].trim_start_matches(['!', ' ', '\n', '\t'])
    };
    let names = match kind {
        "" => Vec::new(),
        "use" => used(after()),
        "impl" => {
            let body = after();
            let body = body.split('{').next().unwrap_or_default();
            let of = body.rsplit(" for ").next().unwrap_or_default();
            let of = if of.trim_start().starts_with('<') {
                of.split_once('>').map_or(of, |(_, after)| after)
            } else {
                of
            };
            words(of).next().map(str::to_owned).into_iter().collect()
        }
        _ => {
            let name = after().strip_prefix("r#").unwrap_or(after());
            words(name).find(|word| *word != "mut").map(str::to_owned).into_iter().collect()
        }
    };
    Item { text, kind, names, whole }
}

/// Returns the names that a `use` imports.
fn used(path: &str) -> Vec<String> {
    path.trim_end_matches(';')
        .split([',', '{', '}'])
        .filter_map(|path| {
            let path = path.trim();
            if path.ends_with("::") {
                return None;
            }
            let name = path.rsplit([' ', ':']).next()?;
            (!name.is_empty()).then(|| name.to_owned())
        })
        .collect()
}

impl Item {
    /// Returns whether the item is a function of this name.
    pub(super) fn is_function(&self, name: &str) -> bool {
        self.kind == "fn" && self.names.iter().any(|own| own == name)
    }

    /// Returns whether the function's body does nothing: `todo!()`, a comment, or empty.
    pub(super) fn is_stub(&self) -> bool {
        let tokens: String = parts(&self.text)
            .map(|(part, text)| match part {
                Part::Code => text,
                Part::Literal => "\"\"",
                Part::Comment => " ",
            })
            .collect();
        let Some((signature, body)) = tokens.split_once('{') else { return false };
        let Some((body, _)) = body.rsplit_once('}') else { return false };
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        let body = body.trim_end_matches(';');
        if body.is_empty() {
            // A function that returns nothing may have an empty body.
            return signature.contains("->");
        }
        let body = body.strip_prefix("return").unwrap_or(body);
        let body = body.strip_prefix("std::").or(body.strip_prefix("core::")).unwrap_or(body);
        body == "..."
            || body == "…"
            || (body.starts_with("todo!(") || body.starts_with("unimplemented!("))
                && body.matches('(').count() == 1
            || body == "panic!(\"\")" && self.text.to_lowercase().contains("implement")
    }
}

/// Returns a code's tokens without white space and comments, to compare two codes.
pub(super) fn canonical(code: &str) -> String {
    let mut out = String::new();
    for (part, text) in parts(code) {
        match part {
            Part::Comment => {}
            Part::Literal => out.push_str(text),
            Part::Code => out.extend(text.chars().filter(|c| !c.is_whitespace())),
        }
    }
    out
}

/// Returns the words of a code outside of literals and comments.
pub(super) fn mentioned(code: &str) -> std::collections::HashSet<String> {
    let code = parts(code).filter(|(part, _)| *part == Part::Code);
    code.flat_map(|(_, text)| words(text).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn items_and_what_they_define() {
        let code = "//! About.\nuse a::{b, c::d as e};\n/// Doc {\n#[derive(Debug, Clone)]\npub struct S { x: u8 }\nstruct T(u8);\nimpl<X> From<X> for S { fn f() {} }\nconst A: [u8; 2] = [1; 2];\nconst fn g() -> u8 { 1 }\npub(crate) unsafe extern \"C\" fn h() {}\nmacro_rules! m { () => {} }\nfn r#type() { let s = \"}\"; }\nfn cut() { if";
        let found: Vec<_> = items(code)
            .into_iter()
            .map(|item| (item.kind, item.names.join(" "), item.whole))
            .collect();
        let expected = [
            ("use", "b e", true),
            ("struct", "S", true),
            ("struct", "T", true),
            ("impl", "S", true),
            ("const", "A", true),
            ("fn", "g", true),
            ("fn", "h", true),
            ("macro_rules", "m", true),
            ("fn", "type", true),
            ("fn", "cut", false),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(kind, names, whole)| (*kind, (*names).to_owned(), *whole))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn stubs() {
        for body in [
            "todo!()",
            "todo!(\"later\")",
            "unimplemented!();",
            "",
            "// your code",
            "...",
            "return todo!();",
            "/* ... */",
            "std::todo!()",
            "panic!(\"not implemented\")",
        ] {
            assert!(items(&format!("fn f() -> u8 {{ {body}\n}}"))[0].is_stub(), "{body}");
        }
        for code in [
            "fn f() {}",
            "fn f() -> u8 { 1 }",
            "fn f() -> u8 { panic!(\"no\") }",
            "fn f() -> u8 { if true { todo!() } 1 }",
        ] {
            assert!(!items(code)[0].is_stub(), "{code}");
        }
    }

    proptest! {
        #[test]
        fn the_items_together_are_the_whole_text(code in "(fn |use |impl|x|\\{|\\}|\\(|\\)|;|\"|'|#\\[|\\]| |\n|//|/\\*|é){0,40}") {
            let whole: String = items(&code).into_iter().map(|item| item.text).collect();
            prop_assert_eq!(whole, code);
        }
    }
}
