//! Where the host keeps files, after the XDG base directory specification.

use std::path::PathBuf;

/// The folder of this program among those that `variable` names, or below `default` in the home folder.
/// `None` where there is neither. A relative path counts as none, as the specification has it.
fn own(variable: &str, default: &str) -> Option<PathBuf> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let all = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(default)))?;
    Some(all.join("code-evolution"))
}

/// What can be made again: the harness, offered crates, verdicts. Without a home folder it lies in the
/// temporary folder.
pub fn cache() -> PathBuf {
    own("XDG_CACHE_HOME", ".cache").unwrap_or_else(|| std::env::temp_dir().join("code-evolution"))
}

/// What is kept, as the audit logs are. `None` where there is no home folder.
pub fn state() -> Option<PathBuf> {
    own("XDG_STATE_HOME", ".local/state")
}
