//! Assembles calls from what a server sends, whole or in pieces.

use code_evolution_wire::model::ToolCall;
use serde_json::{Map, Value};

use super::arguments;

/// The most tool calls of one answer. Without this limit, a server could make us allocate any amount of
/// memory.
pub const MOST_CALLS: usize = 128;

/// The parts of an answer's calls that have arrived.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Assembly {
    calls: Vec<Partial>,
}

/// The part of a call that has arrived.
#[derive(Debug, Clone, Default, PartialEq)]
struct Partial {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    extra: Map<String, Value>,
}

impl Partial {
    /// Returns whether the arguments are complete, so that nothing can follow them.
    fn is_complete(&self) -> bool {
        serde_json::from_str::<Map<String, Value>>(&self.arguments).is_ok()
    }
}

/// The content of one entry of `tool_calls`.
struct Piece<'a> {
    index: Option<u64>,
    id: Option<&'a str>,
    name: Option<&'a str>,
    arguments: String,
}

impl<'a> Piece<'a> {
    fn read(call: &'a Value) -> Self {
        // Some servers leave out the `function` level.
        let function = call.get("function").unwrap_or(call);
        let text = |value: Option<&'a Value>| value?.as_str().filter(|text| !text.is_empty());
        let index = call.get("index");
        Piece {
            index: index.and_then(|n| n.as_u64().or_else(|| n.as_str()?.parse().ok())),
            id: text(call.get("id")),
            name: text(function.get("name")),
            arguments: match function.get("arguments") {
                Some(Value::String(piece)) => piece.clone(),
                Some(Value::Null) | None => String::new(),
                Some(json) => json.to_string(),
            },
        }
    }
}

impl Assembly {
    /// Adds the calls of a whole message: each entry is one call.
    pub fn add_whole(&mut self, calls: &[Value]) {
        for call in calls.iter().take(MOST_CALLS) {
            self.begin(call, &Piece::read(call), String::new());
        }
    }

    /// Adds the entries of one piece of a stream.
    pub fn add_pieces(&mut self, calls: &[Value]) {
        let mut touched = Vec::new();
        for call in calls {
            let piece = Piece::read(call);
            let known = self.known(&piece).filter(|known| {
                // Two entries of one piece are two calls, unless an id or an index says that they are one.
                piece.id.is_some() || piece.index.is_some() || !touched.contains(known)
            });
            match known {
                None if self.calls.len() == MOST_CALLS => break,
                Some(known) => {
                    self.go_on(known, call, &piece);
                    touched.push(known);
                }
                None => {
                    let name = self.repeated_name(&piece);
                    self.begin(call, &piece, name);
                    touched.push(self.calls.len() - 1);
                }
            }
        }
    }

    /// Returns the call that a piece continues; `None` if the piece begins another.
    fn known(&self, piece: &Piece) -> Option<usize> {
        let found = |is: &dyn Fn(&Partial) -> bool| self.calls.iter().rposition(is);
        if let Some(id) = piece.id
            && let Some(known) = found(&|call| call.id == id)
        {
            return Some(known);
        }
        let position = match piece.index {
            Some(index) => found(&|call| call.index == Some(index))?,
            None => self.calls.len().checked_sub(1)?,
        };
        let begun = &self.calls[position];
        let begins_object = piece.arguments.trim_start().starts_with('{');
        let goes_on = match (piece.id, piece.name) {
            // A new id is a new call, unless the call began without an id, or the rest of its arguments comes
            // under another id.
            (Some(_), name) if !begun.id.is_empty() => {
                name.is_none() && !piece.arguments.is_empty() && !begun.is_complete()
            }
            (_, Some(name)) if name != begun.name && !begun.name.is_empty() => {
                // The name may come in pieces, before the arguments.
                piece.index.is_some() && begun.arguments.is_empty()
            }
            _ => !(begins_object && begun.is_complete()),
        };
        goes_on.then_some(position)
    }

    /// Returns the tool's name if arguments begin again without an id or a name: they are another call of the
    /// same tool.
    fn repeated_name(&self, piece: &Piece) -> String {
        let before = self.calls.last().filter(|before| {
            piece.index == before.index
                && piece.id.is_none()
                && piece.name.is_none()
                && !piece.arguments.is_empty()
        });
        before.map_or_else(String::new, |before| before.name.clone())
    }

    fn begin(&mut self, call: &Value, piece: &Piece, name: String) {
        self.calls.push(Partial { name, ..Partial::default() });
        self.go_on(self.calls.len() - 1, call, piece);
    }

