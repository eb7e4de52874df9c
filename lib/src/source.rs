//! Rust sources as texts that models read.

use code_evolution_wire::source::{Part, parts};

/// A Rust source without its comments, doc comments included: they are where a code can speak to
/// the model that reads it. Strings and names stay; they can carry orders as well. Empty lines go, so
/// the result is for reading, not for running byte by byte as it was.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn comments_of_all_kinds_go() {
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

    proptest! {
        #[test]
        fn what_is_left_holds_no_comment(code in "[ -~é\n]{0,60}|[/*\"'r#\\\\\n a]{0,40}") {
            let once = without_comments(&code);
            prop_assert!(parts(&once).all(|(part, _)| part != Part::Comment), "{}", once);
        }
    }
}
