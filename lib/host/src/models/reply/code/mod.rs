//! The Rust code in a model's reply.
//!
//! A regular expression over back-ticks returns `///` where a doc comment holds a fence, and the
//! whole prose where there is none. So a CommonMark parser finds the blocks, after `repair` has
//! mended what models get wrong about fences, and a small scanner that knows comments and strings
//! decides whether a block defines the wanted function. What it does not do: parse Rust, or join
//! a function that is spread over several blocks.

mod repair;
mod scan;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Why a reply holds no usable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoCode {
    /// The reply ended at its token limit, inside or before the code.
    CutShort,
    /// The reply holds no code at all.
    NoBlock {
        /// The function that was wanted.
        function: String,
    },
    /// There is code, but none of it defines the function.
    NoFunction {
        /// The function that was wanted.
        function: String,
        /// The functions that the blocks define.
        found: Vec<String>,
    },
}

impl std::fmt::Display for NoCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NoCode::CutShort => f.write_str(
                "the reply was cut at its token limit before the code ended: raise max_tokens or ask for code only",
            ),
            NoCode::NoBlock { function } => write!(
                f,
                "the reply holds no code block, and `fn {function}` is not in its text: ask again, and ask for one ```rust block",
            ),
            NoCode::NoFunction { function, found } if found.is_empty() => write!(
                f,
                "no code block of the reply defines `fn {function}`: name the function in the prompt",
            ),
            NoCode::NoFunction { function, found } => write!(
                f,
                "no code block of the reply defines `fn {function}` (they define {}): name the function in the prompt",
                found.join(", "),
            ),
        }
    }
}

impl std::error::Error for NoCode {}

/// How deep a block that is itself Markdown is searched.
const DEPTH: u32 = 3;

/// The last Rust block of `text` that defines `fn function`.
///
/// Blocks tagged `rust` or `rs`, or not tagged, come before blocks of another tag. Without any
/// block the text itself is taken, from its first to its last line of code, if it defines the
/// function. `finish_reason` is the provider's; `length` makes an unfinished block an error.
///
/// # Errors
/// [`NoCode`] where no block defines the function, or the code is cut.
pub fn extract(text: &str, function: &str, finish_reason: &str) -> Result<String, NoCode> {
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let cut = finish_reason == "length";
    let mut failure = NoCode::NoBlock { function: function.to_owned() };
    for answer in repair::without_thinking(&text) {
        match from_answer(&answer, function, cut) {
            Ok(code) => return Ok(code),
            // What is said first, about the text as it most likely was meant, is worth telling,
            // unless a later reading at least saw code.
            Err(NoCode::NoBlock { .. }) => {}
            Err(error) if matches!(failure, NoCode::NoBlock { .. }) => failure = error,
            Err(_) => {}
        }
    }
    if cut && matches!(failure, NoCode::NoBlock { .. }) {
        failure = NoCode::CutShort;
    }
    Err(failure)
}

/// Whether a text is a Rust program and nothing else.
pub(super) fn is_program(text: &str) -> bool {
    syn::parse_file(text).is_ok_and(|file| !file.items.is_empty())
}

/// Whether a line begins a function.
pub(super) fn starts_function(line: &str) -> bool {
    scan::starts_item(line) && !scan::functions(&format!("{line}}}")).is_empty()
}

fn from_answer(answer: &str, function: &str, cut: bool) -> Result<String, NoCode> {
    let repaired = repair::fences(answer);
    let blocks = blocks(&repaired.text, DEPTH);
    let defining = |rust: bool| {
        blocks.iter().rposition(|block| {
            block.language.is_rust() == rust && scan::defines(&block.code, function)
        })
    };
    match defining(true).or_else(|| defining(false)) {
        // Only a last block can be open: everything after its fence is in it.
        Some(last) if cut && repaired.open && last + 1 == blocks.len() => Err(NoCode::CutShort),
        Some(position) => Ok(tidy(&blocks[position].code)),
        None if cut && (repaired.open || blocks.is_empty()) => Err(NoCode::CutShort),
        None if blocks.iter().all(|block| block.indented) => {
            bare(answer, function).ok_or_else(|| NoCode::NoBlock { function: function.to_owned() })
        }
        None => Err(NoCode::NoFunction {
            function: function.to_owned(),
            found: blocks.iter().flat_map(|block| scan::functions(&block.code)).collect(),
        }),
    }
}

/// The code of a reply that has no fence, from its first to its last line that looks like code.
fn bare(text: &str, function: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|line| scan::starts_item(line))?;
    let last = lines.iter().rposition(|line| line.trim_end().ends_with(['}', ';']))?;
    let code = lines.get(first..=last)?.join("\n");
    scan::defines(&code, function).then(|| tidy(&code))
}

/// Without empty lines at both ends.
fn tidy(code: &str) -> String {
    code.trim_matches('\n').trim_end().to_owned()
}

/// What a block's tag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Rust,
    Untagged,
    Markdown,
    Other,
}

impl Language {
    fn of(info: &str) -> Self {
        let word = info
            .trim_matches(|c: char| "{}. \t".contains(c))
            .split(|c: char| !c.is_alphanumeric() && c != '+' && c != '#')
            .next()
            .unwrap_or_default();
        match word.to_lowercase().as_str() {
            "rust" | "rs" => Language::Rust,
            "" => Language::Untagged,
            "markdown" | "md" => Language::Markdown,
            _ => Language::Other,
        }
    }

    fn is_rust(self) -> bool {
        matches!(self, Language::Rust | Language::Untagged)
    }
}

struct Block {
    language: Language,
    /// Whether indentation, not a fence, made it a block.
    indented: bool,
    code: String,
}

/// All code blocks in order; those of Markdown within Markdown take its place.
fn blocks(text: &str, depth: u32) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut current: Option<Block> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let (language, indented) = match kind {
                    CodeBlockKind::Fenced(info) => (Language::of(&info), false),
                    CodeBlockKind::Indented => (Language::Untagged, true),
                };
                current = Some(Block { language, indented, code: String::new() });
            }
            Event::Text(part) => {
                if let Some(block) = &mut current {
                    block.code.push_str(&part);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let Some(block) = current.take() else { continue };
                if block.language == Language::Markdown && depth > 0 {
                    blocks.extend(self::blocks(&repair::fences(&block.code).text, depth - 1));
                } else {
                    blocks.push(block);
                }
            }
            _ => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests;
