//! Talks to a jailed process: sends one frame, receives one frame before a deadline, and collects its output.
//!
//! Nothing that the process sends is trusted. A byte that comes too early, a frame over the limit, or bytes
//! after a frame are a violation. The text on standard output and standard error is called noise. It is
//! drained, so that a noisy process does not block, and kept up to a limit. A process that prints more than
//! [`MAX_NOISE`] is stopped.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use code_evolution_jail::{Prisoner, Process, RunResult};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::noise::{MAX_NOISE, Noise};

/// How long a process may take to end after its input is closed.
const GRACE: Duration = Duration::from_millis(200);

/// Why no answer came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangeError {
    /// The process closed its end; most likely it has ended.
    Closed,
    /// The deadline passed.
    TooLate,
    /// The process printed more than [`MAX_NOISE`].
    TooNoisy,
    /// The process broke the protocol.
    Violation(String),
}

/// A jailed process and the channel to it.
pub struct Conversation {
    frames: std::os::unix::net::UnixStream,
    stdout: Noise,
    stderr: Noise,
    process: Process,
    received: Vec<u8>,
}

/// What is left of a process after its end.
pub struct Remains {
    /// How the process ended and what it used.
    pub ended: RunResult,
    /// What the process wrote on standard output, up to the limit.
    pub stdout: Vec<u8>,
    /// Whether the process wrote more than that on standard output.
    pub stdout_cut: bool,
    /// What the process wrote on standard error, up to the limit.
    pub stderr: Vec<u8>,
    /// Whether the process wrote more than that on standard error.
    pub stderr_cut: bool,
    /// Whether the process printed more than [`MAX_NOISE`].
    pub too_noisy: bool,
}

impl Conversation {
    /// Takes over a process that has just started. Keeps at most `captured` bytes of each of its two outputs.
    ///
    /// # Errors
    /// If its pipes cannot be set up.
    pub fn new(prisoner: Prisoner, captured: u64) -> std::io::Result<Self> {
        let Prisoner { frames, stdout, stderr, process } = prisoner;
        frames.set_nonblocking(true)?;
        Ok(Conversation {
            frames,
            stdout: Noise::new(stdout, captured)?,
            stderr: Noise::new(stderr, captured)?,
            process,
            received: Vec::new(),
        })
    }

    /// Returns the jailed process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Returns whether the process is alive, has sent nothing since its last answer, and is far from the
    /// amount of noise that would block it.
    pub fn is_quiet(&mut self) -> bool {
        self.stdout.drain();
        self.stderr.drain();
        self.stdout.seen.max(self.stderr.seen) < MAX_NOISE / 2
            && matches!(self.receive(), Ok(false))
    }

    /// Sends one frame and waits for the answer, which may have at most `limit` bytes.
    ///
    /// # Errors
    /// If the process closed the channel, was too slow, or broke the protocol.
    pub fn exchange(
        &mut self,
        frame: &[u8],
        limit: u64,
        deadline: Instant,
    ) -> Result<Vec<u8>, ExchangeError> {
        if self.receive()? {
            return Err(ExchangeError::Violation(
                "it sent bytes before they were asked for".to_owned(),
            ));
        }
        let length = u32::try_from(frame.len());
        let length =
            length.map_err(|_| ExchangeError::Violation("the input is too long".to_owned()))?;
        let mut message = length.to_le_bytes().to_vec();
        message.extend_from_slice(frame);
        let mut sent = 0;
        loop {
            sent += self.send(&message[sent..])?;
            let all_sent = sent == message.len();
            if self.receive()? && !all_sent {
                let reason = "it answered before it had read its input".to_owned();
                return Err(ExchangeError::Violation(reason));
            }
            if let Some(reply) = take_reply(&mut self.received, limit)? {
                return Ok(reply);
            }
            self.wait_for(!all_sent, deadline)?;
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<usize, ExchangeError> {
        if bytes.is_empty() {
            return Ok(0);
        }
        match self.frames.write(bytes) {
            Ok(count) => Ok(count),
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(0),
                _ => Err(ExchangeError::Closed),
            },
        }
    }

    /// Reads the bytes that have arrived, at most one buffer. Returns whether any had arrived.
    fn receive(&mut self) -> Result<bool, ExchangeError> {
        let mut buffer = [0; 32 << 10];
        match self.frames.read(&mut buffer) {
            Ok(0) => Err(ExchangeError::Closed),
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                Ok(true)
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => Ok(false),
                _ => Err(ExchangeError::Closed),
            },
        }
    }

