//! Thirty questions at once against a free account.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use code_evolution_wire::model::Ask;
use serde_json::json;

use crate::models_server::*;

/// How long a minute lasts on the server's clock and on the client's.
const MINUTE: Duration = Duration::from_secs(2);
const SPEED: u32 = 30;
const REQUESTS: u64 = 30;
const TOKENS: u64 = 8_000;

/// The server's counts for one minute.
struct Window {
    start: Instant,
    requests: u64,
    tokens: u64,
    refused: u64,
}

fn limited() -> Server {
    let window = Mutex::new(Window { start: Instant::now(), requests: 0, tokens: 0, refused: 0 });
    Server::start(move |request, _| {
        let prompt = request.body["messages"][0]["content"].as_str().unwrap().to_owned();
        let input = prompt.len() as u64 / 4;
        let tokens = input + request.body["max_tokens"].as_u64().unwrap();
        let mut window = window.lock().unwrap();
        if window.start.elapsed() >= MINUTE {
            *window =
                Window { start: Instant::now(), requests: 0, tokens: 0, refused: window.refused };
        }
        let fits = window.requests < REQUESTS && window.tokens + tokens <= TOKENS;
        if fits {
            window.requests += 1;
            window.tokens += tokens;
        } else {
            window.refused += 1;
        }
        let left = MINUTE.saturating_sub(window.start.elapsed()) * SPEED;
        let reset = format!("{:.3}s", left.as_secs_f64());
        let headers = [
            ("x-ratelimit-limit-requests", REQUESTS.to_string()),
            ("x-ratelimit-remaining-requests", (REQUESTS - window.requests).to_string()),
            ("x-ratelimit-reset-requests", reset.clone()),
            ("x-ratelimit-limit-tokens", TOKENS.to_string()),
            ("x-ratelimit-remaining-tokens", (TOKENS - window.tokens).to_string()),
            ("x-ratelimit-reset-tokens", reset.clone()),
            ("retry-after", format!("{}", left.as_secs() + 1)),
        ];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        if !fits {
            return http(
                429,
                &headers,
                json!({"error": {"message": "rate limit reached", "code": "rate_limit_exceeded"}})
                    .to_string(),
            );
        }
        let mut body = completion(&format!("answer to {prompt}"));
        body["usage"] = json!({"prompt_tokens": input, "completion_tokens": tokens - input});
        http(200, &headers, body.to_string())
    })
}

#[test]
fn thirty_questions_lose_no_reply() {
    let server = limited();
    let models = Session::new("groq", &server).speed(SPEED).with("LLM_TIMEOUT", "3600").open();
    let asks: Vec<Ask> = (0..30)
        .map(|n| {
            let mut ask = Ask::new(format!("question {n} {}", "words ".repeat(60)));
            ask.max_tokens = 350;
            ask
        })
        .collect();
    let printed = Mutex::new(Vec::new());
    let answers =
        models.ask_many(&asks, &|line| printed.lock().unwrap().push(line.to_owned())).unwrap();
    for (ask, answer) in asks.iter().zip(&answers) {
        assert_eq!(answer.text, format!("answer to {}", ask.messages[0].content));
    }
    let printed = printed.into_inner().unwrap();
    let meter = models.meter();
    assert_eq!((answers.len(), meter.calls), (30, 30));
    // 30 questions of about 440 tokens exceed a minute's 8,000, so there were waits; each printed one line.
    assert!(meter.waits > 0, "{meter:?}");
    assert_eq!(meter.waits as usize, printed.len(), "{printed:#?}");
    // The headers are correct, so almost no request is refused.
    let in_vain = server.received().len() - 30;
    assert!(in_vain <= 4, "{in_vain} requests were refused");
    println!(
        "30 questions: {} waits, {} s on the server's clock, {in_vain} refused",
        meter.waits,
        meter.waited_ms / 1_000
    );
}

