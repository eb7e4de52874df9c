//! What the way to a model costs besides the model: `cargo bench -p code_evolution_host --bench models`.
//!
//! An echo server on this machine answers at once, so what is measured is the client, the
//! cassettes, the extraction and the audit log. Figures depend on the machine; compare them to the
//! first row, an HTTP exchange by hand on an open connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use code_evolution_host::audit::Log;
use code_evolution_host::models::{Models, code};
use code_evolution_wire::model::{Ask, ModelChoice};

const REPLY: &str = r#"{"model":"echo","choices":[{"message":{"content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;

fn response() -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{REPLY}", REPLY.len())
}

/// Answers every request on a connection, one after the other.
fn serve(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    stream.set_nodelay(true)?;
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        reader.read_exact(&mut vec![0; length])?;
        stream.write_all(response().as_bytes())?;
    }
}

fn echo_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that hangs up ends its thread.
            std::thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Prints how long one of `count` takes, from the fastest of five rounds.
fn row(what: &str, count: u32, mut round: impl FnMut()) {
    let best = (0..5).map(|_| {
        let start = Instant::now();
        round();
        start.elapsed()
    });
    let each = best.min().unwrap_or(Duration::ZERO) / count;
    println!("{what:<58} {:>10.1} µs", each.as_secs_f64() * 1e6);
}

fn main() {
    let address = echo_server();
    let base = format!("http://{address}/v1");
    let environment = |name: &str| match name {
        "LLM_BASE_URL" => Some(base.clone()),
        "LLM_MODEL" => Some("echo".to_owned()),
        _ => None,
    };
    let open = |choice: &ModelChoice, env: &dyn Fn(&str) -> Option<String>| {
        Models::open(choice, env).unwrap_or_else(|error| panic!("{error}"))
    };
    let ask = Ask::new("Repair this function. ".repeat(40));
    let quiet = |_: &str| ();

    let mut bare = TcpStream::connect(&address).expect("the echo server");
    bare.set_nodelay(true).expect("a socket");
    let request = format!("POST / HTTP/1.1\r\ncontent-length: 1000\r\n\r\n{}", "x".repeat(1_000));
    let mut reply = vec![0; response().len()];
    row("an HTTP exchange by hand", 500, || {
        for _ in 0..500 {
            bare.write_all(request.as_bytes()).expect("sent");
            bare.read_exact(&mut reply).expect("a reply");
        }
    });

    let live = open(&ModelChoice::default(), &environment);
    row("ask", 500, || {
        for _ in 0..500 {
            live.ask(&ask, &quiet).unwrap_or_else(|error| panic!("{error}"));
        }
    });
    let asks = vec![ask.clone(); 500];
    row("ask_many", 500, || {
        live.ask_many(&asks, &quiet).unwrap_or_else(|error| panic!("{error}"));
    });
    row("open, with a provider", 1, || {
        open(&ModelChoice::default(), &environment);
    });

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("script.toml");
    let mut script = "kind = \"script\"\n".to_owned();
    for step in 0..100 {
        script += &format!(
            "[[exchange]]\nprompt = '''\nStep {step}. {}'''\nreplies = [\"a\", \"b\"]\n",
            "Write fn one. ".repeat(100)
        );
    }
    std::fs::write(&path, script).expect("a script");
    let choice =
        ModelChoice { cassette: Some(path.display().to_string()), ..ModelChoice::default() };
    let scripted = open(&choice, &|_| None);
    row("open, with a script of 100 exchanges", 1, || {
        open(&choice, &|_| None);
    });
    let exact = Ask::new(format!("Step 70. {}", "Write fn one. ".repeat(100)));
    row("a scripted reply, exact", 500, || {
        for _ in 0..500 {
            scripted.ask(&exact, &quiet).unwrap_or_else(|error| panic!("{error}"));
        }
    });
    let edited = Ask::new(format!("Step 70! {}", "Write fn one. ".repeat(99)));
    row("a scripted reply, the nearest of 100", 20, || {
        for _ in 0..20 {
            scripted.ask(&edited, &quiet).unwrap_or_else(|error| panic!("{error}"));
        }
    });

    let reply = format!(
        "Sure!\n\n```rust\n{}fn one() -> u8 {{ 1 }}\n```\nDone.",
        "fn other() { /* … */ }\n".repeat(150)
    );
    row("the code of a reply of 4 KB", 500, || {
        for _ in 0..500 {
            code::extract(&reply, "one", "stop").unwrap_or_else(|error| panic!("{error}"));
        }
    });
    let log = Log::new(folder.path().join("audit.jsonl"));
    row("a line of the audit log", 500, || {
        for _ in 0..500 {
            log.asked(&ask).unwrap_or_else(|error| panic!("{error}"));
        }
    });
}
