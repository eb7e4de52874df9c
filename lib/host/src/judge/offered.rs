//! The precompiled crates that a task may offer.

use std::path::PathBuf;

/// What a source may use beside the standard library.
#[derive(Debug, Clone, Default)]
pub struct Libraries {
    /// Crates by name, for `--extern`.
    pub external: Vec<(String, PathBuf)>,
    /// Every library that these need, for the linker.
    pub rlibs: Vec<PathBuf>,
    /// Where the libraries lie.
    pub folders: Vec<PathBuf>,
}
