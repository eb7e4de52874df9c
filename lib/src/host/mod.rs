//! The host process: finding it, building it, calling it.
//!
//! A call writes one JSON line and reads lines until its answer comes. Progress lines are printed as they
//! arrive. The host lives as long as the value that holds it. However the notebook's process ends, the pipe
//! closes, and the host stops everything that it started.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use code_evolution_wire::method::Method;
use code_evolution_wire::protocol::{Hello, Message, PROTOCOL, Request};

use crate::error::{Error, Result};
use crate::host::binary::HostBinary;
use crate::inert;

mod binary;

/// A running host.
pub(crate) struct Host(Mutex<Connection>);

struct Connection {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    last_id: u64,
}

impl Host {
    /// Starts a host. `key` is the provider's key that a person typed. The host gets it through its
    /// environment, so the key never crosses the pipe.
    pub(crate) fn start(key: Option<&str>) -> Result<Self> {
        let binary = HostBinary::find()?;
        let mut command = Command::new(&binary.path);
        command
            .arg("serve")
            // The kernel is our parent. If the kernel is killed, this process lives on for a while, so the
            // host watches the kernel instead.
            .args(["--owner", &std::os::unix::process::parent_id().to_string()])
            .envs(key.map(|key| ("CODE_EVOLUTION_TYPED_KEY", key)))
            .env_remove("EVCXR_IS_RUNTIME");
        Host::greet(command, &binary)
    }

    /// Starts the command, which runs this binary, and checks that it speaks this protocol.
    fn greet(mut command: Command, binary: &HostBinary) -> Result<Self> {
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| {
            let path = binary.path.display();
            Error::internal(format!("cannot start {path}: {error}; {}", binary.how_to_build()))
        })?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::internal("the host has no pipes; run the setup cell again"));
        };
        let stdout = BufReader::new(stdout);
        let mut connection = Connection { child, stdin: Some(stdin), stdout, last_id: 0 };
        connection.greet(binary)?;
        Ok(Host(Mutex::new(connection)))
    }

    /// Starts a shell script as a host.
    #[cfg(test)]
    pub(crate) fn script(script: &str) -> Result<Host> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Host::greet(command, &HostBinary::at("fake"))
    }

    /// Makes a call and waits for its answer.
    pub(crate) fn call<M: Method>(&self, method: M) -> Result<M::Answer> {
        // A panic during a call leaves only whole lines behind, and each answer has its request's id.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.call(method)
    }
}

impl Connection {
    fn greet(&mut self, binary: &HostBinary) -> Result<()> {
        let line = self.read_line()?;
        let version = match serde_json::from_str::<Hello>(&line) {
            Ok(hello) if hello.protocol == PROTOCOL => return Ok(()),
            Ok(hello) => hello.version,
            Err(_) => "unknown".to_owned(),
        };
        Err(Error::internal(format!(
            "the host {} (version {version}) has another version than this library ({}); {}",
            binary.path.display(),
            env!("CARGO_PKG_VERSION"),
            binary.how_to_build()
        )))
    }

    fn call<M: Method>(&mut self, method: M) -> Result<M::Answer> {
        self.last_id += 1;
        let asked = self.last_id;
        let request = Request { id: asked, call: method.into() };
        let line = serde_json::to_string(&request).map_err(|error| {
            Error::internal(format!("cannot write the request ({error}); run the setup cell again"))
        })?;
        self.send(&line)?;
        loop {
            let message: Message = serde_json::from_str(&self.read_line()?).map_err(|error| {
                Error::internal(format!(
                    "the host sent an invalid line ({error}); run the setup cell again"
                ))
            })?;
            match message {
                Message::Progress { id, line } if id == asked => {
                    println!("{}", inert::line(&line));
                }
                Message::Done { id, value } if id == asked => {
                    // A cell may print any field as it is, so no text in it may control the kernel.
                    return serde_json::from_value(inert::value(value)).map_err(|error| {
                        Error::internal(format!("the host's answer has another form than expected ({error}); run binder/setup"))
                    });
                }
                Message::Failed { id, error } if id == asked => return Err(error.into()),
                // The answer to an earlier call, for which nobody waits any more.
                _ => {}
            }
        }
    }