    /// Waits until the frames are ready to be read or written, and drains the noise meanwhile.
    fn wait_for(&mut self, to_send: bool, deadline: Instant) -> Result<(), ExchangeError> {
        loop {
            if self.too_noisy() {
                return Err(ExchangeError::TooNoisy);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ExchangeError::TooLate);
            }
            let frames = if to_send { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN };
            let frames_ready = self.poll(frames, left);
            if frames_ready {
                return Ok(());
            }
        }
    }

    /// Closes the input and waits for the process to end by itself. Returns whether it sent anything more.
    pub fn finish(mut self) -> (Remains, bool) {
        // This fails only if the process has already closed its end. Then there is nothing to close.
        let _ = self.frames.shutdown(Shutdown::Write);
        let deadline = Instant::now() + GRACE;
        let more = loop {
            match self.receive() {
                Ok(true) => break true,
                Err(_) => break false,
                Ok(false) => {
                    if self.wait_for(false, deadline).is_err() {
                        break false;
                    }
                }
            }
        };
        (self.end(deadline), more)
    }

    /// Gives the process until the deadline, then kills it.
    pub fn end(mut self, deadline: Instant) -> Remains {
        self.drain_until(deadline, u64::MAX);
        self.remains(deadline)
    }

    /// Gives a process that closed its channel a moment to end, then kills it.
    pub fn end_soon(self) -> Remains {
        self.end(Instant::now() + GRACE)
    }

    /// Kills the process.
    pub fn kill(self) -> Remains {
        self.process.kill();
        self.remains(Instant::now() + GRACE)
    }

    /// Feeds standard input, closes it, and collects the noise until the process ends, prints more than
    /// [`MAX_NOISE`], or the deadline kills it. With `stop_at_limit`, a process that writes more on standard
    /// error than is kept is killed at once.
    pub fn run(mut self, stdin: &[u8], stop_at_limit: bool, deadline: Instant) -> Remains {
        let mut sent = 0;
        while sent < stdin.len() {
            match self.send(&stdin[sent..]) {
                Ok(count) => sent += count,
                Err(_) => break,
            }
            // The judge asked nothing, so ignore what the process sends on the channel.
            if self.receive().is_err() || self.wait_for(true, deadline).is_err() {
                break;
            }
            self.received.clear();
        }
        let _ = self.frames.shutdown(Shutdown::Write);
        let enough = if stop_at_limit { self.stderr.limit as u64 } else { u64::MAX };
        match self.drain_until(deadline, enough) {
            true => self.kill(),
            false => self.remains(deadline),
        }
    }

    /// Drains the noise until both pipes end, the deadline passes, or the process has printed too much: more
    /// than [`MAX_NOISE`], or more than `enough` bytes on standard error. Returns whether it printed too
    /// much.
    fn drain_until(&mut self, deadline: Instant, enough: u64) -> bool {
        self.stdout.drain();
        self.stderr.drain();
        loop {
            if self.stderr.seen > enough || self.too_noisy() {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || (self.stdout.wanted().is_none() && self.stderr.wanted().is_none())
            {
                return false;
            }
            self.poll(PollFlags::empty(), left);
        }
    }

    /// Waits for noise, or for one of these events on the frames, and drains the noise. Returns whether the
    /// frames are ready. After an interrupted wait, the caller only looks again.
    fn poll(&mut self, frames: PollFlags, left: Duration) -> bool {
        let wanted = (!frames.is_empty()).then(|| PollFd::new(&self.frames, frames));
        let noise = [&self.stdout, &self.stderr].into_iter().filter_map(Noise::wanted);
        let noise = noise.map(|pipe| PollFd::new(pipe, PollFlags::IN));
        let mut waits: Vec<_> = wanted.into_iter().chain(noise).collect();
        let timeout = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        let _ = poll(&mut waits, Some(&timeout));
        let frames_ready = !frames.is_empty() && !waits[0].revents().is_empty();
        self.stdout.drain();
        self.stderr.drain();
        frames_ready
    }

    fn too_noisy(&self) -> bool {
        self.stdout.too_much() || self.stderr.too_much()
    }

    fn remains(self, deadline: Instant) -> Remains {
        let Conversation { mut stdout, mut stderr, process, .. } = self;
        let ended = process.wait(deadline);
        stdout.drain();
        stderr.drain();
        Remains {
            ended,
            stdout_cut: stdout.cut(),
            stderr_cut: stderr.cut(),
            too_noisy: stdout.too_much() || stderr.too_much(),
            stdout: stdout.kept,
            stderr: stderr.kept,
        }
    }
}

