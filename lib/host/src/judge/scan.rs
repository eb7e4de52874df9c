//! Scans the source before it is compiled, to refuse it early and with advice.
//!
//! The scan tells a model at once what the judge does not serve, and what to write instead. It reads tokens,
//! so comments and strings may contain anything. It is *not* the security boundary: a macro can spell any of
//! these words in a way that the scan does not see. The jail does not depend on the scan.

use code_evolution_wire::task::Task;
use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The longest source, in bytes.
const MAX_SOURCE: usize = 256 << 10;

/// Words that are refused anywhere, with what to write instead.
const WORDS: [(&str, &str); 8] = [
    ("unsafe", "safe Rust only; use the standard library's safe functions"),
    ("extern", "no foreign functions and no `extern crate`; use plain Rust functions"),
    ("option_env", "nothing from the environment; take what you need as a parameter"),
    ("include_str", "no files; write the text into the source"),
    ("include_bytes", "no files; write the bytes into the source"),
    ("global_asm", "no assembly; write it in Rust"),
    ("naked_asm", "no assembly; write it in Rust"),
    ("rustc_private", "no compiler internals; use the standard library"),
];

/// Words that are refused as the name of a macro.
const MACROS: [(&str, &str); 3] = [
    ("env", "nothing from the environment; take what you need as a parameter"),
    ("include", "no files; write the code into the source"),
    ("asm", "no assembly; write it in Rust"),
];

/// Words that are refused in an attribute.
const ATTRIBUTES: [(&str, &str); 15] = [
    ("feature", "stable Rust only; leave the attribute out"),
    ("path", "one file only; write the module's items in place"),
    ("no_mangle", "leave the attribute out; the function is called by its name"),
    ("export_name", "leave the attribute out; the function is called by its name"),
    ("link", "no libraries; use the standard library"),
    ("link_section", "leave the attribute out"),
    ("link_name", "leave the attribute out"),
    ("link_args", "leave the attribute out"),
    ("global_allocator", "use the default allocator; leave the attribute out"),
    ("panic_handler", "use the default panic handler; leave the attribute out"),
    ("no_main", "leave the attribute out"),
    ("crate_type", "leave the attribute out"),
    ("proc_macro", "no procedural macros; use functions or `macro_rules!`"),
    ("proc_macro_derive", "no procedural macros; use functions or `macro_rules!`"),
    ("proc_macro_attribute", "no procedural macros; use functions or `macro_rules!`"),
];

/// A source as the lexer reads it.
pub struct Source<'a> {
    code: &'a str,
    /// `None` if the lexer cannot read the source; rustc then says why.
    tokens: Option<TokenStream>,
}

/// A source with `pub` written before some of its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The new text.
    pub text: String,
    /// Where `pub ` was inserted in the old text.
    insertions: Vec<usize>,
}

const PUB: &str = "pub ";

impl Drop for Source<'_> {
    fn drop(&mut self) {
        // The lexer keeps every text that it has read, for the spans of tokens. Free both.
        self.tokens = None;
        proc_macro2::extra::invalidate_current_thread_spans();
    }
}

impl<'a> Source<'a> {
    /// Reads a source into tokens.
    pub fn new(code: &'a str) -> Self {
        let tokens = (code.len() <= MAX_SOURCE).then(|| code.parse().ok()).flatten();
        Source { code, tokens }
    }

