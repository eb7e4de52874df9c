//! Finds the host's binary, and rebuilds it when its sources have changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::error::{Error, Result};
use crate::inert;

/// The variable that names a binary other than the workspace's own. That binary is used as it is.
const OVERRIDE: &str = "CODE_EVOLUTION_HOST";
const NAME: &str = "code_evolution_host";

/// Where the host's binary is, and where it came from.
pub(super) struct HostBinary {
    pub(super) path: PathBuf,
    /// The workspace that builds the binary, if any.
    workspace: Option<PathBuf>,
}

impl HostBinary {
    /// Finds the binary to run, in this order: the binary that `CODE_EVOLUTION_HOST` names; the
    /// workspace's, built now if it is missing or older than its sources; the binary on `PATH`.
    pub(super) fn find() -> Result<Self> {
        if let Some(path) = std::env::var_os(OVERRIDE) {
            return Ok(HostBinary::at(path));
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf);
        let Some(workspace) =
            workspace.filter(|folder| folder.join("lib/host/Cargo.toml").exists())
        else {
            return Ok(HostBinary::at(NAME));
        };
        let path = workspace.join("target/release").join(NAME);
        let binary = HostBinary { path, workspace: Some(workspace) };
        binary.refresh()?;
        Ok(binary)
    }

    /// Uses this binary as it is.
    pub(super) fn at(path: impl Into<PathBuf>) -> Self {
        HostBinary { path: path.into(), workspace: None }
    }

    /// Returns what a person must do when the binary is missing or has the wrong version.
    pub(super) fn how_to_build(&self) -> String {
        match &self.workspace {
            Some(_) => {
                "run `binder/setup` in the workshop's folder, then restart the kernel".to_owned()
            }
            None => {
                format!("run `cargo install {NAME}`, or unset {OVERRIDE}, then restart the kernel")
            }
        }
    }

    fn refresh(&self) -> Result<()> {
        let Some(workspace) = &self.workspace else { return Ok(()) };
        if is_newer(modified(&self.path), newest_source(workspace)) {
            return Ok(());
        }
        println!("building the host, since its sources changed (half a minute or more) ...");
        let output = Command::new("cargo")
            .args(["build", "--release", "--quiet", "--package", NAME])
            .arg("--target-dir")
            .arg(workspace.join("target"))
            .current_dir(workspace)
            .env_remove("EVCXR_IS_RUNTIME")
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .map_err(|error| {
                Error::internal(format!("cannot run cargo: {error}; {}", self.how_to_build()))
            })?;
        if !output.status.success() {
            let log = String::from_utf8_lossy(&output.stderr);
            let tail: Vec<&str> = log.lines().rev().take(12).collect();
            let tail: Vec<String> = tail.into_iter().rev().map(inert::line).collect();
            let tail = tail.join("\n");
            return Err(Error::internal(format!(
                "the host does not build; {}:\n{tail}",
                self.how_to_build()
            )));
        }
        // cargo does not change the time of an up-to-date binary; without this, every start would call
        // cargo again. The file is opened for reading, since another notebook may be running it.
        let touched =
            fs::File::open(&self.path).and_then(|file| file.set_modified(SystemTime::now()));
        touched.map_err(|error| {
            Error::internal(format!("cannot update {}: {error}", self.path.display()))
        })
    }
}

fn is_newer(binary: Option<SystemTime>, source: Option<SystemTime>) -> bool {
    binary.is_some_and(|binary| source.is_none_or(|source| binary >= source))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// Returns the time of the latest change to the host's sources.
fn newest_source(workspace: &Path) -> Option<SystemTime> {
    let files = ["Cargo.toml", "Cargo.lock"].map(|file| modified(&workspace.join(file)));
    let folders = ["lib/host", "lib/jail", "lib/wire"];
    let folders = folders.map(|folder| newest_below(&workspace.join(folder)));
    files.into_iter().chain(folders).flatten().max()
}

fn newest_below(folder: &Path) -> Option<SystemTime> {
    let newest = |path: PathBuf| match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs" | "toml" | "py") => modified(&path),
        None if !["benches", "tests"].iter().any(|name| path.ends_with(name)) => {
            newest_below(&path)
        }
        _ => None,
    };
    fs::read_dir(folder).ok()?.flatten().filter_map(|entry| newest(entry.path())).max()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_missing_or_older_binary_is_built_again() {
        let (old, new) = (SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + Duration::from_secs(1));
        assert!(!is_newer(None, Some(old)));
        assert!(!is_newer(Some(old), Some(new)));
        assert!(is_newer(Some(new), Some(old)));
        assert!(is_newer(Some(new), Some(new)));
    }

    #[test]
    fn every_source_of_this_workspace_has_a_time() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let wire = modified(&workspace.join("lib/wire/src/task.rs"));
        assert!(wire.is_some());
        assert!(newest_source(&workspace) >= wire);
    }

    #[test]
    fn a_changed_page_or_test_causes_no_build() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, seconds: u64| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            let file = fs::File::create(&path).expect("a file");
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            file.set_modified(time).expect("a time");
            Some(time)
        };
        let source = write("src/judge/mod.rs", 5);
        write("README.md", 9);
        write("tests/it/main.rs", 9);
        assert_eq!(newest_below(folder.path()), source);
        let manifest = write("Cargo.toml", 7);
        assert_eq!(newest_below(folder.path()), manifest);
    }
}
