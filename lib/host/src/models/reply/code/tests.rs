use super::*;

/// Reads the code of a reply to a question that contains no code.
fn extract(text: &str, function: &str, finish_reason: &str) -> Result<String, NoCode> {
    asked(text, function, finish_reason, "").map(|found| found.code)
}

/// Reads the code of a reply to this question.
fn asked(text: &str, function: &str, reason: &str, question: &str) -> Result<Code, NoCode> {
    let (text, finish_reason) = (text.to_owned(), reason.to_owned());
    let asked = vec![question.to_owned()];
    super::extract(&ReplyText { text, finish_reason, max_tokens: 1_000, asked }, function)
}

const CUT: NoCode = NoCode::CutShort { by: Cut::Limit, max_tokens: 1_000 };

#[track_caller]
fn gives(reply: &str, code: &str) {
    assert_eq!(extract(reply, "one", "stop").as_deref(), Ok(code), "in:\n{reply}");
}

const ONE: &str = "fn one() -> u8 {\n    1\n}";

#[test]
fn plain_blocks_with_every_spelling_of_the_tag() {
    for tag in
        ["rust", "rs", "Rust", "RUST", "rust,no_run", "{.rust}", " rust ", "", "rust:src/lib.rs"]
    {
        gives(&format!("Sure!\n\n```{tag}\n{ONE}\n```\n\nIt works."), ONE);
        gives(&format!("Sure!\n```{tag}\n{ONE}\n```"), ONE);
    }
}

#[test]
fn other_fences() {
    gives(&format!("~~~rust\n{ONE}\n~~~"), ONE);
    gives(&format!("````rust\n{ONE}\n````"), ONE);
    gives(&format!("```rust\r\n{}\r\n```\r\n", ONE.replace('\n', "\r\n")), ONE);
    gives(&format!("```rust\n{ONE}\n"), ONE);
    gives(&format!("> ```rust\n> {}\n> ```", ONE.replace('\n', "\n> ")), ONE);
    gives(&format!("<answer>\n```rust\n{ONE}\n```\n</answer>"), ONE);
}

#[test]
fn blocks_in_lists() {
    let indented = ONE.replace('\n', "\n   ");
    gives(&format!("1. Do this:\n\n   ```rust\n   {indented}\n   ```\n2. Done."), ONE);
    gives(&format!("1. ```rust\n   {indented}\n   ```"), ONE);
    let deep = ONE.replace('\n', "\n        ");
    gives(&format!("The fix:\n\n        ```rust\n        {deep}\n        ```\n"), ONE);
}

#[test]
fn blocks_whose_lines_are_not_indented_like_their_fence() {
    gives(&format!("1. Do this:\n\n   ```rust\n{ONE}\n   ```\n2. Done."), ONE);
    gives(&format!("- ```rust\n{ONE}\n```\n- Done: `fn one() {{}}`."), ONE);
    gives(&format!("  ```rust\n{ONE}\n```\nDone."), ONE);
    let tabs = ONE.replace('\n', "\n\t");
    gives(&format!("1. Do this:\n\n\t```rust\n\t{tabs}\n\t```\n"), ONE);
    let quoted = ONE.replace('\n', "\n> > ");
    gives(&format!("> > ```rust\n> > {quoted}\n> > ```\n"), ONE);
}

#[test]
fn a_fence_in_a_block_comment_belongs_to_the_code() {
    let code = "/*!\n    ```\n    one();\n    ```\n*/\nfn one() {}";
    gives(&format!("```rust\n{code}\n```\nDone."), code);
}

#[test]
fn a_fence_in_a_doc_comment_belongs_to_the_code() {
    let code =
        "/// One.\n///\n/// ```\n/// assert_eq!(one(), 1);\n/// ```\nfn one() -> u8 {\n    1\n}";
    gives(&format!("Here:\n```rust\n{code}\n```\nDone."), code);
}

#[test]
fn glued_fences() {
    gives(&format!("Here it is:```rust\n{ONE}\n```"), ONE);
    gives(&format!("```rust\n{ONE}```\nDone, and it is `u8`."), ONE);
    gives(&format!("```rust\nfn two() {{}}\n``````rust\n{ONE}\n```"), ONE);
    gives("```rust fn one() -> u8 { 1 }\n```", "fn one() -> u8 { 1 }");
    gives("```rust fn one() -> u8 { 1 }```", "fn one() -> u8 { 1 }");
    gives("```rustfn one() -> u8 { 1 }\n```", "fn one() -> u8 { 1 }");
}

