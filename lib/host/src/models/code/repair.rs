//! Mends what models get wrong about Markdown, line by line, before the parser reads it.

/// The readings of a reply without its thinking, the likeliest first.
///
/// A complete `<think>` part goes. What stands before a lone `</think>`, or after a lone
/// `<think>`, is most likely thinking too; if that leaves no code, only the tag goes. A tag counts
/// at the start of a line only, so that code which mentions it stays whole.
pub(super) fn without_thinking(text: &str) -> Vec<String> {
    const OPEN: &str = "<think>";
    const CLOSE: &str = "</think>";
    let mut rest = text;
    let mut kept = String::new();
    let open_end = loop {
        let Some(open) = at_line_start(rest, OPEN) else { break None };
        let inside = open + OPEN.len();
        let Some(close) = rest[inside..].find(CLOSE) else { break Some(open) };
        kept.push_str(&rest[..open]);
        kept.push('\n');
        rest = &rest[inside + close + CLOSE.len()..];
    };
    let without_tag =
        |text: &str, at: usize, tag: &str| format!("{}\n{}", &text[..at], &text[at + tag.len()..]);
    if let Some(open) = open_end {
        return vec![format!("{kept}{}", &rest[..open]), kept + &without_tag(rest, open, OPEN)];
    }
    if let Some(close) = at_line_start(rest, CLOSE) {
        let after = &rest[close + CLOSE.len()..];
        return vec![after.to_owned(), kept + &without_tag(rest, close, CLOSE)];
    }
    vec![kept + rest]
}

fn at_line_start(text: &str, tag: &str) -> Option<usize> {
    text.match_indices(tag)
        .map(|(at, _)| at)
        .find(|&at| text[..at].rsplit('\n').next().is_some_and(|before| before.trim().is_empty()))
}

/// A text whose fences stand on lines of their own.
pub(super) struct Repaired {
    pub(super) text: String,
    /// Whether the last fence is still open at the end.
    pub(super) open: bool,
}

/// A run of back-ticks or tildes that can open or close a block.
#[derive(Clone, Copy)]
struct Fence {
    mark: char,
    length: usize,
}

/// Splits glued fences: `text:```rust`, `}```, a closing fence glued to the next opening one, and
/// code on the line of its fence. An opening fence gets an empty line before it, because a tag on
/// the line above (`<answer>`) would swallow it as HTML.
pub(super) fn fences(text: &str) -> Repaired {
    let mut out = String::with_capacity(text.len() + 16);
    let mut open: Option<Fence> = None;
    for line in text.lines() {
        open = match open {
            None => outside(line, &mut out),
            Some(fence) => inside(line, fence, &mut out),
        };
    }
    Repaired { text: out, open: open.is_some() }
}

/// Whether the text has a line that is a fence.
pub(super) fn has_fence(text: &str) -> bool {
    text.lines().any(|line| fence_at(line.trim_start()).is_some())
}

/// The fence at the very start of `text`.
fn fence_at(text: &str) -> Option<Fence> {
    let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = text.chars().take_while(|&c| c == mark).count();
    (length >= 3).then_some(Fence { mark, length })
}

fn push_line(out: &mut String, indent: &str, line: &str) {
    out.push_str(indent);
    out.push_str(line);
    out.push('\n');
}

fn outside(line: &str, out: &mut String) -> Option<Fence> {
    // What stands before a fence in its line: spaces, a quote's `>`, a list's `1.` or `-`.
    let prefix = container(line);
    let (indent, rest) = line.split_at(prefix);
    if let Some(fence) = fence_at(rest) {
        let info = &rest[fence.length..];
        if fence.mark == '`' && info.contains('`') {
            return glued_on_one_line(indent, rest, fence, out);
        }
        if indent.trim().is_empty() {
            out.push('\n');
        }
        match code_in_info(info) {
            Some((tag, code)) => {
                push_line(out, indent, &format!("{}{tag}", &rest[..fence.length]));
                push_line(out, indent, code);
            }
            None => push_line(out, indent, rest),
        }
        return Some(fence);
    }
    // Prose glued to an opening fence: "Here it is:```rust".
    if let Some(at) = line.rfind("```") {
        let start = line[..at].trim_end_matches('`').len();
        let info = line[at + 3..].trim();
        let run = at + 3 - start;
        let opens = matches!(info.to_lowercase().as_str(), "rust" | "rs" | "")
            && run >= 3
            && !line[..start].contains('`');
        if opens {
            push_line(out, "", &line[..start]);
            out.push('\n');
            push_line(out, "", &line[start..]);
            return Some(Fence { mark: '`', length: run });
        }
    }
    push_line(out, "", line);
    None
}

