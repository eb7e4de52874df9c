//! Several things below each other.
//!
//! The kernel shows one HTML block a cell; a second one takes the first one's place.

use std::fmt::Display;

use super::{
    Admission, Code, Diff, Examination, Execution, FitnessCurve, Lineage, Quote, Table, Verdict,
    Verdicts, Verification,
};
use super::{html, inert, shows_itself};

/// What a [`Stack`] can hold.
pub trait Shown: Display {
    /// The value as an HTML panel of its own.
    fn html(&self) -> String;
}

macro_rules! shown {
    ($($t:ty),+) => {$(
        impl Shown for $t {
            fn html(&self) -> String {
                self.to_html()
            }
        }
    )+};
}
shown!(
    Admission,
    Code,
    Diff,
    Examination,
    Execution,
    FitnessCurve,
    Lineage,
    Quote,
    Stack,
    Table,
    Verdict,
    Verdicts,
    Verification
);

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

    /// The stack with one more panel at its end.
    pub fn add(mut self, title: impl AsRef<str>, shown: impl Shown) -> Self {
        let title = title.as_ref().to_owned();
        self.panels.push(Panel { title, html: shown.html(), text: shown.to_string() });
        self
    }

    /// The panels as HTML.
    pub fn to_html(&self) -> String {
        let panels = self.panels.iter();
        panels.map(|panel| html::panel(&html::headline(&panel.title)) + &panel.html).collect()
    }

    /// The panels as text.
    pub fn to_text(&self) -> String {
        let panels = self.panels.iter();
        let texts = panels.map(|panel| format!("{}\n{}", inert::line(&panel.title), panel.text));
        texts.collect::<Vec<_>>().join("\n\n")
    }
}
shows_itself!(Stack);
