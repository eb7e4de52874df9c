//! The tags and marks that models leave in their text.

/// A tag or a mark at the start of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// The tag's length in bytes.
    pub(super) length: usize,
    /// Whether Rust never looks like this: `<|x|>`, `</x>`.
    pub(super) foreign: bool,
}

/// The meaning of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Thinking begins.
    Think,
    /// Thinking ends.
    EndThink,
    /// A turn that is not the model's begins.
    OtherTurn,
    /// Any other mark that is not part of the answer.
    Mark,
}

/// The characters before a tag's name, and after its attributes.
const BRACKETS: [(&str, &str); 6] =
    [("<|", "|>"), ("<｜", "｜>"), ("<", ">"), ("[", "]"), ("◁", "▷"), ("＜", "＞")];
/// The names of tags around thinking, in lower case and without `_`.
const THINKING: [&str; 12] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "analysis",
    "scratchpad",
    "innermonologue",
    "antthinking",
    "chainofthought",
    "internalmonologue",
];
/// Marks for the start or end of a turn that are written like XML.
const MARKS: [&str; 9] =
    ["s", "bos", "eos", "pad", "eot", "end_of_turn", "start_of_turn", "answer", "final_answer"];
/// The longest tag that is searched for, attributes included, in bytes.
const LONGEST: usize = 200;

/// Reads the tag or mark at the very start of a text.
pub(super) fn at(text: &str) -> Option<Found> {
    // Gemma 4's channels have their own bracket.
    for (mark, kind) in [
        ("<|channel>thought", Kind::Think),
        ("<|channel>", Kind::Mark),
        ("<channel|>", Kind::EndThink),
    ] {
        if text.starts_with(mark) {
            return Some(Found { kind, length: mark.len(), foreign: true });
        }
    }
    let (open, close) = BRACKETS.into_iter().find(|(open, _)| text.starts_with(open))?;
    let inside = &text[open.len()..];
    let window = inside.char_indices().take_while(|&(at, c)| at < LONGEST && c != '\n');
    let window = &inside[..window.last().map_or(0, |(at, c)| at + c.len_utf8())];
    let end = window.find(close)?;
    let length = open.len() + end + close.len();
    let inner = &window[..end];
    let special = matches!(open, "<|" | "<｜");
    let ends = inner.starts_with('/');
    let inner = inner.trim_start_matches('/');
    let name_end = inner.find(|c: char| !is_name(c, special)).unwrap_or(inner.len());
    let (name, attributes) = inner.split_at(name_end);
    if name.is_empty() || !(attributes.is_empty() || attributes.starts_with([' ', '/'])) {
        return None;
    }
    // A bracket that opens inside the tag is not an attribute.
    if attributes.contains(['<', '[', '◁']) {
        return None;
    }
    let lower = name.to_lowercase();
    let foreign = special || ends || open == "◁";
    if let Some(kind) = thinking(lower.rsplit(':').next().unwrap_or(&lower), ends) {
        let square = open == "[" && !matches!(lower.as_str(), "think" | "thinking");
        let kind = if attributes.ends_with('/') { Kind::Mark } else { kind };
        return (!square).then_some(Found { kind, length, foreign });
    }
    let found = |kind, length| Some(Found { kind, length, foreign });
    match open {
        "<|" | "<｜" => special_mark(&lower, &text[length..], length, foreign),
        "<" if lower == "start_of_turn" => {
            let role = word(&text[length..]);
            found(turn(role), length + role.len())
        }
        "<" if MARKS.contains(&lower.as_str()) && attributes.is_empty() => {
            found(Kind::Mark, length)
        }
        "[" if matches!(name, "INST" | "EOS" | "BOS") => {
            let kind = if name == "INST" && !ends { Kind::OtherTurn } else { Kind::Mark };
            found(kind, length)
        }
        _ => None,
    }
}

fn is_name(c: char, special: bool) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '-') || special && matches!(c, '▁' | '.')
}

/// Returns whether a name is the name of a thinking tag.
fn thinking(name: &str, ends: bool) -> Option<Kind> {
    let (name, ends) = ["end_of_", "end_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .map_or((name, ends), |name| (name, true));
    let name = ["begin_of_", "start_of_", "begin_", "start_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name);
    let kind = if ends { Kind::EndThink } else { Kind::Think };
    THINKING.contains(&name.replace('_', "").as_str()).then_some(kind)
}

/// Reads `<|im_start|>assistant`: the role belongs to the mark.
fn special_mark(name: &str, after: &str, length: usize, foreign: bool) -> Option<Found> {
    let kind = match name {
        "im_start" | "start" | "start_header_id" => {
            let role = word(after);
            let length = length + role.len();
            return Some(Found { kind: turn(role), length, foreign });
        }
        "user" | "system" | "human" | "observation" => Kind::OtherTurn,
        _ => Kind::Mark,
    };
    Some(Found { kind, length, foreign })
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let role = &text[..end];
    let known = ["assistant", "model", "user", "system", "human", "tool"];
    if known.contains(&role.to_lowercase().as_str()) { role } else { "" }
}

fn turn(role: &str) -> Kind {
    match role.to_lowercase().as_str() {
        "user" | "system" | "human" | "tool" => Kind::OtherTurn,
        _ => Kind::Mark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_many_models() {
        for (text, kind, length) in [
            ("<think>x", Kind::Think, 7),
            ("<THINKING lang='en'>x", Kind::Think, 20),
            ("</Thought>", Kind::EndThink, 10),
            ("<think/>x", Kind::Mark, 8),
            ("[THINK]", Kind::Think, 7),
            ("[/THINK]", Kind::EndThink, 8),
            ("◁think▷", Kind::Think, "◁think▷".len()),
            ("◁/think▷", Kind::EndThink, "◁/think▷".len()),
            ("<seed:think>", Kind::Think, 12),
            ("</seed:think>", Kind::EndThink, 13),
            ("<|begin_of_thought|>", Kind::Think, 20),
            ("<|END_THINKING|>", Kind::EndThink, 16),
            ("<|channel>thought\n", Kind::Think, 17),
            ("<channel|>", Kind::EndThink, 10),
            ("<|im_end|>", Kind::Mark, 10),
            ("<|im_start|>assistant\n", Kind::Mark, 21),
            ("<|im_start|>user\n", Kind::OtherTurn, 16),
            ("<start_of_turn>model\n", Kind::Mark, 20),
            ("<｜end▁of▁sentence｜>", Kind::Mark, "<｜end▁of▁sentence｜>".len()),
            ("</s>", Kind::Mark, 4),
            ("[/INST]", Kind::Mark, 7),
        ] {
            let found = at(text).unwrap_or_else(|| panic!("{text} is none"));
            assert_eq!((found.kind, found.length), (kind, length), "{text}");
        }
        for text in
            ["<b>", "<T>", "[think", "[reasoning]", "[0]", "<| a", "<thinker>", "< think>", "<"]
        {
            assert_eq!(at(text), None, "{text}");
        }
    }
}