    fn send(&mut self, line: &str) -> Result<()> {
        let written = match &mut self.stdin {
            Some(stdin) => writeln!(stdin, "{line}").and_then(|()| stdin.flush()),
            None => Ok(()),
        };
        written.map_err(|_| self.ended())
    }

    fn read_line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.stdout.read_line(&mut line) {
            Ok(read) if read > 0 => Ok(line),
            _ => Err(self.ended()),
        }
    }

    fn ended(&mut self) -> Error {
        let how = match self.child.try_wait() {
            Ok(Some(status)) => format!(" ({status})"),
            _ => String::new(),
        };
        Error::internal(format!(
            "the host has ended{how}; run the setup cell again to start a new one"
        ))
    }
}

impl Drop for Connection {
    /// Closing the pipe tells the host to stop; waiting leaves no zombie process behind.
    fn drop(&mut self) {
        self.stdin = None;
        // The host may have ended already, and nobody is left to receive an error.
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::method::ApplySuggestions;
    use code_evolution_wire::protocol::FailureKind;

    use super::*;

    const HELLO: &str = r#"echo '{"protocol":1,"version":"0"}'"#;

    /// Makes a call whose answer is a text.
    fn question() -> ApplySuggestions {
        ApplySuggestions { code: String::new(), suggestions: Vec::new() }
    }

    #[track_caller]
    fn error_of<T>(result: Result<T>) -> String {
        result.err().expect("an error").to_string()
    }

    #[test]
    fn a_host_of_another_version_is_refused_with_advice() {
        assert_eq!(PROTOCOL, 1, "the scripts of these tests speak protocol 1");
        let newer = r#"echo '{"protocol":99,"version":"9.0"}'"#;
        for (hello, version) in [(newer, "version 9.0"), ("echo hello", "version unknown")] {
            let error = error_of(Host::script(hello));
            for part in ["another version", version, "cargo install"] {
                assert!(error.contains(part), "{error}");
            }
        }
    }

    #[test]
    fn a_missing_host_says_how_to_get_it() {
        let error = error_of(Host::greet(Command::new("/no/such/host"), &HostBinary::at("fake")));
        assert!(error.contains("cannot start fake") && error.contains("cargo install"), "{error}");
    }

    #[test]
    fn an_answer_is_found_among_other_lines() {
        let host = Host::script(&format!(
            r#"{HELLO}; read line
            echo '{{"done":{{"id":9,"value":"of a call that was given up"}}}}'
            echo '{{"progress":{{"id":1,"line":"half way"}}}}'
            echo '{{"done":{{"id":1,"value":"mine"}}}}'"#
        ));
        let answer: String = host.and_then(|host| host.call(question())).expect("an answer");
        assert_eq!(answer, "mine");
    }

    #[test]
    fn a_failure_keeps_its_kind_and_message() {
        let failed = r#"{"failed":{"id":1,"error":{"kind":"budget","message":"all spent"}}}"#;
        let host =
            Host::script(&format!("{HELLO}; read line; echo '{failed}'")).expect("it starts");
        let error = host.call(question()).expect_err("a failure");
        assert_eq!((error.kind(), error.to_string().as_str()), (FailureKind::Budget, "all spent"));
    }

    #[test]
    fn a_host_that_ends_is_an_error_not_a_hang() {
        let host = Host::script(&format!("{HELLO}; read line; exit 3")).expect("it starts");
        for _ in 0..2 {
            let error = error_of(host.call(question()));
            assert!(error.contains("has ended") && error.contains("setup cell"), "{error}");
        }
    }

    #[test]
    fn no_text_in_an_answer_can_control_the_kernel() {
        for control in ["EVCXR_BEGIN_CONTENT text/html", r"EVCXR\u005fBEGIN_CONTENT text/html"] {
            let done = format!(r#"{{"done":{{"id":1,"value":"{control}"}}}}"#);
            let script = format!("{HELLO}; read line; printf '%s\\n' '{done}'");
            let host = Host::script(&script).expect("it starts");
            let answer: String = host.call(question()).expect("an answer");
            assert_eq!(answer, "EVCXR-BEGIN_CONTENT text/html");
        }
    }
}
