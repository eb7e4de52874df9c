//! A lab with a live model. The lab takes its server from the environment, which a test may not change. So
//! such a test runs itself again in a separate process, whose environment names a server in the first
//! process.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;

use serde_json::{Value, json};

/// Runs `inside` in a second process of the test with this full name. There, the live lab's model is
/// `small-1`. `answer` gets the text of each question; its `Ok` is the reply, its `Err` the message of a
/// refusal.
pub fn run(test: &str, inside: impl FnOnce(), answer: fn(&str) -> Result<String, String>) {
    if std::env::var("LLM_BASE_URL").is_ok_and(|base| base.ends_with("/of-this-test")) {
        return inside();
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/of-this-test", listener.local_addr().expect("an address"));
    // The thread ends with this process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            serve(stream.expect("a connection"), answer);
        }
    });
    let done = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", test, "--nocapture"])
        .env_remove("LLM_PROVIDER")
        .envs([("LLM_BASE_URL", base.as_str()), ("LLM_MODEL", "small-1"), ("LLM_MODE", "live")])
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout) + String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}

/// Answers one request like a provider.
fn serve(mut stream: TcpStream, answer: fn(&str) -> Result<String, String>) {
    let mut request = Vec::new();
    let body = loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).expect("a request");
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request);
        // The body has arrived when it is complete JSON.
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(body) = serde_json::from_str::<Value>(body)
        {
            break body;
        }
        assert!(read > 0, "half a request: {text}");
    };
    let asked = body["messages"][0]["content"].as_str().expect("a question");
    let (status, body) = match answer(asked) {
        Err(message) => ("400 Bad Request", json!({"error": {"message": message}})),
        Ok(text) => {
            let message = json!({"role": "assistant", "content": text});
            let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
            let usage = json!({"prompt_tokens": 3, "completion_tokens": 2});
            ("200 OK", json!({"model": "small-1", "choices": [choice], "usage": usage}))
        }
    };
    let (body, close) = (body.to_string(), "content-type: application/json\r\nconnection: close");
    let head = format!("HTTP/1.1 {status}\r\n{close}\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + &body).as_bytes()).expect("it listens");
}
