//! Converts values between JSON and the harness's bytes, by type. This is the half of the codec that the host
//! trusts.
//!
//! The bytes come from the jail, so the decoder checks every one. A wrong tag, text that is not UTF-8, a
//! length beyond the bytes at hand and bytes left over are errors. More than a million values is an error
//! too, because four bytes can ask for them (`Vec<()>`). JSON follows `code_evolution_wire::value`.

use code_evolution_wire::text::clip;
use serde_json::{Map, Value, json};

use super::signature::Type;

/// The most values in one output. It bounds the cost of a list whose elements take no bytes.
const MAX_VALUES: usize = 1 << 20;

/// Appends the bytes of `value`.
///
/// # Errors
/// Names the value that is not of its type.
pub fn encode(ty: &Type, value: &Value, bytes: &mut Vec<u8>) -> Result<(), String> {
    let mismatch = || format!("{} is not a `{ty}`", short(value));
    match ty {
        Type::Unit => match value {
            Value::Null => Ok(()),
            _ => Err(mismatch()),
        },
        Type::Bool => {
            bytes.push(u8::from(value.as_bool().ok_or_else(mismatch)?));
            Ok(())
        }
        Type::Char => {
            let mut letters = value.as_str().ok_or_else(mismatch)?.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) => {
                    bytes.extend_from_slice(&u32::from(letter).to_le_bytes());
                    Ok(())
                }
                _ => Err(mismatch()),
            }
        }
        Type::Integer { bits, signed, .. } => {
            encode_integer(value, *bits, *signed, bytes).ok_or_else(mismatch)
        }
        Type::Float { bits } => {
            let number = match value {
                Value::Number(number) => number.as_f64(),
                Value::String(text) => match text.as_str() {
                    "NaN" => Some(f64::NAN),
                    "inf" => Some(f64::INFINITY),
                    "-inf" => Some(f64::NEG_INFINITY),
                    _ => None,
                },
                _ => None,
            }
            .ok_or_else(mismatch)?;
            match bits {
                32 => bytes.extend_from_slice(&(number as f32).to_le_bytes()),
                _ => bytes.extend_from_slice(&number.to_le_bytes()),
            }
            Ok(())
        }
        Type::Text | Type::Str => {
            let text = value.as_str().ok_or_else(mismatch)?;
            put_length(text.len(), bytes)?;
            bytes.extend_from_slice(text.as_bytes());
            Ok(())
        }
        Type::Option(inner) => match value {
            Value::Null => {
                bytes.push(0);
                Ok(())
            }
            Value::Object(entries) if entries.len() == 1 && entries.contains_key("Some") => {
                bytes.push(1);
                encode(inner, &entries["Some"], bytes)
            }
            value => {
                bytes.push(1);
                encode(inner, value, bytes)
            }
        },
        Type::Result(ok, err) => {
            let (name, value) = match value {
                Value::Object(entries) if entries.len() == 1 => entries.iter().next(),
                _ => None,
            }
            .ok_or_else(mismatch)?;
            let (tag, inner) = match name.as_str() {
                "Ok" => (1, ok),
                "Err" => (0, err),
                _ => return Err(mismatch()),
            };
            bytes.push(tag);
            encode(inner, value, bytes)
        }
        Type::Tuple(types) => {
            let values = value.as_array().filter(|values| values.len() == types.len());
            let values = values.ok_or_else(mismatch)?;
            types.iter().zip(values).try_for_each(|(ty, value)| encode(ty, value, bytes))
        }
        Type::Array(inner, length) => {
            let values = value.as_array().filter(|values| values.len() == *length);
            values.ok_or_else(mismatch)?.iter().try_for_each(|value| encode(inner, value, bytes))
        }
        Type::List(inner) | Type::Slice(inner) | Type::Set(_, inner) => {
            let values = value.as_array().ok_or_else(mismatch)?;
            put_length(values.len(), bytes)?;
            values.iter().try_for_each(|value| encode(inner, value, bytes))
        }
        Type::Map(_, key, inner) => match value {
            Value::Object(entries) => {
                put_length(entries.len(), bytes)?;
                entries.iter().try_for_each(|(name, value)| {
                    encode(key, &Value::String(name.clone()), bytes)?;
                    encode(inner, value, bytes)
                })
            }
            Value::Array(pairs) => {
                put_length(pairs.len(), bytes)?;
                pairs.iter().try_for_each(|pair| match pair.as_array().map(Vec::as_slice) {
                    Some([name, value]) => {
                        encode(key, name, bytes)?;
                        encode(inner, value, bytes)
                    }
                    _ => Err(mismatch()),
                })
            }
            _ => Err(mismatch()),
        },
        Type::Reference(inner) => encode(inner, value, bytes),
    }
}

