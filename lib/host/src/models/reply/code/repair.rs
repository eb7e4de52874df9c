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

impl Fence {
    /// The fence at the very start of `text`.
    fn at(text: &str) -> Option<Self> {
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = text.chars().take_while(|&c| c == mark).count();
        (length >= 3).then_some(Fence { mark, length })
    }

    fn text(self) -> String {
        self.mark.to_string().repeat(self.length)
    }
}

/// A block that is open, and what stands before each of its lines.
#[derive(Clone, Copy)]
struct Open {
    fence: Fence,
    /// How deep it stands in quotes.
    quotes: usize,
    /// How far its fence is indented within them.
    indent: usize,
    /// How far its lines are, as the first of them shows; models forget it.
    lines: Option<usize>,
}

/// Splits glued fences: `text:```rust`, `}```, a closing fence glued to the next opening one, and
/// code on the line of its fence. Every block is moved to the margin, out of the list or quote that
/// it stands in: models forget to indent its lines, and then it would end at the first of them. An
/// opening fence gets an empty line before it, because a tag on the line above (`<answer>`) would
/// swallow it as HTML.
pub(super) fn fences(text: &str) -> Repaired {
    let mut out = String::with_capacity(text.len() + 16);
    let mut open: Option<Open> = None;
    for line in text.lines() {
        open = match open {
            None => outside(line, &mut out),
            Some(block) => inside(line, block, &mut out),
        };
    }
    Repaired { text: out, open: open.is_some() }
}

fn push_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn outside(line: &str, out: &mut String) -> Option<Open> {
    let (quotes, indent, rest) = container(line);
    if let Some(fence) = Fence::at(rest) {
        let info = &rest[fence.length..];
        if fence.mark == '`' && info.contains('`') {
            on_one_line(line, info, fence, out);
            return None;
        }
        out.push('\n');
        match code_in_info(info) {
            Some((tag, code)) => {
                push_line(out, &(fence.text() + tag));
                push_line(out, code);
            }
            None => push_line(out, rest),
        }
        return Some(Open { fence, quotes, indent, lines: None });
    }
    // Prose glued to an opening fence: "Here it is:```rust".
    if let Some(at) = line.rfind("```") {
        let start = line[..at].trim_end_matches('`').len();
        let tag = line[at + 3..].trim();
        let opens = matches!(tag.to_lowercase().as_str(), "rust" | "rs" | "");
        if opens && !line[..start].contains('`') {
            let fence = Fence { mark: '`', length: at + 3 - start };
            push_line(out, &line[..start]);
            out.push('\n');
            push_line(out, &(fence.text() + tag));
            return Some(Open { fence, quotes, indent: 0, lines: None });
        }
    }
    push_line(out, line);
    None
}

/// A whole block on one line, "```rust fn one() -> u8 { 1 }```": CommonMark reads inline code.
fn on_one_line(line: &str, info: &str, fence: Fence, out: &mut String) {
    let body = info.trim_end().strip_suffix(&fence.text()).filter(|body| !body.contains('`'));
    match body.and_then(code_in_info) {
        Some((tag, code)) => {
            let marks = fence.text();
            out.push_str(&format!("\n{marks}{tag}\n{code}\n{marks}\n"));
        }
        None => push_line(out, line),
    }
}

fn inside(line: &str, mut open: Open, out: &mut String) -> Option<Open> {
    let line = unquoted(line, open.quotes);
    let trimmed = line.trim_start_matches([' ', '\t']);
    let indent = line.len() - trimmed.len();
    let fence = open.fence;
    let marks = fence.text();
    if let Some(found) = Fence::at(trimmed)
        && found.mark == fence.mark
        && found.length >= fence.length
        // Deeper, it is a line of the code, such as a block comment's.
        && indent <= open.indent + 3
    {
        let after = trimmed[found.length..].trim();
        // A closing fence glued to the next opening one: "``````rust".
        if found.length == 2 * fence.length {
            out.push_str(&format!("{marks}\n\n{marks}{after}\n"));
            return Some(open);
        }
        if after.is_empty() {
            push_line(out, trimmed);
            return None;
        }
        // "```rust" within an open block is a line of it, most likely of Markdown, whose own blocks
        // are found when it is searched.
    }
    let common = open.lines.unwrap_or(indent).min(open.indent);
    if !trimmed.is_empty() {
        open.lines = Some(common);
    }
    let line = &line[common.min(indent)..];
    // Code glued to its closing fence: "}```". A comment's fence belongs to the code.
    let comment = ["//", "/*", "*", "#["].iter().any(|start| trimmed.starts_with(start));
    if let Some(code) = line.trim_end().strip_suffix(&marks)
        && !comment
        && !code.contains(fence.mark)
        && code.trim_end().ends_with(['}', ';', ')'])
    {
        push_line(out, code);
        push_line(out, &marks);
        return None;
    }
    push_line(out, line);
    Some(open)
}

/// A line without the marks of the quotes that it stands in.
fn unquoted(line: &str, quotes: usize) -> &str {
    let mut rest = line;
    for _ in 0..quotes {
        match rest.trim_start().strip_prefix('>') {
            Some(quoted) => rest = quoted.strip_prefix(' ').unwrap_or(quoted),
            None => break,
        }
    }
    rest
}

/// What of a line only says in which list or quote it stands, and how far in: the number of quotes,
/// the characters after the last of them, and the rest.
fn container(line: &str) -> (usize, usize, &str) {
    let (mut quotes, mut indent, mut rest) = (0, 0, line);
    loop {
        let text = rest.trim_start_matches([' ', '\t']);
        indent += rest.len() - text.len();
        let unnumbered = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = text.len() - unnumbered.len();
        let marker = match unnumbered.chars().next() {
            Some('.' | ')') if digits > 0 && unnumbered[1..].starts_with(' ') => digits + 1,
            Some('-' | '*' | '+') if digits == 0 && unnumbered[1..].starts_with(' ') => 1,
            Some('>') if digits == 0 => {
                (quotes, indent) = (quotes + 1, 0);
                rest = text[1..].strip_prefix(' ').unwrap_or(&text[1..]);
                continue;
            }
            _ => return (quotes, indent, text),
        };
        indent += marker;
        rest = &text[marker..];
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