#[test]
fn the_remaining_quota_is_read_from_headers() {
    let server = Server::start(|_, before| {
        let headers = match before {
            0 => [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "29s")],
            1 => [("x-ratelimit-remaining-tokens", "900"), ("x-ratelimit-reset-tokens", "1m0.5s")],
            _ => [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "2h0m")],
        };
        http(200, &headers, completion("hi").to_string())
    });
    let models = Session::new("groq", &server).open();
    // A little time passes between an answer and the next question.
    let waits = |outcome: &Outcome, seconds: [u32; 2]| {
        let line = |n| format!("groq: waiting up to {n} s for the rate limit");
        assert!(seconds.map(line).contains(&outcome.printed.concat()), "{:?}", outcome.printed);
    };
    assert!(asked(&models, &Ask::new("first")).printed.is_empty());
    waits(&asked(&models, &Ask::new("second")), [28, 29]);
    waits(&asked(&models, &Ask::new("third")), [59, 60]);
    assert_eq!(models.meter().waits, 2);
    // The client does not wait for hours.
    asked(&models, &Ask::new("fourth")).error(&[
        "its rate limit",
        "try again at ",
        " UTC, in 2 h 0 min",
    ]);
    assert_eq!(server.received().len(), 3);
}

#[test]
fn a_question_that_fits_what_is_left_does_not_wait() {
    let headers = [("x-ratelimit-remaining-tokens", "900"), ("x-ratelimit-reset-tokens", "50s")];
    let server = Server::replies(vec![http(200, &headers, completion("hi").to_string())]);
    let models = Session::new("groq", &server).open();
    for _ in 0..3 {
        let small = Ask { max_tokens: 500, ..Ask::new("hello") };
        assert!(asked(&models, &small).printed.is_empty());
    }
    assert_eq!(models.meter().waits, 0);
}

/// Starts a server that repeats each question, and gives these replies to some.
fn but(replies: Vec<(&'static str, Reply)>) -> Server {
    Server::start(move |request, _| {
        let prompt = request.body["messages"][0]["content"].as_str().unwrap();
        let found = replies.iter().find(|(question, _)| *question == prompt);
        found.map_or_else(|| says(prompt), |(_, reply)| reply.clone())
    })
}

fn numbered(count: usize) -> Vec<Ask> {
    (0..count).map(|n| Ask::new(n.to_string())).collect()
}

#[test]
fn an_error_common_to_all_stops_the_remaining_questions() {
    let server = but(vec![("3", json_reply(401, &json!({"error": {"message": "no"}})))]);
    let models = Session::new("custom", &server).open();
    let answers = models.ask_many(&numbered(100), &|_| ()).unwrap();
    assert!(server.received().len() < 100);
    assert_eq!(answers.len(), 100);
    let why = |n: usize| answers[n].failure.as_ref().map(|failure| failure.message.clone());
    assert_eq!(["0", "1", "2"].map(str::to_owned), [0, 1, 2].map(|n| answers[n].text.clone()));
    assert!(why(3).is_some_and(|why| why.contains("refused the key")), "{:?}", why(3));
    assert!(why(99).is_some_and(|why| why.starts_with("not asked, because question 4 failed: ")));
    assert!(answers[99].label().contains("no answer: not asked"), "{}", answers[99].label());
    assert_eq!(models.ask_many(&[], &|_| ()).unwrap(), []);
    // If nothing was answered, the whole call is an error.
    let models = Session::new("custom", &server).open();
    let error = models.ask_many(&vec![Ask::new("3"); 5], &|_| ()).unwrap_err();
    assert!(error.message().contains("refused the key"), "{error}");
}

#[test]
fn a_failed_question_does_not_lose_the_others_answers() {
    let refused = json_reply(400, &json!({"error": {"message": "not this"}}));
    let nothing =
        json_reply(200, &json!({"choices": [], "usage": {"prompt_tokens": 3, "total_tokens": 5}}));
    let server = but(vec![("1", refused), ("4", nothing)]);
    let models = Session::new("custom", &server).open();
    let printed = Mutex::new(Vec::new());
    let progress = |line: &str| printed.lock().unwrap().push(line.to_owned());
    let answers = models.ask_many(&numbered(8), &progress).unwrap();
    let texts: Vec<&str> = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(texts, ["0", "", "2", "3", "", "5", "6", "7"]);
    assert_eq!(server.received().len(), 8);
    // A failed question is paid for too.
    let meter = models.meter();
    assert_eq!((meter.calls, meter.usage.input_tokens), (7, 6 * 11 + 3));
    let mut printed = printed.into_inner().unwrap();
    printed.sort();
    assert_eq!(printed.len(), 2);
    assert!(printed[0].starts_with("question 2 of 8 has no answer: custom refuses the request"));
    assert!(printed[1].starts_with("question 5 of 8 has no answer: custom gave no reply"));
}
