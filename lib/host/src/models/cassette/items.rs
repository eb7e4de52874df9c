//! Messages and texts in the form of a cassette's text.

use code_evolution_wire::model::{Message, Role, ToolCall};
use serde_json::{Map, Value};
use toml_edit::{Array, InlineTable, Item};

/// Returns whether a message has only words.
pub(super) fn plain(message: &Message) -> bool {
    message.tool_calls.is_empty() && message.tool_call_id.is_none() && message.extra.is_empty()
}

/// Writes one turn of a conversation with the keys that the file uses.
pub(super) fn turn(message: &Message) -> Vec<(&'static str, toml_edit::Value)> {
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let mut keys = vec![("role", role.into()), ("content", text_value(&message.content))];
    if !message.tool_calls.is_empty() {
        keys.push(("tool_calls", calls(&message.tool_calls).into()));
    }
    if let Some(id) = &message.tool_call_id {
        keys.push(("tool_call_id", id.into()));
    }
    if !message.extra.is_empty() {
        keys.push(("extra", extra(&message.extra)));
    }
    keys
}

/// Makes an array with one line per value.
pub(super) fn one_a_line<V: Into<toml_edit::Value>>(values: impl Iterator<Item = V>) -> Item {
    let mut array: Array = values.collect();
    for value in array.iter_mut() {
        value.decor_mut().set_prefix("\n    ");
    }
    array.set_trailing("\n");
    array.set_trailing_comma(true);
    toml_edit::value(array)
}

pub(super) fn calls(calls: &[ToolCall]) -> Array {
    calls
        .iter()
        .map(|call| {
            let mut table = InlineTable::new();
            table.insert("id", call.id.as_str().into());
            table.insert("name", call.name.as_str().into());
            let arguments = match &call.arguments {
                // Text that is not JSON is kept as it is, unless the reader would take it for JSON.
                Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
                json => json.to_string(),
            };
            table.insert("arguments", arguments.into());
            if !call.extra.is_empty() {
                table.insert("extra", extra(&call.extra));
            }
            toml_edit::Value::InlineTable(table)
        })
        .collect()
}

/// Writes an object as JSON text on one line.
pub(super) fn extra(fields: &Map<String, Value>) -> toml_edit::Value {
    // Serialising plain data to text cannot fail.
    serde_json::to_string(fields).unwrap_or_default().into()
}

pub(super) fn json_text(value: &impl serde::Serialize) -> String {
    // Serialising plain data to text cannot fail.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

pub(super) fn text_item(text: &str) -> Item {
    Item::Value(text_value(text))
}

/// Writes text as a literal block (`'''`) if the block reads back as the same text. A literal block has no
/// escapes and keeps the lines.
fn text_value(text: &str) -> toml_edit::Value {
    let literal = format!("'''\n{text}'''");
    match literal.parse::<toml_edit::Value>() {
        // A reader may turn a raw CR LF into LF, so write a CR as an escape.
        Ok(value)
            if text.contains('\n') && !text.contains('\r') && value.as_str() == Some(text) =>
        {
            value
        }
        _ => text.into(),
    }
}
