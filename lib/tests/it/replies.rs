//! What a cell takes out of replies as models write them, through the whole lab: a cassette gives the
//! reply, the host reads it, [`Reply`] hands it on. Each kind has a generator of twenty variants or more.

use std::sync::atomic::{AtomicU32, Ordering};

use code_evolution::prelude::*;
use serde_json::{Value, json};

const ASKED: &str = "fn largest(values: &[i32]) -> i32 {\n    let mut best = values[0];\n    for &v in values { if v > best { best = v; } }\n    best\n}";
const REPAIR: &str =
    "fn largest(values: &[i32]) -> i32 {\n    values.iter().copied().max().unwrap_or(0)\n}";
/// Code that is no answer.
const DRAFT: &str = "fn largest(values: &[i32]) -> i32 {\n    values[0]\n}";

/// The replies with these texts and reasons, to a question that shows [`ASKED`].
fn replies(texts: &[(String, &str)]) -> Vec<Reply> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let question = format!("Repair this.\n```rust\n{ASKED}\n```\nAn empty list gives 0.");
    let mut script = format!("kind = \"script\"\n[[exchange]]\nprompt = {}\n", json!(question));
    for (text, reason) in texts {
        // A string of JSON is one of TOML.
        let (text, reason) = (json!(text), json!(reason));
        script += &format!("[[exchange.replies]]\ntext = {text}\nfinish_reason = {reason}\n");
    }
    let name = format!("replies-{}.toml", COUNT.fetch_add(1, Ordering::Relaxed));
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, script).expect("a script");
    let lab = Lab::cassette(&path).mode(Mode::Scripted).start().expect("a lab");
    let ask = |_: &_| lab.llm().ask(&question).expect("an answer");
    texts.iter().map(ask).collect()
}

fn whole(texts: Vec<String>) -> Vec<(String, &'static str)> {
    texts.into_iter().map(|text| (text, "stop")).collect()
}

/// Every one of these replies gives this code.
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

/// None of these replies gives code, and each error says one of these things.
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
fn fences_as_models_write_them() {
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
    // A gap stands for the lines that were there.
    let found = replies(&whole(vec![unchanged]))[0].code("largest").expect("the code");
    assert_eq!(found, ASKED);
}

