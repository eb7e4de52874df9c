//! Honest work, which must succeed.

use std::io::{self, Read, Write};
use std::time::Duration;
use std::{fs, thread};

use crate::{Outcome, Target, done, read};

/// Tries an attack of this kind; returns `None` for an attack of another kind.
pub fn attack(name: &str, _: &Target) -> io::Result<Option<String>> {
    let outcome: Outcome = match name {
        "threads" => {
            let threads: Vec<_> = (0..8).map(|n: u64| thread::spawn(move || n * n)).collect();
            let total: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            Ok(format!("total {total}"))
        }
        "collections_time_and_panics" => {
            let map: std::collections::HashMap<_, _> = (0..100).map(|n| (n, n * 2)).collect();
            let start = std::time::Instant::now();
            thread::sleep(Duration::from_millis(2));
            let caught = std::panic::catch_unwind(|| panic!("caught")).is_err();
            let slept = start.elapsed() >= Duration::from_millis(2);
            let day = std::time::SystemTime::now() > std::time::UNIX_EPOCH;
            Ok(format!("{} {slept} {caught} {day}", map[&21]))
        }
        "hundred_megabytes" => {
            let vector = vec![1_u8; 100 << 20];
            Ok(format!("{}", vector.iter().map(|byte| u64::from(*byte)).sum::<u64>()))
        }
        "echo_frames" => {
            let mut frames =
                fs::File::from(std::os::fd::AsFd::as_fd(&io::stdin()).try_clone_to_owned()?);
            let mut request = [0; 5];
            frames.read_exact(&mut request)?;
            frames.write_all(&request)?;
            done("echoed")
        }
        "write_and_rename_in_folder" => {
            fs::create_dir("inner")?;
            fs::write("inner/a", "x")?;
            fs::rename("inner/a", "b")?;
            fs::hard_link("b", "c")?;
            fs::remove_dir_all("inner")?;
            read("c")
        }
        "read_a_library" => {
            let library = ["/usr/lib/os-release", "/usr/lib/locale/C.utf8/LC_CTYPE"];
            library
                .into_iter()
                .find_map(|path| read(path).ok())
                .map(|_| "read".to_owned())
                .ok_or_else(|| io::Error::other("no known file under /usr/lib"))
        }
        _ => return Ok(None),
    };
    outcome.map(Some)
}
