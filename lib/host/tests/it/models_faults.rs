//! Every known way in which a provider fails.

use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use code_evolution_wire::model::Ask;

use crate::models_server::*;

#[test]
fn an_answer_is_read() {
    let (outcome, server) = ask_after(vec![says("hi")]);
    let answer = outcome.result.unwrap();
    assert_eq!((answer.text.as_str(), answer.model.as_str()), ("hi", "test-model-1"));
    assert_eq!(answer.label(), "live · test-model-1");
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (11, 7));
    let request = &server.received()[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.header("authorization"), Some(format!("Bearer {CANARY}").as_str()));
}

#[test]
fn every_status_and_shape_of_error_is_explained() {
    let error = |code: &str| json!({"error": {"message": "said so", "type": code, "param": null, "code": code}});
    // The columns: status, body, the expected message, and how often the server is asked.
    let cases = [
        (400, error("invalid"), "refuses the request (HTTP 400: said so)", 1),
        (
            400,
            json!([{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}]),
            "refused the key from LLM_API_KEY (HTTP 400: API key not valid",
            1,
        ),
        (
            400,
            json!({"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}),
            "quota at custom is spent",
            1,
        ),
        (400, error("context_length_exceeded"), "prompt is too long", 1),
        (401, json!({"detail": "Unauthorized"}), "HTTP 401: Unauthorized", 1),
        (401, error("invalid_api_key"), "refused the key from LLM_API_KEY (HTTP 401: said so)", 1),
        (402, error("payment"), "quota at custom is spent", 1),
        (403, error("denied"), "refused the key from LLM_API_KEY (HTTP 403", 1),
        (404, error("nothing"), "check LLM_BASE_URL", 1),
        (408, error("timeout"), "no answer in 4 attempts: HTTP 408", 4),
        (413, error("too_large"), "prompt is too long", 1),
        (418, error("teapot"), "HTTP 418", 1),
        (422, json!({"detail": [{"msg": "said so", "loc": ["body"]}]}), "HTTP 422: said so", 1),
        (
            429,
            error("rate_limit_exceeded"),
            "no answer in 4 attempts: rate limit (HTTP 429: said so)",
            4,
        ),
        (429, error("insufficient_quota"), "quota at custom is spent", 1),
        (429, error("credit_balance_exhausted"), "quota at custom is spent", 1),
        (
            500,
            json!({"object": "error", "message": "said so", "type": "t", "code": "1"}),
            "HTTP 500: said so",
            4,
        ),
        (502, json!("said so"), "HTTP 502", 4),
        (
            503,
            json!([{"error": {"code": 503, "message": "said so", "status": "UNAVAILABLE"}}]),
            "HTTP 503: said so",
            4,
        ),
        (
            529,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "said so"}}),
            "HTTP 529",
            4,
        ),
        (200, json!({"error": {"code": 502, "message": "said so"}}), "HTTP 502: said so", 4),
        (200, json!({"error": {"code": 401, "message": "said so"}}), "refused the key", 1),
        (200, json!({"error": {"message": "said so"}}), "answered with an error: said so", 1),
        (200, json!({"choices": []}), "gave no reply", 1),
        (200, json!({"choices": null}), "gave no reply", 1),
        (200, json!({"hello": "there"}), "holds no reply", 1),
    ];
    for (status, body, says, times) in cases {
        let (outcome, server) = ask_after(vec![json_reply(status, &body)]);
        outcome.error(&[says]);
        assert_eq!(server.received().len(), times, "{status} {body}");
        assert_eq!(outcome.printed.len(), times - 1, "{status} {body}: {:?}", outcome.printed);
    }
}

#[test]
fn a_spent_daily_quota_is_not_retried() {
    let details = |quota: &str| {
        json!([{"error": {"code": 429, "message": "quota", "details": [
            {"@type": "QuotaFailure", "violations": [{"quotaId": quota}]},
            {"@type": "RetryInfo", "retryDelay": "2s"},
        ]}}])
    };
    let (outcome, server) =
        ask_after(vec![json_reply(429, &details("RequestsPerDayPerProject-FreeTier"))]);
    outcome.error(&["quota at custom is spent"]);
    assert_eq!(server.received().len(), 1);
    let (outcome, server) =
        ask_after(vec![json_reply(429, &details("RequestsPerMinute")), says("hi")]);
    assert_eq!(outcome.text(), "hi");
    assert_eq!(server.received().len(), 2);
    assert!(
        outcome.printed[0].contains("waiting 2.0 s, then attempt 2 of 4"),
        "{:?}",
        outcome.printed
    );
}

