//! Example values for a JSON schema.

use serde_json::{Map, Value, json};

/// Returns an example value for this schema: `{"a": 1.5, "words": ["text"]}`. Its types are right; bounds
/// and patterns are ignored.
pub fn example(schema: &Value) -> Value {
    let list = |name: &str| schema.get(name).and_then(Value::as_array);
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    if let Some([first, ..]) = list("enum").map(Vec::as_slice) {
        return first.clone();
    }
    if let Some([first, ..]) = list("anyOf").map(Vec::as_slice) {
        return example(first);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        kind => kind.and_then(Value::as_str),
    };
    match kind {
        Some("integer") => json!(1),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        Some("array") => match (list("prefixItems"), schema.get("items")) {
            (Some(items), _) => items.iter().map(example).collect(),
            (None, Some(items)) => {
                let fewest = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1);
                // A few items are enough to show the form.
                (0..fewest.clamp(1, 3)).map(|_| example(items)).collect()
            }
            (None, None) => json!([]),
        },
        Some("object") => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let members = properties.into_iter().flatten();
            let mut object: Map<String, Value> =
                members.map(|(name, schema)| (name.clone(), example(schema))).collect();
            if let Some(others @ Value::Object(_)) = schema.get("additionalProperties") {
                object.insert("name".to_owned(), example(others));
            }
            Value::Object(object)
        }
        _ => match schema.get("maxLength").and_then(Value::as_u64) {
            Some(1) => json!("a"),
            _ => json!("text"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_shows_the_form() {
        let pair = json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]});
        let schema = json!({"type": "object", "properties": {
            "a": {"type": "number"},
            "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "c": {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
            "d": {"type": "object", "additionalProperties": {"enum": ["x", "y"]}},
            "e": {"type": "string", "maxLength": 1},
            "f": pair,
            "g": {"type": ["string", "null"]},
        }, "additionalProperties": false});
        let shown = json!({"a": 1.5, "b": 1, "c": [true, true], "d": {"name": "x"}, "e": "a", "f": ["text", null], "g": "text"});
        assert_eq!(example(&schema), shown);
        assert_eq!(example(&json!({})), "text");
    }
}