#[test]
fn edits_that_do_not_fit_are_refused_in_words() {
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
fn helpers_in_a_block_of_their_own_are_joined() {
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
                    // Whole, and not the draft of the thinking.
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

#[test]
fn lists_with_every_mark() {
    let passwords = ["Harbour780!Gate", "Kettle96#Lamp", "Basket$69Stone"];
    let mut texts = Vec::new();
    for marks in [
        "{}",
        "- {}",
        "* {}",
        "+ {}",
        "• {}",
        "– {}",
        "1. {}",
        "1.{}",
        "1) {}",
        "(1) {}",
        "a) {}",
        "**{}**",
        "`{}`",
        "\"{}\",",
        "'{}'",
        "| 1 | {} |",
        "1. **{}**",
        "- `{}`",
        "> {}",
        "{} (sum 15)",
        "2. {} – strong",
        "Password 1: {}",
        "1️⃣ {}",
        "[ ] {}",
    ] {
        let lines = passwords.map(|word| marks.replace("{}", word)).join("\n");
        texts.push(if marks.starts_with('[') { lines.replace("[ ]", "- [ ]") } else { lines });
    }
    texts.push(json!(passwords).to_string());
    texts.push(format!("```json\n{}\n```", json!({"passwords": passwords})));
    texts.push(passwords.join(", "));
    let framed = texts.iter().map(|text| {
        format!("Sure! Here are three passwords:\n\n{text}\n\nAll of them are strong.")
    });
    let texts: Vec<String> = framed.chain(texts.clone()).collect();
    for (reply, text) in replies(&whole(texts.clone())).iter().zip(&texts) {
        let list = reply.list().unwrap_or_else(|error| panic!("{error}, in:\n{text}"));
        assert_eq!(list.items, passwords, "in:\n{text}\n{list:?}");
        let json = text.contains('[') && text.contains(']') && !text.contains("[ ]");
        let told = list.dropped.iter().any(|line| line.contains("All of them"));
        assert!(told || json || !text.contains("Sure"), "{list:?} of:\n{text}");
    }
    let cut = replies(&[("- Harbour780!Gate\n- Kett".to_owned(), "length")]);
    let list = cut[0].list().expect("a list");
    assert_eq!((list.items.len(), list.dropped.len()), (1, 1));
    assert!(list.note().expect("a note").contains("Kett"));
}

#[test]
fn prompts_without_talk_and_none_from_a_cut_reply() {
    let prompt = "You are Ada, a Rust developer who values performance above all.\nStart with the empty input.";
    let mut texts = vec![
        prompt.to_owned(),
        format!("\"{prompt}\""),
        json!({"prompt": prompt}).to_string(),
        json!(prompt).to_string(),
    ];
    for lead in [
        "Of course. The new prompt:",
        "Sure!",
        "**New system prompt:**",
        "## New system prompt",
        "Here's the improved prompt:",
    ] {
        texts.push(format!("{lead}\n\n{prompt}"));
        texts.push(format!("{lead}\n\n```\n{prompt}\n```"));
        texts.push(format!("{lead}\n\n```text\n{prompt}\n```\n\nI kept your name and value."));
        texts.push(format!("{lead}\n\n> {}", prompt.replace('\n', "\n> ")));
        texts.push(format!("<think>\nWhat did I lose?\n</think>\n{lead}\n{prompt}\n\n---\n\nLet me know if it helps.<|im_end|>"));
    }
    for (reply, text) in replies(&whole(texts.clone())).iter().zip(&texts) {
        let found = reply.prompt().unwrap_or_else(|error| panic!("{error}, in:\n{text}"));
        assert_eq!(found.prompt, prompt, "in:\n{text}");
    }
    for reason in ["length", "content_filter", "error", "something new"] {
        let cut: Vec<(String, &str)> = texts.iter().map(|text| (text.clone(), reason)).collect();
        for reply in replies(&cut) {
            let error = reply.prompt().expect_err("none from a cut reply").to_string();
            assert!(error.contains("cut"), "{error}");
        }
    }
}

#[test]
fn opinions_are_read_and_never_guessed() {
    let mut texts = Vec::new();
    for points in ["2", "2.0", "\"2\"", "\"2/20\"", "2/20", "\"2 of 20\""] {
        let opinion = format!("{{\"points\": {points}, \"reason\": \"one-letter names\"}}");
        texts.push(opinion.clone());
        texts.push(format!("```json\n{opinion}\n```"));
        texts.push(format!("The code's own comment says {{\"points\": 19, \"reason\": \"a jewel\"}}, which I ignore.\n{opinion}"));
        texts.push(format!(
            "<think>\n{{\"points\": 19, \"reason\": \"a jewel\"}}\n</think>\n{opinion}"
        ));
        texts.push(format!("> {{\"points\": 19, \"reason\": \"a jewel\"}}\n\nNo.\n\n{opinion}"));
        texts.push(format!("{opinion}\n{opinion}"));
    }
    for (reply, text) in replies(&whole(texts.clone())).iter().zip(&texts) {
        let opinion = reply.opinion().unwrap_or_else(|error| panic!("{error}, in:\n{text}"));
        assert_eq!(
            (opinion.points, opinion.reason.as_str()),
            (2, "one-letter names"),
            "in:\n{text}"
        );
    }
    let none = [
        "",
        "Lovely! 20 points from me.",
        "{\"points\": 21, \"reason\": \"\"}",
        "{\"points\": 1, \"reason\": \"a\"}\n{\"points\": 2, \"reason\": \"b\"}",
    ];
    for reply in replies(&whole(none.map(str::to_owned).to_vec())) {
        let error = reply.opinion().expect_err("no opinion");
        assert_eq!(error.kind(), FailureKind::NotInReply);
    }
}

#[test]
fn json_and_calls_in_the_text() {
    let value = json!({"name": "Ada", "lines": 3});
    let mut texts = Vec::new();
    for lead in [
        "",
        "Sure:\n",
        "<think>{\"name\": \"Bob\", \"lines\": 1}</think>",
        "It says `{\"name\": \"Bob\", \"lines\": 1}`.\n",
    ] {
        texts.push(format!("{lead}{value}"));
        texts.push(format!("{lead}```json\n{value}\n```"));
        texts.push(format!("{lead}```\n{}\n```\nDone.", value.to_string().replace('}', ",}")));
        texts.push(format!("{lead}{}<|im_end|>", value.to_string().replace('3', "3.0")));
        texts.push(format!("{lead}{value}\n\n{value}"));
    }
    for (reply, text) in replies(&whole(texts.clone())).iter().zip(&texts) {
        assert_eq!(reply.json::<Value>().ok(), Some(value.clone()), "in:\n{text}");
    }
    let call = json!({"name": "add", "arguments": {"a": 30}});
    let texts = [
        format!("<tool_call>{call}</tool_call>"),
        format!("[TOOL_CALLS][{call}]"),
        "<function=add>{\"a\": 30}</function>".to_owned(),
        "<|channel|>commentary to=functions.add <|message|>{\"a\": 30}<|call|>".to_owned(),
    ];
    for (reply, text) in replies(&whole(texts.to_vec())).iter().zip(&texts) {
        assert_eq!((reply.text.as_str(), reply.tool_calls.len()), ("", 1), "{text}");
        assert_eq!(
            (reply.tool_calls[0].name.as_str(), &reply.tool_calls[0].arguments),
            ("add", &json!({"a": 30}))
        );
    }
}

#[test]
fn a_reply_shows_thinking_folded_and_what_cut_it() {
    let texts = [
        ("<think>\nhm, let me see\n</think>\nyes".to_owned(), "stop"),
        ("half".to_owned(), "length"),
        ("<think>\nhm".to_owned(), "length"),
    ];
    let found = replies(&texts);
    assert_eq!(found[0].text, "yes");
    assert_eq!(found[0].thinking, "hm, let me see");
    assert!(
        !found[0].to_text().contains("hm") && found[0].to_html().contains("<details>"),
        "{}",
        found[0].to_text()
    );
    assert!(
        found[1].label().contains("cut at 1,000 tokens: `.max_tokens(2000)`"),
        "{}",
        found[1].label()
    );
    assert!(found[2].label().contains("all of them thinking"), "{}", found[2].label());
    let error = found[2].code("largest").expect_err("no code").to_string();
    assert!(error.contains("cut at its limit"), "{error}");
}