    fn go_on(&mut self, position: usize, call: &Value, piece: &Piece) {
        let known = &mut self.calls[position];
        known.index = known.index.or(piece.index);
        if let Some(id) = piece.id {
            id.clone_into(&mut known.id);
        }
        if let Some(name) = piece.name {
            // Some servers send the whole name with each piece; others send the part so far.
            if name.starts_with(known.name.as_str()) {
                name.clone_into(&mut known.name);
            } else if known.arguments.is_empty() {
                known.name.push_str(name);
            }
        }
        known.arguments.push_str(&piece.arguments);
        for (field, value) in call.as_object().into_iter().flatten() {
            match field.as_str() {
                "index" | "id" | "type" | "name" | "arguments" => {}
                "function" => {
                    let mut rest = value.as_object().cloned().unwrap_or_default();
                    rest.retain(|field, _| !matches!(field.as_str(), "name" | "arguments"));
                    if !rest.is_empty() {
                        merge(&mut known.extra, field, &Value::Object(rest));
                    }
                }
                _ => merge(&mut known.extra, field, value),
            }
        }
    }

    /// Returns the calls. An entry without a name is not a call.
    pub fn finish(self) -> Vec<ToolCall> {
        let named = self.calls.into_iter().filter(|call| !call.name.trim().is_empty());
        let calls = named.map(|call| ToolCall {
            extra: call.extra,
            ..ToolCall::new(call.id, call.name, arguments::read(&call.arguments))
        });
        calls.collect()
    }
}

/// Adds a field, or the next piece of a field. Texts of thinking grow, and lists get the new elements. An
/// element that has a `type` and an `index` continues the element with the same type and index. Any other
/// value replaces the old value.
pub fn merge(fields: &mut Map<String, Value>, name: &str, value: &Value) {
    match (fields.get_mut(name), value) {
        (_, Value::Null) => {}
        (Some(Value::String(known)), Value::String(more)) if grows(name) => known.push_str(more),
        (Some(Value::Array(known)), Value::Array(more)) => {
            for element in more {
                match known.last_mut().filter(|last| are_one(last, element)) {
                    Some(Value::Object(last)) => merge_all(last, element),
                    _ => known.push(element.clone()),
                }
            }
        }
        (Some(Value::Object(known)), Value::Object(_)) => merge_all(known, value),
        _ => {
            fields.insert(name.to_owned(), value.clone());
        }
    }
}

fn merge_all(fields: &mut Map<String, Value>, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        merge(fields, name, value);
    }
}

/// Returns whether a text with this name comes in pieces.
fn grows(name: &str) -> bool {
    name.starts_with("reasoning") || matches!(name, "text" | "summary" | "thinking" | "content")
}

