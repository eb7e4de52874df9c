//! Measures how similar two prompts are in what they ask for.
//!
//! The prompts of a notebook share most of their words: instructions, rules, a frame around the code.
//! What a prompt asks for is in the few words that the others do not have. So a word counts by how
//! rare it is among the prompts that are known (inverse document frequency, Spärck Jones, 1972), and
//! words that any English sentence may have, and numbers, count little. Two prompts are alike if they share the
//! rare words *and* the frame; prompts about functions of different names are not alike at all, since
//! the answer to one cannot be called by the other's caller. Nor is one that asks for something besides:
//! that is the subject of `sentences`.
//!
//! Left out: word order, grammar and meaning. A prompt that says the same in very different words is not
//! recognised; this costs a reply but never gives a wrong one.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Request;
use super::sentences::{Sentences, Use, is_number};
use super::vocabulary::{NEUTRAL, Vocabulary, words};

/// From this likeness on, two prompts ask for the same thing. `tests/data/likeness.toml` has the
/// prompts that it was chosen by.
pub(super) const SAME_QUESTION: f64 = 0.7;

/// The weight of a common English word; other words have the weight 1.
const LITTLE: f64 = 0.25;

/// The weight of a number: it is a value, which an edit may change.
const NUMBER: f64 = 0.1;

/// Words that say little about the question.
const COMMON: &[&str] = &[
    "a", "about", "all", "an", "and", "are", "as", "at", "be", "by", "can", "do", "does", "each",
    "for", "from", "give", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "let",
    "many", "me", "my", "no", "not", "of", "on", "one", "only", "or", "other", "please", "s", "so",
    "some", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "to",
    "two", "use", "was", "we", "what", "when", "which", "who", "will", "with", "you", "your",
];

/// The words of a request, the functions that it is about, and what it asks for.
#[derive(Debug, Clone)]
pub(super) struct Question {
    words: BTreeSet<String>,
    functions: HashSet<String>,
    sentences: Sentences,
}

impl Question {
    /// What a request asks; slips of the keyboard are corrected by the vocabulary.
    pub(super) fn new(request: &Request, vocabulary: &Vocabulary) -> Self {
        let text = request.text();
        let said: Vec<String> = words(&text).collect();
        // Names of functions as they are declared; Rust's own keyword is the only mark that is safe.
        let functions = said.windows(2).filter(|pair| pair[0] == "fn").map(|pair| &pair[1]);
        Question {
            functions: functions.cloned().collect(),
            words: said.iter().map(|word| vocabulary.correct(word)).collect(),
            sentences: Sentences::new(
                request.messages.iter().map(|it| it.content.as_str()),
                vocabulary,
            ),
        }
    }

    /// The part of these words that is found in the other text, 0 to 1; all words count the same.
    fn contained_in(&self, other: &Question) -> f64 {
        covered(self, other, &meaning)
    }

    /// Whether both are about functions, and have none in common.
    fn other_functions(&self, other: &Question) -> bool {
        !self.functions.is_empty()
            && !other.functions.is_empty()
            && self.functions.is_disjoint(&other.functions)
    }
}

/// Returns how much a word can say about the question, from 0 to 1, independent of the known prompts.
fn meaning(word: &str) -> f64 {
    if is_number(word) {
        NUMBER
    } else if COMMON.binary_search(&word).is_ok() {
        LITTLE
    } else {
        1.0
    }
}

/// The weight of the words that both have, as a part of the first one's.
fn covered(words: &Question, by: &Question, weight: &dyn Fn(&str) -> f64) -> f64 {
    let sum =
        |words: &mut dyn Iterator<Item = &String>| words.map(|word| weight(word)).sum::<f64>();
    let all = sum(&mut words.words.iter());
    let shared = sum(&mut words.words.intersection(&by.words));
    if all == 0.0 { 1.0 } else { shared / all }
}

