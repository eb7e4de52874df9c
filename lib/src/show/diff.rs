//! The changes between two texts.
//!
//! Added text is blue with `+`, removed text orange with `-`. Everybody can tell these colours apart, and
//! the signs work without colour.

use similar::{ChangeTag, TextDiff};

use super::{html, number, shows_itself};
use crate::inert;

/// How many equal lines are shown before and after a change.
const CONTEXT: usize = 3;

/// The difference of two texts, by line; [`Diff::words`] shows it by word, which suits a prompt.
///
/// ```
/// use code_evolution::show::Diff;
/// let diff = Diff::new("let sum = 0;\nsum / n", "let sum = 0;\nsum / n.max(1)");
/// assert_eq!(diff.to_string(), "  let sum = 0;\n- sum / n\n+ sum / n.max(1)");
/// let diff = Diff::new("Be fast.", "Be clear.").words();
/// assert_eq!(diff.to_string(), "Be [-fast-]{+clear+}.");
/// ```
#[derive(Clone)]
pub struct Diff {
    old: String,
    new: String,
    by_word: bool,
}

/// A part of a diff: lines, or words.
struct Change {
    tag: ChangeTag,
    text: String,
}

impl Diff {
    /// Compares two texts line by line. The kind of line end does not matter, nor whether the last line has
    /// one.
    pub fn new(old: impl AsRef<str>, new: impl AsRef<str>) -> Self {
        Diff { old: same_ends(old.as_ref()), new: same_ends(new.as_ref()), by_word: false }
    }

    /// Switches to a comparison word by word.
    pub fn words(mut self) -> Self {
        self.by_word = true;
        self
    }

    /// Returns the diff as HTML.
    pub fn to_html(&self) -> String {
        let changes = self.changes();
        if changes.iter().all(|change| change.tag == ChangeTag::Equal) {
            return html::panel(&html::paragraph("no difference"));
        }
        let body: String = if self.by_word {
            changes.iter().map(word_html).collect()
        } else {
            lines(&changes).iter().map(line_html).collect::<Vec<_>>().join("\n")
        };
        let text = html::pre_of(&body);
        // Words come from a prompt or a reply, so they get the same frame.
        html::panel(&if self.by_word { html::frame(&text) } else { text })
    }

    /// Returns the diff as text.
    pub fn to_text(&self) -> String {
        let changes = self.changes();
        if changes.iter().all(|change| change.tag == ChangeTag::Equal) {
            return "no difference".to_owned();
        }
        if self.by_word {
            let word = |change: &Change| match change.tag {
                ChangeTag::Equal => inert::text(&change.text),
                ChangeTag::Delete => format!("[-{}-]", inert::text(&change.text)),
                ChangeTag::Insert => format!("{{+{}+}}", inert::text(&change.text)),
            };
            let words: String = changes.iter().map(word).collect();
            return words.trim_end_matches('\n').to_owned();
        }
        let lines = lines(&changes);
        let line = |line: &Line| match line {
            Line::Change(change) => format!("{} {}", sign(change.tag), inert::line(&change.text)),
            Line::Skipped(n) => skipped(*n),
        };
        lines.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Returns the kept, removed and added parts; neighbouring words of one kind are joined.
    fn changes(&self) -> Vec<Change> {
        if !self.by_word {
            let diff = TextDiff::from_lines(&self.old, &self.new);
            let changes = diff.iter_all_changes();
            return changes.map(|c| Change { tag: c.tag(), text: c.value().to_owned() }).collect();
        }
        let (old, new) = (words(&self.old), words(&self.new));
        let diff = TextDiff::from_slices(&old, &new);
        let words: Vec<(ChangeTag, &str)> =
            diff.iter_all_changes().map(|change| (change.tag(), change.value())).collect();
        phrases(&words)
    }
}
shows_itself!(Diff);

fn same_ends(text: &str) -> String {
    let mut lines = text.replace("\r\n", "\n");
    if !lines.is_empty() && !lines.ends_with('\n') {
        lines.push('\n');
    }
    lines
}

/// Splits a text into words, white space, and single other characters, in order.
fn words(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '\'' => 1,
        c if c.is_whitespace() => 2,
        _ => 0,
    };
    let mut words = Vec::new();
    let mut start = 0;
    let mut before = 0;
    for (at, c) in text.char_indices() {
        if at > start && (kind(c) != before || before == 0) {
            words.push(&text[start..at]);
            start = at;
        }
        before = kind(c);
    }
    if start < text.len() {
        words.push(&text[start..]);
    }
    words
}

/// Joins words into phrases: removed text, then added text. White space between two changed words belongs
/// to the change; otherwise a rewritten sentence would be a patchwork.
fn phrases(words: &[(ChangeTag, &str)]) -> Vec<Change> {
    let mut phrases: Vec<Change> = Vec::new();
    let (mut went, mut came) = (String::new(), String::new());
    for (index, (tag, word)) in words.iter().enumerate() {
        let changes = |at: usize| words.get(at).is_some_and(|(tag, _)| *tag != ChangeTag::Equal);
        match tag {
            ChangeTag::Delete => went += word,
            ChangeTag::Insert => came += word,
            ChangeTag::Equal
                if word.trim().is_empty()
                    && index > 0
                    && changes(index - 1)
                    && changes(index + 1) =>
            {
                went += word;
                came += word;
            }
            ChangeTag::Equal => {
                flush(&mut phrases, &mut went, &mut came);
                match phrases.last_mut() {
                    Some(last) if last.tag == ChangeTag::Equal => last.text += word,
                    _ => phrases.push(Change { tag: *tag, text: (*word).to_owned() }),
                }
            }
        }
    }
    flush(&mut phrases, &mut went, &mut came);
    phrases
}

