//! Words of a model, or for a model.

use super::{html, shows_itself};
use crate::inert;

/// A text with every line marked, so that it cannot be taken for the notebook's own words: a prompt, a
/// reply, a feedback.
///
/// ```
/// use code_evolution::show::Quote;
/// assert_eq!(Quote::new("Repair this.\nBe brief.").to_string(), "│ Repair this.\n│ Be brief.");
/// ```
#[derive(Clone)]
pub struct Quote {
    label: Option<String>,
    folded: Option<(String, String)>,
    text: String,
}

impl Quote {
    /// Creates a panel for this text.
    pub fn new(text: impl AsRef<str>) -> Self {
        Quote { label: None, folded: None, text: text.as_ref().to_owned() }
    }

    /// Puts a label above the text: who said it.
    pub fn label(mut self, label: impl AsRef<str>) -> Self {
        self.label = Some(label.as_ref().to_owned());
        self
    }

    /// Adds a text below that opens on a click, under this name. An empty text is ignored.
    pub fn folded(mut self, name: impl AsRef<str>, text: impl AsRef<str>) -> Self {
        let (name, text) = (name.as_ref(), text.as_ref());
        let words = text.split_whitespace().count();
        self.folded = (words > 0).then(|| (format!("{name}: {words} words"), text.to_owned()));
        self
    }

    /// Returns the quote as HTML.
    pub fn to_html(&self) -> String {
        let label = self.label.as_ref().map(|label| html::headline(&format!("[{label}]")));
        let folded = self.folded.as_ref().map(|(name, text)| html::details(name, &html::pre(text)));
        let body = label.unwrap_or_default() + &html::pre(&self.text) + &folded.unwrap_or_default();
        html::panel(&html::frame(&body))
    }

    /// Returns the quote as text.
    pub fn to_text(&self) -> String {
        let quote = inert::quote(&self.text);
        let label = self.label.as_ref().map(|label| format!("[{}]\n", inert::line(label)));
        let folded = self.folded.as_ref().map(|(name, _)| format!("\n({name}, not shown)"));
        label.unwrap_or_default() + &quote + &folded.unwrap_or_default()
    }
}
shows_itself!(Quote);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_text_is_kept_separate() {
        let quote = Quote::new("yes").folded("thinking", "hm, let me see");
        assert_eq!(quote.to_text(), "│ yes\n(thinking: 4 words, not shown)");
        let html = quote.to_html();
        assert!(html.contains("<details><summary>thinking: 4 words</summary>"), "{html}");
        assert_eq!(Quote::new("yes").folded("thinking", " ").to_text(), "│ yes");
    }

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