    /// Returns why the source is refused, if it is.
    pub fn refusal(&self) -> Option<String> {
        if self.code.len() > MAX_SOURCE {
            return Some(format!("the source is longer than {MAX_SOURCE} bytes; write less"));
        }
        if self.code.contains('\0') {
            return Some("the source holds a zero byte; leave it out".to_owned());
        }
        let mut streams = vec![(self.tokens.clone()?, false)];
        while let Some((stream, in_attribute)) = streams.pop() {
            let mut before_attribute = false;
            let mut tokens = stream.into_iter().peekable();
            while let Some(token) = tokens.next() {
                match token {
                    TokenTree::Ident(ident) => {
                        let name = ident.to_string();
                        let name = name.trim_start_matches("r#");
                        let called = matches!(tokens.peek(),
                            Some(TokenTree::Punct(punct)) if punct.as_char() == '!');
                        let lists: [(bool, &[(&str, &str)]); 3] =
                            [(true, &WORDS), (called, &MACROS), (in_attribute, &ATTRIBUTES)];
                        let found = lists
                            .iter()
                            .filter(|(applies, _)| *applies)
                            .flat_map(|(_, list)| list.iter())
                            .find(|(word, _)| *word == name);
                        if let Some((word, instead)) = found {
                            let line = ident.span().start().line;
                            return Some(format!("line {line}: `{word}` is not served: {instead}"));
                        }
                        before_attribute = false;
                    }
                    TokenTree::Punct(punct) => {
                        before_attribute =
                            punct.as_char() == '#' || (before_attribute && punct.as_char() == '!');
                    }
                    TokenTree::Group(group) => {
                        let attribute = before_attribute && group.delimiter() == Delimiter::Bracket;
                        streams.push((group.stream(), in_attribute || attribute));
                        before_attribute = false;
                    }
                    TokenTree::Literal(_) => before_attribute = false,
                }
            }
        }
        None
    }

    /// Writes `pub` before the function `name`, or before every item if there is no name. The caller of a
    /// candidate is in another module, and models often leave `pub` out.
    pub fn publish(&self, name: Option<&str>) -> Published {
        let insertions = match &self.tokens {
            Some(tokens) => private_items(tokens.clone(), name),
            None => Vec::new(),
        };
        let mut text = String::with_capacity(self.code.len() + PUB.len() * insertions.len());
        let mut from = 0;
        for &at in &insertions {
            text.push_str(&self.code[from..at]);
            text.push_str(PUB);
            from = at;
        }
        text.push_str(&self.code[from..]);
        Published { text, insertions }
    }
}

impl Published {
    /// Wraps an unchanged source.
    pub fn unchanged(code: &str) -> Self {
        Published { text: code.to_owned(), insertions: Vec::new() }
    }

    /// Maps a byte range of the new text to the old text.
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        self.original_offset(range.start)..self.original_offset(range.end)
    }

    fn original_offset(&self, offset: usize) -> usize {
        let mut shift = 0;
        for &at in &self.insertions {
            let inserted = at + shift;
            if offset < inserted + PUB.len() {
                return offset.min(inserted) - shift;
            }
            shift += PUB.len();
        }
        offset - shift
    }
}

/// Finds where the private items of a file start: after their attributes, before `fn`, `struct` and so on.
fn private_items(tokens: TokenStream, wanted: Option<&str>) -> Vec<usize> {
    let mut found = Vec::new();
    // The first token of the item that is being read, and whether the item has `pub`.
    let mut start: Option<usize> = None;
    let mut public = false;
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match &token {
            TokenTree::Ident(ident) => {
                let word = ident.to_string();
                match word.as_str() {
                    "pub" => public = true,
                    "const" | "async" | "unsafe" | "extern" => {
                        start.get_or_insert(ident.span().byte_range().start);
                    }
                    "fn" | "struct" | "enum" | "trait" | "type" | "static" | "mod" | "union" => {
                        let at = start.take().unwrap_or(ident.span().byte_range().start);
                        let named = match tokens.peek() {
                            Some(TokenTree::Ident(name)) => match wanted {
                                Some(wanted) => word == "fn" && name == wanted,
                                None => true,
                            },
                            _ => false,
                        };
                        if named && !public {
                            found.push(at);
                        }
                        // The tokens up to `;` or a body belong to this item: skip them.
                        for token in tokens.by_ref() {
                            match token {
                                TokenTree::Punct(punct) if punct.as_char() == ';' => break,
                                TokenTree::Group(group)
                                    if group.delimiter() == Delimiter::Brace =>
                                {
                                    break;
                                }
                                _ => {}
                            }
                        }
                        public = false;
                    }
                    _ => start = None,
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => (start, public) = (None, false),
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                (start, public) = (None, false);
            }
            _ => {}
        }
    }
    found
}

