//! What a refusal means: waits, spent daily quotas, malformed answers, sizes, and fitting advice.

use code_evolution_wire::model::{Ask, Budget};
use serde_json::{Value, json};

use crate::models_conversations::{add, ask_to_add, call_of_add, calls, converse};
use crate::models_server::*;

fn refusal(status: u16, error: Value) -> Reply {
    json_reply(status, &json!({ "error": error }))
}

#[test]
fn a_malformed_answer_is_asked_again_once() {
    let raw = json!({"error": {"message": "Failed to call a function", "code": "tool_use_failed"}});
    let behind = json!({"message": "Provider returned error", "code": 400, "metadata": {"raw": raw.to_string()}});
    let stopped = |reason: &str| {
        json_reply(
            200,
            &json!({"choices": [{"finish_reason": reason, "message": {"role": "assistant"}}], "usage": {"prompt_tokens": 50, "completion_tokens": 0, "total_tokens": 50}}),
        )
    };
    let slips = [
        refusal(
            400,
            json!({"message": "m", "code": "tool_use_failed", "failed_generation": "add(30"}),
        ),
        refusal(400, json!({"message": "m", "code": "json_validate_failed"})),
        refusal(400, json!({"message": "tool 'x' was called but not in request.tools"})),
        refusal(400, behind.clone()),
        refusal(500, json!({"message": "error parsing tool call: raw='add(30'"})),
        json_reply(200, &json!({ "error": behind })),
        stopped("function_call_filter: MALFORMED_FUNCTION_CALL"),
        stopped("UNEXPECTED_TOOL_CALL"),
    ];
    for (number, slip) in slips.into_iter().enumerate() {
        let server = Server::replies(vec![
            slip.clone(),
            calls(json!({"tool_calls": [call_of_add("k1", "{\"a\":30,\"b\":4}")]})),
            says("34"),
        ]);
        let models = Session::new("groq", &server).open();
        assert_eq!(converse(&models, ask_to_add(), &add).0.text, "34", "slip {number}");
        let meter = models.meter();
        assert_eq!((server.received().len(), meter.retries), (3, 1), "slip {number}");
        assert_eq!(meter.waits, 0, "a slip needs no wait");
        // The question is asked once more, and then not again.
        let server = Server::replies(vec![slip]);
        let outcome = Session::new("groq", &server).ask(&ask_to_add());
        outcome.error(&["cannot be read, twice", "ask again"]);
        assert_eq!((server.received().len(), outcome.printed.len()), (2, 1), "slip {number}");
    }
    // A malformed answer is paid for too.
    let server = Server::replies(vec![stopped("MALFORMED_FUNCTION_CALL"), says("hi")]);
    let models = Session::new("gemini", &server).open();
    asked(&models, &Ask::new("hello")).text();
    let meter = models.meter();
    assert_eq!((meter.calls, meter.usage.input_tokens), (2, 61));
}

