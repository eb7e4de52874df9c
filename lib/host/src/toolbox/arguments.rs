//! Converts arguments as models write them into those that a signature wants.
//!
//! Models write `"5"` for a number, `"[1, 2]"` for a list and `1.0` for an integer, and omit optional
//! arguments. Each of these has only one meaning, so it is accepted. A value with two meanings stays as it
//! is, and the codec refuses it.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::judge::{Signature, Type};
use crate::models::lenient_json;

/// The largest whole number up to which a float represents every integer exactly.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the arguments, with every value in the form that its type wants, if the conversion is certain.
pub fn fitted<'a>(signature: &Signature, arguments: &'a Value) -> Cow<'a, Value> {
    let parameters = || signature.names.iter().zip(&signature.parameters);
    match arguments {
        Value::String(text) => match read_list_or_object(text) {
            Some(read) => Cow::Owned(fitted(signature, &read).into_owned()),
            None => Cow::Borrowed(arguments),
        },
        Value::Array(values) => {
            let given = values.iter().zip(&signature.parameters);
            let mut fitted: Vec<Value> = given.map(|(value, ty)| fit(ty, value)).collect();
            // An extra argument is an error; the message names how many were given.
            fitted.extend(values.iter().skip(fitted.len()).cloned());
            let left_out = signature.parameters.iter().skip(fitted.len());
            if left_out.clone().all(is_optional) {
                fitted.extend(left_out.map(|_| Value::Null));
            }
            Cow::Owned(Value::Array(fitted))
        }
        Value::Object(values) => {
            let mut fitted = values.clone();
            for (name, ty) in parameters() {
                match fitted.get_mut(name) {
                    Some(value) => *value = fit(ty, value),
                    None if is_optional(ty) => {
                        fitted.insert(name.clone(), Value::Null);
                    }
                    None => {}
                }
            }
            Cow::Owned(Value::Object(fitted))
        }
        _ => Cow::Borrowed(arguments),
    }
}

/// Returns whether a parameter of this type may be omitted.
pub fn is_optional(ty: &Type) -> bool {
    match ty {
        Type::Option(_) => true,
        Type::Reference(inner) => is_optional(inner),
        _ => false,
    }
}

/// Returns the value in the form of its type, or unchanged if the conversion is not certain.
fn fit(ty: &Type, value: &Value) -> Value {
    let fitted = match (ty, value) {
        (Type::Reference(inner), value) => Some(fit(inner, value)),
        (Type::Option(inner), value) => fit_option(inner, value),
        (Type::Bool, Value::String(text)) => match text.trim().to_lowercase().as_str() {
            "true" => Some(Value::from(true)),
            "false" => Some(Value::from(false)),
            _ => None,
        },
        (Type::Integer { .. }, Value::String(text)) => integer(text.trim()),
        (Type::Integer { .. }, Value::Number(number)) => integer(&number.to_string()),
        (Type::Float { .. }, Value::String(text)) => {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Value::from)
        }
        (Type::Text | Type::Str | Type::Char, Value::Number(_) | Value::Bool(_)) => {
            Some(Value::from(value.to_string()))
        }
        (
            Type::List(_) | Type::Slice(_) | Type::Array(..) | Type::Set(..) | Type::Tuple(_),
            Value::String(text),
        ) => read_list_or_object(text).filter(Value::is_array).map(|read| fit(ty, &read)),
        (Type::Map(..) | Type::Result(..), Value::String(text)) => {
            read_list_or_object(text).map(|read| fit(ty, &read))
        }
        (
            Type::List(inner) | Type::Slice(inner) | Type::Array(inner, _) | Type::Set(_, inner),
            Value::Array(values),
        ) => Some(values.iter().map(|value| fit(inner, value)).collect()),
        (Type::Tuple(types), Value::Array(values)) if types.len() == values.len() => {
            Some(types.iter().zip(values).map(|(ty, value)| fit(ty, value)).collect())
        }
        (Type::Map(_, _, inner), Value::Object(members)) => {
            Some(each(members, |_, value| fit(inner, value)))
        }
        (Type::Map(_, key, inner), Value::Array(pairs)) => {
            let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
                Some([name, value]) => Value::from(vec![fit(key, name), fit(inner, value)]),
                _ => pair.clone(),
            };
            Some(pairs.iter().map(pair).collect())
        }
        (Type::Result(ok, err), Value::Object(members)) => {
            Some(each(members, |name, value| match name {
                "Ok" => fit(ok, value),
                "Err" => fit(err, value),
                _ => value.clone(),
            }))
        }
        _ => None,
    };
    fitted.unwrap_or_else(|| value.clone())
}

fn fit_option(inner: &Type, value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Object(members) if members.len() == 1 && members.contains_key("Some") => {
            Some(each(members, |_, value| fit(inner, value)))
        }
        // If a text is wanted, "null" may be that text.
        Value::String(text)
            if matches!(text.trim(), "null" | "None")
                && !matches!(inner, Type::Text | Type::Str) =>
        {
            Some(Value::Null)
        }
        value => Some(fit(inner, value)),
    }
}

fn each(members: &Map<String, Value>, change: impl Fn(&str, &Value) -> Value) -> Value {
    members.iter().map(|(name, value)| (name.clone(), change(name, value))).collect()
}

