//! Reads random mixtures of fences, tags, marks, edits and cuts, and replies that once failed.
//!
//! `tests/corpus/replies.jsonl` keeps those replies, one JSON string per line; each run reads them again.

use code_evolution_wire::model::Answer;
use code_evolution_wire::source::{Part, parts};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use super::*;

const CORPUS: &str = include_str!("../../../tests/corpus/replies.jsonl");
const QUESTION: &str = "Repair this:\n```rust\nfn one() -> u8 {\n    let a = 0;\n    a\n}\n```";

fn piece() -> impl Strategy<Value = &'static str> {
    select(vec![
        "```",
        "````",
        "~~~",
        "``````",
        "```rust\n",
        "\n```\n",
        "```diff\n",
        "```json\n",
        "`",
        "\n",
        "\n\n",
        "\r\n",
        " ",
        "    ",
        "> ",
        "1. ",
        "- ",
        "| ",
        "fn one() -> u8 {\n    1\n}\n",
        "fn one() -> u8 {",
        "fn two() {}\n",
        "fn one(",
        "}",
        "    let a = 0;\n",
        "    a\n",
        "impl A {\n",
        "struct A;\n",
        "use a::b;\n",
        "todo!()",
        "// ",
        "// ...\n",
        "/*",
        "*/",
        "\"",
        "'",
        "r#\"",
        "\"#",
        "<think>",
        "</think>",
        "<THINKING>\n",
        "\n</thinking>\n",
        "[THINK]",
        "[/THINK]",
        "◁think▷",
        "◁/think▷",
        "<|im_end|>",
        "<|im_start|>user\n",
        "<|channel|>analysis<|message|>",
        "<|channel|>final<|message|>",
        "<|end|>",
        "<|start|>assistant",
        "<|return|>",
        "</s>",
        "<s>",
        "[INST]",
        "<tool_call>",
        "</tool_call>",
        "[TOOL_CALLS]",
        "{\"name\": \"add\", \"arguments\": {}}",
        "<function=add>",
        "</function>",
        "<<<<<<< SEARCH\n",
        "=======\n",
        ">>>>>>> REPLACE\n",
        "@@ -1 +1 @@\n",
        "-    let a = 0;\n",
        "+    let a = 1;\n",
        " fn one() -> u8 {\n",
        "Before:\n",
        "Do not write this:\n",
        "{\"points\": 3, \"reason\": \"a\"}",
        "{\"points\": 4/20, ",
        "[\"a1\", ",
        "**",
        "é",
        "💡",
        "\u{feff}",
        "\0",
        "\t",
    ])
}

/// Reads a reply in every way, and checks the code that results.
fn survives(text: &str, reason: &str) -> Result<(), TestCaseError> {
    let answer = serde_json::json!({
        "text": text, "model": "m", "mode": "live", "finish_reason": reason, "usage": {},
    });
    let mut answer: Answer = serde_json::from_value(answer).expect("an answer");
    receive(&mut answer, &[], 100);
    let _shown = visible(text, Extent::Cut);
    let reply = ReplyText { asked: vec![QUESTION.to_owned()], ..ReplyText::from(&answer) };
    for wanted in [Wanted::List, Wanted::Prompt, Wanted::Json, Wanted::Opinion] {
        let _read = read_for(&reply, &wanted);
    }
    let Ok(code) = code::extract(&reply, "one") else { return Ok(()) };
    let code = code.code;
    let tokens: String =
        parts(&code).map(|(part, text)| if part == Part::Code { text } else { " " }).collect();
    for mark in [
        "```",
        "<think",
        "</think",
        "<THINK",
        "[THINK",
        "◁",
        "<|",
        "</s>",
        "<tool_call",
        "<<<<",
        ">>>>",
        "@@",
        "====",
    ] {
        prop_assert!(!tokens.contains(mark), "{} in {:?} of {:?}", mark, code, text);
    }
    // The code must be whole even if the reply was cut. It may be wrong, but not because of the cut.
    if reason != "stop" {
        let depth = tokens.matches('{').count() as i64 - tokens.matches('}').count() as i64;
        let closed = answer.text.trim_end().ends_with(['`', '~']) || depth <= 0;
        prop_assert!(closed, "{:?} of {:?}", code, text);
    }
    Ok(())
}

#[test]
fn replies_that_once_went_wrong() {
    let mut count = 0;
    for line in CORPUS.lines() {
        let text: String = serde_json::from_str(line).expect("a string of JSON");
        for reason in ["stop", "length", "error"] {
            survives(&text, reason).unwrap_or_else(|error| panic!("{error}"));
        }
        count += 1;
    }
    assert!(count > 10, "only {count} replies are kept");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_is_survived(
        pieces in prop::collection::vec(piece(), 0..30),
        reason in select(vec!["stop", "length", "error"]),
    ) {
        survives(&pieces.concat(), reason)?;
    }

    #[test]
    fn any_text_is_survived(text in "\\PC{0,200}", reason in select(vec!["stop", "length"])) {
        survives(&text, reason)?;
    }
}
