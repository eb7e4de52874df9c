//! The socket through which labs find the server and keep it alive.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use rustix::process::geteuid;
use serde::Deserialize;

/// How long a model may take to load. A large file on a slow disk needs minutes.
const LOADING: Duration = Duration::from_secs(180);
/// How often a lab tries to connect and then to listen, while other labs do the same.
const TURNS: u32 = 20;

/// A connection to the server. The server lives as long as it has a connection.
#[derive(Debug)]
pub(super) struct Connection(UnixStream);

/// What [`connect_or_listen`] found.
pub(super) enum Connected {
    /// A server.
    ToServer(Connection),
    /// No server. The caller starts one and gives it the listener, where the connection already waits.
    Alone { listener: UnixListener, connection: Connection },
}

/// The one line that the server sends.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Greeting {
    /// The model is loaded.
    Ready {
        /// `http://127.0.0.1:PORT`.
        address: String,
        /// The key that the server requires.
        key: String,
    },
    /// The model cannot be loaded.
    Failed {
        /// Why the model cannot be loaded.
        error: String,
    },
}

/// Connects to the server of this name, or takes the name so that the caller can start the server. If several
/// labs try at once, only one gets the name.
pub(super) fn connect_or_listen(name: &str) -> Result<Connected, String> {
    let address = SocketAddr::from_abstract_name(name)
        .map_err(|error| format!("cannot name its socket: {error}"))?;
    for _ in 0..TURNS {
        match UnixStream::connect_addr(&address) {
            Ok(stream) => return Ok(Connected::ToServer(Connection::of_this_user(stream)?)),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(format!("cannot connect to it: {error}")),
        }
        match UnixListener::bind_addr(&address) {
            Ok(listener) => {
                // Connect before the server exists. If this process is killed now, the server finds a
                // connection that has ended.
                let stream = UnixStream::connect_addr(&address)
                    .map_err(|error| format!("cannot connect to its socket: {error}"))?;
                let connection = Connection::of_this_user(stream)?;
                return Ok(Connected::Alone { listener, connection });
            }
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => return Err(format!("cannot make its socket: {error}")),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err("its socket is taken, and nobody answers there".to_owned())
}

impl Connection {
    /// Refuses another user's server, which could read our questions and invent the answers.
    fn of_this_user(stream: UnixStream) -> Result<Self, String> {
        let peer = socket_peercred(&stream)
            .map_err(|error| format!("cannot tell whose server it is: {error}"))?;
        if peer.uid != geteuid() {
            return Err(format!(
                "another user of this machine (number {}) has taken its socket",
                peer.uid.as_raw()
            ));
        }
        Ok(Connection(stream))
    }

    /// Waits for the server's line. `None` if the server ends first.
    pub(super) fn greeting(&self) -> Result<Option<Greeting>, String> {
        let unreadable = |error: std::io::Error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                format!("it has not loaded within {} s", LOADING.as_secs())
            }
            _ => format!("its greeting cannot be read: {error}"),
        };
        self.0.set_read_timeout(Some(LOADING)).map_err(unreadable)?;
        let mut line = String::new();
        match BufReader::new((&self.0).take(4096)).read_line(&mut line) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        }
        if !line.ends_with('\n') {
            return Ok(None);
        }
        let greeting = serde_json::from_str(&line);
        greeting.map(Some).map_err(|error| format!("its greeting cannot be read: {error}"))
    }

    /// Returns whether the server still holds the other end. (It sends nothing after its greeting.)
    pub(super) fn is_alive(&self) -> bool {
        let peek = || {
            self.0.set_nonblocking(true)?;
            let read = (&self.0).read(&mut [0]);
            self.0.set_nonblocking(false)?;
            read
        };
        peek().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn name(of: &str) -> String {
        format!("code-evolution-test/{}/{of}", std::process::id())
    }

    #[test]
    fn one_of_many_labs_starts_the_server() {
        let name = name("race");
        let (alone, barrier) = (AtomicUsize::new(0), Barrier::new(8));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    barrier.wait();
                    let found = connect_or_listen(&name).unwrap();
                    alone.fetch_add(
                        usize::from(matches!(found, Connected::Alone { .. })),
                        Ordering::SeqCst,
                    );
                    barrier.wait();
                });
            }
        });
        assert_eq!(alone.into_inner(), 1);
        // All connections have ended, and the name is free again.
        assert!(matches!(connect_or_listen(&name), Ok(Connected::Alone { .. })));
    }

    #[test]
    fn a_server_that_ends_sends_no_greeting_and_is_not_alive() {
        let Ok(Connected::Alone { listener, connection }) = connect_or_listen(&name("end")) else {
            panic!("no listener");
        };
        assert!(connection.is_alive());
        drop(listener.accept().unwrap());
        assert!(matches!(connection.greeting(), Ok(None)));
        assert!(!connection.is_alive());
        drop(listener);
    }
}