/// The prompts that are known: how much each of their words tells about what is asked.
#[derive(Debug, Default)]
pub(super) struct KnownPrompts {
    weights: HashMap<String, f64>,
    /// The rarity of a word that no prompt has.
    unknown: f64,
}

impl KnownPrompts {
    pub(super) fn new<'a>(prompts: impl IntoIterator<Item = &'a Question>) -> Self {
        let mut count = 0.0;
        let mut with_word: HashMap<&String, f64> = HashMap::new();
        for prompt in prompts {
            count += 1.0;
            for word in &prompt.words {
                *with_word.entry(word).or_default() += 1.0;
            }
        }
        // More than in proportion: a frame of many words must not outweigh the few that ask.
        let rarity = |with_word: f64| ((count + 1.0) / with_word).ln().powf(1.5);
        let weight = |(word, with): (&String, f64)| (word.clone(), meaning(word) * rarity(with));
        KnownPrompts {
            // A word that no prompt has tells less than one that a single prompt has: it may be anything.
            unknown: rarity((count / 10.0).max(1.0)),
            weights: with_word.into_iter().map(weight).collect(),
        }
    }

    /// Returns how much a word says about the question: nothing if every prompt has it.
    fn weight(&self, word: &str) -> f64 {
        let known = self.weights.get(word).copied();
        known.unwrap_or_else(|| meaning(word) * self.unknown)
    }

    /// How alike a prompt is to a known one, 0 to 1. That the known one's words are there counts more
    /// than that no others are: a sentence was perhaps added.
    pub(super) fn alike(&self, prompt: &Question, known: &Question) -> f64 {
        if prompt.other_functions(known) {
            return 0.0;
        }
        let weight = |word: &str| self.weight(word);
        let there = covered(known, prompt, &weight);
        // A courtesy more is no other question, nor is what a sentence tells; other code is one in part.
        let asked = |word: &str| {
            let part = match prompt.sentences.use_of(word) {
                _ if known.words.contains(word) => 1.0,
                _ if NEUTRAL.contains(word) => 0.0,
                Use::Asking => 1.0,
                Use::InCode => LITTLE,
                Use::Telling => 0.0,
            };
            part * self.weight(word)
        };
        let no_others = covered(prompt, known, &asked);
        // The weighted harmonic mean (F2), in which `there` counts four times.
        let both = 4.0 * no_others + there;
        let question = if both == 0.0 { 0.0 } else { 5.0 * there * no_others / both };
        // The dear questions last, for those that it may be.
        if question < SAME_QUESTION {
            question
        } else if prompt.words != known.words
            && prompt.sentences.go_beyond(&known.sentences, &known.words)
        {
            0.0
        } else {
            question.min(known.contained_in(prompt))
        }
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::Ask;

    use super::*;

    fn alike(known: &[&str], prompt: &str, to: usize) -> f64 {
        let vocabulary = Vocabulary::new(known.iter().copied());
        let of = |text: &str| Question::new(&Request::from(&Ask::new(text)), &vocabulary);
        let questions: Vec<Question> = known.iter().map(|text| of(text)).collect();
        KnownPrompts::new(&questions).alike(&of(prompt), &questions[to])
    }

    #[test]
    fn marks_alone_make_no_other_question() {
        for prompt in ["question 1?", "Question 1.", "question, 1!"] {
            assert_eq!(alike(&["first", "question 1"], prompt, 1), 1.0, "{prompt}");
        }
    }

    const FRAME: &str = "You repair Rust functions. Answer with one complete function in a block.";

    #[test]
    fn the_list_of_common_words_is_sorted() {
        assert!(COMMON.is_sorted());
    }

    #[test]
    fn likeness_runs_from_zero_to_one() {
        let known = ["Reverse the words of a sentence.", "Sort the lines of a file."];
        assert_eq!(alike(&known, known[0], 0), 1.0);
        assert_eq!(alike(&known, "12 34 56", 0), 0.0);
        assert_eq!(alike(&[""], "", 0), 1.0);
    }

    #[test]
    fn the_question_counts_more_than_its_frame() {
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
