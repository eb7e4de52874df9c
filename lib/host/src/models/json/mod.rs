//! Replies that must be JSON.
//!
//! Providers differ in how much of JSON Schema they enforce, and compatible servers enforce nothing. So the
//! schema goes into the prompt, and the reply is checked here. The check knows the keywords that a model's
//! structured reply needs (`type`, `properties`, `required`, `additionalProperties`, `items`, `enum`,
//! `const`, `anyOf`, and bounds on numbers, lengths and counts). It refuses a schema with any other
//! assertion, because it must not accept a value that it did not check. A complete validator would bring
//! fifty crates.

use code_evolution_wire::model::{Answer, Ask, Message, Role};
use serde_json::{Map, Value};

use super::{ModelError, meter, reply};

/// An answer with the turns that led to it: one turn, or two if the first had to be repaired.
pub(super) struct Conversation {
    pub(super) answer: Answer,
    pub(super) turns: Vec<(Ask, Answer)>,
}

/// Asks with `turn`, and asks once more if the reply does not satisfy the schema.
pub(super) fn converse(
    ask: &Ask,
    turn: impl Fn(&Ask) -> Result<Answer, ModelError>,
) -> Result<Conversation, ModelError> {
    if let Some(schema) = &ask.schema {
        supported(schema, "$").map_err(|why| {
            ModelError::Config(format!("the schema cannot be checked here: {why}; leave it out"))
        })?;
    }
    let first = turn(ask)?;
    let mut turns = vec![(ask.clone(), first.clone())];
    let to_read = first.tool_calls.is_empty() && first.is_answer();
    let Some(schema) = ask.schema.as_ref().filter(|_| to_read) else {
        return Ok(Conversation { answer: first, turns });
    };
    let problem = match read(&first.text, schema) {
        Ok(json) => return Ok(Conversation { answer: Answer { text: json, ..first }, turns }),
        Err(problem) => problem,
    };
    let mut again = ask.clone();
    again.messages.push(Message::from(&first));
    again.messages.push(Message::new(
        Role::User,
        format!(
            "That reply does not fit: {problem}. Answer again, with the corrected answer only."
        ),
    ));
    let second = turn(&again)?;
    turns.push((again, second.clone()));
    match read(&second.text, schema) {
        Ok(json) => {
            let note = match second.note {
                Some(note) => format!("repaired in a second turn; {note}"),
                None => "repaired in a second turn".to_owned(),
            };
            let mut answer = Answer { text: json, note: Some(note), ..second };
            answer.usage = meter::add(answer.usage, first.usage);
            Ok(Conversation { answer, turns })
        }
        Err(problem) => Err(ModelError::NoAnswer(format!(
            "the model's JSON does not fit, even after one repair: {problem}; ask again, or ask for less"
        ))),
    }
}

/// Tells a model about the schema.
pub(super) fn instruction(schema: &Value) -> String {
    if options(schema).is_some() {
        return format!("Answer with exactly one of these: {}", schema["enum"]);
    }
    format!("Answer with JSON only, without prose, that satisfies this JSON schema:\n{schema}")
}

/// Returns the texts of a schema that is a choice between texts and nothing else.
pub(super) fn options(schema: &Value) -> Option<Vec<&str>> {
    let keywords = schema.as_object().filter(|keywords| keywords.len() == 1)?;
    keywords.get("enum")?.as_array()?.iter().map(Value::as_str).collect()
}

/// Returns the option that a reply names, ignoring quotes, case and punctuation. An option that is only
/// mentioned does not count: "not positive" does not choose `positive`.
fn chosen<'a>(reply: &str, options: &[&'a str]) -> Option<&'a str> {
    let bare = |text: &str| text.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let exact = |text: &str| options.iter().copied().find(|option| *option == text);
    exact(reply.trim()).or_else(|| {
        let reply = bare(reply);
        let mut alike = options.iter().filter(|option| !reply.is_empty() && bare(option) == reply);
        // If two options differ only in case or punctuation, the choice is not certain.
        alike.next().copied().filter(|_| alike.next().is_none())
    })
}

/// Returns the JSON of a reply if it satisfies the schema; otherwise says what is wrong, for the model to
/// read.
fn read(reply: &str, schema: &Value) -> Result<String, String> {
    if let Some(options) = options(schema) {
        return match chosen(reply, &options) {
            Some(option) => Ok(Value::from(option).to_string()),
            None => Err(format!("it must be one of {}", schema["enum"])),
        };
    }
    let values = reply::json::values(reply, &[]);
    let problems = |value: &Value| {
        let mut problems = Vec::new();
        check(value, schema, "$", &mut problems);
        // More problems would only distract from the first.
        problems.truncate(5);
        problems
    };
    let fits = |value: &Value| problems(value).is_empty().then(|| value.clone());
    match reply::json::one(&values, fits, Value::clone) {
        Ok(value) => Ok(as_written(reply, &value)),
        Err(why) => match values.last().map(problems) {
            Some(problems) if !problems.is_empty() => Err(problems.join("; ")),
            _ => Err(why),
        },
    }
}

/// Returns a value as the reply writes it, or in its shortest form if the reply's JSON had errors.
fn as_written(reply: &str, value: &Value) -> String {
    let starts = reply.match_indices(['{', '[']).map(|(at, _)| at);
    let written = starts.into_iter().find_map(|at| {
        let mut values = serde_json::Deserializer::from_str(&reply[at..]).into_iter::<Value>();
        let found = values.next()?.ok()?;
        (found == *value).then(|| reply[at..at + values.byte_offset()].to_owned())
    });
    written.unwrap_or_else(|| value.to_string())
}

