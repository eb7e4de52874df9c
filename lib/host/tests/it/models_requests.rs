//! What goes over the wire, and when it may not.

use code_evolution_wire::model::{Ask, Budget, Message, Role};
use serde_json::json;

use crate::models_server::*;

/// The fields that each provider is sent for the plainest question.
#[test]
fn bodies_arrive_as_each_provider_wants_them() {
    let cases = [
        ("openai", json!({"max_completion_tokens": 1000, "reasoning_effort": "none"})),
        ("gemini", json!({"max_tokens": 1000})),
        ("groq", json!({"max_tokens": 1000, "reasoning_effort": "low"})),
        ("anthropic", json!({"max_tokens": 1000})),
        ("openrouter", json!({"max_tokens": 1000})),
        ("mistral", json!({"max_tokens": 1000})),
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
fn a_server_without_a_key_gets_none() {
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
fn json_is_repaired_in_one_more_turn() {
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
    // Many at once cannot pass it together.
    models.set_budget(Budget { calls: Some(8), tokens: None });
    let asks: Vec<Ask> = (0..20).map(|n| Ask::new(format!("question {n}"))).collect();
    let error = models.ask_many(&asks, &|_| ()).unwrap_err();
    assert!(error.message().contains("budget of 8 calls"), "{error}");
    assert_eq!(server.received().len(), 8);
    assert_eq!(models.meter().calls, 8);
}
