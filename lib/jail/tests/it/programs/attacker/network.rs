//! Sockets.

use std::io;
use std::net::{TcpStream, ToSocketAddrs, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

use crate::kernel::{c, call, nr};
use crate::{Outcome, Target};

/// Tries an attack of this kind; returns `None` for an attack of another kind.
pub fn attack(name: &str, target: &Target) -> io::Result<Option<String>> {
    let Target { folder, port, .. } = target;
    let in_folder = |name: &str| format!("{folder}/{name}");
    let outcome: Outcome = match name {
        "tcp" => TcpStream::connect(format!("127.0.0.1:{port}")).map(|_| "connected".to_owned()),
        "tcp_listen" => std::net::TcpListener::bind("127.0.0.1:0").map(|_| "bound".to_owned()),
        "udp" => UdpSocket::bind("127.0.0.1:0").map(|_| "bound".to_owned()),
        "unix_socket" => UnixStream::connect(in_folder("socket")).map(|_| "connected".to_owned()),
        "unix_listen" => UnixListener::bind("listening").map(|_| "bound".to_owned()),
        "unix_datagram" => UnixDatagram::unbound().map(|_| "made".to_owned()),
        "dns" => ("localhost", 80).to_socket_addrs().and_then(|addresses| {
            let all: Vec<_> = addresses.collect();
            UdpSocket::bind("0.0.0.0:0").map(|_| format!("{all:?}"))
        }),
        "netlink" => {
            let socket = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
            call!(socket, 16, 3, 0)
        }
        "vsock" => {
            let socket = if cfg!(target_arch = "x86_64") { 41 } else { 198 };
            call!(socket, 40, 1, 0)
        }
        "socket_pair" => call!(nr::socketpair, 1, 1, 0, [0_i32; 2].as_mut_ptr()),
        "datagram_pair" => call!(nr::socketpair, 1, 2, 0, [0_i32; 2].as_mut_ptr()),
        "network_pair" => call!(nr::socketpair, 2, 1, 0, [0_i32; 2].as_mut_ptr()),
        "send_to_an_address" => {
            let sendto = if cfg!(target_arch = "x86_64") { 44 } else { 206 };
            call!(sendto, 0, c("x").as_ptr(), 1, 0, [1_u16, 0].as_ptr(), 2)
        }
        "out_of_band" => {
            let sendto = if cfg!(target_arch = "x86_64") { 44 } else { 206 };
            call!(sendto, 0, c("x").as_ptr(), 1, 1, 0, 0)
        }
        "send_descriptor" => call!(nr::sendmsg, 0, [0_u64; 8].as_ptr(), 0),
        "receive_descriptor" => call!(nr::recvmsg, 0, [0_u64; 8].as_mut_ptr(), 0x40),
        _ => return Ok(None),
    };
    outcome.map(Some)
}
