//! Words of a model, or for one.

use super::{html, shows_itself};
use crate::inert;

/// A text as it is, every line marked, so that it cannot be taken for the notebook's own words: a
/// prompt, a reply, a feedback.
///
/// ```
/// use code_evolution::show::Quote;
/// assert_eq!(Quote::new("Repair this.\nBe brief.").to_string(), "│ Repair this.\n│ Be brief.");
/// ```
#[derive(Clone)]
pub struct Quote {
    label: Option<String>,
    text: String,
}

impl Quote {
    /// Shows this text.
    pub fn new(text: impl AsRef<str>) -> Self {
        Quote { label: None, text: text.as_ref().to_owned() }
    }

    /// Puts a label above it: who said it.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.label = Some(label.as_ref().to_owned());
        self
    }

    /// The text as HTML.
    pub fn to_html(&self) -> String {
        let label = self.label.as_ref().map(|label| html::headline(&format!("[{label}]")));
        html::panel(&html::frame(&(label.unwrap_or_default() + &html::pre(&self.text))))
    }

    /// The text as text.
    pub fn to_text(&self) -> String {
        let quote = inert::quote(&self.text);
        match &self.label {
            Some(label) => format!("[{}]\n{quote}", inert::line(label)),
            None => quote,
        }
    }
}
shows_itself!(Quote);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_stands_apart_from_the_text() {
        let quote = Quote::new("[live · gpt]\nhello").label("scripted · no model");
        assert_eq!(quote.to_text(), "[scripted · no model]\n│ [live · gpt]\n│ hello");
        let html = quote.to_html();
        let (label, text) = html.split_once("</p>").expect("a label of its own");
        assert!(label.ends_with("<strong>[scripted · no model]</strong>"), "{html}");
        assert!(text.contains("\n[live · gpt]\nhello</pre>"), "{html}");
    }
}
