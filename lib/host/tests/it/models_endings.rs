//! How answers end: whole, cut off, or broken, streamed and not.

use code_evolution_wire::ending::{Cut, Ending};
use code_evolution_wire::model::{Answer, Ask};
use serde_json::{Value, json};

use crate::models_server::*;

/// Returns a reply with this choice, in one body.
fn choice(choice: Value) -> Reply {
    json_reply(
        200,
        &json!({"choices": [choice], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}),
    )
}

/// Returns a stream of these chunks that ends properly.
fn stream(chunks: &[Value], done: bool) -> Reply {
    let mut body = stream_head();
    for chunk in chunks {
        body.extend(format!("data: {chunk}\n\n").bytes());
    }
    if done {
        body.extend(b"data: [DONE]\n\n");
    }
    raw(body)
}

fn delta(text: &str, reason: Value) -> Value {
    json!({"choices": [{"delta": {"content": text}, "finish_reason": reason}]})
}

/// Returns the answer to a question, how often it was asked, and the meter's tokens.
fn outcome(replies: Vec<Reply>, ask: &Ask) -> (Answer, usize, u64) {
    let server = Server::replies(replies);
    let models = Session::new("custom", &server).open();
    let answer = asked(&models, ask).result.unwrap();
    (answer, server.received().len(), models.meter().usage.output_tokens)
}

#[test]
fn a_broken_answer_is_asked_again_once_and_then_counts_as_cut() {
    let said = |text: &str, reason: &str| {
        choice(json!({"message": {"content": text}, "finish_reason": reason}))
    };
    for reason in ["error", "abort", "network_error", "insufficient_system_resource", "ABORT"] {
        let (answer, times, tokens) =
            outcome(vec![said("half", reason), said("whole", "stop")], &Ask::new("?"));
        assert_eq!((answer.text.as_str(), times, tokens), ("whole", 2, 10), "{reason}");
        assert_eq!(answer.note, None, "{reason}");
        let (answer, times, _) = outcome(vec![said("half", reason)], &Ask::new("?"));
        assert_eq!((answer.text.as_str(), times), ("half", 2), "{reason}");
        assert_eq!(answer.ending(), Ending::Cut(Cut::Transport));
        assert!(answer.label().contains("cut by an error on its way"), "{}", answer.label());
        // The same error in a stream.
        let broken = stream(&[delta("half", Value::Null), delta("", json!(reason))], true);
        let (answer, times, _) = outcome(vec![broken, says("whole")], &streamed());
        assert_eq!((answer.text.as_str(), times), ("whole", 2), "{reason}");
    }
}

#[test]
fn an_error_beside_the_choice_is_a_broken_answer() {
    let error = json!({"code": 502, "message": "the provider behind it is gone"});
    let beside =
        choice(json!({"message": {"content": "half"}, "finish_reason": "stop", "error": error}));
    let (answer, times, _) = outcome(vec![beside.clone(), says("whole")], &Ask::new("?"));
    assert_eq!((answer.text.as_str(), times), ("whole", 2));
    let (answer, times, _) = outcome(vec![beside], &Ask::new("?"));
    assert_eq!((answer.text.as_str(), times, answer.ending().is_whole()), ("half", 2, false));
    // In a stream, the error is a field of the choice, or a field next to `choices`.
    let inside = json!({"choices": [{"delta": {}, "finish_reason": "error", "error": error}]});
    let with =
        json!({"error": error, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]});
    let alone = json!({"error": error});
    for broken in [inside, with, alone] {
        let half = stream(&[delta("half", Value::Null), broken], false);
        let (answer, times, _) = outcome(vec![half.clone(), says("whole")], &streamed());
        assert_eq!((answer.text.as_str(), times), ("whole", 2));
        let (answer, times, _) = outcome(vec![half], &streamed());
        assert_eq!((answer.text.as_str(), times, answer.ending().is_whole()), ("half", 2, false));
    }
}

