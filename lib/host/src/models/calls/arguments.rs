//! Reads the arguments of a call as models write them.

use serde_json::{Map, Value};

/// Returns the object in a call's arguments, or the text itself if reading it would be a guess.
///
/// It accepts an object, also in a string or in a fence. The object may have trailing commas, single quotes,
/// bare names, `14/20` for a number (read as text), line breaks in a text, and Python's `True`, `False` and
/// `None`. It may be written twice, or after an empty object. An empty text is the empty object.
pub fn read(text: &str) -> Value {
    object(text, 3).map_or_else(|| Value::from(text), Value::Object)
}

fn object(text: &str, unwraps: u32) -> Option<Map<String, Value>> {
    let text = without_fence(text.trim());
    if text.is_empty() {
        return Some(Map::new());
    }
    let mut objects = Vec::new();
    for value in nearly(text)? {
        let members = match value {
            Value::Object(members) => members,
            Value::Null => Map::new(),
            Value::String(inner) if unwraps > 0 => object(&inner, unwraps - 1)?,
            _ => return None,
        };
        if !members.is_empty() && !objects.contains(&members) {
            objects.push(members);
        }
    }
    // Two different objects are two calls, and nobody knows which one was meant.
    if objects.len() > 1 { None } else { Some(objects.pop().unwrap_or_default()) }
}

/// Returns the only value in a text that is JSON or nearly JSON (see [`read`]); `None` if the value is not
/// certain.
pub fn lenient(text: &str) -> Option<Value> {
    let [value] = <[Value; 1]>::try_from(nearly(without_fence(text.trim()))?).ok()?;
    Some(value)
}

fn nearly(text: &str) -> Option<Vec<Value>> {
    values(text).or_else(|| values(&strict(text)?))
}

fn values(text: &str) -> Option<Vec<Value>> {
    serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().ok()
}

/// Returns the content of a fence if the whole text is one fence.
fn without_fence(text: &str) -> &str {
    let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) else {
        return text;
    };
    inner.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).trim()
}

/// Converts nearly-JSON to JSON; `None` if the end of a string is not certain.
fn strict(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '"' | '\'' => {
                let (string, after) = quoted(&rest[1..], c)?;
                out.push_str(&Value::from(string).to_string());
                rest = after;
            }
            ',' => {
                rest = rest[1..].trim_start();
                if !rest.starts_with(['}', ']']) {
                    out.push(',');
                }
            }
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'));
                let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
                let is_name = after.trim_start().starts_with(':');
                match word {
                    _ if is_name => out.push_str(&Value::from(word).to_string()),
                    "True" => out.push_str("true"),
                    "False" => out.push_str("false"),
                    "None" => out.push_str("null"),
                    word => out.push_str(word),
                }
                rest = after;
            }
            // Take the rest of a number too, so that its `e` is not read as a word.
            c if c.is_ascii_digit() => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || ".+-".contains(c)));
                let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
                let (text, after) = match share(number, after) {
                    Some((text, after)) => (Value::from(text).to_string(), after),
                    None => (number.to_owned(), after),
                };
                out.push_str(&text);
                rest = after;
            }
            c => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Some(out)
}

/// Reads `14/20` or `14 / 20`, which models write in place of a number; also returns the text after it.
fn share<'a>(number: &str, after: &'a str) -> Option<(String, &'a str)> {
    let of = after.trim_start().strip_prefix('/')?.trim_start();
    let end = of.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(of.len());
    (end > 0).then(|| (format!("{number}/{}", &of[..end]), &of[end..]))
}

/// Reads a string up to its closing quote; also returns the text after it. That text must begin with
/// something that can follow a string, because the end of `'it's'` is not certain.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => {
                let after = &text[at + 1..];
                let next = after.trim_start().chars().next();
                return next.is_none_or(|c| ",:}]".contains(c)).then_some((out, after));
            }
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                'u' => {
                    let code = text.get(at + 2..at + 6)?;
                    out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    chars.nth(3)?;
                }
                c @ ('\\' | '/' | '"' | '\'') => out.push(c),
                _ => return None,
            },
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_as_models_write_them() {
        for (text, arguments) in [
            (r#"{"a": 30, "b": 4}"#, json!({"a": 30, "b": 4})),
            ("", json!({})),
            (" null ", json!({})),
            (r#""{\"a\": 30}""#, json!({"a": 30})),
            (r#""\"{\\\"a\\\": 30}\"""#, json!({"a": 30})),
            ("```json\n{\"a\": 30}\n```", json!({"a": 30})),
            ("```\n{\"a\": 30}```", json!({"a": 30})),
            ("```json {'a': 30,} ```", json!({"a": 30})),
            (r#"{"a": [1, 2, ], "b": 4, }"#, json!({"a": [1, 2], "b": 4})),
            ("{'a': 30, 'b': \"it's\"}", json!({"a": 30, "b": "it's"})),
            (r"{'a': 'it\'s'}", json!({"a": "it's"})),
            ("{a: 30, b_2: 1e5}", json!({"a": 30, "b_2": 1e5})),
            ("{'on': True, 'off': [False, None]}", json!({"on": true, "off": [false, null]})),
            ("{\"a\": \"True, None, 'x',}\",}", json!({"a": "True, None, 'x',}"})),
            ("{'text': 'zwei\nZeilen é \\u00e9'}", json!({"text": "zwei\nZeilen é é"})),
            ("{}{\"a\": 30}", json!({"a": 30})),
            ("{\"a\": 14/20, 'b': [1 / 2]}", json!({"a": "14/20", "b": ["1/2"]})),
            ("{\"a\": 30}{\"a\": 30}", json!({"a": 30})),
        ] {
            assert_eq!(read(text), arguments, "{text}");
        }
    }

    #[test]
    fn arguments_that_need_a_guess_stay_text() {
        for text in [
            r#"{"a": 30, "#,
            r#"{"a": 30"#,
            "[30, 4]",
            "30",
            "add(30, 4)",
            "{'a': 'it's'}",
            "{\"a\": 30}{\"a\": 31}",
            "a is 30",
            "{a: thirty}",
            "true",
            r"{'a': '\x41'}",
        ] {
            assert_eq!(read(text), Value::from(text), "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            "[a-z'\",:{}\\[\\]\\\\ \n\té]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-z' ]{1,4}", inner), 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn json_is_read_as_it_is(a in any_json()) {
            let arguments = json!({"a": a});
            let text = arguments.to_string();
            prop_assert_eq!(&read(&text), &arguments);
            prop_assert_eq!(&read(&Value::from(text.as_str()).to_string()), &arguments);
            let lenient = strict(&text).expect("JSON is nearly JSON");
            prop_assert_eq!(serde_json::from_str::<Value>(&lenient).expect("JSON"), arguments);
        }

        #[test]
        fn any_text_is_survived(text in "[{}\\[\\]'\",:`\\\\a-zA-Z0-9é \n.+-]{0,30}") {
            let arguments = read(&text);
            prop_assert!(arguments.is_object() || arguments == text.as_str());
        }
    }
}
