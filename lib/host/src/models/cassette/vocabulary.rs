//! The words of a script's prompts; corrects typing errors in a participant's words.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

/// Words that ask for nothing by themselves.
pub(super) static NEUTRAL: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let lines = include_str!("neutral.txt").lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// Returns the words of a text in order, in small letters.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

/// All words in a script's prompts.
#[derive(Debug, Default)]
pub(super) struct Vocabulary(BTreeSet<String>);

impl Vocabulary {
    pub(super) fn new<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Vocabulary(texts.into_iter().flat_map(words).collect())
    }

    /// Returns the word that was meant. A known word (of our prompts, or neutral) is returned as it is. Any
    /// other word becomes the known word from which it differs by a typing error, if there is one.
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

/// Returns whether a word is another word with a typing error: one letter too many or too few, or two letters
/// swapped. In longer words it may also be one wrong letter, or two errors. The first letter must be right.
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
