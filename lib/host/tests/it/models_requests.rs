//! The contents of requests, and when no request may be sent.

use std::sync::Barrier;

use code_evolution_host::models::{ModelError, Models};
use code_evolution_wire::model::{Ask, Budget, Message, ModelChoice, Role};
use code_evolution_wire::protocol::FailureKind;
use serde_json::json;

use crate::models_server::*;

/// Checks the fields that each provider gets for the simplest question.
#[test]
fn bodies_arrive_as_each_provider_wants_them() {
    let cases = [
        ("openai", json!({"max_completion_tokens": 1000, "reasoning_effort": "none"})),
        ("gemini", json!({"max_tokens": 1000})),
        ("groq", json!({"max_tokens": 1000, "reasoning_effort": "low"})),
        ("anthropic", json!({"max_tokens": 1000})),
        ("openrouter", json!({"max_tokens": 1000})),
        ("mistral", json!({"max_tokens": 1000})),
        ("ollama", json!({"max_tokens": 1000})),
        ("lmstudio", json!({"max_tokens": 1000})),
        ("custom", json!({"max_tokens": 1000})),
    ];
    for (provider, mut expected) in cases {
        let server = Server::replies(vec![says("hi")]);
        Session::new(provider, &server).ask(&Ask::new("hello")).text();
        expected["model"] = json!("test-model");
        expected["messages"] = json!([{"role": "user", "content": "hello"}]);
        let request = &server.received()[0];
        assert_eq!(request.body, expected, "{provider}");
        assert_eq!(request.header("content-type"), Some("application/json"));
        assert!(!request.path.contains(CANARY));
    }
}

#[test]
fn a_server_that_needs_no_key_is_sent_none() {
    let server = Server::replies(vec![says("hi")]);
    let mut session = Session::new("custom", &server);
    session.env.retain(|(name, _)| name != "LLM_API_KEY");
    session.ask(&Ask::new("hello")).text();
    assert_eq!(server.received()[0].header("authorization"), None);
}

#[test]
fn a_conversation_keeps_its_order() {
    let server = Server::replies(vec![says("hi")]);
    let mut ask = Ask::new("first");
    ask.messages.insert(0, Message::new(Role::System, "be brief"));
    ask.messages.push(Message::new(Role::Assistant, "second"));
    ask.messages.push(Message::new(Role::User, "third"));
    Session::new("groq", &server).ask(&ask).text();
    let messages = server.received()[0].body["messages"].clone();
    let said: Vec<&str> =
        messages.as_array().unwrap().iter().map(|m| m["content"].as_str().unwrap()).collect();
    assert_eq!(said, ["be brief", "first", "second", "third"]);
}

