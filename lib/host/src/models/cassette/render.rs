//! Writes a cassette so that a person can read it and a diff is short.

use code_evolution_wire::model::{DEFAULT_MAX_TOKENS, Message, Role, Usage};
use toml_edit::{ArrayOfTables, InlineTable, Item, Table};

use super::exchange::{Reply, Request};
use super::file::Cassette;
use super::items::{calls, extra, json_text, plain, text_item, turn};

impl Cassette {
    /// Returns the cassette's text; [`Cassette::parse`] reads it back unchanged.
    pub fn render(&self) -> String {
        let mut document = toml_edit::DocumentMut::new();
        document.insert("kind", toml_edit::value(self.kind.name()));
        for (key, text) in [("model", &self.model), ("date", &self.date), ("note", &self.note)] {
            if let Some(text) = text {
                document.insert(key, text_item(text));
            }
        }
        if let Some(questions) = self.choices.questions_item() {
            document.insert("questions", questions);
        }
        let exchanges: ArrayOfTables = self
            .exchanges
            .iter()
            .map(|exchange| {
                let mut table = Table::new();
                for (key, item) in request_items(&exchange.request) {
                    table.insert(key, item);
                }
                table.insert("replies", replies_item(&exchange.replies));
                table
            })
            .collect();
        document.insert("exchange", Item::ArrayOfTables(exchanges));
        document.insert("choice", self.choices.prompts_item());
        document.to_string()
    }
}

/// The keys that a request may have in the file, in order.
pub(super) const REQUEST_KEYS: [&str; 7] =
    ["system", "prompt", "temperature", "max_tokens", "tools", "schema", "history"];

/// Writes a request as the file's keys.
pub(super) fn request_items(request: &Request) -> Vec<(&'static str, Item)> {
    let mut items = Vec::new();
    let mut middle = request.messages.as_slice();
    if let [first, rest @ ..] = middle
        && first.role == Role::System
        && plain(first)
    {
        items.push(("system", text_item(&first.content)));
        middle = rest;
    }
    if let [rest @ .., last] = middle
        && last.role == Role::User
        && plain(last)
    {
        items.push(("prompt", text_item(&last.content)));
        middle = rest;
    }
    if let Some(temperature) = request.temperature {
        items.push(("temperature", toml_edit::value(temperature)));
    }
    if request.max_tokens != DEFAULT_MAX_TOKENS {
        items.push(("max_tokens", toml_edit::value(i64::from(request.max_tokens))));
    }
    if !request.tools.is_empty() {
        items.push(("tools", text_item(&json_text(&request.tools))));
    }
    if let Some(schema) = &request.schema {
        items.push(("schema", text_item(&json_text(schema))));
    }
    if !middle.is_empty() {
        let turns: ArrayOfTables = middle.iter().map(turn_table).collect();
        items.push(("history", Item::ArrayOfTables(turns)));
    }
    items
}

fn turn_table(message: &Message) -> Table {
    let mut table = Table::new();
    for (key, value) in turn(message) {
        table.insert(key, Item::Value(value));
    }
    table
}

