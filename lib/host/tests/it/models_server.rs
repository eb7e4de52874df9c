//! A server on this machine that fails as instructed, and ways to ask it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use code_evolution_host::models::{Clock, ModelError, Models};
use code_evolution_wire::model::{Answer, Ask, Mode, ModelChoice};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// No test may produce anything that contains this.
pub const CANARY: &str = "sk-canary-7f3a9b2c5d8e1f4a6b";

/// A received request.
#[derive(Debug, Clone)]
pub struct Received {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Received {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The server's next action on a connection.
#[derive(Debug, Clone)]
pub enum Step {
    Send(Vec<u8>),
    Wait(Duration),
    /// Sends the bytes again and again until the other side stops reading.
    Flood {
        piece: Vec<u8>,
        times: usize,
    },
}

/// A reply: steps, after which the connection is closed.
pub type Reply = Vec<Step>;

pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
    vec![Step::Send(bytes.into())]
}

/// Returns a complete HTTP response.
pub fn http(status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Reply {
    let body = body.as_ref();
    let mut head = format!(
        "HTTP/1.1 {status} Status\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = format!("{head}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    raw(bytes)
}

pub fn json_reply(status: u16, body: &Value) -> Reply {
    http(status, &[("content-type", "application/json")], body.to_string())
}

/// Returns a completion that says `text`.
pub fn says(text: &str) -> Reply {
    json_reply(200, &completion(text))
}

pub fn completion(text: &str) -> Value {
    json!({
        "id": "1", "object": "chat.completion", "created": 1, "model": "test-model-1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    })
}

/// Returns the head of a streamed response; the body ends with the connection.
pub fn stream_head() -> Vec<u8> {
    b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n".to_vec()
}

/// Returns one event for each piece of a streamed answer.
pub fn events(pieces: &[&str]) -> String {
    let mut out = String::new();
    for piece in pieces {
        let chunk = json!({"model": "test-model-1", "choices": [{"index": 0, "delta": {"content": piece}}]});
        out.push_str(&format!("data: {chunk}\n\n"));
    }
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    out.push_str(&format!("data: {last}\n\ndata: [DONE]\n\n"));
    out
}

type Behaviour = dyn Fn(&Received, usize) -> Reply + Send + Sync;

/// A connection, plain or encrypted.
trait Connection: Read + Write {
    /// Tells the other side that nothing follows.
    fn finish(&mut self);
}

impl Connection for TcpStream {
    fn finish(&mut self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

impl Connection for StreamOwned<ServerConnection, TcpStream> {
    fn finish(&mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
        let _ = self.sock.shutdown(Shutdown::Write);
    }
}

/// The server. It lives until the test process ends.
pub struct Server {
    pub address: String,
    stopped: Arc<AtomicBool>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    /// Starts a server. `behaviour` gets the request and the number of earlier requests.
    pub fn start(behaviour: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static) -> Self {
        Server::start_on(|stream| Box::new(stream), behaviour)
    }

    /// Starts a server that encrypts.
    pub fn start_encrypted(
        tls: Arc<ServerConfig>,
        behaviour: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let encrypt = move |stream| -> Box<dyn Connection> {
            Box::new(StreamOwned::new(ServerConnection::new(tls.clone()).unwrap(), stream))
        };
        Server::start_on(encrypt, behaviour)
    }

    fn start_on(
        connect: impl Fn(TcpStream) -> Box<dyn Connection> + Send + Sync + 'static,
        behaviour: impl Fn(&Received, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Mutex::new(Vec::new()));
        let (log, behaviour): (_, Arc<Behaviour>) = (received.clone(), Arc::new(behaviour));
        let connect = Arc::new(connect);
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = stopped.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let (log, behaviour, connect) = (log.clone(), behaviour.clone(), connect.clone());
                std::thread::spawn(move || serve(connect(stream.unwrap()), &log, &*behaviour));
            }
        });
        Server { address, stopped, received }
    }

    /// Gives these replies one after the other, and then the last one for ever.
    pub fn replies(replies: Vec<Reply>) -> Self {
        Server::start(move |_, before| replies[before.min(replies.len() - 1)].clone())
    }

    /// Stops listening: from now on, no connection succeeds.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        // The thread waits for a connection, and stops when one comes.
        let _ = TcpStream::connect(&self.address);
        while TcpStream::connect(&self.address).is_ok() {
            std::thread::yield_now();
        }
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub fn base(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Returns the address for a client that encrypts.
    pub fn encrypted_base(&self) -> String {
        format!("https://{}/v1", self.address)
    }
}

fn serve(stream: Box<dyn Connection>, log: &Mutex<Vec<Received>>, behaviour: &Behaviour) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap(), words.next().unwrap());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let request = Received { method, path, headers, body };
    let before = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    let mut stream = reader.into_inner();
    for step in behaviour(&request, before) {
        // The client may have hung up, which is allowed.
        let sent = match step {
            Step::Send(bytes) => stream.write_all(&bytes),
            Step::Wait(wait) => {
                std::thread::sleep(wait);
                Ok(())
            }
            Step::Flood { piece, times } => (0..times).try_for_each(|_| stream.write_all(&piece)),
        };
        if sent.is_err() {
            break;
        }
    }
    stream.finish();
}

/// All results of a question.
pub struct Outcome {
    pub result: Result<Answer, ModelError>,
    pub printed: Vec<String>,
}

impl Outcome {
    #[track_caller]
    pub fn text(&self) -> &str {
        match &self.result {
            Ok(answer) => &answer.text,
            Err(error) => panic!("no answer: {error}"),
        }
    }

    /// Returns the error's message, which must hold all of `parts`.
    #[track_caller]
    pub fn error(&self, parts: &[&str]) -> String {
        let error = self.result.as_ref().expect_err("an error was expected");
        let message = error.to_string();
        for part in parts {
            assert!(message.contains(part), "`{part}` is not in: {message}");
        }
        assert!(!message.contains('\n') && !message.contains('\u{1b}'), "{message:?}");
        assert!(message.len() < 900, "{message}");
        message
    }
}

/// The way to reach a server, for a session.
pub struct Session {
    pub env: Vec<(String, String)>,
    pub speed: u32,
    pub choice: ModelChoice,
}

impl Session {
    /// Asks as `provider` at `server`, with the canary as its key. A minute lasts three seconds.
    pub fn new(provider: &str, server: &Server) -> Self {
        let env = [
            ("LLM_PROVIDER", provider),
            ("LLM_BASE_URL", &server.base()),
            ("LLM_API_KEY", CANARY),
            ("LLM_MODEL", "test-model"),
        ];
        Session {
            env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            speed: 20,
            choice: ModelChoice::default(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.env.retain(|(known, _)| known != name);
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn speed(mut self, speed: u32) -> Self {
        self.speed = speed;
        self
    }

    pub fn cassette(mut self, mode: Mode, path: &std::path::Path) -> Self {
        self.choice.mode = Some(mode);
        self.choice.cassette = Some(path.display().to_string());
        self
    }

    pub fn open(&self) -> Models {
        let env = |name: &str| {
            self.env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
        };
        Models::open_with_clock(&self.choice, &env, Clock::fast(self.speed)).unwrap()
    }

    pub fn ask(&self, ask: &Ask) -> Outcome {
        asked(&self.open(), ask)
    }
}

/// Asks, and looks for the canary in everything that results.
#[track_caller]
pub fn asked(models: &Models, ask: &Ask) -> Outcome {
    let printed = Mutex::new(Vec::new());
    let progress = |line: &str| printed.lock().unwrap().push(line.to_owned());
    let result = models.ask(ask, &progress);
    let printed = printed.into_inner().unwrap();
    let all = format!("{result:?} {printed:?} {:?} {:?}", models.status(), models.meter());
    assert!(!all.contains(CANARY), "the key leaked: {all}");
    for line in &printed {
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
    Outcome { result, printed }
}

/// Asks a custom server that gives these replies.
pub fn ask_after(replies: Vec<Reply>) -> (Outcome, Server) {
    let server = Server::replies(replies);
    let outcome = Session::new("custom", &server).ask(&Ask::new("hello"));
    (outcome, server)
}

/// Returns a question whose answer is streamed.
pub fn streamed() -> Ask {
    Ask { stream: true, ..Ask::new("hello") }
}
