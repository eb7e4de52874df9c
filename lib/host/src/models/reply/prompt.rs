//! Finds a prompt that a model wrote, without the talk around it.

use code_evolution_wire::reading::Prompt;
use serde_json::Value;

use super::blocks::blocks;
use super::json;

/// The names of a prompt in JSON or in a tag.
const NAMES: [&str; 8] = [
    "prompt",
    "system_prompt",
    "new_prompt",
    "new_system_prompt",
    "system",
    "systemprompt",
    "updated_prompt",
    "improved_prompt",
];
/// The longest line that counts as talk, in characters.
const TALK: usize = 200;

/// Returns the prompt in a text.
pub(super) fn read(text: &str) -> Option<Prompt> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let text = text.trim();
    let (prompt, left_out) = in_json(text)
        .map(|prompt| (prompt, String::new()))
        .or_else(|| in_tag(text))
        .or_else(|| in_block(text))
        .unwrap_or_else(|| without_talk(text));
    let prompt = unquoted(&prompt);
    let fences = prompt.lines().all(|line| line.trim_start().starts_with("```"));
    if fences {
        return None;
    }
    let left_out = left_out.trim();
    let note = (!left_out.is_empty())
        .then(|| format!("left out around it: `{}`", super::super::text::clean(left_out, 120)));
    Some(Prompt { prompt, note })
}

fn in_json(text: &str) -> Option<String> {
    if !text.contains('{') {
        return serde_json::from_str::<String>(text).ok();
    }
    json::values(text, &[]).into_iter().rev().find_map(|value| {
        let members = value.as_object()?;
        let named = |name: &&str| members.get(*name).and_then(Value::as_str);
        let known = NAMES.iter().find_map(named);
        let only = || members.values().next()?.as_str().filter(|_| members.len() == 1);
        known.or_else(only).map(str::to_owned)
    })
}

/// Reads `<prompt>…</prompt>`.
fn in_tag(text: &str) -> Option<(String, String)> {
    let lower = text.to_ascii_lowercase();
    NAMES.iter().find_map(|name| {
        let (open, close) = (format!("<{name}>"), format!("</{name}>"));
        let from = lower.find(&open)? + open.len();
        let to = lower[from..].find(&close)? + from;
        let around = format!("{} {}", &text[..from - open.len()], &text[to + close.len()..]);
        Some((text[from..to].to_owned(), around))
    })
}

/// Returns the block that the talk announces: the only block of words, or the last block whose lead mentions
/// a prompt. A block of code inside a prompt belongs to the prompt.
fn in_block(text: &str) -> Option<(String, String)> {
    let found = blocks(text);
    let of_words = found.blocks.iter().filter(|block| !block.indented && block.holds_words());
    let blocks: Vec<_> = of_words.collect();
    let says_prompt = |before: &str| {
        let lead = before.trim().lines().last().unwrap_or_default().to_lowercase();
        lead.contains("prompt") && lead.chars().count() <= TALK
    };
    let [first, ..] = blocks[..] else { return None };
    let announced = blocks.iter().rev().find(|block| says_prompt(&block.before));
    let lead = first.before.trim();
    let only = blocks.len() == 1 && lead.lines().count() <= 2 && lead.chars().count() <= TALK;
    let block = announced.copied().or(only.then_some(first))?;
    (!block.code.trim().is_empty()).then(|| (block.code.clone(), found.words.clone()))
}

/// Returns the text without a line that announces it, a heading, or remarks after it.
fn without_talk(text: &str) -> (String, String) {
    let mut left_out = String::new();
    let mut rest = text;
    while let Some((line, after)) = rest.split_once('\n') {
        let announces = is_lead(line) && !after.trim().is_empty();
        if !(announces || line.trim().is_empty() || is_ruler(line)) {
            break;
        }
        left_out.push_str(line);
        left_out.push(' ');
        rest = after;
    }
    // A lead on the same line: "New system prompt: You are ..."
    if let Some((lead, after)) = rest.split_once(':') {
        let name = lead.to_lowercase();
        let short = lead.split_whitespace().count() <= 7 && !lead.contains('\n');
        if short && name.contains("prompt") && !after.trim().is_empty() {
            left_out.push_str(lead);
            rest = after.trim_start_matches('*');
        }
    }
    let mut paragraphs: Vec<&str> = rest.trim().split("\n\n").collect();
    while paragraphs.len() > 1 && paragraphs.last().is_some_and(|last| is_after(last)) {
        left_out.push_str(paragraphs.pop().unwrap_or_default());
    }
    (paragraphs.join("\n\n"), left_out)
}

