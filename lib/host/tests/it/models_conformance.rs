//! Runs the agent's conversation of notebook 3 against a server for each provider that is as strict as the
//! provider's documentation. The conversation has several turns, two calls at once, a missing tool, broken
//! arguments, and a second question.

use code_evolution_host::models::Models;
use code_evolution_wire::model::{Ask, Message, Role, ToolCall};
use serde_json::{Value, json};

use crate::models_conversations::{converse, tool};
use crate::models_server::*;
use crate::models_strict::{Ids, Strict, Wants};
use crate::models_strict_rows::STRICT;

fn run(call: &ToolCall) -> String {
    let number = |name: &str| match &call.arguments[name] {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    };
    match (call.name.as_str(), number("a"), number("b")) {
        ("add", Some(a), Some(b)) => (a + b).to_string(),
        ("multiply", Some(a), Some(b)) => (a * b).to_string(),
        (name, ..) => format!("error: there is no tool `{name}`; choose from add, multiply"),
    }
}

fn question(stream: bool) -> Ask {
    let number = json!({"type": "number"});
    let parameters = json!({"type": "object", "properties": {"a": number, "b": number}});
    let mut ask = Ask::new("How many eggs are in 7 boxes of 12?");
    ask.messages.insert(0, Message::new(Role::System, "Call tools; do not compute."));
    ask.tools = vec![tool("add", parameters.clone()), tool("multiply", parameters)];
    ask.temperature = Some(0.5);
    Ask { stream, ..ask }
}

/// Asks both questions, and returns the two answers.
#[track_caller]
fn talk(models: &Models, stream: bool) -> [String; 2] {
    let (first, mut ask) = converse(models, question(stream), &run);
    ask.messages.push(Message::new(Role::User, "And 30 and 4?"));
    let (second, _) = converse(models, ask, &run);
    [first.text, second.text]
}

#[test]
fn a_conversation_with_tools_against_every_provider() {
    for strict in STRICT {
        for stream in [false, true] {
            let server = strict.start();
            let models = Session::new(strict.provider, &server).open();
            let [first, second] = talk(&models, stream);
            let who = format!("{} {} stream: {stream}", strict.provider, strict.server);
            assert!(
                first.starts_with("it is error: the arguments of add are not a JSON object"),
                "{who}: {first}"
            );
            assert_eq!(second, "it is 34", "{who}");
            // There are six answers, and no request was refused.
            let meter = models.meter();
            assert_eq!((server.received().len(), meter.calls, meter.retries), (6, 6, 0), "{who}");
        }
    }
}

#[test]
fn every_row_has_a_strict_server() {
    let names = code_evolution_host::models::providers();
    let strict: Vec<&str> = STRICT.iter().map(|strict| strict.provider).collect();
    for name in names.iter().filter(|name| **name != "local") {
        assert!(strict.contains(name), "{name}");
    }
}

/// Returns a conversation that a strict server accepts, as it was sent.
fn good(strict: Strict) -> Value {
    let server = strict.start();
    talk(&Session::new(strict.provider, &server).open(), false);
    server.received().last().unwrap().body.clone()
}

#[test]
fn the_strict_servers_are_strict() {
    for strict in STRICT {
        let good = good(strict);
        assert_eq!(strict.check(&good), Ok(()));
        let mut messages = good["messages"].as_array().unwrap().iter();
        let called = messages.position(|message| message.get("tool_calls").is_some()).unwrap();
        let mut wrongs: Vec<(&str, Value)> = Vec::new();
        let mut wrong = |what: &'static str, change: &dyn Fn(&mut Value)| {
            let mut body = good.clone();
            change(&mut body);
            wrongs.push((what, body));
        };
        wrong("an unknown role", &|body| body["messages"][called]["role"] = json!("model"));
        wrong("broken arguments", &|body| {
            body["messages"][called]["tool_calls"][0]["function"]["arguments"] = json!("{");
        });
        wrong("an id twice", &|body| {
            let calls = &mut body["messages"][called]["tool_calls"];
            calls[1]["id"] = calls[0]["id"].clone();
        });
        wrong("no id", &|body| body["messages"][called]["tool_calls"][0]["id"] = json!(""));
        wrong("a result that is missing", &|body| {
            body["messages"].as_array_mut().unwrap().remove(called + 1);
        });
        if strict.refuses_unknown {
            wrong("an unknown field", &|body| body["odd"] = json!(1));
            wrong("an unknown field of a message", &|body| {
                body["messages"][called]["odd"] = json!(1);
            });
            wrong("an unknown field of a call", &|body| {
                body["messages"][called]["tool_calls"][0]["odd"] = json!(1);
            });
        }
        match strict.wants {
            Wants::OfCall(field) => wrong("a missing signature", &|body| {
                let call = &mut body["messages"][called]["tool_calls"][0];
                call.as_object_mut().unwrap().remove(field);
            }),
            Wants::OfMessage(fields) => wrong("missing thinking", &|body| {
                body["messages"][called].as_object_mut().unwrap().remove(fields[0]);
            }),
            Wants::Nothing => {}
        }
        if strict.ids == Ids::Nine {
            wrong("an id of another form", &|body| {
                body["messages"][called]["tool_calls"][0]["id"] = json!("call_0");
                body["messages"][called + 1]["tool_call_id"] = json!("call_0");
            });
        }
        if !strict.text_beside_calls {
            wrong("content beside calls", &|body| body["messages"][called]["content"] = json!("x"));
        }
        for (what, body) in &wrongs {
            let checked = strict.check(body);
            assert!(checked.is_err(), "{} {}: {what}", strict.provider, strict.server);
        }
        assert!(wrongs.len() >= 5);
    }
}
