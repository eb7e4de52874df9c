use std::cell::Cell;

use code_evolution_wire::model::{Fit, Mode, Usage};
use serde_json::json;

use super::*;

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "score": {"type": "integer", "minimum": 0, "maximum": 10},
            "tags": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2},
            "why": {"type": ["string", "null"], "minLength": 2},
        },
        "required": ["score"],
        "additionalProperties": false,
    })
}

#[test]
fn replies_that_fit() {
    for reply in [
        r#"{"score": 3}"#,
        "Sure:\n```json\n{\"score\": 3.0, \"why\": null}\n```\nDone.",
        "Hm {: {\"score\": 0, \"tags\": [\"a\", \"b\"], \"why\": \"ok\"}",
    ] {
        let text = read(reply, &schema()).unwrap();
        assert!(text.starts_with('{') && text.ends_with('}'), "{text}");
    }
}

#[test]
fn thinking_inside_a_string_is_text() {
    let reply = r#"{"why": "<think>a</think> b"}"#;
    assert_eq!(read(reply, &json!({"required": ["why"]})).unwrap(), reply);
}

#[test]
fn a_choice_is_read_despite_quotes_case_and_full_stop() {
    let schema = json!({"enum": ["positive", "negative", "+", "Plus", "plus"]});
    for (reply, option) in [
        ("positive", "positive"),
        ("\"Negative\"\n", "negative"),
        ("**Positive.**", "positive"),
        (" + ", "+"),
        ("plus", "plus"),
    ] {
        assert_eq!(read(reply, &schema).unwrap(), format!("\"{option}\""), "{reply}");
    }
    for reply in ["not positive", "positive or negative", "", "-", "PLUS"] {
        assert!(read(reply, &schema).unwrap_err().contains("one of"), "{reply}");
    }
}

#[test]
fn replies_that_do_not_fit_say_where() {
    for (reply, problem) in [
        ("no", "holds no JSON"),
        ("{score: 3}", "holds no JSON"),
        ("{\"score\": 3}\n{\"score\": 4}", "two that differ"),
        ("[1]", "$ must be of type object"),
        ("{}", "$.score is missing"),
        (r#"{"score": 3.5}"#, "$.score must be of type integer"),
        (r#"{"score": 11}"#, "$.score must be at most 10"),
        (r#"{"score": 1, "tags": ["a", "c"]}"#, r#"$.tags[1] must be one of ["a","b"]"#),
        (
            r#"{"score": 1, "tags": ["a", "a", "b"]}"#,
            "number of elements of $.tags must be at most 2",
        ),
        (r#"{"score": 1, "why": "x"}"#, "length of $.why must be at least 2"),
        (r#"{"score": 1, "other": 1}"#, "$.other must not be there"),
    ] {
        let found = read(reply, &schema()).unwrap_err();
        assert!(found.contains(problem), "{reply}: {found}");
    }
}

#[test]
fn unsupported_schemas_are_refused() {
    for (schema, why) in [
        (json!({"pattern": "^a"}), "`pattern` at $ is not supported"),
        (json!({"properties": {"a": {"$ref": "#"}}}), "`$ref` at $.a"),
        (json!({"type": "text"}), "`type` at $ has a value that is not valid"),
        (json!({"items": {"anyOf": [{"format": "date"}]}}), "`format` at $.items"),
        (json!([]), "$ is not a schema"),
    ] {
        let found = supported(&schema, "$").unwrap_err();
        assert!(found.contains(why), "{schema}: {found}");
    }
}

fn answers(replies: &[&str]) -> (Result<Conversation, ModelError>, usize) {
    let asked = Cell::new(0);
    let ask = Ask { schema: Some(schema()), ..Ask::new("score it") };
    let conversation = converse(&ask, |_| {
        let text = replies[asked.replace(asked.get() + 1)].to_owned();
        Ok(Answer {
            text,
            thinking: String::new(),
            tool_calls: Vec::new(),
            model: "m".into(),
            mode: Mode::Live,
            note: None,
            finish_reason: "stop".into(),
            usage: Usage { input_tokens: 1, output_tokens: 1 },
            extra: Map::new(),
            failure: None,
            fit: Fit::Exact,
            date: None,
        })
    });
    (conversation, asked.get())
}

#[test]
fn a_wrong_reply_gets_one_turn_of_repair() {
    let (conversation, asked) = answers(&["{}", "```json\n{\"score\": 1}\n```"]);
    let conversation = conversation.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((conversation.answer.text.as_str(), asked), ("{\"score\": 1}", 2));
    assert_eq!(conversation.answer.usage.input_tokens, 2);
    let repair = &conversation.turns[1].0.messages;
    assert_eq!(repair[1].content, "{}");
    assert!(repair[2].content.contains("$.score is missing"));
    let (failed, asked) = answers(&["{}", "{}"]);
    assert_eq!(asked, 2);
    assert!(failed.err().unwrap().message().contains("even after one repair: $.score is missing"));
}
