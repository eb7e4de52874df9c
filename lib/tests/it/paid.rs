//! What a cell keeps of many questions, live: the answers that were paid for, beside one that failed.
//!
//! A lab takes its server from the environment, which a test may not change; so the test runs itself
//! again in a process of its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use code_evolution::prelude::*;
use serde_json::{Value, json};

const NAME: &str = "paid::a_question_that_fails_leaves_the_paid_answers_beside_it";

#[test]
fn a_question_that_fails_leaves_the_paid_answers_beside_it() {
    if std::env::var("LLM_BASE_URL").is_ok_and(|base| base.ends_with("/of-this-test")) {
        return ask();
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/of-this-test", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(stream.expect("a connection"));
        }
    });
    let itself = std::env::current_exe().expect("this test");
    let done = Command::new(itself)
        .args(["--exact", NAME, "--nocapture"])
        .env_remove("LLM_PROVIDER")
        .envs([("LLM_BASE_URL", base.as_str()), ("LLM_MODEL", "small"), ("LLM_MODE", "live")])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

/// Asks four questions, of which the server refuses the third.
fn ask() {
    let lab = Lab::start().expect("a lab");
    let replies = lab.llm().ask_many(&["one", "two", "refuse", "four"]).expect("some answers");
    let texts: Vec<_> = replies.iter().map(|reply| reply.answer().map(str::to_owned)).collect();
    let refused = texts[2].as_ref().expect_err("it is refused").to_string();
    assert!(
        refused.contains("refuses the request") && refused.contains("not this one"),
        "{refused}"
    );
    for (place, said) in [(0, "one"), (1, "two"), (3, "four")] {
        assert_eq!(texts[place].as_ref().expect("a paid answer"), &format!("it is {said}"));
    }
    // What failed tells the reason wherever it is read, and is no empty candidate.
    for why in [replies[2].code("f").err(), replies[2].list().err(), replies[2].prompt().err()] {
        assert_eq!(why.expect("no answer").to_string(), refused);
    }
    assert!(replies[2].to_text().contains("not this one"), "{}", replies[2].to_text());
    assert_eq!(lab.llm().meter().expect("the books").calls, 3);
}

/// Answers one request: each question with itself, but one with a refusal.
fn answer(mut stream: TcpStream) {
    let mut request = Vec::new();
    let body = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).expect("a request");
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request);
        // A body is there when it is whole JSON.
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str::<Value>(body)
        {
            break body;
        }
        assert!(read > 0, "half a request: {text}");
    };
    let asked = body["messages"][0]["content"].as_str().expect("a question");
    let (status, body) = match asked {
        "refuse" => ("400 Bad Request", json!({"error": {"message": "not this one"}})),
        asked => {
            let message = json!({"role": "assistant", "content": format!("it is {asked}")});
            let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
            let usage = json!({"prompt_tokens": 3, "completion_tokens": 2});
            ("200 OK", json!({"model": "small", "choices": [choice], "usage": usage}))
        }
    };
    let (body, close) = (body.to_string(), "content-type: application/json\r\nconnection: close");
    let head = format!("HTTP/1.1 {status}\r\n{close}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).expect("it listens");
}
