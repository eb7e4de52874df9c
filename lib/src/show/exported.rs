//! A candidate that became a crate.

use std::ops::Deref;
use std::path::Path;

use code_evolution_wire::export as wire;

use crate::inert;
use crate::show::{html, shows_itself};

/// The files that were written, and how to try them. Shows no date and no path of the machine.
#[derive(Clone, PartialEq)]
pub struct Exported(pub wire::Exported);

impl Exported {
    /// Returns the crate's folder.
    pub fn folder(&self) -> &Path {
        Path::new(&self.0.folder)
    }

    /// Returns the result in one line.
    pub fn headline(&self) -> String {
        let tests = match self.tests {
            1 => "1 test".to_owned(),
            n => format!("{n} tests"),
        };
        format!("the crate {} is written, with {tests}", self.name())
    }

    /// Returns the result as HTML.
    pub fn to_html(&self) -> String {
        let mut body = html::headline(&self.headline());
        body += &self.facts().iter().map(|fact| html::paragraph(fact)).collect::<String>();
        html::panel(&(body + &html::pre(&self.command())))
    }

    /// Returns the result as text.
    pub fn to_text(&self) -> String {
        let mut lines = vec![self.headline()];
        lines.extend(self.facts());
        lines.push(self.command());
        lines.join("\n")
    }

    fn name(&self) -> String {
        let name = self.folder().file_name().unwrap_or_default();
        inert::line(&name.to_string_lossy())
    }

    fn command(&self) -> String {
        format!("cargo test --manifest-path {}/Cargo.toml", self.name())
    }

    fn facts(&self) -> Vec<String> {
        let written_by = match &self.written_by {
            Some(label) => inert::line(label),
            None => "a cell (no reply of this session has it word for word)".to_owned(),
        };
        let ancestors = match self.ancestors {
            0 => String::new(),
            1 => "; 1 ancestor".to_owned(),
            n => format!("; {n} ancestors"),
        };
        let mut facts = vec![
            format!("files: {}", self.files.join(", ")),
            format!("written by: {written_by}{ancestors}"),
            // This sentence is the same in every run, since a notebook's output is committed.
            "An earlier export of that name is replaced, if nobody has changed it.".to_owned(),
        ];
        if !self.crates.is_empty() {
            facts.push(format!("depends on: {}", self.crates.join(", ")));
        }
        for property in &self.untested {
            facts.push(format!("judged, but without a test: {}", inert::line(property)));
        }
        facts
    }
}
shows_itself!(Exported);

impl Deref for Exported {
    type Target = wire::Exported;

    fn deref(&self) -> &wire::Exported {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_says_what_was_written_by_whom_and_how_to_try_it() {
        let shown = Exported(wire::Exported {
            folder: "/somewhere/my_fizzbuzz".into(),
            files: vec!["Cargo.toml".into()],
            tests: 2,
            untested: vec!["not <b>tested".into()],
            crates: vec!["itertools".into()],
            written_by: Some("live · <model>".into()),
            ancestors: 1,
            replaced: true,
        });
        let text = shown.to_text();
        for part in
            ["crate my_fizzbuzz", "2 tests", "is replaced, if", "<model>; 1 ancestor", "itertools"]
        {
            assert!(text.contains(part), "{text}");
        }
        let html = shown.to_html();
        assert!(!html.contains("<model>") && !html.contains("<b>") && !text.contains("somewhere"));
    }
}