#[test]
fn broken_json_is_repaired_in_one_more_turn() {
    let server = Server::replies(vec![says("It is 7."), says("```json\n{\"score\": 7}\n```")]);
    let schema = json!({"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]});
    let ask = Ask { schema: Some(schema), ..Ask::new("score it") };
    let models = Session::new("openai", &server).open();
    let outcome = asked(&models, &ask);
    assert_eq!(outcome.text(), "{\"score\": 7}");
    let received = server.received();
    assert_eq!(received[0].body["response_format"], json!({"type": "json_object"}));
    let repair = received[1].body["messages"].as_array().unwrap();
    assert_eq!((repair.len(), &repair[1]["content"]), (3, &json!("It is 7.")));
    assert!(repair[2]["content"].as_str().unwrap().contains("it holds no JSON"));
    assert_eq!(models.meter().calls, 2);
}

#[test]
fn a_budget_stops_before_the_next_call() {
    let server = Server::replies(vec![says("hi")]);
    let models = Session::new("openai", &server).open();
    models.set_budget(Budget { calls: Some(2), tokens: None });
    for _ in 0..2 {
        asked(&models, &Ask::new("hello")).text();
    }
    asked(&models, &Ask::new("hello")).error(&["the budget of 2 calls is spent"]);
    assert_eq!(server.received().len(), 2);
    models.set_budget(Budget { calls: None, tokens: Some(100) });
    asked(&models, &Ask::new("hello")).error(&["36 of the budget of 100 are used"]);
    assert_eq!(server.received().len(), 2);
    models.set_budget(Budget::default());
    asked(&models, &Ask::new("hello")).text();
    // Many questions at once cannot exceed the budget together.
    models.set_budget(Budget { calls: Some(8), tokens: None });
    let asks: Vec<Ask> = (0..20).map(|n| Ask::new(format!("question {n}"))).collect();
    let answers = models.ask_many(&asks, &|_| ()).unwrap();
    let failures: Vec<_> = answers.iter().filter_map(|answer| answer.failure.as_ref()).collect();
    assert_eq!(failures.len(), 20 - 5);
    for failure in failures {
        assert!(failure.message.contains("budget of 8 calls"), "{failure:?}");
        assert_eq!(failure.kind, FailureKind::Budget);
    }
    assert_eq!(server.received().len(), 8);
    assert_eq!(models.meter().calls, 8);
}

#[test]
fn a_paid_call_counts_whatever_its_result() {
    let mut empty = completion("");
    empty["choices"][0]["finish_reason"] = json!("length");
    let server = Server::replies(vec![json_reply(200, &empty)]);
    let models = Session::new("custom", &server).open();
    models.set_budget(Budget { calls: Some(2), tokens: None });
    for _ in 0..2 {
        assert_eq!(asked(&models, &Ask::new("hello")).text(), "");
    }
    asked(&models, &Ask::new("hello")).error(&["the budget of 2 calls is spent"]);
    let meter = models.meter();
    assert_eq!((server.received().len(), meter.calls, meter.usage.output_tokens), (2, 2, 14));
}

#[test]
fn questions_with_the_same_refusals_at_once_are_all_answered() {
    // Each refusal waits until both questions have received it.
    let both = [Barrier::new(2), Barrier::new(2)];
    let server = Server::start(move |request, _| {
        let fields = ["reasoning_effort", "temperature"];
        match fields.iter().position(|field| request.body.get(*field).is_some()) {
            Some(first) => {
                both[first].wait();
                let message = format!("Unsupported parameter: '{}'", fields[first]);
                json_reply(400, &json!({"error": {"message": message, "param": fields[first]}}))
            }
            None => says("hi"),
        }
    });
    let models = Session::new("groq", &server).open();
    let warm = Ask { temperature: Some(0.9), ..Ask::new("hello") };
    let answers = models.ask_many(&[warm.clone(), warm], &|_| ()).unwrap();
    assert_eq!((answers.len(), server.received().len()), (2, 6));
}

#[test]
fn a_temperature_that_is_not_sent_is_reported() {
    let server = Server::replies(vec![says("hi")]);
    let warm = Ask { temperature: Some(0.9), ..Ask::new("hello") };
    for (provider, told) in [("anthropic", true), ("custom", false)] {
        let answer = Session::new(provider, &server).ask(&warm).result.unwrap();
        let notes = answer.note.unwrap_or_default();
        assert_eq!(notes.contains("sent without a temperature"), told, "{provider}: {notes}");
    }
}

#[test]
fn a_wrong_time_out_is_named() {
    for text in ["soon", "0", "3601", "-1"] {
        let env = |name: &str| match name {
            "LLM_TIMEOUT" => Some(text.to_owned()),
            "GROQ_API_KEY" => Some(CANARY.to_owned()),
            _ => None,
        };
        let error = Models::open(&ModelChoice::default(), &env).err().unwrap();
        assert!(matches!(error, ModelError::Config(_)), "{error:?}");
        assert!(error.message().contains(&format!("LLM_TIMEOUT is `{text}`: ")), "{error}");
    }
}
