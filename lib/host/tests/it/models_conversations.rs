//! Conversations with tools. Each server wants a conversation back in another form.

use code_evolution_host::models::Models;
use code_evolution_wire::model::{Answer, Ask, Message, Role, Tool, ToolCall};
use serde_json::{Value, json};

use crate::models_server::*;

/// Asks until the model answers in words, at most six times, like a notebook's chat.
#[track_caller]
pub fn converse(models: &Models, mut ask: Ask, run: &dyn Fn(&ToolCall) -> String) -> (Answer, Ask) {
    for _ in 0..6 {
        let answer = asked(models, &ask).result.unwrap_or_else(|error| panic!("{error}"));
        ask.messages.push(Message::from(&answer));
        if answer.tool_calls.is_empty() {
            return (answer, ask);
        }
        for call in &answer.tool_calls {
            let result = match call.unreadable(&ask.tools) {
                Some(why) => format!("error: {why}"),
                None => run(call),
            };
            let id = Some(call.id.clone());
            ask.messages.push(Message { tool_call_id: id, ..Message::new(Role::Tool, result) });
        }
    }
    panic!("it never answered in words: {:#?}", ask.messages);
}

pub fn tool(name: &str, parameters: Value) -> Tool {
    Tool { name: name.to_owned(), description: "a tool".to_owned(), parameters }
}

/// Returns a question with the tool `add`.
pub fn ask_to_add() -> Ask {
    let number = json!({"type": "number"});
    let parameters = json!({"type": "object", "properties": {"a": number, "b": number}});
    Ask { tools: vec![tool("add", parameters)], ..Ask::new("How much is 30 and 4?") }
}

/// Runs `add`; for another name, returns an error that says so.
pub fn add(call: &ToolCall) -> String {
    let number = |name: &str| call.arguments[name].as_f64();
    match (call.name.as_str(), number("a"), number("b")) {
        ("add", Some(a), Some(b)) => (a + b).to_string(),
        _ => format!("error: no {} of {}", call.name, call.arguments),
    }
}

/// Returns a complete message with calls.
pub fn calls(message: Value) -> Reply {
    json_reply(200, &json!({"choices": [{"finish_reason": "tool_calls", "message": message}]}))
}

/// Returns a call of `add`.
pub fn call_of_add(id: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": "add", "arguments": arguments}})
}

/// Returns a stream of these chunks.
pub fn stream_of(chunks: &[Value]) -> Reply {
    let mut body = stream_head();
    for chunk in chunks {
        body.extend(format!("data: {chunk}\n\n").bytes());
    }
    body.extend(b"data: [DONE]\n\n");
    raw(body)
}

/// Starts a server whose first reply is `first`. After that, it gives the reply of `refuse`, or else
/// repeats the last message.
fn second_turn(
    first: Reply,
    refuse: impl Fn(&[Value]) -> Option<Reply> + Send + Sync + 'static,
) -> Server {
    Server::start(move |request, _| {
        let messages = request.body["messages"].as_array().unwrap();
        let called = messages.iter().any(|message| message.get("tool_calls").is_some());
        let last = messages.last().unwrap()["content"].as_str().unwrap_or_default();
        if called { refuse(messages).unwrap_or_else(|| says(last)) } else { first.clone() }
    })
}

fn error(status: u16, message: &str) -> Option<Reply> {
    Some(json_reply(status, &json!({"error": {"message": message, "code": status}})))
}

#[track_caller]
fn ends_with(session: &Session, ask: Ask, last: &str) -> Ask {
    let (answer, ask) = converse(&session.open(), ask, &add);
    assert_eq!(answer.text, last);
    ask
}