#[test]
fn an_empty_reason_does_not_end_the_stream() {
    for none in
        [json!(""), json!("null"), json!(null), json!("None"), json!("FINISH_REASON_UNSPECIFIED")]
    {
        let mut first = delta("the first ", none.clone());
        first["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 2});
        let mut second = delta("and the second half", none.clone());
        second["usage"] = json!({"prompt_tokens": 3, "completion_tokens": 5});
        let chunks = [first, second, delta("", json!("stop"))];
        let (answer, times, tokens) = outcome(vec![stream(&chunks, true)], &streamed());
        assert_eq!(
            (answer.text.as_str(), times, tokens),
            ("the first and the second half", 1, 5),
            "{none}"
        );
        assert_eq!((answer.finish_reason.as_str(), answer.note), ("stop", None));
    }
}

#[test]
fn a_stream_without_a_reason_is_asked_once_more_and_then_an_answer_with_a_note() {
    let silent = stream(&[delta("all of it", Value::Null)], false);
    let (answer, times, tokens) = outcome(vec![silent.clone(), says("whole")], &streamed());
    assert_eq!((answer.text.as_str(), times, answer.note), ("whole", 2, None));
    assert!(tokens > 7, "the first answer counts too: {tokens}");
    let (answer, times, _) = outcome(vec![silent], &streamed());
    assert_eq!((answer.text.as_str(), times), ("all of it", 2));
    assert!(answer.note.unwrap().contains("did not say why it ended"));
    // The last event (`[DONE]`) alone shows that the answer is whole.
    let (answer, times, _) = outcome(vec![stream(&[delta("all", Value::Null)], true)], &streamed());
    assert_eq!((answer.text.as_str(), times, answer.note), ("all", 1, None));
}

#[test]
fn a_cut_answer_says_so_and_gives_advice() {
    let ended =
        |reason: &str| choice(json!({"message": {"content": "half"}, "finish_reason": reason}));
    for (reason, says) in [
        ("length", "cut at 1,000 tokens: `.max_tokens(2000)`"),
        ("MAX_TOKENS", "cut at 1,000 tokens: `.max_tokens(2000)`"),
        ("content_filter", "cut by the provider's filter: change the prompt"),
        ("SAFETY", "cut by the provider's filter: change the prompt"),
        ("something new", "most likely cut, it stopped with `something new`: ask again"),
    ] {
        let (answer, times, _) = outcome(vec![ended(reason)], &Ask::new("?"));
        assert_eq!(
            (answer.text.as_str(), times, answer.ending().is_whole()),
            ("half", 1, false),
            "{reason}"
        );
        assert!(answer.label().ends_with(says), "{}", answer.label());
    }
    for reason in ["stop", "END_TURN", "eos"] {
        let (answer, ..) = outcome(vec![ended(reason)], &Ask::new("?"));
        assert_eq!((answer.finish_reason.as_str(), answer.note), ("stop", None));
    }
}

#[test]
fn thinking_is_kept_apart_from_the_text_in_every_form() {
    for message in [
        json!({"content": "yes", "reasoning": "hm"}),
        json!({"content": "yes", "reasoning_content": "hm"}),
        json!({"content": "yes", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]}),
        json!({"content": "<think>\nhm\n</think>\n\nyes"}),
        json!({"content": "hm\n</think>\nyes"}),
        json!({"content": "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>yes<|return|>"}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "yes<|im_end|>"}]}),
    ] {
        let reply = choice(json!({"message": message, "finish_reason": "stop"}));
        let (answer, ..) = outcome(vec![reply], &Ask::new("?"));
        assert_eq!((answer.text.as_str(), answer.thinking.as_str()), ("yes", "hm"), "{message}");
    }
    let pieces = [
        "<thi",
        "nk>\nfirst ",
        "this\n",
        "then that\n</th",
        "ink>\n\nthe ",
        "answer\n",
        "is 3<|im_",
        "end|>",
    ];
    let mut chunks: Vec<Value> = pieces.iter().map(|piece| delta(piece, Value::Null)).collect();
    chunks.push(delta("", json!("stop")));
    let server = Server::replies(vec![stream(&chunks, true)]);
    let outcome = Session::new("custom", &server).ask(&streamed());
    assert_eq!(outcome.text(), "the answer\nis 3");
    assert_eq!(outcome.printed, ["the answer", "is 3"]);
    assert_eq!(outcome.result.unwrap().thinking, "first this\nthen that");
}

#[test]
fn calls_in_the_text_are_calls() {
    let add = code_evolution_wire::model::Tool {
        name: "add".into(),
        description: "adds".into(),
        parameters: json!({"type": "object"}),
    };
    let ask = Ask { tools: vec![add], ..Ask::new("30 + 4?") };
    let text = "<|channel|>commentary to=functions.add <|message|>{\"a\":30,\"b\":4}<|call|>";
    let call = json!({"type": "function", "id": "k1", "function": {"name": "add<|channel|>json", "arguments": "{\"a\":30,\"b\":4}"}});
    for message in [json!({"content": text}), json!({"content": null, "tool_calls": [call]})] {
        let reply = choice(json!({"message": message, "finish_reason": "stop"}));
        let (answer, ..) = outcome(vec![reply], &ask);
        assert_eq!((answer.text.as_str(), answer.tool_calls.len()), ("", 1));
        assert_eq!(answer.tool_calls[0].name, "add");
        assert_eq!(answer.tool_calls[0].arguments, json!({"a": 30, "b": 4}));
    }
}
