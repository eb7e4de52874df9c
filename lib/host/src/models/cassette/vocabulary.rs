//! The words of a script's prompts, and slips of the keyboard among a participant's.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

/// Words that ask for nothing by themselves.
pub(super) static NEUTRAL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("neutral.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// The words of a text, in small letters, in their order.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// All words that a script's prompts have.
#[derive(Debug, Default)]
pub(super) struct Vocabulary(BTreeSet<String>);

impl Vocabulary {
    pub(super) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Vocabulary(texts.into_iter().flat_map(words).collect())
    }

    /// The word that was meant: itself if it is one of ours or of every text, else the one of ours, or
    /// of every text, from which it differs by a slip.
    pub(super) fn correct(&self, word: &str) -> String {
        if self.0.contains(word) || NEUTRAL.contains(word) {
            return word.to_owned();
        }
        let of_ours = self.0.iter().map(String::as_str).find(|ours| is_slip(word, ours));
        let meant =
            of_ours.or_else(|| NEUTRAL.iter().copied().filter(|it| is_slip(word, it)).min());
        meant.unwrap_or(word).to_owned()
    }
}

/// Whether a word is another one with a slip of the keyboard: a letter too many, too few or in the
/// other's place; in longer words also a wrong one, or two slips. The first letter is right.
fn is_slip(word: &str, meant: &str) -> bool {
    if word.chars().next() != meant.chars().next() || word.len().abs_diff(meant.len()) > 4 {
        return false;
    }
    let (length, other) = (word.chars().count(), meant.chars().count());
    let shortest = length.min(other);
    if shortest < 3 || length.abs_diff(other) > 2 {
        return false;
    }
    match strsim::osa_distance(word, meant) {
        1 if length != other => length.max(other) > 3,
        1 => shortest > 5 || sorted(word) == sorted(meant),
        2 => shortest > 6,
        _ => false,
    }
}

fn sorted(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_corrected_and_another_word_is_not() {
        let ours = Vocabulary::new(["Repair the function, keep its name; no eggs, no boxes."]);
        for (word, meant) in [
            ("funtion", "function"),
            ("functions", "function"),
            ("nmae", "name"),
            ("repiar", "repair"),
            ("egg", "eggs"),
            ("plese", "please"),
            ("dogs", "dogs"),
            ("haiku", "haiku"),
            ("legs", "legs"),
            ("foxes", "foxes"),
        ] {
            assert_eq!(ours.correct(word), meant);
        }
    }
}
