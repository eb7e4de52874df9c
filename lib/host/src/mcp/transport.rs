//! Reads and writes messages as lines of standard input and output.
//!
//! `rmcp` has its own transport. This transport answers a line that is not a message, as JSON-RPC 2.0
//! requires; rmcp's transport is silent or gives up. It reads no line longer than [`LONGEST`] into memory.
//! Before a session begins, it drops every message that would end the session.

use std::io::{BufRead, Read, Write};
use std::thread::JoinHandle;

use rmcp::RoleServer;
use rmcp::model::{ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::sync::mpsc;

/// The longest message, in bytes. It bounds a tool's input.
pub const LONGEST: usize = 4 << 20;
/// How many lines may wait for a reader or for the client.
const WAITING: usize = 64;

/// The result of reading a line.
#[derive(Debug, PartialEq)]
enum Line {
    Whole(Vec<u8>),
    TooLong,
}

/// Standard input and output, one message per line.
pub struct Lines {
    read: mpsc::Receiver<Line>,
    /// `None` after it is closed.
    write: Option<mpsc::Sender<String>>,
    /// Whether a request has arrived.
    begun: bool,
}

/// The thread that writes.
pub struct Writer(JoinHandle<()>);

impl Writer {
    /// Waits until everything is written.
    pub fn finish(self) {
        if self.0.join().is_err() {
            eprintln!("the thread that writes answers panicked: this is a bug");
        }
    }
}

impl Lines {
    /// Takes over this process's standard input and output. Nothing else may write to standard output.
    pub fn of_this_process() -> (Lines, Writer) {
        let (found, read) = mpsc::channel(WAITING);
        std::thread::spawn(move || {
            let mut input = std::io::stdin().lock();
            while let Ok(Some(line)) = next_line(&mut input) {
                if found.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        let (write, mut lines) = mpsc::channel::<String>(WAITING);
        let writer = std::thread::spawn(move || {
            while let Some(line) = lines.blocking_recv() {
                let mut output = std::io::stdout().lock();
                if writeln!(output, "{line}").and_then(|()| output.flush()).is_err() {
                    // The client is gone, so end this process and all that it started.
                    code_evolution_jail::kill_all();
                    std::process::exit(0);
                }
            }
        });
        (Lines { read, write: Some(write), begun: false }, Writer(writer))
    }
}

/// Returns the next line without its end; `None` at the end of the input.
fn next_line(input: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    let read = input.by_ref().take(LONGEST as u64 + 1).read_until(b'\n', &mut line)?;
    if read == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() > LONGEST {
        input.skip_until(b'\n')?;
        return Ok(Some(Line::TooLong));
    }
    Ok(Some(Line::Whole(line)))
}

/// The answer to a line that is not a message.
struct Refusal {
    error: ErrorData,
    /// The id of the line, if it has one.
    id: Option<RequestId>,
}

impl Refusal {
    fn line(self) -> serde_json::Result<String> {
        let answer: TxJsonRpcMessage<RoleServer> = JsonRpcMessage::error(self.error, self.id);
        serde_json::to_string(&answer)
    }
}

/// Reads the message in a line; `None` if it needs no answer.
///
/// # Errors
/// The answer that says what is wrong with the line.
fn message(line: Line) -> Result<Option<RxJsonRpcMessage<RoleServer>>, Refusal> {
    let refused = |error, id| Err(Refusal { error, id });
    let Line::Whole(bytes) = line else {
        let what = format!("the message is longer than {LONGEST} bytes; send less at once");
        return refused(ErrorData::invalid_request(what, None), None);
    };
    if bytes.trim_ascii().is_empty() {
        return Ok(None);
    }
    let value: Value = match serde_json::from_slice(&bytes) {
        Ok(value) => value,
        Err(error) => {
            let what = format!("the message is not JSON ({error}); send one message a line");
            return refused(ErrorData::parse_error(what, None), None);
        }
    };
    let id = value.get("id").and_then(|id| serde_json::from_value::<RequestId>(id.clone()).ok());
    let is_notification = value.get("id").is_none() && value["method"].is_string();
    match serde_json::from_value(value) {
        Ok(message) => Ok(Some(message)),
        // Nobody waits for an answer to a notification.
        Err(_) if is_notification => Ok(None),
        Err(_) => {
            let what = "this is not a message of JSON-RPC 2.0: it needs `jsonrpc`, `id`, `method`, \
                        `params`, each of its type";
            refused(ErrorData::invalid_request(what, None), id)
        }
    }
}

impl Transport<RoleServer> for Lines {
    type Error = std::io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let write = self.write.clone();
        async move {
            let line = serde_json::to_string(&item)?;
            let closed = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
            write.ok_or_else(closed)?.send(line).await.map_err(|_| closed())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            // Reserve a place for an answer first. Then no line and no answer is lost if this future is
            // cancelled at an `await`.
            let place = self.write.as_ref()?.reserve().await.ok()?;
            match message(self.read.recv().await?) {
                Ok(Some(message)) => {
                    self.begun |= matches!(message, JsonRpcMessage::Request(_));
                    if self.begun {
                        return Some(message);
                    }
                    // Before a session begins, a notification or a response would make rmcp end, so drop it.
                }
                Ok(None) => {}
                Err(refusal) => {
                    if let Ok(line) = refusal.line() {
                        place.send(line);
                    }
                }
            }
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.write = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(line: &str) -> Option<Value> {
        let line = message(Line::Whole(line.into())).err()?.line().expect("JSON");
        Some(serde_json::from_str(&line).expect("JSON"))
    }

    #[test]
    fn lines_are_bounded_and_the_next_line_is_read() {
        let mut text = vec![b'x'; LONGEST + 10];
        text.extend(b"\n{}\n\nlast");
        let mut input = std::io::BufReader::new(text.as_slice());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut input).expect("a line") {
            lines.push(line);
        }
        let whole = |text: &str| Line::Whole(text.into());
        assert_eq!(lines, [Line::TooLong, whole("{}"), whole(""), whole("last")]);
        let mut longest = vec![b'x'; LONGEST];
        longest.push(b'\n');
        let line = next_line(&mut longest.as_slice()).expect("a line");
        assert!(matches!(line, Some(Line::Whole(line)) if line.len() == LONGEST));
    }

    #[test]
    fn an_invalid_message_is_answered_with_its_id_if_it_has_one() {
        for (line, code, id) in [
            ("not json", -32700, Value::Null),
            (&"[".repeat(100_000), -32700, Value::Null),
            ("\u{0}", -32700, Value::Null),
            ("[]", -32600, Value::Null),
            ("5", -32600, Value::Null),
            (r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, -32600, 7.into()),
            (r#"{"jsonrpc":"2.0","id":"a","method":5}"#, -32600, "a".into()),
            (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, Value::Null),
        ] {
            let answer = answer(line).unwrap_or_else(|| panic!("{line} has no answer"));
            assert_eq!(answer["error"]["code"], code, "{answer}");
            assert_eq!(answer["id"], id, "{answer}");
        }
        for silent in ["", "  ", "\r", r#"{"jsonrpc":"1.0","method":"notifications/initialized"}"#]
        {
            assert!(matches!(message(Line::Whole(silent.into())), Ok(None)), "{silent}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_message_or_answered_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Err(refusal) = message(Line::Whole(bytes)) {
                let answer = refusal.line().expect("JSON");
                prop_assert!(!answer.contains('\n') && answer.contains("\"error\""));
            }
        }
    }
}
