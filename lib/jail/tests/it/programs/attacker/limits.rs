//! Attacks that only a limit ends.

use std::io::{self, Write};
use std::os::fd::FromRawFd;
use std::{fs, process, thread};

use crate::kernel::fork;
use crate::{Outcome, Target, done, hang};

/// Tries an attack of this kind; returns `None` for an attack of another kind.
pub fn attack(name: &str, _: &Target) -> io::Result<Option<String>> {
    let outcome: Outcome = match name {
        "endless_loop" => loop {
            std::hint::black_box(0);
        },
        "endless_loop_deaf" => {
            unsafe extern "C" {
                fn signal(number: i32, handler: usize) -> usize;
            }
            for number in 1..65 {
                unsafe { signal(number, 1) };
            }
            loop {
                std::hint::black_box(0);
            }
        }
        "endless_sleep" => hang(),
        "close_everything_and_hang" => {
            for fd in 0..3 {
                drop(unsafe { fs::File::from_raw_fd(fd) });
            }
            hang()
        }
        "stdout_flood" => loop {
            io::stdout().write_all(&[b'x'; 65536])?;
        },
        "stderr_flood" => loop {
            io::stderr().write_all(&[b'x'; 65536])?;
        },
        "frames_flood" => {
            let mut frames = unsafe { fs::File::from_raw_fd(0) };
            loop {
                frames.write_all(&[b'x'; 65536])?;
            }
        }
        "memory_bomb" => {
            let mut all = Vec::new();
            for _ in 0..4096 {
                all.push(vec![1_u8; 1 << 20]);
            }
            Ok(format!("{} MB", all.len()))
        }
        "thread_bomb" => {
            for _ in 0..20_000 {
                thread::Builder::new().stack_size(16 << 10).spawn(|| hang())?;
            }
            done("20,000 threads")
        }
        "deep_recursion" => Ok(format!("{}", deep(1))),
        "deep_recursion_in_a_thread" => {
            let thread = thread::Builder::new().name("candidate".to_owned()).spawn(|| deep(1))?;
            Ok(format!("{:?}", thread.join().is_ok()))
        }
        "huge_stack_array" => Ok(format!("{}", huge())),
        "abort" => process::abort(),

        "leave_a_child" => {
            let child = fork()?;
            if child == 0 {
                hang();
            }
            Ok(format!("child {child}"))
        }
        "hang_with_a_megabyte" => {
            let bytes = std::hint::black_box(vec![1_u8; 1 << 20]);
            println!("ready {}", bytes.len());
            hang()
        }
        _ => return Ok(None),
    };
    outcome.map(Some)
}

#[allow(unconditional_recursion)]
fn deep(n: u64) -> u64 {
    std::hint::black_box([n; 64])[0] + deep(n + 1)
}

/// A separate function, since a stack frame is as large as all arrays of its function.
#[inline(never)]
fn huge() -> usize {
    std::hint::black_box([1_u8; 64 << 20]).len()
}
