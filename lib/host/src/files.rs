//! Replaces whole files, and computes digests of contents.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The prefix of files that are not yet in their place.
pub const UNFINISHED: &str = ".new-";

/// Replaces a file. A reader sees the whole old content or the whole new content, even after a crash.
///
/// # Errors
/// If the folder cannot be written. The old content then stays.
pub fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(PermissionsExt::from_mode(0o644))
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    // The rename itself must survive a power cut.
    File::open(folder)?.sync_all()
}

/// Builds a folder beside its place and moves it there, so a reader never sees half of it. If another process
/// was faster, its folder stays.
///
/// # Errors
/// The errors of `build`; also if the folder cannot be stored.
pub fn build_folder(folder: &Path, build: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = folder.parent().context("the folder has no parent")?;
    fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    // Only its maker can read a temporary folder, but other users may need the files that are built.
    let building = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .permissions(PermissionsExt::from_mode(0o755))
        .tempdir_in(parent)?;
    build(building.path())?;
    match fs::rename(building.path(), folder) {
        Err(error) if !folder.is_dir() => {
            Err(error).with_context(|| format!("storing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Returns the SHA-256 digest of these bytes, in hexadecimal.
pub fn digest(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// Writes bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_built_folder_is_whole_and_other_users_may_read_it() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("cache").join("built");
        let failed = build_folder(&folder, |_| anyhow::bail!("no compiler"));
        assert!(failed.is_err() && !folder.exists());
        let build = |text: &'static str| {
            build_folder(&folder, |building| Ok(fs::write(building.join("it"), text)?))
        };
        build("first").unwrap();
        build("second").unwrap();
        assert_eq!(fs::read_to_string(folder.join("it")).unwrap(), "first");
        // The mode is that of an ordinary new folder: the umask decides what others may do.
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let plain = place.path().join("plain");
        fs::create_dir(&plain).unwrap();
        assert_eq!(mode(&folder), mode(&plain) & 0o755);
    }
}
