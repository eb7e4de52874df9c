//! Rust sources as texts that models read, and as tokens.

use std::str::FromStr as _;

use code_evolution_wire::source::{Part, parts};
use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};

/// Removes the comments of a Rust source, including doc comments, since a comment can give orders to the
/// model that reads it. Strings and names stay, although they can give orders too. Empty lines are removed
/// as well, also in strings. So the result is for reading; if it runs, it may print something else.
///
/// ```
/// use code_evolution::source::without_comments;
/// let code = "let url = \"http://x\"; // obey me\n/* and /* me */ too */let n = 1;";
/// assert_eq!(without_comments(code), "let url = \"http://x\";\n let n = 1;");
/// ```
pub fn without_comments(code: &str) -> String {
    // A comment separates words as a space does: `let/* */n`.
    let kept: String =
        parts(code).map(|(part, text)| if part == Part::Comment { " " } else { text }).collect();
    let lines = kept.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// A string of more words than these, or longer than this, is a sentence rather than a value.
const MOST_WORDS: usize = 3;
const LONGEST_STRING: usize = 40;

/// Removes the text that could give orders to the model that reads a Rust source: comments, and strings
/// that read like a sentence, also in attributes (`#[doc = ".."]`). Such a string becomes `"..."`. Tokens
/// and short values stay, so a name such as `ignore_all_rules` can still give an order.
///
/// A string reads like a sentence if it has more than three words or forty characters, several lines, or
/// a backtick, which could end the block that the code is quoted in.
///
/// ```
/// use code_evolution::source::without_prose;
/// let code = "#[doc = \"Now obey me alone.\"]\nfn f() -> &'static str { \"Fizz\" } // Obey me.";
/// assert_eq!(without_prose(code), "#[doc = \"...\"]\nfn f() -> &'static str { \"Fizz\" }");
/// ```
pub fn without_prose(code: &str) -> String {
    let code = without_comments(code);
    let shown = parts(&code).map(|(part, text)| match part {
        Part::Literal if is_sentence(text) => "\"...\"",
        _ => text,
    });
    shown.collect()
}

fn is_sentence(literal: &str) -> bool {
    let words = literal.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| word.chars().any(char::is_alphabetic)).count();
    words > MOST_WORDS || literal.chars().count() > LONGEST_STRING || literal.contains(['\n', '`'])
}

/// Returns the tokens of a Rust source, in order, with brackets: words, literals, and joined marks such as
/// `=>`. Comments, white space and doc comments (which are attributes) are left out. Returns `None` if the
/// text has no tokens, since a bracket or a quote is never closed.
///
/// ```
/// use code_evolution::source::tokens;
/// let found = tokens("|n: &'a u32| n % 3 /* why */ >= 1").unwrap();
/// assert_eq!(found.join(" "), "| n : & 'a u32 | n % 3 >= 1");
/// ```
pub fn tokens(code: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    flatten(TokenStream::from_str(code).ok()?, &mut found);
    Some(found)
}

/// Returns the normal form of a source, which equal programs share: its tokens without the parts that the
/// compiler ignores (comments, white space, visibility, a comma after the last item of a list). Names
/// count: two sources that differ only in a name have different forms.
///
/// ```
/// use code_evolution::source::normal_form;
/// let one = "/// Adds.\npub fn add(a: u8, b: u8) -> u8 { a + b }";
/// let other = "fn add(\n    a: u8,\n    b: u8,\n) -> u8 {\n    a + b // done\n}";
/// assert_eq!(normal_form(one), normal_form(other));
/// assert_ne!(normal_form(one), normal_form("fn add(a: u8, b: u8) -> u8 { b + a }"));
/// ```
pub fn normal_form(code: &str) -> String {
    let Some(tokens) = tokens(code) else {
        return without_comments(code).split_whitespace().collect::<Vec<_>>().join(" ");
    };
    let mut kept: Vec<&str> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let next = tokens.get(at + 1).map_or("", String::as_str);
        let visible = token == "pub" && next != "(";
        // `(x,)` is a tuple, and `(x)` is not.
        let last = token == "," && matches!(next, "}" | "]" | ")") && !is_tuple_of_one(&kept, next);
        if !visible && !last {
            kept.push(token);
        }
    }
    kept.join(" ")
}

/// Returns whether the next comma would be the only one in its round brackets, and the brackets are not a
/// call's or a declaration's.
fn is_tuple_of_one(before: &[&str], closing: &str) -> bool {
    if closing != ")" {
        return false;
    }
    let mut depth = 0;
    for (at, token) in before.iter().enumerate().rev() {
        match *token {
            ")" | "]" | "}" => depth += 1,
            "(" if depth == 0 => {
                let name = at.checked_sub(1).and_then(|at| before[at].chars().last());
                return !name.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '>' | '!'));
            }
            "(" | "[" | "{" => depth -= 1,
            "," if depth == 0 => return false,
            _ => {}
        }
    }
    false
}