/// Returns whether a line announces what follows: a heading, bold words, talk that ends with a colon.
fn is_lead(line: &str) -> bool {
    let line = line.trim();
    let bare = line.trim_matches(['*', '#', '_', ' ']);
    let lower = bare.to_lowercase();
    let marked = line.starts_with('#')
        || line.starts_with("**") && line.trim_end_matches(':').ends_with("**");
    let talk = [
        "sure",
        "of course",
        "certainly",
        "here is",
        "here's",
        "okay",
        "ok,",
        "absolutely",
        "understood",
        "thank",
    ];
    let short = bare.chars().count() <= TALK;
    let begins = lower.starts_with("you ") || lower.starts_with("your ");
    short
        && !begins
        && (marked && (lower.contains("prompt") || lower.contains("new"))
            || lower.ends_with(':')
                && (lower.contains("prompt") || talk.iter().any(|word| lower.starts_with(word)))
            || talk.iter().any(|word| lower.starts_with(word)) && lower.ends_with(['.', '!', ':']))
}

fn is_ruler(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '*' | '_' | '='))
}

/// Returns whether a paragraph is about the prompt, not a part of it.
fn is_after(paragraph: &str) -> bool {
    let paragraph = paragraph.trim();
    let lower = paragraph.trim_start_matches(['*', '#', '_', '(', '-', ' ', '\n']).to_lowercase();
    let starts = [
        "let me know",
        "i hope",
        "i kept",
        "i've ",
        "i have ",
        "i added",
        "i changed",
        "i also",
        "this prompt",
        "this version",
        "this new prompt",
        "this keeps",
        "feel free",
        "note:",
        "note that this",
        "explanation",
        "changes",
        "why this",
        "what changed",
        "what i changed",
        "the prompt is",
        "the new prompt",
        "word count",
        "would you like",
        "rationale",
        "reasoning:",
    ];
    let counts = lower.ends_with("words)") || lower.ends_with("words.)");
    is_ruler(paragraph) || counts || starts.iter().any(|start| lower.starts_with(start))
}

/// Removes quotation marks around the whole text.
fn unquoted(text: &str) -> String {
    let mut text = text.trim().to_owned();
    while text.lines().all(|line| line.trim_start().starts_with('>')) && !text.is_empty() {
        let lines = text.lines().map(|line| {
            let line = line.trim_start().trim_start_matches('>');
            line.strip_prefix(' ').unwrap_or(line)
        });
        text = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
    }
    for (open, close) in [
        ("\"\"\"", "\"\"\""),
        ("**", "**"),
        ("\"", "\""),
        ("“", "”"),
        ("«", "»"),
        ("'", "'"),
        ("`", "`"),
    ] {
        let inner = text.strip_prefix(open).and_then(|text| text.strip_suffix(close));
        if let Some(inner) = inner.filter(|inner| !inner.contains(open)) {
            text = inner.trim().to_owned();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROMPT: &str = "You are Ada, a Rust developer who values performance above all.\n\n- Start with the empty input.\n- Never panic.";

    #[test]
    fn the_prompt_without_the_talk() {
        let quoted = PROMPT.replace('\n', "\n> ");
        for text in [
            PROMPT.to_owned(),
            format!("\"{PROMPT}\""),
            format!("Of course. The new prompt:\n\n```\n{PROMPT}\n```"),
            format!("Of course. The new prompt:\n\n```text\n{PROMPT}\n```\n\nI kept your name."),
            format!("```markdown\n{PROMPT}\n```"),
            format!("**New system prompt:**\n\n{PROMPT}"),
            format!("## New system prompt\n\n{PROMPT}\n\n---\n\nLet me know if it helps."),
            format!("New system prompt: {PROMPT}"),
            format!("**New system prompt:** {PROMPT}"),
            format!("Sure! Here is the new prompt:\n\n> {quoted}"),
            format!("Sure!\n\n{PROMPT}\n\n(58 words)"),
            format!("Here's my updated prompt:\n\"{PROMPT}\"\n\nThis prompt keeps my value."),
            format!("<prompt>\n{PROMPT}\n</prompt>"),
            format!("Thinking done.\n<new_prompt>{PROMPT}</new_prompt>"),
            serde_json::json!({"prompt": PROMPT}).to_string(),
            format!("```json\n{}\n```", serde_json::json!({"system_prompt": PROMPT, "why": "x"})),
            serde_json::json!(PROMPT).to_string(),
            format!("---\n{PROMPT}"),
        ] {
            let found = read(&text).unwrap_or_else(|| panic!("none in {text}"));
            assert_eq!(found.prompt, PROMPT, "{text}");
        }
    }

    #[test]
    fn code_within_a_prompt_is_a_part_of_it() {
        let prompt =
            "You are Ada.\nWrite like this:\n\n```rust\nfn f() {}\n```\n\nand never panic.";
        assert_eq!(read(prompt).unwrap().prompt, prompt);
        assert!(read("").is_none() && read("```\n```").is_none());
    }
}
