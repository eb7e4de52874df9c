//! The other process: finding it, building it, talking to it.
//!
//! A call writes one JSON line and reads lines until its answer comes; progress lines are printed as
//! they arrive. The host lives as long as the value that holds it: when the notebook's process ends,
//! however it ends, the pipe closes and the host stops what it started.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use code_evolution_wire::protocol::{Call, FailureKind, Hello, Message, PROTOCOL, Request};
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::host::binary::HostBinary;
use crate::show::inert;

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
    /// Starts a host whose environment holds `variables` besides the notebook's own.
    pub(crate) fn start(variables: &[(String, String)]) -> Result<Self> {
        let binary = HostBinary::find()?;
        let mut child = Command::new(&binary.path)
            .arg("serve")
            // The kernel is our parent. If it is killed we live on for a while, so the host watches it.
            .args(["--owner", &std::os::unix::process::parent_id().to_string()])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env_remove("EVCXR_IS_RUNTIME")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let path = binary.path.display();
                internal(format!("cannot start {path}: {error}; {}", binary.how_to_build()))
            })?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(internal("the host has no pipes; run the setup cell again"));
        };
        let stdout = BufReader::new(stdout);
        let mut connection = Connection { child, stdin: Some(stdin), stdout, last_id: 0 };
        connection.greet(&binary)?;
        Ok(Host(Mutex::new(connection)))
    }

    /// Makes a call and waits for its answer.
    pub(crate) fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T> {
        // A cell that panicked in the middle of a call left whole lines behind: ids keep them apart.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connection.call(call)
    }
}

impl Connection {
    fn greet(&mut self, binary: &HostBinary) -> Result<()> {
        let line = self.read_line()?;
        let hello: Option<Hello> = serde_json::from_str(&line).ok();
        match hello {
            Some(hello) if hello.protocol == PROTOCOL => Ok(()),
            _ => Err(internal(format!(
                "the host {} is of another version than this library; {}",
                binary.path.display(),
                binary.how_to_build()
            ))),
        }
    }

    fn call<T: DeserializeOwned>(&mut self, call: Call) -> Result<T> {
        self.last_id += 1;
        let asked = self.last_id;
        let line = serde_json::to_string(&Request { id: asked, call })
            .map_err(|error| internal(format!("cannot write the request: {error}")))?;
        self.send(&line)?;
        loop {
            // A cell may print any field of an answer as it is, so no text in it may command the kernel.
            let line = inert::json(&self.read_line()?);
            let message: Message = serde_json::from_str(&line).map_err(|error| {
                internal(format!(
                    "the host sent a line that is no message ({error}); run the setup cell again"
                ))
            })?;
            match message {
                Message::Progress { id, line } if id == asked => {
                    println!("{}", inert::line(&line));
                }
                Message::Done { id, value } if id == asked => {
                    return serde_json::from_value(value).map_err(|error| {
                        internal(format!("the host's answer has another form than expected ({error}); run binder/setup"))
                    });
                }
                Message::Failed { id, error } if id == asked => return Err(error.into()),
                // An answer to a call that was given up.
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
        internal(format!("the host has ended{how}; run the setup cell again to start a new one"))
    }
}

impl Drop for Connection {
    /// Closing the pipe is what tells the host to stop; waiting leaves no zombie behind.
    fn drop(&mut self) {
        self.stdin = None;
        // The host may be gone already, and nobody is left to tell.
        let _ = self.child.wait();
    }
}

pub(crate) fn internal(message: impl Into<String>) -> Error {
    Error::new(FailureKind::Internal, message)
}
