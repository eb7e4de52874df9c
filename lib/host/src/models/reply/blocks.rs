//! Finds the code blocks of a text, and the words before each.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

use super::language::{Language, is_data, is_words};
use super::{repair, scan};

/// How many levels of Markdown inside Markdown are searched.
const DEPTH: u32 = 3;

/// A code block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub(super) language: Language,
    /// Whether the block's tag is for words.
    words: bool,
    /// Whether the block's tag is for data or text, or missing.
    data: bool,
    /// Whether the block has no fence but is indented.
    pub(super) indented: bool,
    /// Whether the closing fence is missing.
    pub(super) open: bool,
    pub(super) code: String,
    /// The words between the previous block and this one.
    pub(super) before: String,
}

impl Block {
    /// Returns whether the block may contain JSON: its tag names neither Rust nor another language.
    pub(super) fn holds_data(&self) -> bool {
        self.data
    }

    /// Returns whether the block may contain words: it is not a program, and not Rust without a tag.
    pub(super) fn holds_words(&self) -> bool {
        let rust = self.language == Language::Untagged && scan::is_program(&self.code);
        (self.data || self.words) && !rust
    }
}

/// A text, split into blocks and words.
#[derive(Debug, Default)]
pub(super) struct Text {
    pub(super) blocks: Vec<Block>,
    /// The text outside of blocks.
    pub(super) words: String,
    /// The text after the last block.
    pub(super) after: String,
}

/// Returns all code blocks in order. A Markdown block is replaced by the blocks inside it.
pub(super) fn blocks(text: &str) -> Text {
    nested(text, DEPTH)
}

fn nested(text: &str, depth: u32) -> Text {
    let repaired = repair::fences(text);
    let text = repaired.text.as_str();
    let mut found = Text::default();
    let mut current: Option<Block> = None;
    let mut from = 0;
    // The position up to which the words are collected.
    let mut said = 0;
    for (event, range) in Parser::new(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let (language, indented, data, words) = match kind {
                    CodeBlockKind::Fenced(info) => {
                        (Language::of(&info), false, is_data(&info), is_words(&info))
                    }
                    CodeBlockKind::Indented => (Language::Untagged, true, false, false),
                };
                let before = text.get(from..range.start).unwrap_or_default().to_owned();
                if !indented {
                    found.words.push_str(text.get(said..range.start).unwrap_or_default());
                    (from, said) = (range.end, range.end);
                }
                let open = repaired.open && range.end >= text.trim_end().len();
                current = Some(Block {
                    language,
                    words,
                    data,
                    indented,
                    open,
                    code: String::new(),
                    before,
                });
            }
            Event::Text(part) => {
                if let Some(block) = &mut current {
                    block.code.push_str(&part);
                }
            }
            Event::End(TagEnd::CodeBlock) => {
                let Some(block) = current.take() else { continue };
                // Models forget the indentation after the first line, and such a block would end in the
                // middle of an item. So it is not a block: its lines become words without indentation.
                if block.indented && scan::starts_item(&block.code) && scan::is_half(&block.code) {
                    let here = text.get(range.start..).unwrap_or_default();
                    let indent = here.len() - here.trim_start_matches([' ', '\t']).len();
                    let before = text.get(said..range.start).unwrap_or_default();
                    found.words.push_str(before.trim_end_matches([' ', '\t']));
                    said = range.start + indent;
                    continue;
                }
                if block.language == Language::Markdown && depth > 0 {
                    let mut inner = nested(&block.code, depth - 1).blocks;
                    if inner.is_empty() {
                        found.blocks.push(block);
                        continue;
                    }
                    if let Some(first) = inner.first_mut() {
                        first.before = format!("{}\n{}", block.before, first.before);
                    }
                    for inner in &mut inner {
                        inner.open |= block.open;
                    }
                    found.blocks.extend(inner);
                } else {
                    found.blocks.push(block);
                }
            }
            _ => {}
        }
    }
    found.after = text.get(from..).unwrap_or_default().to_owned();
    found.words.push_str(text.get(said..).unwrap_or_default());
    found
}
