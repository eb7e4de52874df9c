//! Memory that is shared, executable, or too much; queues.

use std::io;
use std::{process, ptr, thread};

use crate::kernel::{c, call, map, new, nr};
use crate::{Outcome, Target, done, hang};

/// Tries an attack of this kind; returns `None` for an attack of another kind.
pub fn attack(name: &str, _: &Target) -> io::Result<Option<String>> {
    const PRIVATE_ANONYMOUS: i64 = 0x22;
    const SHARED_ANONYMOUS: i64 = 0x21;
    let outcome: Outcome = match name {
        "shared_map" => map(4096, 3, SHARED_ANONYMOUS).map(|at| format!("{at:x}")),
        "shared_validated_map" => map(4096, 3, 0x23).map(|at| format!("{at:x}")),
        "map_that_grows_down" => {
            map(4096, 3, PRIVATE_ANONYMOUS | 0x100).map(|at| format!("{at:x}"))
        }
        "huge_page_map" => map(2 << 20, 3, PRIVATE_ANONYMOUS | 0x40000).map(|at| format!("{at:x}")),
        "executable_map" => map(4096, 7, PRIVATE_ANONYMOUS).map(|at| format!("{at:x}")),
        "make_executable" => {
            let at = map(4096, 3, PRIVATE_ANONYMOUS)?;
            call!(nr::mprotect, at, 4096, 5)
        }
        "make_executable_by_key" => {
            let at = map(4096, 3, PRIVATE_ANONYMOUS)?;
            call!(nr::pkey_mprotect, at, 4096, 5, -1)
        }
        "page_table_bomb" => {
            map(1 << 40, 1, PRIVATE_ANONYMOUS | 0x4000).map(|at| format!("{at:x}"))
        }
        "raw_memory_bomb" => {
            let mut total = 0;
            for _ in 0..64 {
                let at = map(32 << 20, 3, PRIVATE_ANONYMOUS)?;
                unsafe { ptr::write_bytes(at as *mut u8, 1, 32 << 20) };
                total += 32;
            }
            Ok(format!("{total} MB"))
        }
        "sealed_memory_bomb" => sealed_memory_bomb(),
        "sealed_memory_bomb_after_main" => {
            // A process whose main thread has ended shows no memory in its status.
            thread::spawn(sealed_memory_bomb);
            call!(nr::exit, 0)
        }
        "merge_pages" => {
            let at = map(4096, 3, PRIVATE_ANONYMOUS)?;
            call!(nr::madvise, at, 4096, 12)
        }
        "signal_flood" => {
            let this = process::id();
            unsafe extern "C" {
                fn signal(number: i32, handler: usize) -> usize;
                fn sigprocmask(how: i32, set: *const u64, old: *mut u64) -> i32;
            }
            unsafe { signal(40, 0) };
            unsafe { sigprocmask(0, [u64::MAX; 16].as_ptr(), ptr::null_mut()) };
            for _ in 0..1000 {
                call!(nr::tgkill, this, this, 40)?;
            }
            done("1000 signals queued")
        }
        "lock_memory" => call!(nr::mlockall, 1),
        "memory_file" => call!(nr::memfd_create, c("x").as_ptr(), 0),
        "secret_memory_file" => call!(new::MEMFD_SECRET, 0),
        "shmget" => call!(nr::shmget, 0, 4096, 0o1600),
        "msgget" => call!(nr::msgget, 0, 0o1600),
        "semget" => call!(nr::semget, 0, 1, 0o1600),
        "message_queue" => call!(nr::mq_open, c("jail").as_ptr(), 0o102, 0o600, 0),
        _ => return Ok(None),
    };
    outcome.map(Some)
}

/// Makes memory read-only, so that RLIMIT_DATA no longer counts it.
fn sealed_memory_bomb() -> Outcome {
    for _ in 0..12 {
        let at = map(32 << 20, 3, 0x22)?;
        unsafe { ptr::write_bytes(at as *mut u8, 1, 32 << 20) };
        call!(nr::mprotect, at, 32 << 20, 1)?;
    }
    hang()
}
