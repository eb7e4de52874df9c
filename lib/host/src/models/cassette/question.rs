//! How alike two prompts are in what they ask for.
//!
//! The prompts of a notebook share most of their words: instructions, rules, a frame around the code.
//! What a prompt asks for is in the few words that the others do not have. So a word counts by how
//! rare it is among the prompts that are known (inverse document frequency, Spärck Jones, 1972), and
//! words that any English sentence may have, and numbers, count little. Two prompts are alike if they share the
//! rare words *and* the frame; prompts about functions of different names are not alike at all, since
//! the answer to one cannot be called by the other's caller.
//!
//! Left out: word order, grammar and meaning. A prompt that says the same in quite other words is not
//! recognised, which costs a reply but never gives a wrong one.

use std::collections::{BTreeSet, HashMap, HashSet};

/// From this likeness on, two prompts ask for the same thing. `tests/data/likeness.toml` has the
/// prompts that it was chosen by.
pub(super) const SAME_QUESTION: f64 = 0.7;

/// What a word of every English sentence counts, where another counts 1.
const LITTLE: f64 = 0.25;

/// What a number counts: it is a value, which an edit may change.
const NUMBER: f64 = 0.1;

/// Words that say little about what is asked.
const COMMON: &[&str] = &[
    "a", "about", "all", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "each",
    "for", "from", "give", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "let",
    "many", "me", "my", "no", "not", "of", "on", "one", "only", "or", "other", "please", "s", "so",
    "some", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "to",
    "two", "use", "was", "we", "what", "when", "which", "who", "will", "with", "you", "your",
];

/// The words of a prompt, and the functions that it is about.
#[derive(Debug, Clone)]
pub(super) struct Words {
    words: BTreeSet<String>,
    functions: HashSet<String>,
}

impl Words {
    pub(super) fn new(text: &str) -> Self {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .filter(|word| !word.is_empty())
            .collect();
        // Names of functions as they are declared; Rust's own keyword is the only mark that is safe.
        let functions = words.windows(2).filter(|pair| pair[0] == "fn").map(|pair| pair[1]);
        Words {
            functions: functions.map(str::to_owned).collect(),
            words: words.iter().map(|&word| word.to_owned()).collect(),
        }
    }

    /// The part of these words that is found in the other text, 0 to 1; all words count the same.
    pub(super) fn contained_in(&self, other: &Words) -> f64 {
        covered(self, other, &meaning)
    }

    /// Whether both are about functions, and have none in common.
    fn other_functions(&self, other: &Words) -> bool {
        !self.functions.is_empty()
            && !other.functions.is_empty()
            && self.functions.is_disjoint(&other.functions)
    }
}

/// How much a word can say about what is asked, 0 to 1, whatever prompts are known.
fn meaning(word: &str) -> f64 {
    if word.chars().all(|c| c.is_ascii_digit()) {
        NUMBER
    } else if COMMON.binary_search(&word).is_ok() {
        LITTLE
    } else {
        1.0
    }
}

/// The weight of the words that both have, as a part of the first one's.
fn covered(words: &Words, by: &Words, weight: &dyn Fn(&str) -> f64) -> f64 {
    let sum =
        |words: &mut dyn Iterator<Item = &String>| words.map(|word| weight(word)).sum::<f64>();
    let all = sum(&mut words.words.iter());
    let shared = sum(&mut words.words.intersection(&by.words));
    if all == 0.0 { 1.0 } else { shared / all }
}

/// The prompts that are known, and how often each word occurs in them.
#[derive(Debug, Default)]
pub(super) struct Known {
    prompts: f64,
    with_word: HashMap<String, f64>,
}

impl Known {
    pub(super) fn new<'a>(prompts: impl IntoIterator<Item = &'a Words>) -> Self {
        let mut known = Known::default();
        for prompt in prompts {
            known.prompts += 1.0;
            for word in &prompt.words {
                *known.with_word.entry(word.clone()).or_default() += 1.0;
            }
        }
        known
    }

    /// How much a word tells about what is asked: nothing where every prompt has it.
    fn weight(&self, word: &str) -> f64 {
        // A word that no prompt has tells less than one that a single prompt has: it may be anything.
        let unknown = (self.prompts / 10.0).max(1.0);
        let with_word = self.with_word.get(word).copied().unwrap_or(unknown);
        // More than in proportion: a frame of many words must not outweigh the few that ask.
        let rarity = ((self.prompts + 1.0) / with_word).ln().powf(1.5);
        meaning(word) * rarity
    }

    /// How alike a prompt is to a known one, 0 to 1. That the known one's words are there counts more
    /// than that no others are: a sentence was perhaps added.
    pub(super) fn alike(&self, prompt: &Words, known: &Words) -> f64 {
        if prompt.other_functions(known) {
            return 0.0;
        }
        let weight = |word: &str| self.weight(word);
        let there = covered(known, prompt, &weight);
        let no_others = covered(prompt, known, &weight);
        // The weighted harmonic mean (F2), in which `there` counts four times.
        let both = 4.0 * no_others + there;
        let question = if both == 0.0 { 0.0 } else { 5.0 * there * no_others / both };
        question.min(known.contained_in(prompt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(known: &[&str], prompt: &str, to: usize) -> f64 {
        let words: Vec<Words> = known.iter().map(|text| Words::new(text)).collect();
        Known::new(&words).alike(&Words::new(prompt), &words[to])
    }

    const FRAME: &str = "You repair Rust functions. Answer with one complete function in a block.";

    #[test]
    fn the_list_of_common_words_is_sorted() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn alike_runs_from_nothing_to_all() {
        let known = ["Reverse the words of a sentence.", "Sort the lines of a file."];
        assert_eq!(alike(&known, known[0], 0), 1.0);
        assert_eq!(alike(&known, "12 34 56", 0), 0.0);
        assert_eq!(alike(&[""], "", 0), 1.0);
    }

    #[test]
    fn what_is_asked_counts_more_than_the_frame_around_it() {
        let known = [
            &format!("{FRAME} The mean of the numbers divides by zero.")[..],
            &format!("{FRAME} The longest word is cut in half.")[..],
            &format!("{FRAME} Midnight comes out as noon.")[..],
        ];
        let other =
            alike(&known, &format!("{FRAME} The tree loses its leaves when it is copied."), 0);
        assert!(other < SAME_QUESTION, "{other}");
        let edited = alike(&known, &known[0].replace("You repair", "You gently mend"), 0);
        assert!(edited > SAME_QUESTION, "{edited}");
    }

    #[test]
    fn another_function_is_another_question() {
        let known = ["Repair `fn mean(numbers: &[i64]) -> i64 { numbers.iter().sum() }`"];
        assert_eq!(alike(&known, &known[0].replace("mean", "largest"), 0), 0.0);
        assert!(alike(&known, &known[0].replace("i64", "i32"), 0) > SAME_QUESTION);
    }
}