#[test]
fn a_spent_daily_quota_is_reported_at_once_with_its_end() {
    let reset = json!({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "4070908800000"});
    let by_quota = json!({"message": "m", "details": [
        {"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}, {"retryDelay": "31s"},
    ]});
    for (provider, status, error, end) in [
        (
            "openrouter",
            429,
            json!({"message": "Rate limit exceeded: free-models-per-day", "metadata": {"headers": reset}}),
            "at 2099-01-01 00:00 UTC",
        ),
        (
            "openrouter",
            429,
            json!({"message": "Rate limit exceeded: free-models-per-day"}),
            "at midnight UTC",
        ),
        ("gemini", 429, by_quota, "at midnight in California"),
        (
            "groq",
            429,
            json!({"message": "on tokens per day (TPD): Limit 100000, Used 99999. Please try again in 7h12m.", "code": "rate_limit_exceeded"}),
            "UTC, in 7 h 12 min",
        ),
        (
            "custom",
            429,
            json!({"message": "Rate limit of 150 per 86400s exceeded for UserByModelByDay. Please wait 7200 seconds before retrying."}),
            "UTC, in 2 h 0 min",
        ),
        (
            "custom",
            403,
            json!({"message": "your daily limit is reached"}),
            "tomorrow at the latest",
        ),
        ("custom", 200, json!({"message": "daily limit", "code": 429}), "tomorrow at the latest"),
    ] {
        let server = Server::replies(vec![refusal(status, error.clone())]);
        let outcome = Session::new(provider, &server).ask(&Ask::new("hello"));
        let message = outcome.error(&[&format!("the day's quota at {provider} is spent"), end]);
        assert!(!message.contains("running?"), "{message}");
        assert_eq!(server.received().len(), 1, "{error}");
        assert!(outcome.printed.is_empty(), "{:?}", outcome.printed);
    }
    // A header may name the kind of limit.
    let headers = [("x-ratelimit-type", "UserByModelByDay"), ("retry-after", "24367")];
    let server = Server::replies(vec![http(
        429,
        &headers,
        "{\"error\": {\"message\": \"Too many requests\"}}",
    )]);
    let outcome = Session::new("custom", &server).ask(&Ask::new("hello"));
    outcome.error(&["the day's quota at custom is spent", "UTC, in 6 h 47 min"]);
    // If a daily limit allows the next request soon, waiting is worth it.
    let rolling =
        json!({"message": "on tokens per day (TPD): Limit 100000. Please try again in 8.2s."});
    let server = Server::replies(vec![refusal(429, rolling), says("hi")]);
    assert_eq!(Session::new("groq", &server).ask(&Ask::new("hello")).text(), "hi");
}

#[test]
fn a_wait_is_read_from_every_place() {
    let body = |error: Value| json!({ "error": error }).to_string();
    let plain = || body(json!({"message": "slow down"}));
    for (headers, body, seconds) in [
        (vec![("retry-after", "11")], plain(), "11"),
        (vec![("retry-after-ms", "11500")], plain(), "12"),
        (vec![("x-ratelimit-reset", "12")], plain(), "12"),
        (
            vec![("x-ratelimit-reset-tokens", "7.66s"), ("x-ratelimit-remaining-tokens", "0")],
            plain(),
            "7.7",
        ),
        (vec![], body(json!({"message": "Please try again in 13s."})), "13"),
        (vec![], body(json!({"message": "Please retry in 37.5s."})), "38"),
        (vec![], body(json!({"message": "Please wait 42 seconds before retrying."})), "42"),
        (vec![], body(json!({"message": "m", "details": [{"retryDelay": "14s"}]})), "14"),
        (
            vec![],
            body(json!({"message": "m", "metadata": {"headers": {"X-RateLimit-Reset": "15"}}})),
            "15",
        ),
        // The longer of two waits counts.
        (vec![("retry-after", "2")], body(json!({"message": "try again in 16s"})), "16"),
    ] {
        let server = Server::replies(vec![http(429, &headers, &body), says("hi")]);
        let session = Session::new("custom", &server).speed(200).with("LLM_TIMEOUT", "3600");
        let outcome = session.ask(&Ask::new("hello"));
        outcome.text();
        let waited =
            outcome.printed.iter().any(|line| line.contains(&format!("waiting {seconds} s, ")));
        assert!(waited, "{headers:?} {body}: {:?}", outcome.printed);
    }
    let server =
        Server::replies(vec![refusal(429, json!({"message": "Please try again in 8m30s."}))]);
    let outcome = Session::new("custom", &server).ask(&Ask::new("hello"));
    outcome.error(&["asks to wait 510 s", "try again at ", "in 9 min"]);
    assert_eq!(server.received().len(), 1);
}

#[test]
fn a_request_that_is_too_large_says_which_part_is() {
    let long = Ask { max_tokens: 20_000, ..Ask::new("hello") };
    let groq = json!({"message": "too large for the tokens per minute (TPM): limit 6000, requested 20015", "type": "tokens", "code": "rate_limit_exceeded"});
    let context = json!({"message": "This model's maximum context length is 8192 tokens. However, you requested 21000 tokens (1000 in the messages, 20000 in the completion).", "code": "context_length_exceeded"});
    let credit = json!({"message": "You requested up to 20000 tokens, but can only afford 1500", "code": 402});
    let value = json!({"message": "max_tokens is too large: 20000. This model supports at most 4096 completion tokens", "param": "max_tokens"});
    for (status, error, advice) in [
        (413, groq.clone(), "lower max_tokens from 20000 to 5395 or less"),
        (429, groq, "lower max_tokens from 20000 to 5395 or less"),
        (400, context, "lower max_tokens from 20000 to 6473 or less"),
        (402, credit, "lower max_tokens from 20000 to 1500 or less, or add credit"),
        (400, value, "lower max_tokens from 20000 to 4096 or less"),
    ] {
        let server = Server::replies(vec![refusal(status, error)]);
        let message = Session::new("groq", &server).ask(&long).error(&[advice]);
        assert!(!message.contains("the prompt is too long"), "{message}");
        assert_eq!(server.received().len(), 1);
    }
    let named = http(
        413,
        &[("x-ratelimit-limit-tokens", "6000")],
        "{\"error\": {\"message\": \"too large\"}}",
    );
    let server = Server::replies(vec![named]);
    Session::new("groq", &server).ask(&long).error(&["lower max_tokens from 20000 to 5395"]);
    let server = Server::replies(vec![refusal(413, json!({"message": "too large"}))]);
    Session::new("groq", &server).ask(&Ask::new("hello")).error(&["the prompt is too long"]);
}

#[test]
fn retries_count_in_the_meter_and_the_budget() {
    let busy = http(503, &[("retry-after", "1")], "{}");
    let server = Server::replies(vec![busy.clone(), busy.clone(), says("hi"), busy]);
    let models = Session::new("custom", &server).open();
    models.set_budget(Budget { calls: Some(5), tokens: None });
    asked(&models, &Ask::new("hello")).text();
    assert_eq!((models.meter().calls, models.meter().retries), (1, 2));
    // Two more requests are allowed, whatever their result.
    let outcome = asked(&models, &Ask::new("hello"));
    outcome.error(&["HTTP 503", "the budget of 5 calls is spent (3 of them asked again)"]);
    assert_eq!((server.received().len(), models.meter().retries), (5, 3));
    asked(&models, &Ask::new("hello")).error(&["the budget of 5 calls is spent"]);
    assert_eq!(server.received().len(), 5);
}

#[test]
fn advice_fits_the_failure() {
    for (reply, advice) in [
        (refusal(429, json!({"message": "slow"})), "try again in a minute"),
        (refusal(500, json!({"message": "oops"})), "the server has a problem"),
        (http(502, &[], "<html>"), "the server has a problem"),
        (raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"), "its answers break off"),
    ] {
        let (outcome, _) = ask_after(vec![reply]);
        let message = outcome.error(&["no answer in 4 attempts", advice]);
        assert!(!message.contains("running?") && !message.contains("reachable"), "{message}");
    }
    // If a server has answered before, the advice does not ask whether it runs.
    let server = Server::replies(vec![says("hi")]);
    let models = Session::new("custom", &server).speed(200).with("LLM_TIMEOUT", "3600").open();
    asked(&models, &Ask::new("hello")).text();
    server.stop();
    let message = asked(&models, &Ask::new("hello")).error(&["has answered before"]);
    assert!(!message.contains("running?"), "{message}");
    // These addresses all mean this machine. The session after the loop uses a proxy.
    for base in [
        "http://localhost.:1/v1",
        "http://ollama.localhost:1/v1",
        "http://[::ffff:127.0.0.1]:1/v1",
        "http://0.0.0.0:1/v1",
    ] {
        let session = Session::new("custom", &server).speed(200).with("LLM_BASE_URL", base);
        session
            .with("container", "docker")
            .ask(&Ask::new("hello"))
            .error(&["running?", "host.docker.internal:1/v1"]);
    }
    let session = Session::new("custom", &server)
        .speed(200)
        .with("LLM_BASE_URL", "http://name.invalid/v1")
        .with("http_proxy", "http://me:secret@proxy.example:3128");
    let message = session.ask(&Ask::new("hello")).error(&["through the proxy proxy.example:3128"]);
    assert!(!message.contains("secret"), "{message}");
}

#[test]
fn a_prompt_that_was_only_partly_read_is_reported() {
    let counted = |tokens: u64| {
        let mut body = completion("Which function do you mean?");
        body["usage"] =
            json!({"prompt_tokens": tokens, "completion_tokens": 7, "total_tokens": tokens + 7});
        json_reply(200, &body)
    };
    let long = Ask::new("a word or two ".repeat(2_600));
    for (provider, tokens, ask, told) in [
        ("custom", 2_048, &long, true),
        ("ollama", 4_095, &long, true),
        ("lmstudio", 2_048, &long, true),
        ("custom", 8_000, &long, false),
        ("custom", 0, &long, false),
        ("custom", 2, &Ask::new("hello"), false),
        ("groq", 2_048, &long, false),
    ] {
        let server = Server::replies(vec![counted(tokens)]);
        let answer = Session::new(provider, &server).ask(ask).result.unwrap();
        let note = answer.note.unwrap_or_default();
        assert_eq!(
            note.contains(&format!("counts {tokens} tokens of about 9")),
            told,
            "{provider}: {note}"
        );
    }
}

#[test]
fn an_answer_without_a_reply_is_metered() {
    for choices in [json!([]), json!(null)] {
        let body = json!({"choices": choices, "prompt_feedback": {"block_reason": "SAFETY"}, "usage": {"prompt_tokens": 300, "completion_tokens": 0, "total_tokens": 1300}});
        let server = Server::replies(vec![json_reply(200, &body)]);
        let models = Session::new("gemini", &server).open();
        let message = asked(&models, &Ask::new("hello")).error(&["gave no reply", "(SAFETY)"]);
        assert!(!message.contains("LLM_BASE_URL"), "{message}");
        let meter = models.meter();
        assert_eq!(
            (meter.calls, meter.usage.input_tokens, meter.usage.output_tokens),
            (1, 300, 1_000)
        );
    }
}
