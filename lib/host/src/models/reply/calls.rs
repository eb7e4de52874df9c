//! Reads tool calls that a model wrote into its text and that its server did not read.
//!
//! Each family of models has its own form. Text in the tag of a call is always a call. Bare JSON or
//! `name(a=1)` is a call only if a tool of that name was offered, because it may also be the answer.

use code_evolution_wire::model::{Tool, ToolCall};
use serde_json::{Map, Value};

use super::harmony::tool_name;
use super::zones::{Zone, zones};

/// A text without its calls.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TextAndCalls {
    pub(super) text: String,
    pub(super) calls: Vec<ToolCall>,
    /// Texts that have the tag of a call but cannot be read as a call.
    pub(super) unread: Vec<String>,
}

/// The tags of calls: the start and the end.
const TAGS: [(&str, &str); 13] = [
    ("<tool_calls>", "</tool_calls>"),
    ("<tool_call>", "</tool_call>"),
    ("<function_calls>", "</function_calls>"),
    ("<function_call>", "</function_call>"),
    ("<minimax:tool_call>", "</minimax:tool_call>"),
    ("<function=", "</function>"),
    ("<invoke ", "</invoke>"),
    ("[TOOL_CALLS]", ""),
    ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ("<|tool_call_begin|>", "<|tool_call_end|>"),
    ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    ("<|tool_call|>", ""),
    ("<|python_tag|>", ""),
];

/// Removes the calls from a text.
pub(super) fn take(text: &str, offered: &[Tool]) -> TextAndCalls {
    let mut taken = TextAndCalls::default();
    let mut rest = text;
    while let Some((at, open, close)) = first(rest) {
        let body_from = at + if keeps_tag(open) { 0 } else { open.len() };
        let after = &rest[at + open.len()..];
        let (body_to, next) = match after.find(close).filter(|_| !close.is_empty()) {
            Some(end) => (at + open.len() + end, at + open.len() + end + close.len()),
            None => (rest.len(), rest.len()),
        };
        taken.text.push_str(rest[..at].trim_end());
        let body = &rest[body_from..body_to];
        let found = tagged(body, offered);
        if found.is_empty() && !body.trim().is_empty() {
            taken.unread.push(body.trim().to_owned());
        }
        taken.calls.extend(found);
        rest = &rest[next..];
        if !taken.text.is_empty() && !rest.trim().is_empty() {
            taken.text.push('\n');
            rest = rest.trim_start();
        }
    }
    taken.text.push_str(rest);
    if taken.calls.is_empty() && taken.unread.is_empty() {
        if let Some(calls) = bare(&taken.text, offered) {
            return TextAndCalls { calls, ..TextAndCalls::default() };
        }
    } else if taken.text.trim().is_empty() {
        taken.text.clear();
    }
    taken
}

/// Makes a call of this name; the arguments may be empty.
pub(super) fn call(name: &str, arguments: &str) -> ToolCall {
    let name = tool_name(name);
    let arguments = match arguments.trim() {
        "" => Value::Object(Map::new()),
        // Text that is not JSON stays text; the code that runs the tool tells the model.
        text => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
    };
    let arguments = match &arguments {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => object,
            _ => arguments,
        },
        _ => arguments,
    };
    ToolCall::new("", name, arguments)
}

/// Returns whether the tag itself contains the tool's name.
fn keeps_tag(open: &str) -> bool {
    matches!(open, "<function=" | "<invoke ")
}

/// Finds the first tag that is a call and not a mention: its position, and the tag that ends it.
fn first(text: &str) -> Option<(usize, &'static str, &'static str)> {
    let tags = TAGS
        .iter()
        .flat_map(|(open, close)| text.match_indices(open).map(move |(at, _)| (at, *open, *close)));
    let mut found: Vec<_> = tags.collect();
    if found.is_empty() {
        return None;
    }
    found.sort_by_key(|(at, ..)| *at);
    let zones = zones(text);
    let prose =
        |at: usize| zones.iter().any(|(zone, range)| *zone == Zone::Prose && range.contains(&at));
    found.into_iter().find(|(at, ..)| prose(*at))
}

