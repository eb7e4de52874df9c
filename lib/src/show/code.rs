//! Rust source for reading.

use super::{html, shows_itself};
use crate::inert;

/// Source with line numbers, so that "line 3" in a verdict is easy to find.
///
/// ```
/// use code_evolution::show::Code;
/// assert_eq!(Code::new("fn f() {\n}").to_string(), "1 │ fn f() {\n2 │ }");
/// ```
#[derive(Clone)]
pub struct Code {
    source: String,
}

impl Code {
    /// Creates a panel for this source.
    pub fn new(source: impl AsRef<str>) -> Self {
        Code { source: source.as_ref().to_owned() }
    }

    /// Returns the source as HTML.
    pub fn to_html(&self) -> String {
        html::panel(&html::pre_of(&self.numbered(inert::html(&self.source))))
    }

    /// Returns the source as text.
    pub fn to_text(&self) -> String {
        self.numbered(inert::text(&self.source))
    }

    fn numbered(&self, inert: String) -> String {
        let width = inert.lines().count().to_string().len();
        let lines = inert.lines().enumerate();
        let lines = lines.map(|(index, line)| format!("{:>width$} │ {line}", index + 1));
        lines.collect::<Vec<_>>().join("\n")
    }
}
shows_itself!(Code);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_in_a_column() {
        let text = Code::new("x\n".repeat(10)).to_text();
        assert!(text.starts_with(" 1 │ x\n"));
        assert!(text.ends_with("10 │ x"));
    }

    #[test]
    fn source_is_text() {
        let html = Code::new("let s = \"<script>\";").to_html();
        assert!(html.contains("1 │ let s = &quot;&lt;script&gt;&quot;;"));
    }
}