/// Returns a candidate as the judge compiles it: its function is public, or every item if a driver calls it.
pub(crate) fn published(task: &Task, code: &str) -> String {
    Source::new(code).publish(task.function().filter(|_| task.driver.is_none())).text
}

/// Makes the function `name` public, in case its author forgot `pub`.
pub fn publish(code: &str, name: &str) -> String {
    Source::new(code).publish(Some(name)).text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: &str) -> Option<String> {
        Source::new(code).refusal()
    }

    #[test]
    fn suspicious_tokens_are_refused_with_their_line() {
        for (code, word) in [
            ("fn f() -> &'static str {\n env!(\"KEY\") }", "line 2: `env`"),
            ("const A: &[u8] = include_bytes!(\"/etc/passwd\");", "include_bytes"),
            ("use core::include_str as read;", "include_str"),
            ("use rustc_private as x;", "rustc_private"),
            ("#![feature(asm)]", "`feature`"),
            ("#[cfg_attr(all(), path = \"/etc/passwd\")] mod m;", "`path`"),
            ("fn f() { unsafe { } }", "`unsafe`"),
            ("#[no_mangle] pub fn main() {}", "no_mangle"),
            ("#[unsafe(no_mangle)] pub fn main() {}", "unsafe"),
            ("extern \"C\" { fn getpid() -> i32; }", "`extern`"),
            ("fn f() { std::arch::asm!(\"nop\") }", "`asm`"),
            ("macro_rules! m { () => { include!(\"x\") } }", "`include`"),
        ] {
            let refusal = refusal(code).unwrap_or_else(|| panic!("{code} is not refused"));
            assert!(refusal.contains(word), "{code}: {refusal}");
        }
    }

    #[test]
    fn comments_strings_and_ordinary_names_are_accepted() {
        for code in [
            "// unsafe { include_str!(\"x\") }\nfn f() -> &'static str { \"unsafe env!\" }",
            "fn env(include: u8, path: &str) -> u8 { include }",
            "fn f(link: bool) { let feature = !link; let asm = feature; }",
            "#[derive(Debug, Clone)] struct S; #[allow(dead_code)] #[inline] fn f() {}",
            "fn f(a: bool) -> bool { a != true }",
        ] {
            assert_eq!(refusal(code), None, "{code}");
        }
    }

    #[test]
    fn source_that_the_lexer_rejects_is_left_to_rustc() {
        assert_eq!(refusal("fn f( { \"unclosed"), None);
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let deep = format!("fn f() {{ {}1{} }}", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(refusal(&deep), None);
        assert!(refusal(&"(".repeat(MAX_SOURCE + 1)).unwrap().contains("longer"));
    }

    #[test]
    fn private_functions_become_public_and_offsets_lead_back() {
        let code = "/// Doc.\n#[inline]\nconst fn f(n: u32) -> u32 { n }\nfn g() {}\n";
        let published = Source::new(code).publish(Some("f"));
        assert!(published.text.contains("\npub const fn f("));
        assert!(published.text.contains("\nfn g()"));
        let at = published.text.find("u32 { n }").unwrap();
        assert_eq!(
            published.original(at..at + 3),
            code.find("u32 { n }").map(|at| at..at + 3).unwrap()
        );
        let start = code.find("const").unwrap();
        assert_eq!(published.original(start..start + 9), start..start + 5);
    }

    #[test]
    fn public_functions_stay_and_all_items_can_be_published() {
        let code =
            "pub(crate) fn f() {}\nstruct S { fn_count: u8 }\nimpl S { fn new() {} }\nenum E {}";
        assert_eq!(Source::new(code).publish(Some("f")).text, code);
        let all = Source::new(code).publish(None).text;
        assert_eq!(
            all,
            "pub(crate) fn f() {}\npub struct S { fn_count: u8 }\nimpl S { fn new() {} }\npub enum E {}"
        );
    }
}
