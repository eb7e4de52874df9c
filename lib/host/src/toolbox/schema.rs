//! Describes a tool's parameters as a JSON schema, for models that call tools.

use serde_json::{Value, json};

use super::arguments::is_optional;
use crate::judge::{Signature, Type};

/// Returns the schema of a signature's parameters: an object with one property for each.
pub fn parameters(signature: &Signature) -> Value {
    let properties: serde_json::Map<String, Value> = signature
        .names
        .iter()
        .zip(&signature.parameters)
        .map(|(name, ty)| (name.clone(), schema(ty)))
        .collect();
    let given = signature.names.iter().zip(&signature.parameters);
    let required: Vec<&String> =
        given.filter(|(_, ty)| !is_optional(ty)).map(|(name, _)| name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn schema(ty: &Type) -> Value {
    match ty {
        Type::Unit => json!({ "type": "null" }),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
        Type::Integer { signed: false, .. } => json!({ "type": "integer", "minimum": 0 }),
        Type::Integer { .. } => json!({ "type": "integer" }),
        Type::Float { .. } => json!({ "type": "number" }),
        Type::Text | Type::Str => json!({ "type": "string" }),
        Type::Option(inner) => json!({ "anyOf": [schema(inner), { "type": "null" }] }),
        Type::Result(ok, err) => json!({ "anyOf": [
            { "type": "object", "properties": { "Ok": schema(ok) }, "required": ["Ok"] },
            { "type": "object", "properties": { "Err": schema(err) }, "required": ["Err"] },
        ] }),
        Type::Tuple(types) => json!({
            "type": "array",
            "prefixItems": types.iter().map(schema).collect::<Vec<_>>(),
            "minItems": types.len(),
            "maxItems": types.len(),
        }),
        Type::List(inner) | Type::Slice(inner) | Type::Set(_, inner) => {
            json!({ "type": "array", "items": schema(inner) })
        }
        Type::Array(inner, length) => json!({
            "type": "array", "items": schema(inner), "minItems": length, "maxItems": length,
        }),
        Type::Map(_, key, inner) => match **key {
            Type::Text | Type::Str => {
                json!({ "type": "object", "additionalProperties": schema(inner) })
            }
            _ => json!({ "type": "array", "items": { "type": "array",
                "prefixItems": [schema(key), schema(inner)], "minItems": 2, "maxItems": 2 } }),
        },
        Type::Reference(inner) => schema(inner),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_names_and_types() {
        let signature = Signature::parse("fn f(text: &str, n: u8, x: Option<&[f64]>)").unwrap();
        let schema = parameters(&signature);
        assert_eq!(schema["required"], json!(["text", "n"]));
        assert_eq!(schema["properties"]["text"], json!({ "type": "string" }));
        assert_eq!(schema["properties"]["n"], json!({ "type": "integer", "minimum": 0 }));
        let list = json!({ "type": "array", "items": { "type": "number" } });
        assert_eq!(schema["properties"]["x"]["anyOf"][0], list);
    }
}
