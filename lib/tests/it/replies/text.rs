//! Everything except code in the replies that models write: lists, prompts, opinions, JSON, calls.

use code_evolution::prelude::*;
use serde_json::{Value, json};

use super::{replies, whole};

#[test]
fn lists_are_read_with_every_mark() {
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
        "_{}_",
        "iii. {}",
        "<li>{}</li>",
        "- {}: strong",
        "Password: {} ✅",
        "* __{}__",
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
fn prompts_lose_their_talk_and_a_cut_reply_gives_none() {
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
        texts.push(format!("{lead}\n\n{prompt}\n\n---\nI kept your name and added a check."));
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
        texts.push(format!("My opinion:\n{}", opinion.replace('"', "'")));
        texts.push(format!("{{\"opinion\": {opinion}}}"));
        texts.push(format!("[{opinion}]"));
        texts.push(opinion.replace("points", "Points").replace("reason", "Reason"));
        texts.push(format!("```json\n{}\n```", opinion.replace('"', "'").replace('}', ",}")));
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
fn json_and_calls_in_the_text_are_found() {
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
fn a_reply_shows_folded_thinking_and_what_cut_it_off() {
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