/// Reads the calls inside a tag.
fn tagged(body: &str, offered: &[Tool]) -> Vec<ToolCall> {
    let mut calls = elements(body, "<function=", offered);
    if calls.is_empty() {
        calls = elements(body, "<invoke name=", offered);
    }
    if calls.is_empty() {
        calls = json_calls(body);
    }
    if calls.is_empty() {
        calls = named(body);
    }
    if calls.is_empty() {
        calls.extend(keyed(body, offered));
    }
    calls
}

/// Reads `<function=add>{"a": 1}</function>`, or the form with `<parameter=a>1</parameter>` inside.
fn elements(body: &str, open: &str, offered: &[Tool]) -> Vec<ToolCall> {
    let mut calls = Vec::new();
    for piece in body.split(open).skip(1) {
        let Some((name, inner)) = piece.split_once('>') else { continue };
        let name = name.trim().trim_matches(['"', '\'']);
        let inner = inner.split("</function>").next().unwrap_or_default();
        let inner = inner.split("</invoke>").next().unwrap_or_default();
        let mut arguments = Map::new();
        for parameter in inner.split("<parameter").skip(1) {
            let Some((key, value)) = parameter.split_once('>') else { continue };
            let key = key.trim_start_matches([' ', '=']).trim_start_matches("name=");
            let key = key.split_whitespace().next().unwrap_or_default().trim_matches(['"', '\'']);
            let value = value.split("</parameter>").next().unwrap_or_default();
            arguments.insert(key.to_owned(), typed(name, key, value, offered));
        }
        calls.push(if arguments.is_empty() {
            call(name, inner)
        } else {
            ToolCall::new("", tool_name(name), arguments.into())
        });
    }
    calls
}

/// Reads `add <arg_key>a</arg_key> <arg_value>1</arg_value>`.
fn keyed(body: &str, offered: &[Tool]) -> Option<ToolCall> {
    let (name, rest) = body.split_once("<arg_key>")?;
    let mut arguments = Map::new();
    for pair in rest.split("<arg_key>") {
        let (key, value) = pair.split_once("</arg_key>")?;
        let value = value.split_once("<arg_value>")?.1.split("</arg_value>").next()?;
        arguments.insert(key.trim().to_owned(), typed(name.trim(), key.trim(), value, offered));
    }
    Some(ToolCall::new("", tool_name(name), arguments.into()))
}

