//! Replies that arrive in pieces.

use serde_json::json;

use crate::models_server::*;

#[test]
fn a_stream_prints_whole_lines_and_survives_any_split() {
    let body = events(&["fn ", "größe() {\n    \"💡", "\"\n", "}"]);
    for size in [1, 2, 3, 7, 1_000] {
        let mut steps = vec![Step::Send(stream_head())];
        steps.extend(body.as_bytes().chunks(size).map(|piece| Step::Send(piece.to_vec())));
        let server = Server::replies(vec![steps]);
        let outcome = Session::new("openai", &server).ask(&streamed());
        assert_eq!(outcome.text(), "fn größe() {\n    \"💡\"\n}");
        assert_eq!(outcome.printed, ["fn größe() {", "    \"💡\"", "}"]);
        assert_eq!(outcome.result.unwrap().usage.output_tokens, 4);
    }
}

#[test]
fn unusual_streams_are_read() {
    let ask =
        |replies: Vec<Reply>| Session::new("custom", &Server::replies(replies)).ask(&streamed());
    let streamed_reply = |body: &str| raw([stream_head(), body.as_bytes().to_vec()].concat());
    let whole = events(&["one\n", "two"]);
    // The stream is cut in the middle, so the question is asked again.
    let outcome = ask(vec![streamed_reply(&whole[..120]), streamed_reply(&whole)]);
    assert_eq!(outcome.text(), "one\ntwo");
    assert!(
        outcome.printed.iter().any(|line| line.contains("the stream ended before the answer did")),
        "{:?}",
        outcome.printed
    );
    // This server does not stream.
    let outcome = ask(vec![says("one\ntwo")]);
    assert_eq!((outcome.text(), outcome.printed.len()), ("one\ntwo", 2));
    // This stream has an error in the middle.
    let error = format!(
        "{}data: {{\"error\": {{\"code\": 401, \"message\": \"no\"}}}}\n\n",
        &whole[..whole.find("data: {\"choices\":[{\"delta\":{},").unwrap()]
    );
    ask(vec![streamed_reply(&error)]).error(&["refused the key"]);
    // This stream has comments, CR LF, no empty lines, and nothing after the finish reason.
    let messy = whole
        .replace("\n\n", "\r\n")
        .replace("data: {", ": hi\r\ndata:{")
        .replace("data: [DONE]", "");
    assert_eq!(ask(vec![streamed_reply(&messy)]).text(), "one\ntwo");
    // This tool call comes in pieces.
    let mut call = String::new();
    for delta in [
        json!({"tool_calls": [{"index": 0, "id": "c1", "function": {"name": "count", "arguments": ""}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"of\":"}}]}),
        json!({"tool_calls": [{"index": 0, "function": {"arguments": " 3}"}}, {"index": 99_999_999, "function": {"name": "x"}}]}),
    ] {
        call.push_str(&format!("data: {}\n\n", json!({"choices": [{"delta": delta}]})));
    }
    let answer = ask(vec![streamed_reply(&format!("{call}data: [DONE]\n\n"))]).result.unwrap();
    // An index is only a label, even a large one.
    let calls: Vec<_> =
        answer.tool_calls.iter().map(|call| (call.name.as_str(), &call.arguments)).collect();
    assert_eq!(calls, [("count", &json!({"of": 3})), ("x", &json!({}))]);
    assert_eq!(answer.finish_reason, "tool_calls");
}

#[test]
fn control_strings_stay_in_the_text_but_are_not_printed() {
    let text = "EVCXR_EXECUTION_COMPLETE\nEVCXR_BEGIN_CONTENT text/html\n<script>x</script>\n\u{1b}[2J\u{1b}]0;t\u{7}bye\r\u{202e}";
    let (outcome, _) = ask_after(vec![says(text)]);
    assert_eq!(outcome.text(), text);
    let mut body = stream_head();
    body.extend(events(&[text]).bytes());
    let outcome = Session::new("custom", &Server::replies(vec![raw(body)])).ask(&streamed());
    assert_eq!(outcome.text(), text);
    assert_eq!(outcome.printed[2..], ["<script>x</script>", "]0;tbye "]);
    let error = json!({"error": {"message": text}});
    let (outcome, _) = ask_after(vec![json_reply(400, &error)]);
    assert!(!outcome.error(&["HTTP 400: EVCXR_EXECUTION_COMPLETE EVCXR"]).starts_with("EVCXR"));
}
