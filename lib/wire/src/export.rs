//! A candidate as a crate of its own: what is asked for, and what was written.

use serde::{Deserialize, Serialize};

use crate::task::Task;

/// A crate that somebody wants made of a candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// The crate's name, which is also its folder's: a small letter, then small letters, digits, `_`, `-`.
    pub name: String,
    /// Its licence, as an SPDX expression. Of `MIT` the text is written too.
    pub licence: String,
    /// Who holds the copyright; the crate says "the authors of NAME" where nobody is named.
    pub author: Option<String>,
}

impl Export {
    /// A crate of this name under the MIT licence.
    pub fn new(name: impl Into<String>) -> Self {
        Export { name: name.into(), licence: "MIT".to_owned(), author: None }
    }

    /// Sets the licence, as an SPDX expression: `Apache-2.0`, `MIT OR Apache-2.0`.
    pub fn licence(mut self, licence: impl Into<String>) -> Self {
        self.licence = licence.into();
        self
    }

    /// Says who holds the copyright.
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

/// All that a host needs to make the crate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExportCall {
    /// What is wanted.
    pub export: Export,
    /// The folder that the crate's folder is made in: a path, absolute by the time it reaches the host.
    pub place: String,
    /// The task, whose cases become tests.
    pub task: Task,
    /// The candidate.
    pub code: String,
}

/// A crate that was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exported {
    /// Its folder.
    pub folder: String,
    /// Its files, relative to the folder.
    pub files: Vec<String>,
    /// How many tests it has: one for each case.
    pub tests: usize,
    /// What the judge asked and no test asks: properties that have no form in Rust.
    pub untested: Vec<String>,
    /// The crates that it depends on.
    pub crates: Vec<String>,
    /// The label of the reply that the source came out of; `None` where it was written in a cell.
    pub written_by: Option<String>,
    /// How many earlier candidates it descends from, as far as the session's log tells.
    pub ancestors: usize,
    /// Whether an earlier export of that name, which nobody had changed, was replaced.
    pub replaced: bool,
}
