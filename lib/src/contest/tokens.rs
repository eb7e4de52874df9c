//! A text as words and numbers, without its format.

use serde_json::Value;

use crate::source::without_comments;

/// Returns the words and numbers of a text, in order and in lower case, without punctuation and white
/// space. A number loses its underscores, its type suffix and zeros after the point; `i64::MAX` and `0x1F`
/// become their values. Characters of no width and full-width digits make no difference.
pub(super) fn tokens(text: &str) -> Vec<String> {
    let text = plain(text);
    let mut found: Vec<String> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let start = at;
        let is_digit = |at: usize| text.get(at).is_some_and(char::is_ascii_digit);
        if text[at].is_alphanumeric() || text[at] == '_' {
            while text.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                at += 1;
                // `3.5` and `1.0` are one number each; `0..5` and `4.max(3)` are not.
                if is_digit(start) && text.get(at) == Some(&'.') && is_digit(at + 1) {
                    at += 1;
                }
            }
            let word: String = text[start..at].iter().flat_map(|c| c.to_lowercase()).collect();
            found.push(if is_digit(start) { number(&word, sign(&text, start)) } else { word });
            join_limit(&mut found);
        } else {
            at += 1;
        }
    }
    found.retain(|token| !token.trim_matches('_').is_empty());
    found
}

/// Returns the words of a text in several readings: as it is; without comments between the words; without
/// the numbers of list items; with spelled-out words joined.
pub(super) fn readings(text: &str) -> Vec<Vec<String>> {
    let whole = tokens(text);
    let lines: Vec<&str> = text.lines().map(without_list_number).collect();
    let others = [tokens(&without_comments(text)), tokens(&lines.join("\n")), join_letters(&whole)];
    let mut readings = vec![whole];
    for other in others {
        if !readings.contains(&other) {
            readings.push(other);
        }
    }
    readings
}

/// Removes the number of a list item: `2. seven` and `2) seven` become `seven`.
fn without_list_number(line: &str) -> &str {
    let after = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    let is_item = after.len() < line.trim_start().len();
    let rest = after.strip_prefix(['.', ')']).filter(|rest| rest.starts_with(char::is_whitespace));
    rest.filter(|_| is_item).unwrap_or(line)
}

/// Joins single letters, three or more in a row: `o`, `u`, `i` become `oui`.
fn join_letters(words: &[String]) -> Vec<String> {
    let is_letter = |word: &String| word.chars().count() == 1 && !is_number(word);
    let runs = words.chunk_by(|one, next| is_letter(one) && is_letter(next));
    let joined = runs.flat_map(|run| match run {
        [_, _, _, ..] => vec![run.concat()],
        _ => run.to_vec(),
    });
    joined.collect()
}

/// Removes differences that do not change what a text says: full-width characters become the usual ones,
/// characters without width disappear, and a written-out `\n`, `\r` or `\t` becomes a space.
fn plain(text: &str) -> Vec<char> {
    let mut plain = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' if matches!(rest.peek(), Some('n' | 'r' | 't')) => {
                rest.next();
                plain.push(' ');
            }
            '\u{ff01}'..='\u{ff5e}' => plain.extend(char::from_u32(u32::from(c) - 0xfee0)),
            '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' => {}
            '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => {}
            _ => plain.push(c),
        }
    }
    plain
}

/// Returns `-` if a minus stands right before a number and no word or number stands before the minus.
fn sign(text: &[char], start: usize) -> &'static str {
    let before = |back: usize| start.checked_sub(back).and_then(|at| text.get(at));
    let is_minus = matches!(before(1), Some('-' | '−'));
    let joins = before(2).is_some_and(|c| c.is_alphanumeric() || matches!(c, ')' | ']' | '_'));
    if is_minus && !joins { "-" } else { "" }
}