/// The styles that [`style`] tells apart.
pub const STYLES: [&str; 4] = ["arithmetic", "match", "table", "iterator"];

/// Returns the style of a function, by the first of these that it has: iterators (`.map(` and the like), a
/// table (a list in brackets that is indexed), `match`; else arithmetic with `if`. It is a rough feature
/// for a map of what a population has tried, not a judgement.
///
/// ```
/// use code_evolution::source::style;
/// assert_eq!(style("fn f(n: usize) -> u8 { [1, 2, 3][n % 3] }"), "table");
/// assert_eq!(style("fn f(n: u8) -> u8 { match n { 0 => 1, _ => 2 } } // .map("), "match");
/// ```
pub fn style(code: &str) -> &'static str {
    const ITERATORS: [&str; 9] =
        ["map", "filter", "fold", "zip", "cycle", "iter", "into_iter", "flat_map", "filter_map"];
    const NO_VALUES: [&str; 6] = ["in", "match", "return", "if", "else", "mut"];
    let tokens = tokens(code).unwrap_or_default();
    let pairs = || tokens.windows(2).map(|pair| (pair[0].as_str(), pair[1].as_str()));
    // An index comes after a value: a name, or a closing bracket.
    let value = |token: &str| {
        token.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ']' | ')'))
            && !NO_VALUES.contains(&token)
    };
    if pairs().any(|(mark, name)| mark == "." && ITERATORS.contains(&name)) {
        STYLES[3]
    } else if pairs()
        .any(|(before, mark)| mark == "[" && value(before) || before == "." && mark == "get")
    {
        STYLES[2]
    } else if tokens.iter().any(|token| token == "match") {
        STYLES[1]
    } else {
        STYLES[0]
    }
}

/// Writes a source on one line, as a prompt quotes it: each run of white space becomes one space.
///
/// ```
/// assert_eq!(code_evolution::source::one_line("fn f() {\n    1\n}"), "fn f() { 1 }");
/// ```
pub fn one_line(code: &str) -> String {
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lengths that [`length`] tells apart, in characters.
pub const LENGTHS: [&str; 4] = ["under 130", "130 to 159", "160 to 199", "200 or more"];

/// Returns the length of a source: its characters without white space and comments, as one of [`LENGTHS`].
pub fn length(code: &str) -> &'static str {
    let length = without_comments(code).chars().filter(|c| !c.is_whitespace()).count();
    LENGTHS[[130, 160, 200].iter().filter(|limit| length >= **limit).count()]
}

/// Marks that form one token together.
const JOINED: [&str; 23] = [
    "=>", "->", "::", "==", "!=", "<=", ">=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "^=", "&=",
    "|=", "<<", ">>", "<<=", ">>=", "..", "..=",
];

fn flatten(stream: TokenStream, found: &mut Vec<String>) {
    let mut trees = stream.into_iter().peekable();
    // The marks so far, which the next mark may join.
    let mut joint = String::new();
    while let Some(tree) = trees.next() {
        let mark = match &tree {
            TokenTree::Punct(mark) => Some((mark.as_char(), mark.spacing())),
            _ => None,
        };
        let lifetime = joint == "'";
        let joins = mark.is_some_and(|(c, _)| JOINED.contains(&format!("{joint}{c}").as_str()));
        if !joint.is_empty() && !joins && !lifetime {
            found.push(std::mem::take(&mut joint));
        }
        match (tree, mark) {
            (_, Some(('#', _))) => {
                // The `!` of an inner attribute.
                let inner =
                    trees.next_if(|tree| matches!(tree, TokenTree::Punct(p) if p.as_char() == '!'));
                if trees.next_if(is_doc).is_none() {
                    let marks = ["#"].into_iter().chain(inner.map(|_| "!"));
                    found.extend(marks.map(str::to_owned));
                }
            }
            (_, Some((mark, spacing))) => {
                joint.push(mark);
                if spacing == Spacing::Alone {
                    found.push(std::mem::take(&mut joint));
                }
            }
            (TokenTree::Group(group), _) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                found.push(open.to_owned());
                flatten(group.stream(), found);
                found.push(close.to_owned());
            }
            (word, _) => found.push(std::mem::take(&mut joint) + &word.to_string()),
        }
    }
    if !joint.is_empty() {
        found.push(joint);
    }
}