/// Returns the reply if it has arrived whole and nothing follows it.
///
/// # Errors
/// A violation: the reply is longer than the limit, or bytes follow it.
pub fn take_reply(received: &mut Vec<u8>, limit: u64) -> Result<Option<Vec<u8>>, ExchangeError> {
    let Some((head, body)) = received.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*head);
    if u64::from(length) > limit {
        return Err(ExchangeError::Violation(format!(
            "it sent a frame of {length} bytes where {limit} are allowed"
        )));
    }
    match body.len().cmp(&(length as usize)) {
        std::cmp::Ordering::Less => Ok(None),
        std::cmp::Ordering::Equal => {
            let reply = body.to_vec();
            received.clear();
            Ok(Some(reply))
        }
        std::cmp::Ordering::Greater => {
            Err(ExchangeError::Violation("it sent bytes after its answer".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads bytes that arrive in these pieces, with outputs up to 8 bytes.
    fn read(pieces: &[Vec<u8>]) -> Result<Option<Vec<u8>>, ExchangeError> {
        let mut received = Vec::new();
        for piece in pieces {
            received.extend_from_slice(piece);
            if let Some(reply) = take_reply(&mut received, 8)? {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    #[test]
    fn a_frame_is_read_whole_or_not_at_all() {
        assert_eq!(read(&[vec![2, 0], vec![0, 0, 7], vec![8]]), Ok(Some(vec![7, 8])));
        assert_eq!(read(&[vec![2, 0, 0, 0, 7]]), Ok(None));
        assert_eq!(read(&[vec![0, 0, 0, 0]]), Ok(Some(vec![])));
        assert!(matches!(read(&[vec![1, 0, 0, 0, 7, 8]]), Err(ExchangeError::Violation(_))));
        assert!(matches!(read(&[vec![9, 0, 0, 0]]), Err(ExchangeError::Violation(_))));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_frame_or_a_violation_or_not_enough(
            pieces in proptest::collection::vec(proptest::collection::vec(0u8..12, 0..9), 0..6),
        ) {
            let all: Vec<u8> = pieces.concat();
            match read(&pieces) {
                Ok(Some(reply)) => {
                    prop_assert_eq!(&all[..4], &(reply.len() as u32).to_le_bytes()[..]);
                    prop_assert_eq!(&all[4..4 + reply.len()], &reply[..]);
                }
                Ok(None) => prop_assert!(
                    all.len() < 4 || all.len() < 4 + u32::from_le_bytes([all[0], all[1], all[2], all[3]]) as usize
                ),
                Err(broken) => prop_assert!(matches!(broken, ExchangeError::Violation(_)) && all.len() >= 4),
            }
        }
    }
}