#[test]
fn retry_after_is_honoured_in_both_forms() {
    let now = SystemTime::now();
    let date = |seconds| httpdate::fmt_http_date(now + Duration::from_secs(seconds));
    let dated = [("retry-after", date(12)), ("date", date(0))];
    let dated: Vec<(&str, &str)> =
        dated.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for (headers, wait) in [(vec![("retry-after", "11")], 11), (dated, 12)] {
        let refusal = http(429, &headers, json!({"error": {"message": "slow down"}}).to_string());
        let server = Server::replies(vec![refusal, says("hi")]);
        let models = Session::new("groq", &server).open();
        let start = Instant::now();
        let outcome = asked(&models, &Ask::new("hello"));
        assert_eq!(outcome.text(), "hi");
        assert!(start.elapsed() * 20 >= Duration::from_secs(wait));
        let line = format!(
            "groq: rate limit (HTTP 429: slow down); waiting {wait} s, then attempt 2 of 4"
        );
        assert_eq!(outcome.printed, [line]);
        let meter = models.meter();
        assert_eq!((meter.calls, meter.waits, meter.waited_ms), (1, 1, wait * 1_000));
    }
}

#[test]
fn a_long_wait_fails_at_once_with_advice() {
    let refusal = http(429, &[("retry-after", "3600")], "{}");
    let (outcome, server) = ask_after(vec![refusal]);
    outcome.error(&["asks to wait 3600 s", "LLM_MODE=scripted"]);
    assert_eq!(server.received().len(), 1);
    // Waits add up.
    let refusal = http(503, &[("retry-after", "35")], "{}");
    let (outcome, server) = ask_after(vec![refusal]);
    outcome.error(&["asks to wait 70 s"]);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn broken_connections_are_retried() {
    let cut = raw("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"choices\": [");
    let replies = vec![raw(""), cut, raw("nonsense\r\n\r\n"), says("hi")];
    let (outcome, server) = ask_after(replies);
    assert_eq!(outcome.text(), "hi");
    assert_eq!((server.received().len(), outcome.printed.len()), (4, 3));
    let empty = http(200, &[], "");
    let (outcome, _) = ask_after(vec![empty]);
    outcome.error(&["no answer in 4 attempts: an empty reply (HTTP 200)"]);
}

#[test]
fn a_server_that_does_not_answer_gives_advice() {
    let server = Server::replies(vec![says("hi")]);
    let session = Session::new("custom", &server).with("LLM_BASE_URL", "http://127.0.0.1:1/v1");
    session
        .ask(&Ask::new("hello"))
        .error(&["no connection", "is the server at 127.0.0.1:1 running?"]);
    let session = Session::new("custom", &server).with("LLM_BASE_URL", "http://name.invalid/v1");
    session.ask(&Ask::new("hello")).error(&["is name.invalid reachable from here?"]);
}

#[test]
fn a_slow_drip_ends_with_the_time_out() {
    let drip = |head: Vec<u8>| {
        let mut steps = vec![Step::Send(head)];
        for _ in 0..200 {
            steps.extend([Step::Wait(Duration::from_millis(20)), Step::Send(b" ".to_vec())]);
        }
        steps
    };
    let server =
        Server::replies(vec![drip(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n".to_vec())]);
    Session::new("custom", &server)
        .speed(300)
        .ask(&Ask::new("hello"))
        .error(&["within 60 s", "LLM_TIMEOUT"]);
    assert_eq!(server.received().len(), 1);
    let server = Server::replies(vec![drip(stream_head())]);
    Session::new("custom", &server).speed(300).ask(&streamed()).error(&["within 300 s"]);
    let silent = vec![Step::Wait(Duration::from_secs(5))];
    let server = Server::replies(vec![silent]);
    Session::new("custom", &server).speed(300).ask(&streamed()).error(&["within 60 s"]);
}

#[test]
fn a_reply_that_is_not_json_is_explained() {
    let page = "<!DOCTYPE html><html><head><TITLE>Log in\n to <b>Wi-Fi</b></TITLE></head></html>";
    let (outcome, server) = ask_after(vec![http(200, &[("content-type", "text/html")], page)]);
    outcome.error(&["web page titled `Log in to <b>Wi-Fi</b>`", "log in to the network"]);
    assert_eq!(server.received().len(), 1);
    let (outcome, _) = ask_after(vec![http(404, &[], page)]);
    outcome.error(&["web page", "HTTP 404"]);
    let (outcome, _) = ask_after(vec![http(403, &[], page)]);
    outcome.error(&["log in to the network", "HTTP 403"]);
    let (outcome, _) = ask_after(vec![http(401, &[], "no")]);
    outcome.error(&["refused the key", "HTTP 401: no"]);
    let (outcome, _) = ask_after(vec![http(502, &[], page), says("hi")]);
    assert_eq!(outcome.text(), "hi");
    let (outcome, _) = ask_after(vec![http(200, &[], b"\x1b[31m\xff\xfe binary")]);
    outcome.error(&["not JSON", "binary"]);
    // The content type is ignored; only the body counts.
    let (outcome, _) =
        ask_after(vec![http(200, &[("content-type", "image/png")], completion("hi").to_string())]);
    assert_eq!(outcome.text(), "hi");
}

#[test]
fn a_huge_reply_is_not_swallowed() {
    let piece = vec![b' '; 1 << 16];
    let flood =
        |head: Vec<u8>| vec![Step::Send(head), Step::Flood { piece: piece.clone(), times: 800 }];
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 52428800\r\n\r\n".to_vec();
    let (outcome, server) = ask_after(vec![flood(head)]);
    outcome.error(&["larger than 4 MB"]);
    assert_eq!(server.received().len(), 1);
    let server = Server::replies(vec![flood(stream_head())]);
    Session::new("custom", &server).ask(&streamed()).error(&["larger than 4 MB"]);
}

#[test]
fn the_key_does_not_follow_a_redirect() {
    let other = Server::replies(vec![says("stolen")]);
    for status in [301, 302, 303, 307, 308] {
        let target = format!("http://{}/v1/chat/completions?key={CANARY}", other.address);
        let (outcome, server) = ask_after(vec![http(status, &[("location", &target)], "")]);
        outcome.error(&["redirects to 127.0.0.1:", "LLM_BASE_URL"]);
        assert_eq!(server.received().len(), 1);
    }
    assert!(other.received().is_empty(), "{:?}", other.received());
}

#[test]
fn a_server_that_repeats_the_key_leaks_nothing() {
    let echo = format!("bad key {CANARY}");
    for status in [200, 400, 401, 404, 429, 500] {
        let body =
            json!({"error": {"message": echo, "type": CANARY, "param": CANARY, "code": CANARY}});
        let (outcome, _) = ask_after(vec![json_reply(status, &body)]);
        outcome.error(&["***"]);
        let (outcome, _) = ask_after(vec![http(status, &[], &echo)]);
        outcome.error(&[]);
    }
    // The message is cut inside the key.
    for length in [270, 280, 290, 299] {
        let message = format!("{}{CANARY}", "x".repeat(length));
        let (outcome, _) = ask_after(vec![json_reply(400, &json!({"error": message}))]);
        let message = outcome.error(&["xxx"]);
        assert!(!message.contains("sk-"), "{message}");
    }
    let cut =
        format!("HTTP/1.1 200 OK\r\n{CANARY}: {CANARY}\r\ncontent-length: 99\r\n\r\n{CANARY}");
    for odd in [cut, format!("{CANARY}\r\n\r\n")] {
        let (outcome, _) = ask_after(vec![raw(odd)]);
        outcome.error(&["no answer in 4 attempts"]);
    }
    let mut body = completion(&format!("your key is {CANARY}"));
    body["model"] = json!(CANARY);
    body["choices"][0]["message"]["tool_calls"] = json!([{"id": CANARY, "function": {"name": CANARY, "arguments": format!("{{\"a\": [\"{CANARY}\"]}}")}}]);
    let (outcome, _) = ask_after(vec![json_reply(200, &body)]);
    assert_eq!(outcome.text(), "your key is ***");
    let mut steps = stream_head();
    steps.extend(events(&["it is ", &CANARY[..9], &CANARY[9..], "\nbye"]).bytes());
    let server = Server::replies(vec![raw(steps)]);
    let outcome = Session::new("custom", &server).ask(&streamed());
    assert_eq!(outcome.printed, ["it is ***", "bye"]);
}

#[test]
fn an_unknown_model_lists_what_is_offered() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/v1/models" => {
            let ids: Vec<_> = (0..40)
                .map(|n| json!({"id": format!("models/other-{n}")}))
                .chain([json!({"id": "test-model-2"})])
                .collect();
            json_reply(200, &json!({"data": ids}))
        }
        _ => json_reply(
            404,
            &json!({"error": {"message": "The model `test-model` does not exist", "code": "model_not_found"}}),
        ),
    });
    let outcome = Session::new("openai", &server).ask(&Ask::new("hello"));
    outcome.error(&[
        "openai has no model `test-model`",
        "it offers test-model-2, other-",
        "and 31 more",
        "set LLM_MODEL",
    ]);
    let (outcome, server) =
        ask_after(vec![json_reply(404, &json!({"error": "model 'test-model' not found"}))]);
    outcome.error(&["its list of models could not be read"]);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn a_refused_field_is_dropped_once_and_remembered() {
    let refusal = json!({"error": {"message": "Unsupported parameter: 'temperature'", "type": "invalid_request_error", "param": "temperature", "code": "unsupported_parameter"}});
    let server = Server::start(move |request, _| {
        if request.body.get("temperature").is_some() {
            json_reply(400, &refusal)
        } else {
            says("hi")
        }
    });
    let models = Session::new("custom", &server).open();
    let warm = Ask { temperature: Some(0.9), ..Ask::new("hello") };
    let outcome = asked(&models, &warm);
    assert_eq!(outcome.text(), "hi");
    assert_eq!(
        outcome.printed,
        ["custom: test-model does not take `temperature`, asking without it"]
    );
    assert!(outcome.result.unwrap().note.unwrap().contains("sent without a temperature"));
    assert!(asked(&models, &warm).printed.is_empty());
    assert_eq!(server.received().len(), 3);
    // A server that refuses everything is not asked for ever.
    let stubborn =
        json!({"error": {"message": "Unsupported parameter: 'max_tokens'", "param": "max_tokens"}});
    let (outcome, server) = ask_after(vec![json_reply(400, &stubborn)]);
    outcome.error(&["refuses the request"]);
    assert_eq!(server.received().len(), 2);
}

#[test]
fn replies_without_text_say_why() {
    let reply = |message: serde_json::Value, reason: &str| {
        json_reply(200, &json!({"choices": [{"message": message, "finish_reason": reason}]}))
    };
    let thought = json!({"content": "", "reasoning": "hm, let me see"});
    let ask = |provider: &str, reply: Reply| {
        Session::new(provider, &Server::replies(vec![reply])).ask(&Ask::new("hello"))
    };
    // An answer without text is no error, so the other questions of the batch keep their answers.
    let at_limit = "cut at 1,000 tokens, all of them thinking: `.max_tokens(2000)`";
    for (provider, message, reason, note) in [
        ("groq", thought.clone(), "length", at_limit),
        ("groq", thought.clone(), "stop", "thinking only, no answer: ask again"),
        ("custom", thought.clone(), "length", at_limit),
        ("openai", json!({"content": ""}), "length", at_limit),
        ("openai", json!({"content": null}), "content_filter", "cut by the provider's filter"),
    ] {
        let answer = ask(provider, reply(message, reason)).result.unwrap();
        assert_eq!(answer.text, "", "{provider} {reason}");
        assert!(answer.note.as_ref().unwrap().contains(note), "{:?}", answer.note);
    }
    let outcome = ask("custom", reply(thought, "stop"));
    assert_eq!(outcome.text(), "hm, let me see");
    assert!(outcome.result.unwrap().note.unwrap().contains("field for thinking"));
    ask("openai", reply(json!({"content": null, "refusal": "I cannot"}), "stop"))
        .error(&["declined: I cannot"]);
    ask("openai", reply(json!({}), "stop")).error(&["reply is empty"]);
}

#[test]
fn absurd_numbers_are_survived() {
    let numbers =
        ["18446744073709551615", "18446744073709549568", "1e300", "-1", "1.5", "null", "\"many\""];
    for number in numbers {
        let body = completion("hi").to_string();
        let body = body.replace(":11", &format!(":{number}")).replace(":7", &format!(":{number}"));
        let value = number.trim_matches('"');
        let headers = [
            ("x-ratelimit-remaining-tokens", value),
            ("x-ratelimit-limit-tokens", value),
            ("x-ratelimit-reset-tokens", value),
        ];
        let server = Server::replies(vec![http(200, &headers, body)]);
        let models = Session::new("groq", &server).open();
        for _ in 0..3 {
            asked(&models, &Ask::new("hello"));
        }
        assert!(models.meter().calls > 0, "{number}");
        for name in ["retry-after", "retry-after-ms"] {
            ask_after(vec![http(429, &[(name, value)], "{}")]).0.error(&[]);
        }
    }
}
