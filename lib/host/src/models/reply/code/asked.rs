//! Reads the code in the question, which an answer may repeat or edit.

use std::collections::HashSet;

use super::loose::bare;
use super::{defines, normal};
use crate::models::reply::blocks::blocks;
use crate::models::reply::items::{canonical, items};

/// The code in the question.
pub(super) struct Asked {
    /// The codes that define the function, the likeliest first: those of the last message, from its top.
    pub(super) codes: Vec<String>,
    /// Every item of these codes, without white space.
    items: HashSet<String>,
}

impl Asked {
    pub(super) fn new(messages: &[String], function: &str) -> Self {
        let mut codes: Vec<String> = Vec::new();
        for message in messages.iter().rev() {
            let message = normal(message);
            let found = blocks(&message).blocks.into_iter().map(|block| block.code);
            let mut found: Vec<String> = found.filter(|code| defines(code, function)).collect();
            if found.is_empty() {
                found.extend(bare(&message).filter(|code| defines(code, function)));
            }
            codes.extend(found);
        }
        let items = codes.iter().flat_map(|code| items(code));
        let items = items.map(|item| canonical(&item.text)).collect();
        Asked { codes, items }
    }

    /// Returns whether a code only repeats the question's code.
    pub(super) fn holds(&self, code: &str) -> bool {
        let mut items = items(code).into_iter().map(|item| canonical(&item.text)).peekable();
        items.peek().is_some() && items.all(|item| item.is_empty() || self.items.contains(&item))
    }
}
