//! Judges for tests, and the host started as a notebook starts it.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use code_evolution_host::judge::{Judge, Options};
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::Verdict;
use serde_json::Value;

/// Returns options without a cache of verdicts.
pub fn options() -> Options {
    Options { cache: cache(), cache_bytes: 0, ..Options::default() }
}

/// Returns the folder where tests keep the harness.
pub fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// Returns the judge that notebooks have, but without a cache of verdicts.
pub fn judge() -> &'static Judge {
    static JUDGE: OnceLock<Judge> = OnceLock::new();
    JUDGE.get_or_init(|| Judge::with(options()).expect("a judge"))
}

/// Returns the verdict of one candidate.
#[track_caller]
pub fn verdict(task: &Task, code: &str) -> Verdict {
    judge().judge(task, code).unwrap_or_else(|error| panic!("{error}\nof {code}"))
}

/// Fails unless every case passes.
#[track_caller]
pub fn assert_passes(task: &Task, code: &str) {
    let verdict = verdict(task, code);
    assert!(verdict.is_success() && verdict.total > 0, "{code}\n{verdict:#?}");
}

/// A host that a test talks to as a notebook does.
pub struct Server {
    pub child: Child,
    /// Dropping this ends the host.
    pub stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// Everything that the host has said so far.
    told: String,
}

impl Server {
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Server {
        Server::start_with(arguments, &[])
    }

    #[track_caller]
    pub fn start_with(arguments: &[&str], variables: &[(&str, &std::path::Path)]) -> Server {
        let mut host = Command::new(env!("CARGO_BIN_EXE_code_evolution_host"));
        host.arg("serve").args(arguments).env("LLM_MODE", "scripted");
        Server::spawn(host.envs(variables.iter().copied()))
    }

    #[track_caller]
    pub fn spawn(host: &mut Command) -> Server {
        host.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = host.spawn().expect("the host starts");
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Server { child, stdin, stdout, told: String::new() }
    }

    #[track_caller]
    pub fn send(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is open");
        writeln!(stdin, "{line}").expect("the host reads");
    }

    #[track_caller]
    pub fn receive(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("the host writes");
        self.told.push_str(&line);
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in {line:?}"))
    }

    /// Returns the answer to a request; skips progress lines before it.
    #[track_caller]
    pub fn ask(&mut self, request: &Value) -> Value {
        self.send(&request.to_string());
        loop {
            let message = self.receive();
            if message.get("progress").is_none() {
                return message;
            }
        }
    }

    /// Ends the session. Returns everything that the host said, including standard error if it is piped.
    #[track_caller]
    pub fn finish(&mut self) -> String {
        self.stdin = None;
        self.stdout.read_to_string(&mut self.told).expect("the host writes text");
        if let Some(mut stderr) = self.child.stderr.take() {
            stderr.read_to_string(&mut self.told).expect("the host writes text");
        }
        assert!(self.child.wait().expect("the host is reaped").success(), "{}", self.told);
        std::mem::take(&mut self.told)
    }

    /// Kills the host with `SIGKILL`.
    pub fn kill(mut self) {
        self.child.kill().expect("the host can be killed");
        self.child.wait().expect("the host is reaped");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns whether a process ends in time.
pub fn ends_within(child: &mut Child, limit: Duration) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if matches!(child.try_wait(), Ok(Some(_))) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}
