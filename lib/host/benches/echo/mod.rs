//! An HTTP server on this machine that takes the place of a model: it gives every request the same kind of
//! answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

/// Starts a server that answers with `reply` after this delay; returns its address. The server lives as long
/// as the process. A streamed answer sends its first line at once and the rest after the delay.
///
/// # Errors
/// If no port is free.
pub fn server(
    delay: Duration,
    reply: impl Fn() -> String + Send + Sync + 'static,
) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let reply = Arc::new(reply);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let reply = Arc::clone(&reply);
            // This thread ends when its client hangs up.
            std::thread::spawn(move || serve(stream, delay, &*reply));
        }
    });
    Ok(address)
}

/// Answers every request on a connection, one after the other.
fn serve(mut stream: TcpStream, delay: Duration, reply: &dyn Fn() -> String) -> anyhow::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    stream.set_nodelay(true)?;
    while let Some(request) = request(&mut reader)? {
        if request["stream"] == true {
            let (first, rest) = (event("first line\n"), event("rest\n") + "data: [DONE]\n\n");
            head(&mut stream, "text/event-stream", first.len() + rest.len())?;
            stream.write_all(first.as_bytes())?;
            std::thread::sleep(delay);
            stream.write_all(rest.as_bytes())?;
        } else {
            std::thread::sleep(delay);
            let body = json!({
                "model": "echo",
                "choices": [{"message": {"content": reply()}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 3, "completion_tokens": 1},
            });
            let body = body.to_string();
            head(&mut stream, "application/json", body.len())?;
            stream.write_all(body.as_bytes())?;
        }
    }
    Ok(())
}

/// Returns the body of the next request, or `None` if there is none.
fn request(reader: &mut BufReader<TcpStream>) -> anyhow::Result<Option<Value>> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Some(serde_json::from_slice(&body)?))
}

fn head(stream: &mut TcpStream, kind: &str, length: usize) -> std::io::Result<()> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes())
}

fn event(text: &str) -> String {
    let piece = json!({"model": "echo", "choices": [{"delta": {"content": text}}]});
    format!("data: {piece}\n\n")
}
