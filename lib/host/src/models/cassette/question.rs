//! Measures whether two prompts ask for the same thing.
//!
//! The prompts of a notebook share most of their words: instructions, rules, a frame around the code. Only a
//! few words say what a prompt asks for, and the other prompts do not have these words. So the weight of a
//! word grows with its rarity among the known prompts (inverse document frequency, Spärck Jones, 1972).
//! Common English words and numbers count little. Two prompts are alike if they share the rare words *and*
//! the frame. Prompts about functions with different names are not alike at all, because the caller of one
//! function cannot call the other. A prompt that asks for something in addition is not alike either;
//! `sentences` decides that.
//!
//! Left out: word order, grammar and meaning. If a prompt says the same in very different words, it is not
//! recognised. It then gets no reply, but never a wrong one.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::Request;
use super::sentences::{Sentences, Use, is_number};
use super::vocabulary::{NEUTRAL, Vocabulary, words};

/// The lowest likeness of two prompts that ask for the same thing. It was chosen with the prompts in
/// `tests/data/likeness.toml`.
pub(super) const SAME_QUESTION: f64 = 0.7;

/// The weight of a common English word; other words have the weight 1.
const LITTLE: f64 = 0.25;

/// The weight of a number. An edit may change a number without asking for something else.
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
    /// Reads what a request asks for. The vocabulary corrects typing errors.
    pub(super) fn new(request: &Request, vocabulary: &Vocabulary) -> Self {
        let text = request.text();
        let said: Vec<String> = words(&text).collect();
        // A word is surely a function's name only after Rust's keyword `fn`.
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

    /// Returns how much of these words the other text contains, from 0 to 1. The rarity of a word does not
    /// count.
    fn contained_in(&self, other: &Question) -> f64 {
        covered(self, other, &meaning)
    }

    /// Returns whether both are about functions, but have no function in common.
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

/// Returns the weight of the words that both have, divided by the weight of all words of the first.
fn covered(words: &Question, by: &Question, weight: &dyn Fn(&str) -> f64) -> f64 {
    let sum =
        |words: &mut dyn Iterator<Item = &String>| words.map(|word| weight(word)).sum::<f64>();
    let all = sum(&mut words.words.iter());
    let shared = sum(&mut words.words.intersection(&by.words));
    if all == 0.0 { 1.0 } else { shared / all }
}

/// The known prompts: how much each of their words says about the question.
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
        // The power makes rare words count more: a frame of many words must not outweigh the few words that
        // ask.
        let rarity = |with_word: f64| ((count + 1.0) / with_word).ln().powf(1.5);
        let weight = |(word, with): (&String, f64)| (word.clone(), meaning(word) * rarity(with));
        KnownPrompts {
            // A word that no prompt has may be anything, so it counts less than a word that one prompt has.
            unknown: rarity((count / 10.0).max(1.0)),
            weights: with_word.into_iter().map(weight).collect(),
        }
    }

    /// Returns how much a word says about the question: nothing if every prompt has it.
    fn weight(&self, word: &str) -> f64 {
        let known = self.weights.get(word).copied();
        known.unwrap_or_else(|| meaning(word) * self.unknown)
    }

    /// Returns how alike a prompt is to a known prompt, from 0 to 1. A missing word costs more than an
    /// additional word, because an edit often adds a sentence.
    pub(super) fn alike(&self, prompt: &Question, known: &Question) -> f64 {
        if prompt.other_functions(known) {
            return 0.0;
        }
        let weight = |word: &str| self.weight(word);
        let there = covered(known, prompt, &weight);
        // An added courtesy or statement does not change the question. Other code changes it in part.
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
        // The weighted harmonic mean (F2): `there` counts four times.
        let both = 4.0 * no_others + there;
        let question = if both == 0.0 { 0.0 } else { 5.0 * there * no_others / both };
        // These checks are expensive, so make them only for a prompt that may ask the same.
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
    fn punctuation_does_not_change_the_question() {
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