fn encode_integer(value: &Value, bits: u32, signed: bool, bytes: &mut Vec<u8>) -> Option<()> {
    let digits = match value {
        Value::Number(number) => number.to_string(),
        Value::String(digits) => digits.clone(),
        _ => return None,
    };
    let width = bits as usize / 8;
    let little = if signed {
        let number: i128 = digits.parse().ok()?;
        let unused = 128 - bits;
        (number << unused >> unused == number).then_some(number.to_le_bytes())?
    } else {
        let number: u128 = digits.parse().ok()?;
        let unused = 128 - bits;
        (number << unused >> unused == number).then_some(number.to_le_bytes())?
    };
    bytes.extend_from_slice(&little[..width]);
    Some(())
}

fn put_length(length: usize, bytes: &mut Vec<u8>) -> Result<(), String> {
    let length = u32::try_from(length).map_err(|_| format!("{length} elements are too many"))?;
    bytes.extend_from_slice(&length.to_le_bytes());
    Ok(())
}

fn short(value: &Value) -> String {
    clip(&value.to_string(), 80)
}

/// Reads one value that fills `bytes`. Sets and maps come out in a fixed order.
///
/// # Errors
/// Describes what is wrong with the bytes.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Value, String> {
    let mut reader = Reader { rest: bytes, values: 0 };
    let value = reader.value(ty)?;
    match reader.rest.len() {
        0 => Ok(value),
        extra => Err(format!("{extra} bytes too many for a `{ty}`")),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    values: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> Result<&'a [u8], String> {
        let Some((bytes, rest)) = self.rest.split_at_checked(count) else {
            return Err(format!("{} bytes where {count} are needed", self.rest.len()));
        };
        self.rest = rest;
        Ok(bytes)
    }

    fn length(&mut self) -> Result<usize, String> {
        let mut little = [0; 4];
        little.copy_from_slice(self.bytes(4)?);
        Ok(u32::from_le_bytes(little) as usize)
    }

    fn tag(&mut self) -> Result<bool, String> {
        match self.bytes(1)? {
            [0] => Ok(false),
            [1] => Ok(true),
            other => Err(format!("a tag {} where 0 or 1 is needed", other[0])),
        }
    }

    fn list(&mut self, ty: &Type, length: usize) -> Result<Vec<Value>, String> {
        (0..length).map(|_| self.value(ty)).collect()
    }

    fn value(&mut self, ty: &Type) -> Result<Value, String> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(format!("more than {MAX_VALUES} values"));
        }
        Ok(match ty {
            Type::Unit => Value::Null,
            Type::Bool => Value::Bool(self.tag()?),
            Type::Char => {
                let number = self.length()? as u32;
                let letter = char::from_u32(number).ok_or(format!("{number} is not a char"))?;
                json!(letter)
            }
            Type::Integer { bits, signed, .. } => {
                let little = self.bytes(*bits as usize / 8)?;
                let negative = *signed && little.last().is_some_and(|byte| byte & 0x80 != 0);
                let mut wide = [if negative { 0xff } else { 0 }; 16];
                wide[..little.len()].copy_from_slice(little);
                if *signed {
                    let number = i128::from_le_bytes(wide);
                    i64::try_from(number).map_or_else(|_| json!(number.to_string()), |n| json!(n))
                } else {
                    let number = u128::from_le_bytes(wide);
                    u64::try_from(number).map_or_else(|_| json!(number.to_string()), |n| json!(n))
                }
            }
            Type::Float { bits } => {
                let little = self.bytes(*bits as usize / 8)?;
                let number = match *little {
                    [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
                    [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
                    _ => return Err(format!("a float of {bits} bits")),
                };
                if number.is_finite() { json!(number) } else { json!(number.to_string()) }
            }
            Type::Text | Type::Str => {
                let length = self.length()?;
                let text = std::str::from_utf8(self.bytes(length)?);
                json!(text.map_err(|_| "a text that is not UTF-8".to_owned())?)
            }
            Type::Option(inner) => match self.tag()? {
                false => Value::Null,
                true => match self.value(inner)? {
                    Value::Null => json!({ "Some": null }),
                    Value::Object(entries)
                        if entries.len() == 1 && entries.contains_key("Some") =>
                    {
                        json!({ "Some": entries })
                    }
                    value => value,
                },
            },
            Type::Result(ok, err) => match self.tag()? {
                true => json!({ "Ok": self.value(ok)? }),
                false => json!({ "Err": self.value(err)? }),
            },
            Type::Tuple(types) => {
                Value::Array(types.iter().map(|ty| self.value(ty)).collect::<Result<_, _>>()?)
            }
            Type::Array(inner, length) => Value::Array(self.list(inner, *length)?),
            Type::List(inner) | Type::Slice(inner) => {
                let length = self.length()?;
                Value::Array(self.list(inner, length)?)
            }
            Type::Set(_, inner) => {
                let length = self.length()?;
                let mut elements = self.list(inner, length)?;
                elements.sort_by_cached_key(Value::to_string);
                Value::Array(elements)
            }
            Type::Map(_, key, inner) => self.map(key, inner)?,
            Type::Reference(inner) => self.value(inner)?,
        })
    }

    fn map(&mut self, key: &Type, inner: &Type) -> Result<Value, String> {
        let length = self.length()?;
        let mut pairs = Vec::new();
        for _ in 0..length {
            pairs.push((self.value(key)?, self.value(inner)?));
        }
        pairs.sort_by_cached_key(|(key, _)| key.to_string());
        if pairs.iter().any(|(key, _)| !key.is_string()) {
            return Ok(pairs.into_iter().map(|(key, value)| json!([key, value])).collect());
        }
        let entries = pairs.into_iter().map(|(key, value)| match key {
            Value::String(key) => (key, value),
            other => (other.to_string(), value),
        });
        Ok(Value::Object(entries.collect::<Map<_, _>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::signature::Signature;
    use proptest::prelude::*;

    fn ty(text: &str) -> Type {
        Signature::parse(&format!("fn f() -> {text}")).unwrap().output
    }

    #[track_caller]
    fn round_trip(name: &str, value: Value) {
        let ty = ty(name);
        let mut bytes = Vec::new();
        encode(&ty, &value, &mut bytes).unwrap();
        assert_eq!(decode(&ty, &bytes).unwrap(), value, "{name}");
    }

    #[test]
    fn values_survive_a_round_trip() {
        round_trip("i8", json!(-128));
        round_trip("u64", json!(u64::MAX));
        round_trip("i128", json!(i128::MIN.to_string()));
        round_trip("u128", json!(u128::MAX.to_string()));
        round_trip("f64", json!("NaN"));
        round_trip("f32", json!("-inf"));
        round_trip("(char, bool, ())", json!(["é", true, null]));
        round_trip("Option<Option<u8>>", json!({ "Some": null }));
        round_trip("Option<Option<Option<u8>>>", json!({ "Some": { "Some": null } }));
        round_trip("Option<u8>", json!(3));
        round_trip("Result<String, i32>", json!({ "Err": 3 }));
        round_trip("[Vec<u8>; 2]", json!([[1, 2], []]));
        round_trip("HashMap<String, f64>", json!({ "a": 1.5 }));
        round_trip("BTreeMap<u8, char>", json!([[1, "a"], [2, "b"]]));
        round_trip("HashSet<(u8, u8)>", json!([[1, 2], [3, 4]]));
        round_trip("HashMap<char, HashSet<u32>>", json!({ "a": [1, 2] }));
    }

    #[test]
    fn a_value_of_another_type_is_named() {
        for (name, value) in [
            ("u8", json!(256)),
            ("u8", json!(-1)),
            ("i8", json!(128)),
            ("i32", json!(1.5)),
            ("char", json!("ab")),
            ("Vec<u8>", json!({})),
            ("(u8, u8)", json!([1])),
            ("[u8; 2]", json!([1, 2, 3])),
            ("Result<u8, u8>", json!(1)),
            ("f64", json!("a lot")),
        ] {
            let error = encode(&ty(name), &value, &mut Vec::new()).unwrap_err();
            assert!(error.contains("is not a `"), "{name}: {error}");
        }
    }

    #[test]
    fn bad_bytes_are_refused() {
        for (name, bytes) in [
            ("bool", &[2][..]),
            ("u32", &[0, 0, 0]),
            ("u8", &[1, 2]),
            ("String", &[1, 0, 0, 0, 0xff]),
            ("char", &[0, 0xd8, 0, 0]),
            ("Vec<u64>", &[0xff; 8]),
            ("Vec<()>", &[0xff; 4]),
            ("Option<u8>", &[7, 0]),
        ] {
            assert!(decode(&ty(name), bytes).is_err(), "{name} {bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            for name in ["Vec<Option<String>>", "HashMap<String, Vec<f64>>", "(u128, [char; 2])"] {
                let ty = ty(name);
                if let Ok(value) = decode(&ty, &bytes) {
                    let mut again = Vec::new();
                    encode(&ty, &value, &mut again).unwrap();
                    prop_assert_eq!(decode(&ty, &again).unwrap(), value);
                }
            }
        }
    }
}