/// Writes a number without the parts that do not change its value.
fn number(word: &str, sign: &str) -> String {
    let mut digits = word.replace('_', "");
    if let Some(value) = other_base(&digits).or_else(|| exponent(&digits)) {
        return format!("{sign}{value}");
    }
    for suffix in ["i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64"] {
        digits = digits.strip_suffix(suffix).unwrap_or(&digits).to_owned();
        let unsigned = suffix.replace('i', "u");
        digits = digits.strip_suffix(unsigned.as_str()).unwrap_or(&digits).to_owned();
    }
    if digits.contains('.') {
        digits = digits.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    match digits.trim_start_matches('0') {
        "" if digits.contains('0') => "0".to_owned(),
        rest if rest.starts_with('.') => format!("{sign}0{rest}"),
        rest => format!("{sign}{rest}"),
    }
}

/// Returns the value of `0x1f`, `0o17` or `0b11`, with or without its type.
fn other_base(digits: &str) -> Option<String> {
    let bases = [("0x", 16), ("0o", 8), ("0b", 2)];
    let (prefix, base) = bases.iter().find(|(prefix, _)| digits.starts_with(prefix))?;
    let digits = &digits[prefix.len()..];
    let digits = digits.split_once(['i', 'u']).map_or(digits, |(digits, _)| digits);
    Some(u128::from_str_radix(digits, *base).ok()?.to_string())
}

/// Returns the value of `2.5e3`.
fn exponent(digits: &str) -> Option<String> {
    let value = digits.contains('e').then(|| digits.parse::<f64>().ok())??;
    value.is_finite().then(|| value.to_string())
}

/// Replaces `i64`, `max` at the end of the list by the number that they name.
fn join_limit(found: &mut Vec<String>) {
    let [.., of, which] = found.as_slice() else { return };
    let limit = match (of.as_str(), which.trim_end_matches("_value")) {
        ("i8", "max") => i8::MAX.to_string(),
        ("i8", "min") => i8::MIN.to_string(),
        ("i16", "max") => i16::MAX.to_string(),
        ("i16", "min") => i16::MIN.to_string(),
        ("i32", "max") => i32::MAX.to_string(),
        ("i32", "min") => i32::MIN.to_string(),
        ("i64", "max") => i64::MAX.to_string(),
        ("i64", "min") => i64::MIN.to_string(),
        ("u8", "max") => u8::MAX.to_string(),
        ("u16", "max") => u16::MAX.to_string(),
        ("u32", "max") => u32::MAX.to_string(),
        ("u64" | "usize", "max") => u64::MAX.to_string(),
        _ => return,
    };
    found.truncate(found.len() - 2);
    found.push(limit);
}

/// Returns the words and numbers of a case's value, in order; `None` counts as a word.
pub(super) fn of_value(value: &Value) -> Vec<String> {
    match value {
        Value::Null => vec!["none".to_owned()],
        Value::String(text) => tokens(text),
        Value::Array(items) => items.iter().flat_map(of_value).collect(),
        Value::Object(fields) => fields.values().flat_map(of_value).collect(),
        Value::Bool(_) | Value::Number(_) => tokens(&value.to_string()),
    }
}

/// Returns whether a token is a number.
pub(super) fn is_number(token: &str) -> bool {
    token.strip_prefix('-').unwrap_or(token).starts_with(|c: char| c.is_ascii_digit())
}

/// Returns the index at which `part` begins in `whole`; `None` if it is empty or not there in one run.
pub(super) fn find(whole: &[String], part: &[String]) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    whole.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_format_does_not_count() {
        let same = ["[5, 3, -7], 10", "vec![5i64,3,\n -7 ] , 10_i64", "5.0; 03 −7 `1_0`"];
        for text in same {
            let numbers: Vec<String> =
                tokens(text).into_iter().filter(|token| is_number(token)).collect();
            assert_eq!(numbers, ["5", "3", "-7", "10"], "{text}");
        }
        assert_eq!(tokens("\"Was it a CAR?\""), ["was", "it", "a", "car"]);
        assert_eq!(tokens("i64::MAX - u8::MAX"), ["9223372036854775807", "255"]);
        assert_eq!(
            tokens("0..5, 4.max(3), x-1, 2.50"),
            ["0", "5", "4", "max", "3", "x", "1", "2.5"]
        );
    }

    #[test]
    fn a_value_and_its_text_give_the_same_tokens() {
        assert_eq!(of_value(&json!([["a", 1], ["b", -2]])), ["a", "1", "b", "-2"]);
        assert_eq!(of_value(&json!(2147483647.0)), tokens("i32::MAX"));
        assert_eq!(of_value(&json!(null)), ["none"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,40}|[-0-9._a-z:]{0,30}") {
            for token in tokens(&text) {
                prop_assert!(!token.is_empty() && !token.contains(char::is_whitespace));
            }
        }

        #[test]
        fn a_number_keeps_its_value(value in any::<i64>()) {
            prop_assert_eq!(of_value(&json!(value)), tokens(&format!("({value}_i64)")));
        }
    }
}
