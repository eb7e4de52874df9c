//! Measures how similar two texts are.

use std::collections::HashMap;

/// The trigrams of a text, and how often each occurs. White space counts as one space.
pub(in crate::models) struct Profile {
    counts: HashMap<[char; 3], u32>,
    total: u32,
}

impl Profile {
    pub(in crate::models) fn new(text: &str) -> Self {
        let mut counts = HashMap::new();
        let mut total = 0;
        let mut window = [' '; 3];
        for word in text.split_whitespace() {
            for c in word.chars().chain([' ']) {
                window = [window[1], window[2], c];
                *counts.entry(window).or_default() += 1;
                total += 1;
            }
        }
        Profile { counts, total }
    }

    fn shared(&self, other: &Profile) -> f64 {
        let shared: u32 = self
            .counts
            .iter()
            .map(|(trigram, &count)| count.min(other.counts.get(trigram).copied().unwrap_or(0)))
            .sum();
        f64::from(shared)
    }

    /// Returns the Dice coefficient, from 0 to 1: the share of both texts' trigrams that they have in common.
    pub(in crate::models) fn alike(&self, other: &Profile) -> f64 {
        let both = self.total + other.total;
        if both == 0 { 1.0 } else { 2.0 * self.shared(other) / f64::from(both) }
    }

    /// Returns the part of this text that also occurs in the other, from 0 to 1.
    pub(in crate::models) fn contained_in(&self, other: &Profile) -> f64 {
        if self.total == 0 { 0.0 } else { self.shared(other) / f64::from(self.total) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likeness_runs_from_zero_to_one() {
        let profile = Profile::new;
        let text = "Write a Rust function that reverses the words of a sentence.";
        assert_eq!(profile(text).alike(&profile(text)), 1.0);
        assert_eq!(profile(text).alike(&profile("12 34 56")), 0.0);
        assert_eq!(profile("").alike(&profile("")), 1.0);
        assert_eq!(profile("").alike(&profile(text)), 0.0);
        let edited = profile(text).alike(&profile(&text.replace("words", "letters")));
        assert!((0.8..0.95).contains(&edited), "{edited}");
        let phrase = profile("reverses  the\nwords").contained_in(&profile(text));
        assert!(phrase > 0.9, "{phrase}");
    }
}