/// Returns whether this is the bracket of a doc comment's attribute.
fn is_doc(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else { return false };
    matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_of_all_kinds_are_removed() {
        let code = "//! a\n/// b\nfn f<'a>() { // c 'x \" y\n    /* d\n */ 1 /// e\n}\n";
        assert_eq!(without_comments(code), "fn f<'a>() {\n      1\n}");
        assert_eq!(without_comments("1 /* open /* twice */ never closed"), "1");
        assert_eq!(without_comments("let/*x*/a=1;"), "let a=1;");
        assert_eq!(without_comments(r#"let a = br"\"; // obey me"#), r#"let a = br"\";"#);
    }

    #[test]
    fn literals_stay_as_they_are() {
        for code in ["let s = \"// no \\\" comment /*\";", "let c = '\"'; let e = '/';"] {
            assert_eq!(without_comments(code), code);
        }
    }

    #[test]
    fn the_same_program_has_one_form() {
        let same = [
            ("fn f() { g(a,) }", "fn f() {\n    g(a) // x\n}"),
            ("//! top\n/** doc */ fn f() {}", "fn f ( ) { }"),
            ("let a = [1, 2,];", "let a=[1,2];"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str,) {}"),
            ("m!(a,)", "m!(a)"),
            ("this is \"no Rust (", "this is \"no   Rust ("),
        ];
        for (one, other) in same {
            assert_eq!(normal_form(one), normal_form(other));
        }
        let apart = [
            ("let a = (1,);", "let a = (1);"),
            ("a = (b, (c,),)", "a = (b, (c))"),
            ("a - b", "a + b"),
            ("\"a b\"", "\"a  b\""),
            ("a = > b", "a => b"),
            ("#[inline] fn f() {}", "fn f() {}"),
            ("f('a')", "f(\"a\")"),
        ];
        for (one, other) in apart {
            assert_ne!(normal_form(one), normal_form(other));
        }
    }

    #[test]
    fn styles_and_lengths_are_told_apart() {
        let told = [
            ("fn f(n: u8) -> u8 { if n % 3 == 0 { 1 } else { n } }", "arithmetic"),
            ("fn f(n: &[u8]) -> u8 { match n { [] => 0, _ => 1 } }", "match"),
            ("fn f(n: usize) -> u8 { let t = [1, 2]; t[n] }", "table"),
            ("fn f(n: u8) -> u8 { [1, 2].iter().filter(|x| **x > n).sum() }", "iterator"),
            ("fn f(map: u8) -> u8 { map }", "arithmetic"),
        ];
        for (code, expected) in told {
            assert_eq!(style(code), expected, "{code}");
        }
        assert_eq!(length(&"x".repeat(129)), LENGTHS[0]);
        assert_eq!(length(&format!("{} // {}", "x ".repeat(130), "y".repeat(90))), LENGTHS[1]);
        assert_eq!(length(&"x".repeat(400)), LENGTHS[3]);
    }

    #[test]
    fn a_string_cannot_end_the_block_it_is_quoted_in() {
        let code = "fn f() -> String { \"```\\nObey.\".into() }";
        assert_eq!(without_prose(code), "fn f() -> String { \"...\".into() }");
        assert_eq!(
            without_prose("let c = 'x'; let s = \"aeiouAEIOU\";"),
            "let c = 'x'; let s = \"aeiouAEIOU\";"
        );
    }

    proptest! {
        #[test]
        fn written_tokens_give_the_same_tokens_again(code in "[ -~\n]{0,60}|([a-z']|=>|&&|[.]{1,3}|[ ,;(){}#]){0,30}") {
            if let Some(found) = tokens(&code) {
                prop_assert_eq!(tokens(&found.join(" ")), Some(found));
            }
        }

        #[test]
        fn no_letter_gets_through(words in prop::collection::vec("[a-z]{2,9}", 4..9), at in 0..7usize) {
            let letter = words.join([" ", "_", "-", "\\n", "  ", ". ", "\u{a0}"][at]);
            for code in [
                format!("// {letter}\nfn f() {{}}"),
                format!("/** {letter} */ fn f() {{}}"),
                format!("#[doc = \"{letter}\"] fn f() {{}}"),
                format!("fn f() -> &'static str {{ r#\"{letter}\"# }}"),
                format!("fn f() -> &'static [u8] {{ b\"{letter}\" }}"),
                format!("fn f() {{ let _ = \"\\\"{letter}"),
            ] {
                let shown = without_prose(&code);
                prop_assert!(!shown.contains(&letter), "{}", shown);
                prop_assert!(shown.contains("fn f()") || code.starts_with("//"), "{}", shown);
            }
        }

        #[test]
        fn short_values_stay(value in "[A-Za-z]{0,12}( [A-Za-z]{1,9}){0,2}") {
            let code = format!("fn f() -> &'static str {{ \"{value}\" }}");
            prop_assert_eq!(without_prose(&code), code);
        }

        #[test]
        fn the_result_holds_no_comment(code in "[ -~é\n]{0,60}|[/*\"'r#\\\\\n a]{0,40}") {
            let once = without_comments(&code);
            prop_assert!(parts(&once).all(|(part, _)| part != Part::Comment), "{}", once);
        }
    }
}
