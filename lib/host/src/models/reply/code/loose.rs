//! Finds code outside of blocks: between the words, or in JSON.

use super::tidy;
use crate::models::reply::items::{canonical, items};
use crate::models::reply::{json, scan};

/// Returns the items among words without a fence; the last item may be cut.
pub(super) fn bare(words: &str) -> Option<String> {
    let mut code = String::new();
    let mut lines = words.lines().peekable();
    while let Some(line) = lines.next() {
        let line = inline(line);
        if !scan::starts_item(line) {
            continue;
        }
        let mut piece = line.to_owned();
        let done = |piece: &str| items(piece).last().is_none_or(|item| item.whole);
        let waits = |piece: &str| canonical(piece).is_empty() || piece.trim_end().ends_with(']');
        while (!done(&piece) || waits(&piece))
            && let Some(next) = lines.next()
        {
            piece.push('\n');
            piece.push_str(next);
        }
        let whole = items(&piece);
        if whole.iter().all(|item| !item.kind.is_empty()) && !whole.is_empty() {
            code.push_str(&piece);
            code.push('\n');
        }
    }
    let code = tidy(&code);
    (!code.is_empty()).then_some(code)
}

/// Removes back-ticks around a whole line.
fn inline(line: &str) -> &str {
    let inner = line.trim().strip_prefix('`').and_then(|line| line.strip_suffix('`'));
    inner.filter(|inner| !inner.contains('`')).unwrap_or(line)
}

/// Returns a text in a JSON value that defines the function.
pub(super) fn in_json(text: &str, function: &str) -> Option<String> {
    fn texts(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::String(text) => found.push(text.clone()),
            serde_json::Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
            serde_json::Value::Object(members) => {
                members.values().for_each(|value| texts(value, found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    json::values(text, &[]).iter().for_each(|value| texts(value, &mut found));
    let code = found.into_iter().rfind(|code| {
        let own = items(code);
        own.iter().all(|item| item.whole)
            && own.iter().any(|item| item.is_function(function) && !item.is_stub())
    })?;
    Some(tidy(&code))
}