#[test]
fn a_providers_extra_fields_of_a_call_are_sent_back() {
    let signature = json!({"google": {"thought_signature": "c2ln/+=="}});
    let mut signed = call_of_add("k1", "{\"a\":30,\"b\":4}");
    signed["extra_content"] = signature.clone();
    let whole = calls(json!({"role": "assistant", "content": null, "tool_calls": [signed]}));
    signed["index"] = json!(0);
    let streamed = stream_of(&[
        json!({"choices": [{"delta": {"role": "assistant", "tool_calls": [signed]}}]}),
        json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}),
    ]);
    for (first, stream) in [(whole, false), (streamed, true)] {
        let expected = signature.clone();
        let server = second_turn(first, move |messages| {
            let came = &messages[1]["tool_calls"][0]["extra_content"];
            if *came == expected { None } else { error(400, "the signature is missing") }
        });
        let ask = Ask { stream, ..ask_to_add() };
        ends_with(&Session::new("gemini", &server), ask.clone(), "34");
        // A field of one provider is not sent to another provider.
        let models = Session::new("groq", &server).open();
        let Err(refused) = models.ask(&ends_with_calls(&models, ask), &|_| ()) else {
            panic!("groq was sent the signature")
        };
        assert!(refused.message().contains("the signature is missing"), "{refused}");
    }
}

/// Returns the conversation after the first answer's calls were run.
fn ends_with_calls(models: &Models, mut ask: Ask) -> Ask {
    let answer = models.ask(&ask, &|_| ()).unwrap();
    ask.messages.push(Message::from(&answer));
    let id = Some(answer.tool_calls[0].id.clone());
    ask.messages.push(Message { tool_call_id: id, ..Message::new(Role::Tool, "34") });
    ask
}

#[test]
fn thinking_is_sent_back_with_the_calls_only_to_providers_that_want_it() {
    let details = json!([{"type": "reasoning.text", "index": 0, "text": "hm"}]);
    let message = json!({"role": "assistant", "content": null, "reasoning_content": "hm",
        "reasoning_details": details, "tool_calls": [call_of_add("k1", "{\"a\":30,\"b\":4}")]});
    for provider in ["openrouter", "custom"] {
        let expected = details.clone();
        let server = second_turn(calls(message.clone()), move |messages| {
            let fits = messages[1]["reasoning_content"] == "hm"
                && messages[1]["reasoning_details"] == expected;
            if fits { None } else { error(400, "reasoning_content must be passed back") }
        });
        ends_with(&Session::new(provider, &server), ask_to_add(), "34");
    }
    // If a server refuses a field that it sent itself, the client asks once more, without the field.
    let server = second_turn(calls(message), |messages| {
        let named = ["reasoning_content", "reasoning_details"]
            .into_iter()
            .find(|field| messages[1].get(*field).is_some())?;
        let detail = json!([{"type": "extra_forbidden", "loc": ["body", "messages", 1, named], "msg": "Extra inputs are not permitted"}]);
        Some(json_reply(422, &json!({ "detail": detail })))
    });
    ends_with(&Session::new("custom", &server), ask_to_add(), "34");
    assert_eq!(server.received().len(), 4);
}

#[test]
fn mistral_gets_no_text_beside_calls_and_ids_of_nine() {
    for id in ["kK1lL2mM3", "call_0", "", "toolu_01XFDUDYJgAACzvnptvVoYEL"] {
        let message = json!({"content": "I add them.", "tool_calls": [call_of_add(id, "{\"a\":30,\"b\":4}")]});
        let server = second_turn(calls(message), |messages| {
            let id = messages[1]["tool_calls"][0]["id"].as_str().unwrap();
            let good = id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
            let text = messages[1]["content"].as_str().is_some_and(|text| !text.is_empty());
            let answered = messages[2]["tool_call_id"] == id;
            if good && answered && !text { None } else { error(422, "words and calls") }
        });
        ends_with(&Session::new("mistral", &server), ask_to_add(), "34");
    }
}