/// A whole block on one line, "```rust fn one() -> u8 { 1 }```": CommonMark reads inline code.
fn glued_on_one_line(indent: &str, rest: &str, fence: Fence, out: &mut String) -> Option<Fence> {
    let marks = &rest[..fence.length];
    let body = rest[fence.length..].trim_end();
    if let Some(body) = body.strip_suffix(marks)
        && !body.contains('`')
        && let Some((tag, code)) = code_in_info(body)
    {
        out.push('\n');
        push_line(out, indent, &format!("{marks}{tag}"));
        push_line(out, indent, code);
        push_line(out, indent, marks);
    } else {
        push_line(out, indent, rest);
    }
    None
}

fn inside(line: &str, fence: Fence, out: &mut String) -> Option<Fence> {
    let trimmed = line.trim_start_matches([' ', '\t', '>']);
    let indent = &line[..line.len() - trimmed.len()];
    if let Some(found) = fence_at(trimmed)
        && found.mark == fence.mark
        && found.length >= fence.length
    {
        let after = trimmed[found.length..].trim();
        let marks: String = std::iter::repeat_n(fence.mark, fence.length).collect();
        if after.is_empty() && found.length < 2 * fence.length {
            push_line(out, "", line);
            return None;
        }
        // A closing fence glued to the next opening one: "``````rust".
        if found.length == 2 * fence.length {
            push_line(out, indent, &marks);
            out.push('\n');
            push_line(out, indent, &format!("{marks}{after}"));
            return Some(fence);
        }
        // "```rust" within an open block: the last one was never closed. Not so in Markdown, whose
        // blocks hold such lines, and which is found again when that block is searched.
        push_line(out, "", line);
        return Some(fence);
    }
    // Code glued to its closing fence: "}```". A comment's fence belongs to the code.
    let marks: String = std::iter::repeat_n(fence.mark, fence.length).collect();
    let comment = ["//", "/*", "*", "#["].iter().any(|start| trimmed.starts_with(start));
    if let Some(code) = line.trim_end().strip_suffix(&marks)
        && !comment
        && !code.contains(fence.mark)
        && code.trim_end().ends_with(['}', ';', ')'])
    {
        push_line(out, "", code);
        push_line(out, indent, &marks);
        return None;
    }
    push_line(out, "", line);
    Some(fence)
}

/// The length of the part of a line that only says in which list or quote it stands.
fn container(line: &str) -> usize {
    let mut position = 0;
    loop {
        let rest = &line[position..];
        let spaces = rest.len() - rest.trim_start().len();
        let mark = rest[spaces..].trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = rest.len() - spaces - mark.len();
        let width = match mark.chars().next() {
            Some('.' | ')') if digits > 0 && mark[1..].starts_with(' ') => digits + 1,
            Some('-' | '*' | '+') if digits == 0 && mark[1..].starts_with(' ') => 1,
            Some('>') if digits == 0 => 1,
            _ => return position + spaces,
        };
        position += spaces + width;
    }
}

/// The tag and the code of an info string that holds code: "rust fn one() -> u8 { 1 }".
fn code_in_info(info: &str) -> Option<(&str, &str)> {
    let trimmed = info.trim();
    let tagged = ["rust", "rs"].iter().find_map(|tag| {
        let head = trimmed.get(..tag.len())?;
        head.eq_ignore_ascii_case(tag).then(|| trimmed.split_at(tag.len()))
    });
    let (tag, code) = tagged.unwrap_or(("", trimmed));
    let code = code.trim();
    super::scan::starts_item(code).then_some((tag, code))
}