/// Converts a parameter that arrived as text: by its schema, else as JSON if it is JSON.
fn typed(tool: &str, key: &str, text: &str, offered: &[Tool]) -> Value {
    let text = text.strip_prefix('\n').unwrap_or(text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    let tool = offered.iter().find(|offered| offered.name == tool_name(tool));
    let kind = tool.and_then(|tool| tool.parameters.pointer(&format!("/properties/{key}/type")));
    if kind.is_some_and(|kind| kind == "string") {
        return text.into();
    }
    serde_json::from_str(text.trim()).unwrap_or_else(|_| text.into())
}

/// Reads the calls in one or several JSON values; none if any value is something else.
fn json_calls(text: &str) -> Vec<ToolCall> {
    let text = unfenced(text.trim());
    let values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let mut calls = Vec::new();
    for value in values {
        match value.ok().and_then(of_json) {
            Some(found) => calls.extend(found),
            None => return Vec::new(),
        }
    }
    calls
}

/// Returns the calls that a JSON value describes.
fn of_json(value: Value) -> Option<Vec<ToolCall>> {
    match value {
        Value::Array(list) if !list.is_empty() => {
            let calls: Option<Vec<_>> = list.into_iter().map(of_json).collect();
            Some(calls?.concat())
        }
        Value::Object(object) => {
            if let Some(calls) = object.get("tool_calls") {
                return of_json(calls.clone());
            }
            if let Some(inner @ Value::Object(_)) =
                object.get("function").or(object.get("tool_call"))
            {
                return of_json(inner.clone());
            }
            let text = |keys: &[&str]| keys.iter().find_map(|key| object.get(*key)?.as_str());
            let name = text(&["name", "tool", "function", "tool_name", "function_name"])?;
            let keys = ["arguments", "parameters", "args", "input", "tool_input"];
            let arguments = keys.iter().find_map(|key| object.get(*key))?;
            let arguments = match arguments {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some(vec![call(name, &arguments)])
        }
        _ => None,
    }
}

/// Reads calls as a name and an object: `add{"a": 1}`, `functions.add:0<|…|>{"a": 1}`, `add[ARGS]{"a": 1}`,
/// `function<｜tool▁sep｜>add` and a block of JSON.
fn named(body: &str) -> Vec<ToolCall> {
    let mut calls = Vec::new();
    let mut rest = body;
    while let Some(at) = rest.find('{') {
        let head = rest[..at].replace("[ARGS]", " ").replace("```json", " ").replace("```", " ");
        let words = head.split(|c: char| c.is_whitespace() || "<>|｜[],".contains(c));
        let is_name = |word: &&str| {
            !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c))
        };
        let marks =
            ["tool_call_argument_begin", "tool_call_begin", "tool_call_end", "function", "json"];
        let name = words.filter(is_name).rfind(|word| !marks.contains(word));
        let mut values =
            serde_json::Deserializer::from_str(&rest[at..]).into_iter::<Map<String, Value>>();
        let (Some(name), Some(Ok(arguments))) = (name, values.next()) else { break };
        let end = at + values.byte_offset();
        calls.push(call(name, &Value::Object(arguments).to_string()));
        rest = &rest[end..];
    }
    calls
}

/// Reads the whole text as calls of offered tools.
fn bare(text: &str, offered: &[Tool]) -> Option<Vec<ToolCall>> {
    let known = |call: &ToolCall| offered.iter().any(|tool| tool.name == call.name);
    let trimmed = unfenced(text.trim());
    let mut calls = json_calls(trimmed);
    if calls.is_empty() {
        calls.extend(action(trimmed));
    }
    if calls.is_empty() {
        calls = python(trimmed, offered).unwrap_or_default();
    }
    (!calls.is_empty() && calls.iter().all(known)).then_some(calls)
}

/// Reads `Action: add` and `Action Input: {"a": 1}`, which older kinds of agents write.
fn action(text: &str) -> Option<ToolCall> {
    let name = text.lines().find_map(|line| line.trim().strip_prefix("Action:"))?;
    let (_, input) = text.split_once("Action Input:")?;
    let input = input.trim();
    let mut values = serde_json::Deserializer::from_str(input).into_iter::<Map<String, Value>>();
    let arguments = values.next()?.ok()?;
    Some(call(name, &Value::Object(arguments).to_string()))
}

/// Reads `add(a=30, b=4)`, alone or in a list.
fn python(text: &str, offered: &[Tool]) -> Option<Vec<ToolCall>> {
    let text =
        text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).trim();
    let (name, rest) = text.split_once('(')?;
    let name = name.trim().trim_start_matches("print").trim_start_matches('(');
    offered.iter().find(|tool| tool.name == name)?;
    let inside = rest.strip_suffix(')')?;
    let mut arguments = Map::new();
    for pair in inside.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim().replace('\'', "\"");
        arguments.insert(key.trim().to_owned(), serde_json::from_str(&value).ok()?);
    }
    Some(vec![ToolCall::new("", name, arguments.into())])
}

