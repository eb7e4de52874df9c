//! Checks that the disk has room for a candidate; otherwise a full disk would look like a bad source.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// The most that compiling a candidate needs on disk, in bytes.
const ROOM: usize = 16 << 20;

/// Checks that a folder for candidates has room for one.
///
/// # Errors
/// If there is no room.
pub fn check_disk(folder: &Path) -> Result<()> {
    let try_it = || -> std::io::Result<()> {
        let mut file = tempfile::tempfile_in(folder)?;
        let block = [0x5a; 64 << 10];
        (0..ROOM / block.len()).try_for_each(|_| file.write_all(&block))
    };
    try_it().with_context(|| {
        format!(
            "there is no room for a candidate in {}: free {} MB there, or set TMPDIR to another folder, \
             then run it again",
            folder.display(),
            ROOM >> 20
        )
    })
}