/// Ends a change and starts a new one.
fn flush(phrases: &mut Vec<Change>, went: &mut String, came: &mut String) {
    for (tag, text) in [(ChangeTag::Delete, went), (ChangeTag::Insert, came)] {
        if !text.is_empty() {
            phrases.push(Change { tag, text: std::mem::take(text) });
        }
    }
}

/// One line of the displayed diff.
enum Line<'a> {
    Change(&'a Change),
    /// This many equal lines are left out.
    Skipped(usize),
}

/// Returns the changed lines with their context.
fn lines(changes: &[Change]) -> Vec<Line<'_>> {
    let changed: Vec<usize> =
        (0..changes.len()).filter(|index| changes[*index].tag != ChangeTag::Equal).collect();
    let near = |index: usize| {
        let next = changed.partition_point(|at| *at < index);
        let after = changed.get(next).is_some_and(|at| at - index <= CONTEXT);
        after || next > 0 && index - changed[next - 1] <= CONTEXT
    };
    let mut lines = Vec::new();
    for (index, change) in changes.iter().enumerate() {
        match lines.last_mut() {
            _ if near(index) => lines.push(Line::Change(change)),
            Some(Line::Skipped(n)) => *n += 1,
            _ => lines.push(Line::Skipped(1)),
        }
    }
    lines
}

fn skipped(n: usize) -> String {
    format!("  ⋯ {} unchanged", number::count(n, "line"))
}

fn sign(tag: ChangeTag) -> char {
    match tag {
        ChangeTag::Equal => ' ',
        ChangeTag::Delete => '-',
        ChangeTag::Insert => '+',
    }
}

fn line_html(line: &Line<'_>) -> String {
    match line {
        Line::Change(change) => {
            let text = format!("{} {}", sign(change.tag), inert::html(&inert::line(&change.text)));
            colored(change.tag, &text)
        }
        Line::Skipped(n) => format!("<em>{}</em>", inert::html(&skipped(*n))),
    }
}

fn word_html(change: &Change) -> String {
    if change.tag == ChangeTag::Equal {
        return inert::html(&change.text);
    }
    // The sign stands at the first word, not at the word or full stop before the space.
    let word = change.text.trim_start();
    let (space, word) = change.text.split_at(change.text.len() - word.len());
    let (space, sign, word) = (inert::html(space), sign(change.tag), inert::html(word));
    colored(change.tag, &format!("{space}<strong>{sign}</strong>{word}"))
}

/// Marks up a change. `<del>` and `<ins>` inform a screen reader, and a site that strips styles.
fn colored(tag: ChangeTag, html: &str) -> String {
    match tag {
        ChangeTag::Equal => html.to_owned(),
        ChangeTag::Delete => {
            // A strike-through line would hide the sign.
            format!(
                "<del style=\"background-color: rgba(213, 94, 0, 0.25); \
                 text-decoration: none\">{html}</del>"
            )
        }
        ChangeTag::Insert => format!(
            "<ins style=\"background-color: rgba(0, 114, 178, 0.25); \
             text-decoration: none\">{html}</ins>"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_lines_are_counted_not_shown() {
        let old: String = (1..=20).map(|n| format!("line {n}\n")).collect();
        let new = old.replace("line 10\n", "line ten\n");
        let text = Diff::new(&old, &new).to_text();
        assert_eq!(text.lines().next(), Some("  ⋯ 6 lines unchanged"));
        assert!(text.contains("  line 9\n- line 10\n+ line ten\n  line 11\n"));
        assert!(text.ends_with("  line 13\n  ⋯ 7 lines unchanged"));
    }

    #[test]
    fn equal_texts_say_so() {
        assert_eq!(Diff::new("a\nb", "a\r\nb\n").to_text(), "no difference");
        assert_eq!(Diff::new("a", "a").to_text(), "no difference");
        assert!(Diff::new("", "").to_html().contains("no difference"));
    }

    #[test]
    fn changes_are_text_in_html() {
        let words = Diff::new("Be fast.", "Be clear.").words().to_html();
        assert!(
            words.contains("><strong>-</strong>fast</del>")
                && words.contains("><strong>+</strong>clear</ins>")
        );
        let longer = Diff::new("Be fast.", "Be fast. Be clear.").words().to_html();
        assert!(longer.contains("> <strong>+</strong>Be clear.</ins>"), "{longer}");
        let html = Diff::new("<b>", "<script>alert(1)</script>").to_html();
        assert!(html.contains(">- &lt;b&gt;</del>"));
        assert!(html.contains(">+ &lt;script&gt;alert(1)&lt;/script&gt;</ins>"));
    }
}
