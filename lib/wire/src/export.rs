//! A candidate as a separate crate: the request, and what was written.

use serde::{Deserialize, Serialize};

use crate::task::Task;

/// A crate to make of a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// The crate's name, also its folder's: a lower-case letter, then lower-case letters, digits, `_`, `-`.
    pub name: String,
    /// The crate's licence, as an SPDX expression. For `MIT`, the text is written too.
    pub licence: String,
    /// The copyright holder; without one, the crate says "the authors of NAME".
    pub author: Option<String>,
}

impl Export {
    /// Creates a request for a crate of this name under the MIT licence.
    pub fn new(name: impl Into<String>) -> Self {
        Export { name: name.into(), licence: "MIT".to_owned(), author: None }
    }

    /// Sets the licence, as an SPDX expression: `Apache-2.0`, `MIT OR Apache-2.0`.
    pub fn licence(mut self, licence: impl Into<String>) -> Self {
        self.licence = licence.into();
        self
    }

    /// Sets the copyright holder.
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = Some(author.into());
        self
    }
}

impl From<&str> for Export {
    fn from(name: &str) -> Self {
        Export::new(name)
    }
}

/// Everything that a host needs to make the crate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportCall {
    /// The request.
    pub export: Export,
    /// The folder in which the crate's folder is made: an absolute path when it reaches the host.
    pub place: String,
    /// The task, whose cases become tests.
    pub task: Task,
    /// The candidate.
    pub code: String,
}

/// A crate that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    /// The crate's folder.
    pub folder: String,
    /// The crate's files, relative to the folder.
    pub files: Vec<String>,
    /// How many tests the crate has: one for each case.
    pub tests: usize,
    /// What the judge checks and no test does: properties that cannot be written in Rust.
    pub untested: Vec<String>,
    /// The crates that the new crate depends on.
    pub crates: Vec<String>,
    /// The label of the reply that contained the source; `None` if it was written in a cell.
    pub written_by: Option<String>,
    /// How many earlier candidates this one descends from, according to the session's log.
    pub ancestors: usize,
    /// Whether this replaced an earlier, unchanged export of the same name.
    pub replaced: bool,
}