/// Returns the content of a fence if the fence is the whole text.
fn unfenced(text: &str) -> &str {
    let inner = text.strip_prefix("```").and_then(|text| text.strip_suffix("```"));
    let inner =
        inner.filter(|inner| !inner.contains("```")).and_then(|inner| inner.split_once('\n'));
    inner.map_or(text, |(_, inner)| inner.trim())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn add() -> Vec<Tool> {
        let parameters = json!({"type": "object", "properties": {
            "a": {"type": "number"}, "b": {"type": "number"}, "text": {"type": "string"},
        }});
        vec![Tool { name: "add".into(), description: String::new(), parameters }]
    }

    #[test]
    fn calls_as_models_write_them() {
        let object = r#"{"name": "add", "arguments": {"a": 30, "b": 4}}"#;
        for text in [
            format!("<tool_call>{object}</tool_call>"),
            format!("<tool_call>\n{object}\n"),
            r#"<tool_call>{"name": "add", "arguments": "{\"a\": 30, \"b\": 4}"}</tool_call>"#.into(),
            "<tool_call>\n<function=add>\n<parameter=a>\n30\n</parameter>\n<parameter=b>\n4\n</parameter>\n</function>\n</tool_call>".into(),
            "<tool_call>add\n<arg_key>a</arg_key>\n<arg_value>30</arg_value>\n<arg_key>b</arg_key>\n<arg_value>4</arg_value>\n</tool_call>".into(),
            r#"<function=add>{"a": 30, "b": 4}</function>"#.into(),
            r#"<function_calls><invoke name="add"><parameter name="a">30</parameter><parameter name="b">4</parameter></invoke></function_calls>"#.into(),
            r#"<invoke name="add"><parameter name="a">30</parameter><parameter name="b">4</parameter></invoke>"#.into(),
            format!("[TOOL_CALLS][{object}]"),
            format!("[TOOL_CALLS] [{object}]"),
            r#"[TOOL_CALLS]add{"a": 30, "b": 4}"#.into(),
            r#"[TOOL_CALLS]add[ARGS]{"a": 30, "b": 4}"#.into(),
            r#"<|tool_calls_section_begin|><|tool_call_begin|>functions.add:0<|tool_call_argument_begin|>{"a": 30, "b": 4}<|tool_call_end|><|tool_calls_section_end|>"#.into(),
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>add\n```json\n{\"a\": 30, \"b\": 4}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>".into(),
            format!("<|python_tag|>{object}"),
            object.into(),
            object.replace("arguments", "parameters"),
            format!("```json\n{object}\n```"),
            format!(r#"{{"type": "function", "function": {object}}}"#),
            format!(r#"{{"tool_calls": [{object}]}}"#),
            "Thought: I add.\nAction: add\nAction Input: {\"a\": 30, \"b\": 4}".into(),
            "add(a=30, b=4)".into(),
            "```tool_code\nadd(a=30, b=4)\n```".into(),
        ] {
            let taken = take(&text, &add());
            let [call] = &taken.calls[..] else { panic!("{text}: {taken:?}") };
            assert_eq!((call.name.as_str(), &call.arguments), ("add", &json!({"a": 30, "b": 4})), "{text}");
            assert_eq!(taken.text, "", "{text}");
        }
    }

    #[test]
    fn words_beside_a_call_stay() {
        let text = "I add.\n<tool_call>{\"name\": \"add\", \"arguments\": {}}</tool_call>\n<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}}</tool_call>";
        let taken = take(text, &add());
        assert_eq!((taken.text.as_str(), taken.calls.len()), ("I add.\n", 2));
        let typed = take("<function=add><parameter=text>30</parameter></function>", &add());
        assert_eq!(typed.calls[0].arguments, json!({"text": "30"}));
    }

    #[test]
    fn other_text_stays_and_unread_calls_are_reported() {
        for text in [
            r#"{"name": "Ada", "arguments": {}}"#,
            r#"{"points": 3}"#,
            "the tag `<tool_call>` begins a call",
            "```rust\nlet tag = \"<tool_call>\";\n```",
            "subtract(a=1)",
        ] {
            let taken = take(text, &add());
            assert_eq!(
                (taken.text.as_str(), taken.calls.len(), taken.unread.len()),
                (text, 0, 0),
                "{text}"
            );
        }
        let cut = take("So:\n<tool_call>{\"name\": \"add\", \"argu", &add());
        assert_eq!((cut.text.as_str(), cut.unread.len()), ("So:", 1));
    }
}
