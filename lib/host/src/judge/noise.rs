//! The noise of a jailed process: the text that it prints on a pipe. The judge reads this text, and keeps it
//! up to a limit.
//!
//! A pipe that nobody reads would block the process; a pipe that is read without end would keep this process
//! busy. So one limit bounds what is kept, and another, [`MAX_NOISE`], bounds what is read.

use std::fs::File;
use std::io::{ErrorKind, Read};

/// How much a process may print on each of its two pipes, in bytes. A process that prints more is stopped.
pub const MAX_NOISE: u64 = 8 << 20;

/// One of the pipes that hold noise.
pub struct Noise {
    pipe: Option<File>,
    /// The bytes that were read, up to the limit.
    pub kept: Vec<u8>,
    /// How much is kept, in bytes.
    pub limit: usize,
    /// How much was read, in bytes.
    pub seen: u64,
}

impl Noise {
    /// Takes over a pipe and keeps at most `limit` bytes.
    ///
    /// # Errors
    /// If the pipe cannot be set up.
    pub fn new(pipe: File, limit: u64) -> std::io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(Noise { pipe: Some(pipe), kept: Vec::new(), limit, seen: 0 })
    }

    /// Reads the bytes that have arrived.
    pub fn drain(&mut self) {
        let mut buffer = [0; 16 << 10];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(count) => {
                    self.seen += count as u64;
                    let room = self.limit.saturating_sub(self.kept.len()).min(count);
                    self.kept.extend_from_slice(&buffer[..room]);
                    if self.too_much() {
                        // The pipe stays open but is not read any more: the process blocks until it is
                        // killed.
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    /// Returns the pipe, as long as there may be more to read.
    pub fn wanted(&self) -> Option<&File> {
        self.pipe.as_ref().filter(|_| !self.too_much())
    }

    /// Returns whether the process printed more than [`MAX_NOISE`].
    pub fn too_much(&self) -> bool {
        self.seen > MAX_NOISE
    }

    /// Returns whether the process printed more than is kept.
    pub fn cut(&self) -> bool {
        self.seen > self.kept.len() as u64 || self.too_much()
    }
}