#[test]
fn the_last_block_that_defines_it_wins() {
    let draft = "```rust\nfn one() -> u8 { 0 }\n```";
    let usage =
        "```rust\n// fn one() is above\nfn main() { println!(\"{} fn one()\", one()); }\n```";
    gives(&format!("{draft}\nBetter:\n```rust\n{ONE}\n```\nUse it:\n{usage}"), ONE);
    gives(&format!("```rust\n{ONE}\n```\n```text\nfn one() {{ }}\n```"), ONE);
    gives(&format!("```toml\n[dependencies]\n```\n```c\n{ONE}\n```"), ONE);
}

#[test]
fn markdown_in_markdown() {
    gives(&format!("````markdown\n# Answer\n```rust\n{ONE}\n```\n````"), ONE);
    gives(&format!("~~~md\n```rust\n{ONE}\n```\n~~~"), ONE);
}

#[test]
fn without_a_fence_only_code_that_defines_it_is_taken() {
    gives(&format!("Here you go:\n\n{ONE}\n\nHope this helps!"), ONE);
    assert_eq!(
        extract("To define fn one() you need to return 1.", "one", "stop"),
        Err(NoCode::NoBlock { function: "one".into() }),
    );
    assert_eq!(extract("", "one", "stop"), Err(NoCode::Empty));
}

#[test]
fn a_cut_reply_says_so() {
    let open = "Sure:\n```rust\nfn one() -> u8 {\n    let";
    assert_eq!(extract(open, "one", "length"), Err(CUT));
    assert_eq!(extract("Let me think about", "one", "length"), Err(CUT));
    let complete = format!("```rust\n{ONE}\n```\nThis works beca");
    assert_eq!(extract(&complete, "one", "length").as_deref(), Ok(ONE));
}

#[test]
fn the_error_names_what_was_found() {
    let error = extract("```rust\nfn two() {}\n```", "one", "stop").unwrap_err();
    assert_eq!(error, NoCode::NoFunction { function: "one".into(), found: vec!["two".into()] });
    assert!(error.to_string().contains("they define two"), "{error}");
}

#[test]
fn definitions_are_not_mentions() {
    let generic = "pub fn one<T: Into<[u8; 4]>>(value: T) -> [u8; 4]\nwhere\n    T: Copy,\n{\n    value.into()\n}";
    gives(&format!("```rust\n{generic}\n```"), generic);
    for mention in [
        "// fn one() {}",
        "/* fn one() {} /* nested */ */",
        "const A: &str = \"fn one() {}\";",
        "const A: &str = r#\"fn one() {}\"#;",
        "trait T { fn other(); }\nfn one_more() {}",
        "extern \"C\" { fn one(); }",
    ] {
        let reply = format!("```rust\n{mention}\n```");
        assert!(extract(&reply, "one", "stop").is_err(), "{mention}");
    }
    let quotes = "fn zero<'a>(c: &'a char) -> bool { *c == '\"' || *c == '\\'' }\nfn one() {}";
    gives(&format!("```rust\n{quotes}\n```"), quotes);
}

mod properties {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::super::defines;
    use super::{CUT, extract};

    /// Makes pieces of replies that are easy to misread.
    fn hostile_replies() -> impl Strategy<Value = String> {
        let pieces = vec![
            "```",
            "````",
            "~~~",
            "``````",
            "`",
            "rust",
            "rs",
            "markdown",
            "\n",
            "\r\n",
            "\n\n",
            " ",
            "    ",
            "> ",
            "1. ",
            "- ",
            "fn one() {",
            "fn one(",
            "}",
            "};",
            "/// ```",
            "// ",
            "/*",
            "*/",
            "<<<<<<< SEARCH\n",
            "=======\n",
            ">>>>>>> REPLACE\n",
            "@@ -1 +1 @@\n",
            "+    1\n",
            "-fn one() {\n",
            "// ...\n",
            "Before:\n",
            "todo!()",
            "impl A {",
            "<answer>",
            "\"",
            "'",
            "'\\'",
            "\\",
            "r#\"",
            "\"#",
            "é",
            "💡",
            "use a;",
            "Here:",
            "\u{feff}",
            "\0",
            "\t",
        ];
        prop::collection::vec(select(pieces), 0..40).prop_map(|pieces| pieces.concat())
    }

