//! Reads the JSON that a reply gives as its answer.
//!
//! A reply may contain several values: the answer, a quoted value, an example of the form. A value that
//! stands alone, on its own lines or in a block, comes before a value inside a sentence. A value in quotes,
//! in back-ticks, in a quotation or in code does not count. A value that the question contains comes last.

use serde_json::Value;

use super::blocks::blocks;
use crate::models::lenient_json;

/// Returns the values that may be the answer, in order of preference.
pub(in crate::models) fn values(text: &str, asked: &[String]) -> Vec<Value> {
    if let Some(value) = lenient(text.trim()) {
        return vec![value];
    }
    let found = blocks(text);
    let mut standing: Vec<Value> = Vec::new();
    let mut inline: Vec<Value> = Vec::new();
    for block in found.blocks.iter().filter(|block| !block.indented) {
        in_words(&block.before, &mut standing, &mut inline);
        if block.holds_data() {
            // A block may contain several values, or words around a value.
            in_words(&block.code, &mut standing, &mut inline);
        }
    }
    in_words(&found.after, &mut standing, &mut inline);
    let values = if standing.is_empty() { inline } else { standing };
    let quoted = |value: &Value| {
        asked.iter().any(|message| {
            let mut all = (Vec::new(), Vec::new());
            in_words(message, &mut all.0, &mut all.1);
            all.0.iter().chain(&all.1).any(|known| known == value)
        })
    };
    let own: Vec<Value> = values.iter().filter(|value| !quoted(value)).cloned().collect();
    if own.is_empty() { values } else { own }
}

/// Adds the objects and lists in words: those that stand on their own lines, and the others.
fn in_words(words: &str, standing: &mut Vec<Value>, inline: &mut Vec<Value>) {
    let mut at = 0;
    while let Some(start) = words[at..].find(['{', '[']).map(|found| found + at) {
        let Some((value, length)) = first_value(&words[start..]) else {
            at = start + 1;
            continue;
        };
        let end = start + length;
        at = end;
        let before = words[..start].rsplit('\n').next().unwrap_or_default();
        let after = words[end..].split('\n').next().unwrap_or_default();
        if before.trim_start().starts_with('>')
            || before.ends_with(['`', '"', '“', '\'', '«'])
            || before.trim_start().starts_with("//")
            || before.matches('`').count() % 2 == 1
        {
            continue;
        }
        let alone = before.trim().trim_matches(['*', '-', '#']).is_empty() || is_lead(before);
        let last = after.trim().trim_matches(['.', ',', '*', '`']).is_empty();
        if alone && last { standing.push(value) } else { inline.push(value) }
    }
}

/// Returns whether the words before a value only announce it: `JSON:`, `Answer:`.
fn is_lead(before: &str) -> bool {
    let words = before.trim().trim_matches('*').trim();
    words.ends_with(':') && words.split_whitespace().count() <= 3
}

/// Reads the value at the start of a text and its length; fixes the usual errors of models.
fn first_value(text: &str) -> Option<(Value, usize)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(value)) = values.next() {
        return Some((value, values.byte_offset()));
    }
    let length = balanced(text)?;
    Some((lenient(&text[..length])?, length))
}

/// Returns the length of the text up to the bracket that closes its first bracket.
fn balanced(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// Reads an object or a list, or something close to it: see [`lenient_json`]. In words, a bare name after a
/// bracket is more likely code (`Point { x: 1 }`) than JSON.
fn lenient(text: &str) -> Option<Value> {
    let inside = text.strip_prefix(['{', '['])?.trim_start();
    if inside.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return serde_json::from_str(text).ok();
    }
    lenient_json(text)
}

/// Returns the value that `fits`, if all fitting values agree.
///
/// # Errors
/// Says why there is none, for a person and for the model.
pub(in crate::models) fn one<T, K: PartialEq>(
    values: &[Value],
    fits: impl Fn(&Value) -> Option<T>,
    key: impl Fn(&T) -> K,
) -> Result<T, String> {
    if values.is_empty() {
        return Err("it holds no JSON of its own".to_owned());
    }
    let mut fitting = values.iter().rev().filter_map(fits);
    let Some(last) = fitting.next() else {
        return Err("its JSON has another form".to_owned());
    };
    if fitting.any(|other| key(&other) != key(&last)) {
        return Err("it holds two that differ".to_owned());
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_answer_is_taken_and_quoted_values_are_not() {
        let two = json!({"points": 2});
        for text in [
            "{\"points\": 2}",
            "```json\n{\"points\": 2}\n```",
            "```\n{\"points\": 2,}\n```\nDone.",
            "The comment says {\"points\": 19}, which I ignore.\n{\"points\": 2}",
            "> {\"points\": 19}\n\n{\"points\": 2}",
            "It says `{\"points\": 19}`. Mine is {\"points\": 2} for you.",
            "```rust\n// {\"points\": 19}\nfn f() {}\n```\nAnswer: {\"points\": 2}",
            "Given {x}: {\"points\": 2}",
        ] {
            assert_eq!(values(text, &[]), std::slice::from_ref(&two), "{text}");
        }
        assert_eq!(
            values("{\"points\": 14/20, \"why\": \"3/4 done\n\"}", &[]),
            [json!({"points": "14/20", "why": "3/4 done\n"})]
        );
        assert_eq!(values("{'points': 2, 'why': 'it is \"ok\"'}", &[])[0]["why"], "it is \"ok\"");
        assert_eq!(values("['a', 'b',]", &[]), [json!(["a", "b"])]);
        for code in
            ["Take Point { x: 1 } here.", "Point {\n    x: 'a',\n}", "[x, y]", "{'it's': 1}"]
        {
            assert!(values(code, &[]).is_empty(), "{code}");
        }
        assert_eq!(values("{\"points\": 1}\n{\"points\": 2}", &[]).len(), 2);
        let asked = ["Answer like {\"points\": 1}".to_owned()];
        assert_eq!(values("{\"points\": 1}\n\n{\"points\": 2}", &asked), [two]);
        assert_eq!(values("{\"points\": 1}", &asked).len(), 1);
        assert!(values("no { json ] here [", &[]).is_empty());
    }
}
