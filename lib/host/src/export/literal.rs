//! Writes values of a task as Rust does.

use serde_json::Value;

use crate::judge::Type;

/// Writes a value as an expression, for a place where its type is known: an argument of the function, or a
/// comparison with its output. `None` if the value is not of the type.
pub fn literal(ty: &Type, value: &Value) -> Option<String> {
    match ty {
        Type::Unit => value.is_null().then(|| "()".to_owned()),
        Type::Bool => value.as_bool().map(|b| b.to_string()),
        Type::Char => {
            let mut letters = value.as_str()?.chars();
            let letter = letters.next()?;
            letters.next().is_none().then(|| format!("{letter:?}"))
        }
        Type::Integer { signed, .. } => {
            let digits = match value {
                Value::Number(number) => number.to_string(),
                Value::String(digits) => digits.clone(),
                _ => return None,
            };
            // Nothing but a number may get into the program's text.
            match signed {
                true => digits.parse::<i128>().ok().map(|n| n.to_string()),
                false => digits.parse::<u128>().ok().map(|n| n.to_string()),
            }
        }
        Type::Float { bits } => float(*bits, value),
        Type::Text => value.as_str().map(|text| format!("{text:?}.to_owned()")),
        Type::Str => value.as_str().map(|text| format!("{text:?}")),
        Type::Option(inner) => match value {
            Value::Null => Some("None".to_owned()),
            Value::Object(entries) if entries.len() == 1 && entries.contains_key("Some") => {
                Some(format!("Some({})", literal(inner, &entries["Some"])?))
            }
            value => Some(format!("Some({})", literal(inner, value)?)),
        },
        Type::Result(ok, err) => {
            let (name, value) = value.as_object().filter(|one| one.len() == 1)?.iter().next()?;
            match name.as_str() {
                "Ok" => Some(format!("Ok({})", literal(ok, value)?)),
                "Err" => Some(format!("Err({})", literal(err, value)?)),
                _ => None,
            }
        }
        Type::Tuple(types) => {
            let values = value.as_array().filter(|values| values.len() == types.len())?;
            let parts: Option<String> = types
                .iter()
                .zip(values)
                .map(|(ty, value)| Some(literal(ty, value)? + ", "))
                .collect();
            Some(format!("({})", parts?))
        }
        Type::List(inner) => Some(format!("vec![{}]", elements(inner, value)?)),
        Type::Array(inner, _) => Some(format!("[{}]", elements(inner, value)?)),
        Type::Slice(inner) => Some(format!("&[{}][..]", elements(inner, value)?)),
        Type::Set(name, inner) => Some(format!("{name}::from([{}])", elements(inner, value)?)),
        Type::Map(name, key, inner) => {
            let pair = |(name, value): (&Value, &Value)| {
                Some(format!("({}, {})", literal(key, name)?, literal(inner, value)?))
            };
            let pairs: Option<Vec<String>> = match value {
                Value::Object(entries) => {
                    let pairs = entries.iter();
                    pairs.map(|(name, value)| pair((&Value::from(name.as_str()), value))).collect()
                }
                Value::Array(pairs) => pairs
                    .iter()
                    .map(|two| match two.as_array()?.as_slice() {
                        [name, value] => pair((name, value)),
                        _ => None,
                    })
                    .collect(),
                _ => None,
            };
            Some(format!("{name}::from([{}])", pairs?.join(", ")))
        }
        Type::Reference(inner) => Some(format!("&{}", literal(inner, value)?)),
    }
}

/// Writes the elements of a list, with commas between them.
pub fn elements(ty: &Type, value: &Value) -> Option<String> {
    let elements: Option<Vec<String>> =
        value.as_array()?.iter().map(|value| literal(ty, value)).collect();
    Some(elements?.join(", "))
}

fn float(bits: u32, value: &Value) -> Option<String> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let name = match text.as_str() {
                "NaN" => "NAN",
                "inf" => "INFINITY",
                "-inf" => "NEG_INFINITY",
                _ => return None,
            };
            return Some(format!("f{bits}::{name}"));
        }
        _ => return None,
    };
    Some(match bits {
        // `{:?}` writes the shortest digits that give the same number.
        32 => format!("{:?}", number as f32),
        _ => format!("{number:?}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::judge::Signature;

    #[test]
    fn values_are_written_as_rust_literals() {
        for (ty, value, written) in [
            ("u8", json!(3), "3"),
            (
                "i128",
                json!("-170141183460469231731687303715884105728"),
                "-170141183460469231731687303715884105728",
            ),
            ("f64", json!(1e300), "1e300"),
            ("f64", json!(5), "5.0"),
            ("f64", json!(-0.0), "-0.0"),
            ("f32", json!(f64::from(0.1_f32)), "0.1"),
            ("f32", json!("-inf"), "f32::NEG_INFINITY"),
            ("String", json!("a\"b\n\u{202e}"), "\"a\\\"b\\n\\u{202e}\".to_owned()"),
            ("char", json!("'"), "'\\''"),
            ("Option<Option<u8>>", json!({"Some": null}), "Some(None)"),
            ("Result<(), String>", json!({"Err": "no"}), "Err(\"no\".to_owned())"),
            ("(u8, )", json!([1]), "(1, )"),
            ("&[&str]", json!(["a"]), "&[\"a\"][..]"),
            (
                "HashMap<String, Vec<f64>>",
                json!({"a": [0.5]}),
                "HashMap::from([(\"a\".to_owned(), vec![0.5])])",
            ),
            ("BTreeMap<u8, char>", json!([[1, "x"]]), "BTreeMap::from([(1, 'x')])"),
            ("&(u8, bool)", json!([1, true]), "&(1, true, )"),
        ] {
            let signature = Signature::parse(&format!("fn f(x: {ty})")).expect("a signature");
            let ty = &signature.parameters[0];
            assert_eq!(literal(ty, &value).as_deref(), Some(written));
        }
    }

    #[test]
    fn values_of_another_type_have_no_literal() {
        for (ty, value) in [
            ("u8", json!("1); evil(")),
            ("f64", json!("NaN + evil()")),
            ("char", json!("ab")),
            ("(u8, u8)", json!([1])),
            ("Result<u8, u8>", json!({"Maybe": 1})),
        ] {
            let signature = Signature::parse(&format!("fn f(x: {ty})")).expect("a signature");
            assert_eq!(literal(&signature.parameters[0], &value), None, "{ty}");
        }
    }
}