/// Reads a whole number: `5`, `5.0`, `5e2`. Digits stay digits, so a large number loses none.
fn integer(text: &str) -> Option<Value> {
    if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
        return serde_json::from_str(text.trim_start_matches('+')).ok();
    }
    if text.parse::<i128>().is_ok() || text.parse::<u128>().is_ok() {
        return Some(Value::from(text));
    }
    let number = text.parse::<f64>().ok()?;
    let is_exact = number.fract() == 0.0 && number.abs() <= LARGEST_EXACT;
    is_exact.then(|| Value::from(number as i64))
}

/// Reads a text that is a list or an object.
fn read_list_or_object(text: &str) -> Option<Value> {
    lenient_json(text).filter(|read| read.is_array() || read.is_object())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn one(ty: &str, value: Value) -> Value {
        let signature = Signature::parse(&format!("fn f(x: {ty})")).unwrap();
        fitted(&signature, &json!([value])).into_owned()[0].clone()
    }

    #[test]
    fn values_as_models_write_them() {
        for (ty, value, fitted) in [
            ("f64", json!("30"), json!(30.0)),
            ("f64", json!(" -1.5e3 "), json!(-1500.0)),
            ("f64", json!(30), json!(30)),
            ("i32", json!("5"), json!(5)),
            ("u8", json!(4.0), json!(4)),
            ("u8", json!("4.0"), json!(4)),
            ("i64", json!(-2e3), json!(-2000)),
            ("u64", json!(u64::MAX), json!(u64::MAX)),
            ("u128", json!(u128::MAX.to_string()), json!(u128::MAX.to_string())),
            ("bool", json!("True"), json!(true)),
            ("bool", json!(" false"), json!(false)),
            ("String", json!(5), json!("5")),
            ("&str", json!(true), json!("true")),
            ("char", json!(7), json!("7")),
            ("Vec<u8>", json!("[4, 5]"), json!([4, 5])),
            ("&[f64]", json!("[\"4\", 5]"), json!([4.0, 5])),
            ("Vec<i64>", json!([4.0, "5"]), json!([4, 5])),
            ("[bool; 2]", json!(["true", "FALSE"]), json!([true, false])),
            ("Vec<String>", json!("['x', 'y',]"), json!(["x", "y"])),
            ("HashSet<u8>", json!(" [1.0]"), json!([1])),
            ("(u8, String)", json!("[1.0, 2]"), json!([1, "2"])),
            ("Vec<Vec<u8>>", json!(["[1]", "[2.0]"]), json!([[1], [2]])),
            ("HashMap<String, u8>", json!("{'a': '1'}"), json!({"a": 1})),
            ("BTreeMap<u8, f64>", json!([["1", "2"]]), json!([[1, 2.0]])),
            ("Option<u8>", json!("3"), json!(3)),
            ("Option<u8>", json!("null"), json!(null)),
            ("Option<String>", json!("null"), json!("null")),
            ("Option<u8>", json!({"Some": 3.0}), json!({"Some": 3})),
            ("Result<u8, String>", json!({"Ok": "1"}), json!({"Ok": 1})),
            ("&Vec<u8>", json!("[1]"), json!([1])),
        ] {
            assert_eq!(one(ty, value.clone()), fitted, "{value} for {ty}");
        }
    }

    #[test]
    fn ambiguous_values_stay_unchanged() {
        for (ty, value) in [
            ("f64", json!("about 5")),
            ("f64", json!("1,5")),
            ("f64", json!("inf")),
            ("i32", json!(1.5)),
            ("i32", json!("1.5")),
            ("u64", json!(1e300)),
            ("bool", json!(1)),
            ("bool", json!("yes")),
            ("Vec<u8>", json!("4, 5")),
            ("Vec<u8>", json!(4)),
            ("Vec<u8>", json!("{}")),
            ("Vec<u8>", json!("")),
            ("String", json!(["a"])),
            ("(u8, u8)", json!("1, 2")),
            ("HashMap<String, u8>", json!("a: 1")),
        ] {
            assert_eq!(one(ty, value.clone()), value, "{ty}");
        }
    }

    #[test]
    fn optional_arguments_may_be_omitted() {
        let signature = Signature::parse("fn f(words: &[&str], n: Option<u8>)").unwrap();
        let fit = |arguments: Value| fitted(&signature, &arguments).into_owned();
        assert_eq!(fit(json!({"words": ["x"]})), json!({"words": ["x"], "n": null}));
        assert_eq!(fit(json!([["x"]])), json!([["x"], null]));
        assert_eq!(fit(json!("{\"words\": \"['x']\"}")), json!({"words": ["x"], "n": null}));
        // A required argument is never invented, and no argument is dropped.
        assert_eq!(fit(json!({"n": 1, "m": 2})), json!({"n": 1, "m": 2}));
        assert_eq!(fit(json!([])), json!([]));
        assert_eq!(fit(json!([["x"], 1, 2])), json!([["x"], 1, 2]));
        assert_eq!(fit(json!("words")), json!("words"));
    }

    proptest! {
        #[test]
        fn whole_numbers_stay_unchanged(n in any::<i64>(), small in -1_000_000_000_i64..1_000_000_000) {
            prop_assert_eq!(one("i64", json!(n)), json!(n));
            prop_assert_eq!(one("i64", json!(n.to_string())), json!(n));
            prop_assert_eq!(one("i64", json!(small as f64)), json!(small));
        }
    }
}
