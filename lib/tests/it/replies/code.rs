//! Code in replies, in the forms that models write.

use super::{ASKED, replies, whole};

const REPAIR: &str =
    "fn largest(values: &[i32]) -> i32 {\n    values.iter().copied().max().unwrap_or(0)\n}";
/// Code that is not an answer.
const DRAFT: &str = "fn largest(values: &[i32]) -> i32 {\n    values[0]\n}";

/// Checks that each of these replies gives this code.
#[track_caller]
fn all_give(texts: Vec<String>, code: &str) {
    assert!(texts.len() >= 20, "only {} variants", texts.len());
    let texts = whole(texts);
    for (reply, (text, _)) in replies(&texts).iter().zip(&texts) {
        match reply.code("largest") {
            Ok(found) => assert_eq!(found, code, "in:\n{text}\nread as:\n{}", reply.text),
            Err(error) => panic!("{error}, in:\n{text}\nread as:\n{}", reply.text),
        }
    }
}

/// Checks that none of these replies gives code, and that each error says one of these things.
#[track_caller]
fn all_refuse(texts: Vec<(String, &'static str)>, says: &[&str]) {
    assert!(texts.len() >= 20, "only {} variants", texts.len());
    for (reply, (text, _)) in replies(&texts).iter().zip(&texts) {
        let error = match reply.code("largest") {
            Ok(code) => panic!("{code}\nis taken from:\n{text}"),
            Err(error) => error.to_string(),
        };
        assert!(says.iter().any(|says| error.contains(says)), "{error}, in:\n{text}");
    }
}

fn block(code: &str) -> String {
    format!("```rust\n{code}\n```")
}

#[test]
fn thinking_is_never_the_answer() {
    let mut texts = Vec::new();
    for (open, close) in [
        ("<think>", "</think>"),
        ("<Thinking>", "</Thinking>"),
        ("<THOUGHT>", "</THOUGHT>"),
        ("<reasoning mode=\"deep\">", "</reasoning>"),
        ("<analysis>", "</analysis>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
        ("<seed:think>", "</seed:think>"),
        ("<|begin_of_thought|>", "<|end_of_thought|>"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ] {
        let draft = block(DRAFT);
        let answer = block(REPAIR);
        texts.push(format!("{open}\nFirst:\n{draft}\nThat panics.\n{close}\n{REPAIR}"));
        texts.push(format!("{open}{draft}{close}\n\n{answer}"));
        texts.push(format!("{open}{draft}{close}{answer}"));
        texts.push(format!("{open}\n{draft}{close}{REPAIR}"));
        texts.push(format!("{open}\n```rust\n{DRAFT}\n{close}\n{answer}\nDone."));
        if !open.contains("channel") {
            texts.push(format!("First:\n{draft}\nNo.\n{close}\n{answer}"));
            texts.push(format!("{answer}\n{open}\nor {draft}\n{close}"));
            texts.push(format!("{open}a{close}\n{open}\n{draft}\n{close}\n{answer}"));
            texts.push(format!("{open}\nFirst:\n{draft}\nBetter:\n{answer}"));
        }
    }
    all_give(texts, REPAIR);
}

#[test]
fn tags_and_marks_in_strings_and_comments_stay() {
    let mut texts = Vec::new();
    for mark in [
        "<think>",
        "</think>",
        "<|im_end|>",
        "[THINK]",
        "</s>",
        "<tool_call>",
        "<|channel|>final<|message|>",
        "◁think▷",
    ] {
        for code in [
            format!("fn largest(values: &[i32]) -> i32 {{\n    let _ = \"a {mark} b\";\n    0\n}}"),
            format!("fn largest(values: &[i32]) -> i32 {{\n    // a {mark} b\n    0\n}}"),
            format!(
                "fn largest(values: &[i32]) -> i32 {{\n    let _ = r#\"\n{mark}\n\"#;\n    0\n}}"
            ),
        ] {
            for text in
                [block(&code), format!("<think>\nhm\n</think>\n{}\nDone.<|im_end|>", block(&code))]
            {
                texts.push((text, code.clone()));
            }
        }
    }
    assert!(texts.len() >= 20);
    let given = whole(texts.iter().map(|(text, _)| text.clone()).collect());
    for (reply, (text, code)) in replies(&given).iter().zip(&texts) {
        assert_eq!(
            reply.code("largest").ok().as_ref(),
            Some(code),
            "in:\n{text}\nread as:\n{}",
            reply.text
        );
    }
}

#[test]
fn fences_are_read_in_every_form() {
    let mut texts = Vec::new();
    for (open, close) in [
        ("```rust", "```"),
        ("````rust", "```"),
        ("`````", "```"),
        ("~~~rust", "```"),
        ("~~~", "~~~~"),
        ("````", "~~~"),
        ("```rust", "````"),
        ("```Rust", "``` Now an empty slice is no problem."),
        ("```rs", "```Now it works."),
        ("```rust", "```<|im_end|>"),
        ("```rust", ""),
        ("```rust", "\nNow an empty slice is no problem."),
    ] {
        texts.push(format!("Done:\n{open}\n{REPAIR}\n{close}\nNow it works."));
        texts.push(format!("{open}\n{REPAIR}\n{close}"));
        texts.push(format!(
            "1. Do this:\n   {open}\n   {}\n   {close}\n2. Done.",
            REPAIR.replace('\n', "\n   ")
        ));
    }
    texts.push(format!("```\nfn other() {{}}\n```rust\n{REPAIR}\n```"));
    texts.push(format!("```markdown\n# Answer\n```rust\n{REPAIR}\n```\n```"));
    all_give(texts, REPAIR);
}

#[test]
fn of_several_blocks_the_answer_is_taken() {
    let (repair, asked) = (block(REPAIR), block(ASKED));
    let mut texts = Vec::new();
    for words in [
        "Yours was, for reference:",
        "Before:",
        "Your original:",
        "**Original code**",
        "The code you gave me:",
    ] {
        texts.push(format!("{repair}\n{words}\n{asked}"));
        texts.push(format!("{words}\n{asked}\nAfter:\n{repair}"));
        texts.push(format!("{repair}\n{words}\n{}", block(&ASKED.replace("best", "most"))));
    }
    for words in ["Do not write this:", "❌ Wrong:", "Never write", "Instead of"] {
        texts.push(format!("{repair}\n{words}\n{}", block(DRAFT)));
        texts.push(format!("{words}\n{}\nwrite\n{repair}", block(DRAFT)));
    }
    for body in ["todo!()", "unimplemented!()", "// your code", "...", ""] {
        let stub = format!("fn largest(values: &[i32]) -> i32 {{\n    {body}\n}}");
        texts.push(format!("{repair}\nThe outline:\n{}", block(&stub)));
        texts.push(format!("The outline:\n{}\n{repair}", block(&stub)));
    }
    texts.push(format!("{repair}\n{asked}"));
    texts.push(format!("{repair}\n{}", block(&ASKED.replace("    ", "  "))));
    texts.push(format!("{repair}\n{}", block("fn main() { println!(\"{}\", largest(&[1])); }")));
    texts.push(block(&format!("{DRAFT}\n{REPAIR}")));
    all_give(texts, REPAIR);
}

#[test]
fn edits_are_applied_to_the_code_that_was_asked_about() {
    let first = "    let mut best = values[0];";
    let better = "    let mut best = i32::MIN;";
    let mut texts = Vec::new();
    for (search, split, replace) in [
        ("<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"),
        ("<<<<<<< ORIGINAL", "=======", ">>>>>>> UPDATED"),
        ("<<<<<<< HEAD", "=======", ">>>>>>> new"),
        ("------- SEARCH", "=======", "+++++++ REPLACE"),
        ("<<<< SEARCH", "=====", ">>>> REPLACE"),
    ] {
        let edit = format!("{search}\n{first}\n{split}\n{better}\n{replace}");
        texts.push(edit.clone());
        texts.push(block(&edit));
        texts.push(format!(
            "Only the beginning:\n{}\nDone.",
            block(&edit.replace("    let", "let"))
        ));
        texts.push(format!("```\n{}\n```", edit.replace("values[0];", "values[0];  ")));
    }
    for head in
        ["", "@@\n", "@@ -1,3 +1,3 @@\n", "--- a/a.rs\n+++ b/a.rs\n@@ -2 +2 @@ fn largest\n"]
    {
        for tag in ["diff", "rust", "", "patch"] {
            let context = " fn largest(values: &[i32]) -> i32 {";
            texts.push(format!("```{tag}\n{head}{context}\n-{first}\n+{better}\n```"));
            let patch = format!("@@\n{context}\n-{first}\n+{better}");
            texts.push(format!(
                "```{tag}\n*** Begin Patch\n*** Update File: a.rs\n{patch}\n*** End Patch\n```"
            ));
        }
    }
    texts.push(block(
        &format!(
            "fn largest(values: &[i32]) -> i32 {{\n{better}\n    // ... existing code ...\n}}"
        )
        .replace("{\n    let mut best = i32::MIN;\n", "{\n    // ... existing code ...\n")
        .replace(
            "    // ... existing code ...\n}",
            "    for &v in values { if v > best { best = v; } }\n    best\n}",
        ),
    ));
    let unchanged = texts.pop().expect("the code with a gap");
    all_give(texts, &ASKED.replace(first, better));
    // A gap stands for the lines of the original code.
    let found = replies(&whole(vec![unchanged]))[0].code("largest").expect("the code");
    assert_eq!(found, ASKED);
}

#[test]
fn edits_that_do_not_fit_are_refused_with_a_reason() {
    let mut texts = Vec::new();
    for (old, new) in [
        ("    let best = 0;", "    let best = 1;"),
        ("    values.len()", "    0"),
        ("    best\n    best", "    0"),
        ("", "    0"),
        ("    let mut most = values[0];", "    let mut most = 0;"),
    ] {
        let search = format!("<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE");
        let lines = |mark: &str, text: &str| {
            text.lines().map(|line| format!("{mark}{line}\n")).collect::<String>()
        };
        let diff = format!("@@ -1 +1 @@\n{}{}", lines("-", old), lines("+", new));
        texts.push(block(&search));
        texts.push(search.clone());
        texts.push(format!("```diff\n{diff}```"));
        texts.push(block(&diff));
        texts.push(block(&format!("{search}\n{search}")));
    }
    all_refuse(whole(texts), &["answer with the complete `fn largest`"]);
}

#[test]
fn helpers_in_a_separate_block_are_joined() {
    let main =
        "fn largest(values: &[i32]) -> i32 {\n    most(values).map_or(EMPTY, |found| found.0)\n}";
    let parts = [
        "struct Found(i32);",
        "fn most(values: &[i32]) -> Option<Found> {\n    values.iter().copied().max().map(Found)\n}",
        "const EMPTY: i32 = 0;",
    ];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let mut texts = Vec::new();
    for order in orders {
        let helpers = order.map(|at| block(parts[at])).join("\nand\n");
        texts.push(format!("First the helpers:\n{helpers}\nThen:\n{}", block(main)));
        texts.push(format!("{}\nIt needs:\n{helpers}", block(main)));
        texts.push(format!("{}\n{}", block(&order.map(|at| parts[at]).join("\n")), block(main)));
        texts.push(format!(
            "{}\nIn use:\n{}\n{helpers}",
            block(main),
            block("fn main() { largest(&[]); }")
        ));
    }
    for (reply, text) in replies(&whole(texts.clone())).iter().zip(&texts) {
        let code = reply.code("largest").unwrap_or_else(|error| panic!("{error}, in:\n{text}"));
        for part in parts.iter().chain([&main]) {
            assert_eq!(code.matches(part).count(), 1, "{part} in:\n{code}\nof:\n{text}");
        }
        assert!(!code.contains("fn main"), "{code}");
    }
}

#[test]
fn a_function_inside_something_else_is_named() {
    let mut texts = Vec::new();
    let method = REPAIR.replace('\n', "\n    ");
    for outer in [
        "impl Solution",
        "impl<T> Solver<T>",
        "mod answer",
        "trait Largest",
        "fn main()",
        "pub mod a",
    ] {
        for text in [
            format!("{outer} {{\n    {method}\n}}"),
            format!("struct X;\n{outer} {{ pub {method} }}"),
        ] {
            texts.push(block(&text));
            texts.push(format!("Here:\n~~~\n{text}\n~~~"));
        }
    }
    all_refuse(whole(texts), &["stands inside `"]);
}

#[test]
fn a_cut_reply_never_gives_half_a_function() {
    let helper = "fn most(values: &[i32]) -> i32 { values[0] }";
    let forms = [
        format!("Let me see.\n{}\nDone.", block(REPAIR)),
        format!("```\n{helper}\n{REPAIR}\n```"),
        REPAIR.to_owned(),
        format!("<think>\n{}\n</think>\n{}", block(DRAFT), block(REPAIR)),
        "```diff\n-    let mut best = values[0];\n+    let mut best = i32::MIN;\n```".to_owned(),
        format!("{}\nBetter:\n{}", block(DRAFT), block(REPAIR)),
    ];
    for form in forms {
        let ends: Vec<usize> =
            form.char_indices().map(|(at, _)| at).filter(|at| at % 3 == 0).collect();
        let texts: Vec<(String, &str)> = ends
            .iter()
            .flat_map(|&end| [(form[..end].to_owned(), "length"), (form[..end].to_owned(), "stop")])
            .collect();
        for (reply, (text, reason)) in replies(&texts).iter().zip(&texts) {
            match reply.code("largest") {
                Ok(code) => {
                    // The complete code, not the draft in the thinking.
                    assert_eq!(
                        code.matches('{').count(),
                        code.matches('}').count(),
                        "{code}\nof:\n{text}"
                    );
                    assert!(code.contains("fn largest"), "{code}\nof:\n{text}");
                    assert!(
                        !code.contains(['<', '`']) || code.contains("<="),
                        "{code}\nof:\n{text}"
                    );
                    let drafted =
                        form.starts_with("<think>") && code == DRAFT && *reason == "length";
                    assert!(!drafted, "the draft is taken from:\n{text}");
                }
                Err(error) if *reason == "length" => {
                    let error = error.to_string();
                    assert!(
                        error.contains("cut at its limit of 1000 tokens")
                            && error.contains(".max_tokens(2000)"),
                        "{error}\n{text}"
                    );
                }
                Err(_) => {}
            }
        }
    }
}
