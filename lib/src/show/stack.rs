//! Several panels below each other.
//!
//! The kernel shows one HTML block per cell; a second block replaces the first.

use super::{Shown, html, shows_itself};
use crate::inert;

/// Panels below each other, each under a title.
///
/// ```
/// use code_evolution::show::{Code, Diff, Stack};
/// let stack = Stack::new().add("before", Code::new("x")).add("change", Diff::new("x", "y"));
/// assert_eq!(stack.to_string(), "before\n1 │ x\n\nchange\n- x\n+ y");
/// ```
#[derive(Clone, Default)]
pub struct Stack {
    panels: Vec<Panel>,
}

#[derive(Clone)]
struct Panel {
    title: String,
    html: String,
    text: String,
}

impl Stack {
    /// Creates an empty stack.
    pub fn new() -> Self {
        Stack::default()
    }

    /// Adds a panel at the end; a panel that is needed later can be borrowed: `&verdict`.
    pub fn add(mut self, title: impl AsRef<str>, shown: impl Shown) -> Self {
        let title = title.as_ref().to_owned();
        self.panels.push(Panel { title, html: shown.html(), text: shown.to_string() });
        self
    }

    /// Returns the panels as HTML.
    pub fn to_html(&self) -> String {
        let panels = self.panels.iter();
        panels.map(|panel| html::section(&panel.title, &panel.html)).collect()
    }

    /// Returns the panels as text.
    pub fn to_text(&self) -> String {
        let panels = self.panels.iter();
        let texts = panels.map(|panel| format!("{}\n{}", inert::line(&panel.title), panel.text));
        texts.collect::<Vec<_>>().join("\n\n")
    }
}
shows_itself!(Stack);