/// Keywords that only describe and assert nothing.
const ANNOTATIONS: [&str; 7] =
    ["title", "description", "$schema", "default", "examples", "$comment", "$id"];

/// Checks that every part of a schema is known to [`check`].
fn supported(schema: &Value, at: &str) -> Result<(), String> {
    let keywords = match schema {
        Value::Bool(_) => return Ok(()),
        Value::Object(keywords) => keywords,
        _ => return Err(format!("{at} is not a schema")),
    };
    for (keyword, value) in keywords {
        let keyword = keyword.as_str();
        let makes_sense = match keyword {
            "type" => types(value).is_some(),
            "properties" => value.is_object(),
            "required" => value.as_array().is_some_and(|names| names.iter().all(Value::is_string)),
            "enum" | "anyOf" => value.is_array(),
            "additionalProperties" | "items" | "const" => true,
            "minLength" | "maxLength" | "minItems" | "maxItems" => value.is_u64(),
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
            _ if ANNOTATIONS.contains(&keyword) => true,
            _ => return Err(format!("`{keyword}` at {at} is not supported")),
        };
        if !makes_sense {
            return Err(format!("`{keyword}` at {at} has a value that is not valid"));
        }
    }
    let properties = keywords.get("properties").and_then(Value::as_object);
    for (name, schema) in properties.into_iter().flatten() {
        supported(schema, &format!("{at}.{name}"))?;
    }
    for key in ["additionalProperties", "items"] {
        keywords.get(key).map_or(Ok(()), |schema| supported(schema, &format!("{at}.{key}")))?;
    }
    for schema in keywords.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        supported(schema, at)?;
    }
    Ok(())
}

const TYPES: [&str; 7] = ["null", "boolean", "integer", "number", "string", "array", "object"];

fn types(value: &Value) -> Option<Vec<&str>> {
    let names: Vec<&str> = match value {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().map(Value::as_str).collect::<Option<_>>()?,
        _ => return None,
    };
    names.iter().all(|name| TYPES.contains(name)).then_some(names)
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        // In JSON Schema, 3.0 is an integer.
        "integer" => {
            value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0)
        }
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    }
}

/// Adds what is wrong with the value to `problems`. The schema must be [`supported`].
fn check(value: &Value, schema: &Value, at: &str, problems: &mut Vec<String>) {
    let keywords = match schema {
        Value::Bool(false) => return problems.push(format!("{at} must not be there")),
        Value::Object(keywords) => keywords,
        _ => return,
    };
    if let Some(names) = keywords.get("type").and_then(types)
        && !names.iter().any(|name| is_type(value, name))
    {
        return problems.push(format!("{at} must be of type {}", names.join(" or ")));
    }
    if let Some(Value::Array(options)) = keywords.get("enum")
        && !options.contains(value)
    {
        problems.push(format!("{at} must be one of {}", Value::from(options.clone())));
    }
    if let Some(only) = keywords.get("const")
        && only != value
    {
        problems.push(format!("{at} must be {only}"));
    }
    if let Some(Value::Array(options)) = keywords.get("anyOf") {
        let fits = options.iter().any(|option| {
            let mut found = Vec::new();
            check(value, option, at, &mut found);
            found.is_empty()
        });
        if !fits {
            problems.push(format!("{at} fits none of its {} forms", options.len()));
        }
    }
    check_bounds(value, keywords, at, problems);
    match value {
        Value::Object(members) => check_members(members, keywords, at, problems),
        Value::Array(elements) => {
            let items = keywords.get("items").unwrap_or(&Value::Bool(true));
            for (position, element) in elements.iter().enumerate() {
                check(element, items, &format!("{at}[{position}]"), problems);
            }
        }
        _ => {}
    }
}

fn check_members(
    members: &Map<String, Value>,
    keywords: &Map<String, Value>,
    at: &str,
    problems: &mut Vec<String>,
) {
    let required = keywords.get("required").and_then(Value::as_array);
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            problems.push(format!("{at}.{name} is missing"));
        }
    }
    let properties = keywords.get("properties").and_then(Value::as_object);
    let others = keywords.get("additionalProperties").unwrap_or(&Value::Bool(true));
    for (name, member) in members {
        let schema = properties.and_then(|known| known.get(name)).unwrap_or(others);
        check(member, schema, &format!("{at}.{name}"), problems);
    }
}

fn check_bounds(
    value: &Value,
    keywords: &Map<String, Value>,
    at: &str,
    problems: &mut Vec<String>,
) {
    // The measured size, its name, and the keywords for its bounds: minimum, maximum, exclusive minimum,
    // exclusive maximum.
    let (measured, what, bounds) = match value {
        Value::Number(number) => {
            (number.as_f64(), "", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"])
        }
        Value::String(text) => (
            Some(text.chars().count() as f64),
            "the length of ",
            ["minLength", "maxLength", "", ""],
        ),
        Value::Array(list) => (
            Some(list.len() as f64),
            "the number of elements of ",
            ["minItems", "maxItems", "", ""],
        ),
        _ => return,
    };
    let Some(measured) = measured else { return };
    let words = ["at least", "at most", "more than", "less than"];
    for (position, (keyword, words)) in bounds.into_iter().zip(words).enumerate() {
        let Some(bound) = keywords.get(keyword).and_then(Value::as_f64) else { continue };
        let fits = match position {
            0 => measured >= bound,
            1 => measured <= bound,
            2 => measured > bound,
            _ => measured < bound,
        };
        if !fits {
            problems.push(format!("{what}{at} must be {words} {bound}"));
        }
    }
}

#[cfg(test)]
mod tests;
