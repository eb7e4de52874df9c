//! Several things below each other.
//!
//! The kernel shows one HTML block a cell; a second one takes the first one's place.

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
    /// A stack with nothing in it.
    pub fn new() -> Self {
        Stack::default()
    }

    /// The stack with one more panel at its end; a panel that is needed later may be lent: `&verdict`.
    pub fn add(mut self, title: impl AsRef<str>, shown: impl Shown) -> Self {
        let title = title.as_ref().to_owned();
        self.panels.push(Panel { title, html: shown.html(), text: shown.to_string() });
        self
    }

    /// The panels as HTML.
    pub fn to_html(&self) -> String {
        let panels = self.panels.iter();
        panels.map(|panel| html::section(&panel.title, &panel.html)).collect()
    }

    /// The panels as text.
    pub fn to_text(&self) -> String {
        let panels = self.panels.iter();
        let texts = panels.map(|panel| format!("{}\n{}", inert::line(&panel.title), panel.text));
        texts.collect::<Vec<_>>().join("\n\n")
    }
}
shows_itself!(Stack);