    /// Makes a line of a program that looks as much like Markdown as code can.
    fn line() -> impl Strategy<Value = &'static str> {
        select(vec![
            "    let a = \"text with ` and ``` inside\";",
            "    /// A doc comment.",
            "    /// ```",
            "    // 1. a list - of > things",
            "    let tag = \"<think>\";",
            "",
            "    let c = '\\'';",
            "    let (x, y) = (1 << 2, 3 > 4);",
            "    println!(\"# {}\", \"* é 💡\");",
            "    if x > 0 { return; }",
        ])
    }

    proptest! {
        #[test]
        fn nothing_panics_and_what_is_found_defines_the_function(reply in hostile_replies(), cut in any::<bool>()) {
            let reason = if cut { "length" } else { "stop" };
            if let Ok(code) = extract(&reply, "one", reason) {
                prop_assert!(defines(&code, "one"), "{:?} gave {:?}", reply, code);
                prop_assert!(!code.contains('\r') || !reply.contains("\r\n"));
            }
        }

        #[test]
        fn a_code_block_is_read_back_unchanged(
            lines in prop::collection::vec(line(), 0..12),
            fence in select(vec!["```", "````", "~~~", "~~~~~", "``````"]),
            tag in select(vec!["rust", "rs", "", "Rust", " rust", "rust,ignore"]),
            before in select(vec!["", "Sure!\n", "Text:\n\n", "1. Step\n2. Step\n\n"]),
            after in select(vec!["", "\n", "\nDone, with `one`.", "\n\n```text\noutput\n```\n"]),
            closed in any::<bool>(),
            crlf in any::<bool>(),
        ) {
            let code = format!("fn one() {{\n{}\n}}", lines.join("\n"));
            let end = if closed { format!("\n{fence}{after}") } else { String::new() };
            let mut reply = format!("{before}{fence}{tag}\n{code}{end}");
            if crlf {
                reply = reply.replace('\n', "\r\n");
            }
            let found = extract(&reply, "one", "stop");
            prop_assert_eq!(found.as_deref(), Ok(code.as_str()), "{}", reply);
            let cut = extract(&reply, "one", "length");
            let expected = if closed { Ok(code) } else { Err(CUT) };
            prop_assert_eq!(cut, expected, "{}", reply);
        }

        #[test]
        fn a_listed_block_loses_its_indentation_only(
            lines in prop::collection::vec(line(), 0..8),
            marker in select(vec!["1. ", "- ", "10. "]),
        ) {
            let code = format!("fn one() {{\n{}\n}}", lines.join("\n"));
            let indent = " ".repeat(marker.len());
            let block = format!("```rust\n{code}\n```");
            let reply = format!("{marker}Do this:\n\n{indent}{}\n\nDone.", block.replace('\n', &format!("\n{indent}")));
            let found = extract(&reply, "one", "stop");
            prop_assert_eq!(found.as_deref(), Ok(code.as_str()), "{}", reply);
        }
    }
}

#[test]
fn a_function_whose_first_line_alone_is_indented_is_whole_or_cut() {
    let code = "fn one() -> u8 {\n    1\n}\n";
    for lead in ["    ", "\t", "Here:\n\n    "] {
        gives(&format!("{lead}{code}\n\n"), ONE);
        assert_eq!(extract(&format!("{lead}{code}\n\n"), "one", "length"), Err(CUT));
    }
    let brace = "    fn one() -> u8\n{\n    1\n}\n";
    gives(brace, "fn one() -> u8\n{\n    1\n}");
    let half = "    fn one() -> u8 {\n        1\n";
    assert_eq!(extract(half, "one", "length"), Err(CUT));
    assert!(matches!(extract(half, "one", "stop"), Err(NoCode::Unfinished { .. })));
    // An item that is indented throughout is still a block.
    gives("Here:\n\n    fn one() -> u8 {\n        1\n    }\n", ONE);
}

#[test]
fn a_closed_block_of_a_cut_reply_never_gives_half_a_function() {
    for half in ["fn one() -> u8 {", "fn one(", "fn one() -> u8 {\n    1\n}\nfn two() {"] {
        assert_eq!(extract(&format!("```rust\n{half}\n```\nNow"), "one", "length"), Err(CUT));
    }
}

#[test]
fn a_block_with_half_an_edits_marks_is_not_code() {
    for mark in ["=======", "<<<<<<< SEARCH", ">>>>>>> REPLACE", "@@ -1 +1 @@"] {
        for language in ["rust", "json", ""] {
            let found = extract(&format!("```{language}\n{ONE}\n{mark}\n```"), "one", "stop");
            assert!(matches!(found, Err(NoCode::Edit { .. })), "{language} {mark}: {found:?}");
        }
    }
    let code = "/*\n=======\nOne\n=======\n*/\nfn one() -> u8 {\n    1\n}";
    gives(&format!("```rust\n{code}\n```"), code);
}
