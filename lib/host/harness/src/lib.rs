//! The runtime of a candidate: it reads inputs, calls the candidate, and sends outputs.
//!
//! The host compiles this crate once per toolchain, directly with rustc, and links it to every candidate. It
//! is also a workspace member, so it is checked and tested like the other crates. It has no dependencies. It
//! is not trusted: it runs in the jail beside the candidate, which could imitate it. So it knows no expected
//! value and decides nothing; the host checks every byte that it sends.
//!
//! Standard input is a socket, and both sides take turns: the host sends a frame with one case's input and
//! receives one frame. A frame is its length (`u32`, little-endian) and that many bytes. A reply starts with
//! a tag: [`VALUE`], then the encoded output; or [`PANIC`], then the line in the candidate (`u32`, 0 if
//! unknown) and the panic's message.

#![forbid(unsafe_code)]

mod codec;
mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Mutex, PoisonError};

pub use codec::{Decode, Encode, Input};
pub use common::common_instances;

/// The tag of a reply that contains an output.
pub const VALUE: u8 = 0;
/// The tag of a reply that contains a panic.
pub const PANIC: u8 = 1;

/// The stack of the thread that calls the candidate, in bytes. (rustc reports an overflow only on a
/// thread that std started.)
const STACK_BYTES: usize = 16 << 20;
/// The longest part of a panic's message that is sent, in bytes.
const MESSAGE_BYTES: usize = 2_000;

/// This crate's own files; the host compiles them with the candidates' compiler.
#[cfg(feature = "sources")]
pub const SOURCES: [(&str, &str); 3] = [
    ("lib.rs", include_str!("lib.rs")),
    ("codec.rs", include_str!("codec.rs")),
    ("common.rs", include_str!("common.rs")),
];

/// Calls the candidate: decodes the arguments, encodes the result.
pub type Call = fn(&mut Input<'_>, &mut Vec<u8>);

/// The last panic: line in the candidate and message.
static LAST_PANIC: Mutex<(u32, String)> = Mutex::new((0, String::new()));

/// Answers inputs until the host closes its end, then ends the process.
pub fn serve(call: Call) {
    std::panic::set_hook(Box::new(record));
    let server = std::thread::Builder::new()
        .name("candidate".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(move || answer_all(call));
    match server.map(|thread| thread.join()) {
        Ok(Ok(Ok(()))) => std::process::exit(0),
        _ => std::process::exit(1),
    }
}

fn answer_all(call: Call) -> std::io::Result<()> {
    let mut socket = File::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let mut input = Vec::new();
    let mut reply = Vec::new();
    loop {
        let mut length = [0; 4];
        if let Err(error) = socket.read_exact(&mut length) {
            return match error.kind() {
                std::io::ErrorKind::UnexpectedEof => Ok(()),
                _ => Err(error),
            };
        }
        input.resize(u32::from_le_bytes(length) as usize, 0);
        socket.read_exact(&mut input)?;
        reply.clear();
        reply.extend_from_slice(&[0, 0, 0, 0, VALUE]);
        let called = catch_unwind(AssertUnwindSafe(|| call(&mut Input::new(&input), &mut reply)));
        if called.is_err() {
            let (line, message) =
                std::mem::take(&mut *LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner));
            reply.clear();
            reply.extend_from_slice(&[0, 0, 0, 0, PANIC]);
            reply.extend_from_slice(&line.to_le_bytes());
            reply.extend_from_slice(message.as_bytes());
        }
        let length = u32::try_from(reply.len() - 4).unwrap_or(u32::MAX);
        reply[..4].copy_from_slice(&length.to_le_bytes());
        socket.write_all(&reply)?;
    }
}

fn record(panic: &PanicHookInfo<'_>) {
    // If the panic ends the process, this line is all that the host can read about it.
    eprintln!("{panic}");
    let line = panic
        .location()
        .filter(|location| location.file() == "candidate.rs")
        .map_or(0, |location| location.line());
    let text = panic.payload_as_str().unwrap_or("a panic without a text");
    let end = text.floor_char_boundary(MESSAGE_BYTES);
    let mut last = LAST_PANIC.lock().unwrap_or_else(PoisonError::into_inner);
    *last = (line, text[..end].to_owned());
}