/// Returns whether two elements are pieces of the same one.
fn are_one(one: &Value, other: &Value) -> bool {
    let has = |field: &str| one.get(field).is_some() && one.get(field) == other.get(field);
    has("type") && has("index")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn streamed(deltas: &[Value]) -> Vec<(String, String, Value)> {
        let mut calls = Assembly::default();
        for delta in deltas {
            calls.add_pieces(delta.as_array().unwrap());
        }
        let calls = calls.finish().into_iter();
        calls.map(|call| (call.id, call.name, call.arguments)).collect()
    }

    fn call(id: &str, name: &str, a: i32) -> (String, String, Value) {
        (id.to_owned(), name.to_owned(), json!({"a": a}))
    }

    #[test]
    fn streams_of_two_calls() {
        let both = [call("k1", "add", 1), call("k2", "add", 2)];
        let whole = |id: &str, a: i32| json!({"id": id, "function": {"name": "add", "arguments": format!("{{\"a\": {a}}}")}});
        let with = |mut call: Value, index: Value| {
            call["index"] = index;
            json!([call])
        };
        // The two calls have the same index, no index, a text or null as index, or they come in one piece.
        for deltas in [
            vec![with(whole("k1", 1), json!(0)), with(whole("k2", 2), json!(0))],
            vec![json!([whole("k1", 1)]), json!([whole("k2", 2)])],
            vec![with(whole("k1", 1), json!("0")), with(whole("k2", 2), json!("1"))],
            vec![with(whole("k1", 1), json!(null)), with(whole("k2", 2), json!(null))],
            vec![json!([whole("k1", 1), whole("k2", 2)])],
            vec![with(whole("k1", 1), json!(3)), with(whole("k2", 2), json!(7))],
        ] {
            assert_eq!(streamed(&deltas), both, "{deltas:?}");
        }
        // The calls alternate, with the name each time, and the arguments in pieces.
        let piece = |index: i32, id: &str, name: &str, arguments: &str| json!([{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]);
        for (id, name) in [("k", "add"), ("", "add"), ("", ""), ("k", "")] {
            let id = |n: i32| if id.is_empty() { String::new() } else { format!("k{n}") };
            let deltas = [
                piece(0, "k1", "add", ""),
                piece(1, "k2", "add", "{\"a\""),
                piece(0, &id(1), name, "{\"a\":"),
                piece(1, &id(2), name, ": 2}"),
                piece(0, &id(1), name, " 1}"),
                piece(0, &id(1), name, ""),
            ];
            assert_eq!(streamed(&deltas), both, "{deltas:?}");
        }
    }

    #[test]
    fn calls_without_ids() {
        let piece = |name: &str, arguments: &str| json!({"function": {"name": name, "arguments": arguments}});
        let both = [call("", "add", 1), call("", "add", 2)];
        let (one, two) = (piece("add", "{\"a\": 1}"), piece("add", "{\"a\": 2}"));
        assert_eq!(streamed(&[json!([one]), json!([two])]), both);
        assert_eq!(streamed(&[json!([one, two])]), both);
        let nameless = json!({"function": {"arguments": "{\"a\": 2}"}});
        assert_eq!(streamed(&[json!([one]), json!([nameless])]), both);
        let pieces = ["{\"a\"", ": 1}"].map(|arguments| json!([piece("add", arguments)]));
        assert_eq!(streamed(&pieces), both[..1]);
        // Calls of tools without arguments.
        let bare = ["now", "today"].map(|name| piece(name, ""));
        for deltas in [vec![json!(bare)], bare.iter().map(|call| json!([call])).collect()] {
            let names: Vec<String> = streamed(&deltas).into_iter().map(|call| call.1).collect();
            assert_eq!(names, ["now", "today"]);
        }
        // Calls whose id comes later than the name.
        let late = [
            json!([{"index": 0, "function": {"name": "add"}}]),
            json!([{"index": 0, "id": "k1", "function": {"arguments": "{\"a\": 1}"}}]),
        ];
        assert_eq!(streamed(&late), [call("k1", "add", 1)]);
    }

    #[test]
    fn names_that_grow() {
        let piece = |name: &str| json!([{"index": 0, "id": "k1", "function": {"name": name, "arguments": ""}}]);
        for names in [["ad", "d_all"], ["ad", "add_all"], ["add_all", "add_all"]] {
            assert_eq!(streamed(&names.map(piece))[0].1, "add_all", "{names:?}");
        }
    }

    #[test]
    fn other_fields_of_a_call_are_kept() {
        let signature = json!({"google": {"thought_signature": "b3du"}});
        let call = json!({"index": 0, "id": "k1", "type": "function", "extra_content": signature, "odd": null,
            "function": {"name": "add", "arguments": {"a": 1}, "hint": [1]}});
        let mut pieces = Assembly::default();
        pieces.add_pieces(std::slice::from_ref(&call));
        pieces.add_pieces(&[json!({"index": 0, "extra_content": signature})]);
        let mut whole = Assembly::default();
        whole.add_whole(&[call]);
        let kept = json!({"extra_content": signature, "function": {"hint": [1]}});
        for calls in [pieces.finish(), whole.finish()] {
            assert_eq!(Value::Object(calls[0].extra.clone()), kept);
            assert_eq!(calls[0].arguments, json!({"a": 1}));
        }
    }

    #[test]
    fn thinking_in_pieces_becomes_whole() {
        let mut fields = Map::new();
        let detail = |text: &str| json!([{"type": "reasoning.text", "index": 0, "text": text, "signature": null}]);
        for (text, piece) in [("let ", detail("let ")), ("me", detail("me"))] {
            merge(&mut fields, "reasoning", &json!(text));
            merge(&mut fields, "reasoning_details", &piece);
        }
        let signed = json!([{"type": "reasoning.text", "index": 0, "signature": "s"}, {"type": "reasoning.encrypted", "index": 0, "data": "d"}, {"type": "reasoning.encrypted", "index": 1, "data": "e"}]);
        merge(&mut fields, "reasoning_details", &signed);
        assert_eq!(fields["reasoning"], "let me");
        let expected = json!([
            {"type": "reasoning.text", "index": 0, "text": "let me", "signature": "s"},
            {"type": "reasoning.encrypted", "index": 0, "data": "d"},
            {"type": "reasoning.encrypted", "index": 1, "data": "e"},
        ]);
        assert_eq!(fields["reasoning_details"], expected);
    }

    #[test]
    fn the_number_of_calls_is_limited() {
        let many: Vec<Value> = (0..1_000)
            .map(|n| json!({"index": n * 1_000_000, "function": {"name": "f"}}))
            .collect();
        let mut calls = Assembly::default();
        calls.add_pieces(&many);
        assert_eq!(calls.finish().len(), MOST_CALLS);
        let mut calls = Assembly::default();
        calls.add_whole(&many);
        assert_eq!(calls.finish().len(), MOST_CALLS);
    }
}
