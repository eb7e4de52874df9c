//! Where the host keeps files, according to the XDG base directory specification.

use std::path::PathBuf;

/// Returns this program's folder below `variable`, or below `default` in the home folder. `None` if neither
/// variable is set. A relative path is ignored, as the specification says.
fn own(variable: &str, default: &str) -> Option<PathBuf> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let all = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(default)))?;
    Some(all.join("code-evolution"))
}

/// Returns the folder for what can be made again: the harness, offered crates, verdicts. Without a home
/// folder it is in the temporary folder.
pub fn cache() -> PathBuf {
    own("XDG_CACHE_HOME", ".cache").unwrap_or_else(|| std::env::temp_dir().join("code-evolution"))
}

/// Returns the folder for what must be kept, such as the audit logs. `None` without a home folder.
pub fn state() -> Option<PathBuf> {
    own("XDG_STATE_HOME", ".local/state")
}
