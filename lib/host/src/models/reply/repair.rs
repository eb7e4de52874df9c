//! Fixes what models get wrong about Markdown, line by line, before the parser reads it.

use code_evolution_wire::source::{Part, parts};

use super::items;
use super::language::Language;

/// A text whose fences are on separate lines.
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
    /// Reads the fence at the very start of `text`.
    fn at(text: &str) -> Option<Self> {
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = text.chars().take_while(|&c| c == mark).count();
        (length >= 3).then_some(Fence { mark, length })
    }

    fn text(self) -> String {
        self.mark.to_string().repeat(self.length)
    }
}

/// An open block, and what comes before each of its lines.
struct Open {
    language: Language,
    /// The lines of the block so far.
    code: String,
    /// Whether a block inside this block is open.
    inner: bool,
    fence: Fence,
    /// The number of nested quotes (`>`) around it.
    quotes: usize,
    /// How far the block's fence is indented inside the quotes.
    indent: usize,
    /// How far the block's lines are indented, according to the first line. (Models forget the indentation of
    /// later lines.)
    lines: Option<usize>,
}

/// Splits glued fences: `text:```rust`, `}```, a closing fence glued to the next opening one, and code on the
/// line of its fence. Moves every block to the margin, out of its list or quote. (Models forget to indent the
/// lines, and the block would end at the first such line.) Puts an empty line before an opening fence,
/// because a tag on the line above (`<answer>`) would swallow the fence as HTML.
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
        let info = code_in_info(info).map_or(info, |(tag, _)| tag);
        return Some(Open::new(fence, info, quotes, indent));
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
            return Some(Open::new(fence, tag, quotes, 0));
        }
    }
    push_line(out, line);
    None
}

/// Splits a whole block on one line, "```rust fn one() -> u8 { 1 }```", which CommonMark reads as inline
/// code.
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

impl Open {
    fn new(fence: Fence, info: &str, quotes: usize, indent: usize) -> Self {
        let language = Language::of(info);
        Open { language, code: String::new(), inner: false, fence, quotes, indent, lines: None }
    }

    /// Returns whether the next line starts between tokens: not inside a string or a block comment.
    fn between_tokens(&self) -> bool {
        let probe = format!("{};", self.code);
        parts(&probe).last().is_none_or(|(part, _)| part == Part::Code)
    }

    /// Returns whether the code so far consists of whole items.
    fn is_complete(&self) -> bool {
        let items = items::items(&self.code);
        !items.is_empty() && items.iter().all(|item| item.whole && !item.kind.is_empty())
    }

    /// Decides what a line that begins with a fence means inside this block.
    fn meet(&self, found: Fence, after: &str) -> Meaning {
        let exact = found.mark == self.fence.mark && found.length >= self.fence.length;
        if self.inner {
            return if after.is_empty() { Meaning::EndsInner } else { Meaning::Line };
        }
        if after.is_empty() {
            // Models open with four back-ticks and close with three, or open with tildes and close with
            // back-ticks.
            let closes = exact || self.language != Language::Markdown && self.between_tokens();
            return if closes { Meaning::Closes } else { Meaning::Line };
        }
        if Language::is_named(after) {
            // Either the closing fence is missing, or this is Markdown that contains blocks.
            return match self.is_complete() {
                true if self.language != Language::Markdown => Meaning::ClosesAndOpens,
                _ if self.language.is_rust() && self.language != Language::Untagged => {
                    Meaning::Line
                }
                _ => Meaning::BeginsInner,
            };
        }
        let prose = self.language != Language::Markdown && self.between_tokens();
        if prose { Meaning::ClosesBefore } else { Meaning::Line }
    }
}

/// The meaning of a line that begins with a fence inside an open block.
enum Meaning {
    Line,
    BeginsInner,
    EndsInner,
    Closes,
    /// The line closes the block, and prose follows on the same line.
    ClosesBefore,
    ClosesAndOpens,
}

fn inside(line: &str, mut open: Open, out: &mut String) -> Option<Open> {
    let line = unquoted(line, open.quotes);
    let trimmed = line.trim_start_matches([' ', '\t']);
    let indent = line.len() - trimmed.len();
    let fence = open.fence;
    let marks = fence.text();
    // A fence that is indented deeper is a line of the code, such as a line of a block comment.
    if let Some(found) = Fence::at(trimmed)
        && indent <= open.indent + 3
    {
        let after = trimmed[found.length..].trim();
        // A closing fence glued to the next opening one: "``````rust".
        if found.mark == fence.mark && found.length == 2 * fence.length {
            out.push_str(&format!("{marks}\n\n{marks}{after}\n"));
            return Some(Open::new(fence, after, open.quotes, open.indent));
        }
        match open.meet(found, after) {
            Meaning::Line => {}
            Meaning::BeginsInner => open.inner = true,
            Meaning::EndsInner => open.inner = false,
            Meaning::Closes => {
                push_line(out, &marks);
                return None;
            }
            Meaning::ClosesBefore => {
                push_line(out, &marks);
                push_line(out, after);
                return None;
            }
            Meaning::ClosesAndOpens => {
                out.push_str(&format!("{marks}\n\n{}{after}\n", found.text()));
                return Some(Open::new(found, after, open.quotes, open.indent));
            }
        }
    }
    let common = open.lines.unwrap_or(indent).min(open.indent);
    if !trimmed.is_empty() {
        open.lines = Some(common);
    }
    let line = &line[common.min(indent)..];
    // Code glued to its closing fence: "}```". A fence in a comment belongs to the code.
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
    push_line(&mut open.code, line);
    Some(open)
}

/// Removes the marks of quotes from a line.
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

/// Splits off the marks and spaces of quotes and lists at the start of a line. Returns the number of quote
/// marks, the number of characters between the last quote mark and the text, and the text.
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

/// Splits an info string that contains code into the tag and the code: "rust fn one() -> u8 { 1 }".
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