#[test]
fn broken_arguments_become_an_empty_object_and_a_sentence() {
    for broken in ["{\"a\": 30, ", "[30, 4]", "add(30, 4)", "\"{\\\"a\\\": \"", "3"] {
        let server =
            second_turn(calls(json!({"tool_calls": [call_of_add("k1", broken)]})), |messages| {
                let arguments = messages[1]["tool_calls"][0]["function"]["arguments"].as_str();
                if arguments == Some("{}") { None } else { error(500, "no JSON object") }
            });
        let (answer, _) = converse(&Session::new("custom", &server).open(), ask_to_add(), &add);
        let told = format!("error: the arguments of add are not a JSON object ({broken})");
        assert!(answer.text.starts_with(&told), "{}", answer.text);
        assert!(answer.text.ends_with("like {\"a\":1.5,\"b\":1.5}"), "{}", answer.text);
        assert_eq!(server.received().len(), 2);
    }
}

#[test]
fn readable_arguments_are_read() {
    for odd in [
        "\"{\\\"a\\\": 30, \\\"b\\\": 4}\"",
        "```json\n{\"a\": 30, \"b\": 4}\n```",
        "{\"a\": 30, \"b\": 4,}",
        "{'a': 30, 'b': 4}",
        "{}{\"a\": 30, \"b\": 4}",
    ] {
        let server =
            second_turn(calls(json!({"tool_calls": [call_of_add("k1", odd)]})), |messages| {
                let sent = messages[1]["tool_calls"][0]["function"]["arguments"].as_str();
                if sent == Some("{\"a\":30,\"b\":4}") { None } else { error(400, "no JSON") }
            });
        ends_with(&Session::new("custom", &server), ask_to_add(), "34");
    }
}

#[test]
fn a_channel_mark_is_removed_from_a_tools_name() {
    for name in ["add<|channel|>json", "functions.add", "add<|constrain|>"] {
        let mut call = call_of_add("k1", "{\"a\":30,\"b\":4}");
        call["function"]["name"] = json!(name);
        let server = second_turn(calls(json!({"tool_calls": [call]})), |messages| {
            let name = &messages[1]["tool_calls"][0]["function"]["name"];
            if name == "add" { None } else { error(400, "no such tool") }
        });
        ends_with(&Session::new("custom", &server), ask_to_add(), "34");
    }
}

#[test]
fn two_calls_in_one_stream_stay_separate() {
    let mut pieces = Vec::new();
    for (id, arguments) in [("k1", "{\"a\":30,\"b\":4}"), ("k2", "{\"a\":5,\"b\":6}")] {
        let mut call = call_of_add(id, arguments);
        call["index"] = json!(0);
        pieces.push(json!({"choices": [{"delta": {"tool_calls": [call]}}]}));
    }
    pieces.push(json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}));
    let server = second_turn(stream_of(&pieces), |messages| {
        let results: Vec<&Value> =
            messages[2..].iter().map(|message| &message["content"]).collect();
        let fits = results == ["34", "11"] && messages[3]["tool_call_id"] == "k2";
        if fits { None } else { error(400, "where are my results?") }
    });
    ends_with(&Session::new("custom", &server), Ask { stream: true, ..ask_to_add() }, "11");
}

#[test]
fn each_id_stands_once_in_a_conversation() {
    // Ids in three wrong forms: the same id in each turn, no id, and one id twice in a message.
    for ids in [["k1", "k1"], ["", ""], ["k1", ""]] {
        let server = Server::start(move |request, _| {
            let messages = request.body["messages"].as_array().unwrap();
            let called =
                messages.iter().flat_map(|m| m["tool_calls"].as_array().into_iter().flatten());
            let mut sent: Vec<&Value> = called.map(|call| &call["id"]).collect();
            let answered = messages.iter().filter_map(|message| message.get("tool_call_id"));
            assert_eq!(sent, answered.collect::<Vec<_>>());
            let all = sent.len();
            sent.sort_by_key(|id| id.to_string());
            sent.dedup();
            match (sent.len() == all, all) {
                (false, _) => error(400, "an id stands twice").unwrap(),
                (true, 6) => says("done"),
                (true, _) => {
                    let arguments = "{\"a\":30,\"b\":4}";
                    let both = ids.map(|id| call_of_add(id, arguments));
                    calls(json!({"tool_calls": both}))
                }
            }
        });
        ends_with(&Session::new("openai", &server), ask_to_add(), "done");
    }
}