fn replies_item(replies: &[Reply]) -> Item {
    let tables: ArrayOfTables = replies
        .iter()
        .map(|reply| {
            let mut table = Table::new();
            table.insert("text", text_item(&reply.text));
            if !reply.thinking.is_empty() {
                table.insert("thinking", text_item(&reply.thinking));
            }
            table.insert("finish_reason", toml_edit::value(&reply.finish_reason));
            if reply.usage != Usage::default() {
                let mut usage = InlineTable::new();
                // TOML's integers are signed; no token count is that large.
                let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
                usage.insert("input_tokens", count(reply.usage.input_tokens).into());
                usage.insert("output_tokens", count(reply.usage.output_tokens).into());
                table.insert("usage", toml_edit::value(usage));
            }
            if let Some(model) = &reply.model {
                table.insert("model", toml_edit::value(model));
            }
            if !reply.tool_calls.is_empty() {
                table.insert("tool_calls", toml_edit::value(calls(&reply.tool_calls)));
            }
            if !reply.extra.is_empty() {
                table.insert("extra", extra(&reply.extra).into());
            }
            table
        })
        .collect();
    Item::ArrayOfTables(tables)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::cassette::choices::Choices;
    use crate::models::cassette::exchange::canonical;
    use crate::models::cassette::{Exchange, Kind};
    use code_evolution_wire::model::{Tool, ToolCall};
    use proptest::prelude::*;
    use serde_json::Value;

    fn cassette(text: &str, finish_reason: &str) -> Cassette {
        let signed = |signature: &str| {
            let fields = serde_json::json!({"extra_content": {"google": {"thought_signature": signature}}, "odd": null});
            fields.as_object().unwrap().clone()
        };
        let call = |arguments| ToolCall {
            extra: signed("b3du/+=="),
            ..ToolCall::new("call_1", "count", arguments)
        };
        let request = Request {
            messages: vec![
                Message::new(Role::System, "You write Rust."),
                Message::new(Role::User, "First\nquestion"),
                Message {
                    tool_calls: vec![
                        call(Value::from("not {json")),
                        call(serde_json::json!({"of": [1]})),
                    ],
                    extra: signed("'''\n\"quoted\""),
                    ..Message::new(Role::Assistant, "")
                },
                Message { tool_call_id: Some("call_1".into()), ..Message::new(Role::Tool, "3") },
                Message::new(Role::User, "And\r\nnow?"),
            ],
            temperature: Some(0.7),
            max_tokens: 50,
            tools: vec![Tool {
                name: "count".into(),
                description: "Counts.".into(),
                parameters: serde_json::json!({"type": "object"}),
            }],
            schema: Some(serde_json::json!({"type": "object"})),
        };
        let reply = Reply {
            text: text.to_owned(),
            thinking: text.to_owned(),
            finish_reason: finish_reason.to_owned(),
            usage: Usage { input_tokens: 3, output_tokens: 4 },
            model: Some("m".to_owned()),
            tool_calls: vec![call(Value::from("3"))],
            extra: signed("of the message"),
        };
        let request = Request {
            messages: request
                .messages
                .into_iter()
                .map(|m| Message { content: canonical(&m.content), ..m })
                .collect(),
            ..request
        };
        Cassette {
            kind: Kind::Recording,
            model: Some("m".into()),
            date: Some("2026-11-27".into()),
            note: None,
            exchanges: vec![Exchange { request, replies: vec![reply.clone(), reply] }],
            choices: Choices::default(),
        }
    }

    #[test]
    fn written_cassettes_are_read_back() {
        for text in [
            "plain",
            "",
            "two\nlines\n",
            "'''\nquotes '''",
            "ends in '",
            "\u{1b}[31m\r\n\t\0é",
            "a\\b\n\"\"\"",
        ] {
            let cassette = cassette(text, "stop");
            let written = cassette.render();
            assert_eq!(Cassette::parse(&written).unwrap(), cassette, "{written}");
        }
    }

    #[test]
    fn code_is_written_as_it_is_read() {
        let written =
            cassette("```rust\nfn one() -> &'static str {\n    \"1\\n\"\n}\n```\n", "stop")
                .render();
        assert!(
            written.contains(
                "text = '''\n```rust\nfn one() -> &'static str {\n    \"1\\n\"\n}\n```\n'''\n"
            ),
            "{written}"
        );
    }

    /// Makes texts with the characters that TOML's strings treat specially.
    fn text() -> impl Strategy<Value = String> {
        let pieces = vec![
            "\n",
            "\r\n",
            "\r",
            "'",
            "\'\'\'",
            "\"",
            "\"\"\"",
            "\\",
            "\t",
            "\0",
            "\u{7f}",
            "é",
            "a",
            " ",
            "# ",
            "[[exchange]]",
            "\u{feff}",
        ];
        prop::collection::vec(prop::sample::select(pieces), 0..12)
            .prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_text_is_read_back(prompt in text(), reply in text(), history in prop::collection::vec(text(), 0..3)) {
            let mut messages: Vec<Message> =
                history.iter().map(|text| Message::new(Role::Assistant, canonical(text))).collect();
            messages.push(Message::new(Role::User, canonical(&prompt)));
            let request = Request { messages, temperature: None, max_tokens: 1, tools: Vec::new(), schema: None };
            let reply = Reply { text: reply, finish_reason: "stop".into(), ..Reply::default() };
            let exchange = Exchange { request, replies: vec![reply] };
            let cassette = Cassette { kind: Kind::Script, model: None, date: None, note: None, exchanges: vec![exchange], choices: Choices::default() };
            let written = cassette.render();
            prop_assert_eq!(Cassette::parse(&written), Ok(cassette), "{}", written);
        }
    }
}
