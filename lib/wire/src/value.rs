//! Rust values as JSON, without loss.
//!
//! JSON has no NaN, no infinity, no 128-bit integers, and only text as map keys. So `NaN`, `inf` and `-inf`
//! are strings, an integer beyond 64 bits is a string of digits, and a map is a list of `[key, value]`
//! pairs unless its keys are text. The judge knows the declared types and reads the values back.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

/// Reads a field that may be absent, or `null` for the value `None`. serde alone treats both as absent.
/// Then a case that expects `None` would expect nothing.
pub(crate) fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(field).map(Some)
}

/// A value that can be a case's input or expected output.
pub trait ToJson {
    /// Converts the value to JSON; the module's documentation says how it writes what JSON lacks.
    fn to_json(&self) -> Value;
}

/// A tuple of values, one for each parameter of a function.
#[diagnostic::on_unimplemented(
    message = "an input is a tuple with one value for each parameter, and this is `{Self}`",
    label = "put it in parentheses, with a comma behind it: `([-1, -7],)`",
    note = "one parameter: `.case((15,), ..)` or `.case(([3, 9],), ..)`; two: `.case((2, 10), ..)`; none: `.case((), ..)`"
)]
pub trait Arguments {
    /// Returns one JSON value for each parameter.
    fn arguments(&self) -> Vec<Value>;
}

macro_rules! as_json {
    ($($t:ty),*) => {$(
        impl ToJson for $t {
            fn to_json(&self) -> Value { json!(self) }
        }
    )*};
}
as_json!(i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, bool, char, str, String);

impl ToJson for i128 {
    fn to_json(&self) -> Value {
        i64::try_from(*self).map_or_else(|_| json!(self.to_string()), |n| json!(n))
    }
}

impl ToJson for u128 {
    fn to_json(&self) -> Value {
        u64::try_from(*self).map_or_else(|_| json!(self.to_string()), |n| json!(n))
    }
}

impl ToJson for f64 {
    fn to_json(&self) -> Value {
        if self.is_finite() { json!(self) } else { json!(self.to_string()) }
    }
}

impl ToJson for f32 {
    fn to_json(&self) -> Value {
        f64::from(*self).to_json()
    }
}

impl ToJson for () {
    fn to_json(&self) -> Value {
        Value::Null
    }
}

impl ToJson for Value {
    fn to_json(&self) -> Value {
        self.clone()
    }
}

impl<T: ToJson + ?Sized> ToJson for &T {
    fn to_json(&self) -> Value {
        (**self).to_json()
    }
}

impl<T: ToJson> ToJson for [T] {
    fn to_json(&self) -> Value {
        self.iter().map(ToJson::to_json).collect()
    }
}

impl<T: ToJson> ToJson for Vec<T> {
    fn to_json(&self) -> Value {
        self.as_slice().to_json()
    }
}

impl<T: ToJson, const N: usize> ToJson for [T; N] {
    fn to_json(&self) -> Value {
        self.as_slice().to_json()
    }
}

/// `None` is null and `Some(x)` is `x`. If that would be ambiguous, it is `{"Some": x}`: `Some(None)` is
/// written `{"Some": null}`.
impl<T: ToJson> ToJson for Option<T> {
    fn to_json(&self) -> Value {
        match self.as_ref().map(ToJson::to_json) {
            None => Value::Null,
            Some(Value::Null) => json!({ "Some": null }),
            Some(Value::Object(entries)) if entries.len() == 1 && entries.contains_key("Some") => {
                json!({ "Some": entries })
            }
            Some(value) => value,
        }
    }
}

/// Writes `{"Ok": value}` or `{"Err": value}`, as serde does.
impl<T: ToJson, E: ToJson> ToJson for Result<T, E> {
    fn to_json(&self) -> Value {
        match self {
            Ok(value) => json!({ "Ok": value.to_json() }),
            Err(error) => json!({ "Err": error.to_json() }),
        }
    }
}

fn map_to_json<'a, K, V>(entries: impl Iterator<Item = (&'a K, &'a V)>) -> Value
where
    K: ToJson + 'a,
    V: ToJson + 'a,
{
    let mut pairs: Vec<(Value, Value)> =
        entries.map(|(key, value)| (key.to_json(), value.to_json())).collect();
    pairs.sort_by_cached_key(|(key, _)| key.to_string());
    if pairs.iter().all(|(key, _)| key.is_string()) {
        let text = |key: &Value| key.as_str().unwrap_or_default().to_owned();
        pairs.iter().map(|(key, value)| (text(key), value.clone())).collect()
    } else {
        pairs.into_iter().map(|(key, value)| json!([key, value])).collect()
    }
}

impl<K: ToJson, V: ToJson, S> ToJson for HashMap<K, V, S> {
    fn to_json(&self) -> Value {
        map_to_json(self.iter())
    }
}

impl<K: ToJson, V: ToJson> ToJson for BTreeMap<K, V> {
    fn to_json(&self) -> Value {
        map_to_json(self.iter())
    }
}

fn set_to_json<'a, T: ToJson + 'a>(elements: impl Iterator<Item = &'a T>) -> Value {
    let mut elements: Vec<Value> = elements.map(ToJson::to_json).collect();
    elements.sort_by_cached_key(Value::to_string);
    Value::Array(elements)
}

impl<T: ToJson, S> ToJson for HashSet<T, S> {
    fn to_json(&self) -> Value {
        set_to_json(self.iter())
    }
}

impl<T: ToJson> ToJson for BTreeSet<T> {
    fn to_json(&self) -> Value {
        set_to_json(self.iter())
    }
}

impl Arguments for () {
    fn arguments(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// Arguments that are already JSON, for cases stored as data.
impl Arguments for Vec<Value> {
    fn arguments(&self) -> Vec<Value> {
        self.clone()
    }
}

macro_rules! tuples {
    ($(($($name:ident),+))*) => {$(
        impl<$($name: ToJson),+> Arguments for ($($name,)+) {
            #[allow(non_snake_case)]
            fn arguments(&self) -> Vec<Value> {
                let ($($name,)+) = self;
                vec![$($name.to_json()),+]
            }
        }
        impl<$($name: ToJson),+> ToJson for ($($name,)+) {
            fn to_json(&self) -> Value { Value::Array(self.arguments()) }
        }
    )*};
}
tuples! { (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_json_lacks_are_text() {
        assert_eq!(f64::NAN.to_json(), json!("NaN"));
        assert_eq!(f64::NEG_INFINITY.to_json(), json!("-inf"));
        assert_eq!(u128::MAX.to_json(), json!(u128::MAX.to_string()));
        assert_eq!(i128::from(-3).to_json(), json!(-3));
    }

    #[test]
    fn maps_are_objects_only_with_text_keys() {
        assert_eq!(HashMap::from([("a", 1)]).to_json(), json!({"a": 1}));
        assert_eq!(BTreeMap::from([(2, 'x')]).to_json(), json!([[2, "x"]]));
    }

    #[test]
    fn a_nested_none_stays_distinct() {
        assert_eq!(Some(None::<u8>).to_json(), json!({"Some": null}));
        assert_eq!(None::<Option<u8>>.to_json(), Value::Null);
        assert_eq!(Some(Some(None::<u8>)).to_json(), json!({"Some": {"Some": null}}));
    }

    #[test]
    fn arguments_are_one_value_per_parameter() {
        assert_eq!((vec![1, 2], "x").arguments(), vec![json!([1, 2]), json!("x")]);
        assert_eq!(().arguments(), Vec::<Value>::new());
    }
}
