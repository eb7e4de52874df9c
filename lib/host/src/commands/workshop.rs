//! Checks whether the workshop around this program can be opened: whether `binder/lab` can write to its
//! folders.
//!
//! Even if the jail works, JupyterLab may not start: in a container with a read-only file system, or for a
//! user who may not write there. The home folder is not checked, because `binder/lab` replaces it.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use crate::folders;

/// A workshop's folder.
pub struct Workshop {
    root: PathBuf,
}

impl Workshop {
    /// Returns the workshop that this program was built in; `None` if it was installed elsewhere.
    pub fn around_us() -> Option<Workshop> {
        let program = std::env::current_exe().ok()?;
        let root = program.ancestors().nth(3)?; // target/release/code_evolution_host
        root.join("binder/lab").is_file().then(|| Workshop { root: root.to_owned() })
    }

    /// Returns why JupyterLab would not start, and what to do; `None` if it would start.
    pub fn refusal(&self) -> Option<String> {
        self.refusal_with(&folders::cache(), &std::env::temp_dir())
    }

    fn refusal_with(&self, cache: &Path, temporary: &Path) -> Option<String> {
        let own = ["", "target/setup", "target/kernel", "work"].map(|name| self.root.join(name));
        let (folder, error) =
            own.iter().map(PathBuf::as_path).chain([cache, temporary]).find_map(cannot_write)?;
        Some(format!(
            "cannot write to {} ({error}); clone the workshop into a folder that is yours; in a container, \
             start it without --read-only, or with `--tmpfs {}:exec --volume {} --volume {}`",
            folder.display(),
            temporary.display(),
            self.root.display(),
            cache.parent().unwrap_or(cache).display(),
        ))
    }
}

/// If this user cannot write to the folder, returns the folder (or the nearest existing folder above it) and
/// the error.
fn cannot_write(folder: &Path) -> Option<(&Path, rustix::io::Errno)> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    access(there, Access::WRITE_OK | Access::EXEC_OK).err().map(|error| (there, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_ours_can_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        let workshop = Workshop { root: folder.path().to_owned() };
        let cache = folder.path().join("cache/code-evolution");
        assert_eq!(workshop.refusal_with(&cache, folder.path()), None);
    }

    /// Root may write to any folder, so the test uses a path that nobody can enter: a file.
    #[test]
    fn a_folder_without_write_access_is_named_with_advice() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (theirs, ours) = (file.path(), folder.path());
        for (root, cache, temporary) in
            [(theirs, ours, ours), (ours, theirs, ours), (ours, ours, theirs)]
        {
            let workshop = Workshop { root: root.to_owned() };
            let refusal = workshop.refusal_with(cache, temporary).unwrap();
            assert!(
                refusal.starts_with(&format!("cannot write to {} (", theirs.display())),
                "{refusal}"
            );
            assert!(refusal.contains("start it without --read-only"), "{refusal}");
        }
    }

    #[test]
    fn the_parent_of_a_missing_folder_counts() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let inside = file.path().join("not/there");
        assert_eq!(cannot_write(&inside).unwrap().0, file.path());
    }
}
