//! Finds out whether a prompt asks for something that a known prompt does not ask for.
//!
//! The words alone cannot distinguish a courtesy from a second request: each is one more line. Grammar can.
//! Questions, orders and sentences about "you" *ask*; other sentences only *tell*. A prompt asks for
//! something else if one of its asking sentences is mostly about things that the known prompt does not
//! mention. A telling sentence may be about anything, unless it has many new words. If a message contains a
//! question, its numbers must be the same too, because the question is about them.
//!
//! The words in `neutral.txt`, such as courtesies, ask for nothing. Code and its error messages are ignored
//! (`question` compares functions by name). Meaning is ignored too: the same request in other words counts as
//! another request. It then gets no reply, but never a wrong one.

use std::collections::BTreeSet;

use super::vocabulary::{NEUTRAL, Vocabulary, words};

/// Neutral words that still say what a sentence is about if the known prompt also has them.
const SUBJECTS: &[&str] = &[
    "answer",
    "code",
    "complete",
    "comment",
    "correct",
    "idiomatic",
    "line",
    "new",
    "output",
    "prompt",
    "request",
    "rules",
    "sentence",
    "short",
    "text",
    "words",
    "write",
];

/// The first words of telling sentences: a subject, a time or a place.
const OPENINGS: &[&str] = &[
    "a",
    "after",
    "all",
    "although",
    "an",
    "as",
    "at",
    "because",
    "before",
    "both",
    "by",
    "each",
    "every",
    "everybody",
    "everything",
    "for",
    "from",
    "he",
    "here",
    "i",
    "if",
    "in",
    "it",
    "its",
    "many",
    "most",
    "my",
    "no",
    "nobody",
    "nothing",
    "of",
    "on",
    "one",
    "our",
    "she",
    "since",
    "some",
    "that",
    "the",
    "their",
    "there",
    "these",
    "they",
    "this",
    "those",
    "today",
    "two",
    "under",
    "we",
    "while",
    "with",
    "without",
];

/// Words that turn a telling sentence into an order.
const ORDERS: &[&str] = &["let", "must", "need", "shall", "should", "want", "wish", "would"];

/// Words that may come before an order and do not change it.
const LEADING: &[&str] = &[
    "also", "and", "but", "finally", "first", "instead", "just", "kindly", "next", "now", "oh",
    "or", "please", "so", "then", "well",
];

/// A telling sentence needs at least this many new words to count as another request.
const LONG_SENTENCE: usize = 4;

/// The sentences of a prompt.
#[derive(Debug, Clone, Default)]
pub(super) struct Sentences {
    sentences: Vec<Sentence>,
    /// The numbers in messages that contain a question, sorted.
    asked_about: Vec<String>,
}

#[derive(Debug, Clone)]
struct Sentence {
    words: BTreeSet<String>,
    kind: SentenceKind,
}

/// How a prompt uses a word.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Use {
    /// In at least one sentence that asks.
    Asking,
    /// Only in sentences that tell.
    Telling,
    /// In no sentence: in code, or in its error messages.
    InCode,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum SentenceKind {
    /// A question or an order.
    Asks,
    /// A sentence about "you", or an item of a list. It belongs to what is asked.
    Roles,
    /// Anything else.
    Tells,
}

impl Sentences {
    /// Reads the sentences of these messages. The vocabulary corrects typing errors.
    pub(super) fn new<'a>(
        messages: impl IntoIterator<Item = &'a str>,
        vocabulary: &Vocabulary,
    ) -> Self {
        let mut all = Sentences::default();
        for message in messages {
            let sentences = sentences(message);
            let in_question = sentences.iter().any(|sentence| sentence.ends_with('?'));
            for sentence in &sentences {
                let said: Vec<String> =
                    words(sentence).map(|word| vocabulary.correct(&word)).collect();
                if in_question {
                    all.asked_about.extend(said.iter().filter(|word| is_number(word)).cloned());
                }
                all.sentences.push(Sentence {
                    kind: match sentence {
                        it if it.ends_with('?') => SentenceKind::Asks,
                        it if it.starts_with("- ") => SentenceKind::Roles,
                        _ => kind_of(&said),
                    },
                    words: said.into_iter().filter(|word| !is_number(word)).collect(),
                });
            }
        }
        all.asked_about.sort();
        all
    }

    /// Returns how the sentences use a word.
    pub(super) fn use_of(&self, word: &str) -> Use {
        let mut used = Use::InCode;
        for sentence in self.sentences.iter().filter(|it| it.words.contains(word)) {
            if sentence.kind != SentenceKind::Tells {
                return Use::Asking;
            }
            used = Use::Telling;
        }
        used
    }

    /// Returns whether the sentences ask for something that is not in a known prompt with these words.
    pub(super) fn go_beyond(&self, known: &Sentences, known_words: &BTreeSet<String>) -> bool {
        self.asked_about != known.asked_about
            || self.sentences.iter().any(|sentence| sentence.goes_beyond(known_words))
    }
}

impl Sentence {
    fn goes_beyond(&self, known: &BTreeSet<String>) -> bool {
        let mut foreign = 0;
        let mut familiar = 0;
        for word in &self.words {
            let neutral = NEUTRAL.contains(word.as_str());
            if known.contains(word) {
                familiar += usize::from(!neutral || SUBJECTS.contains(&word.as_str()));
            } else {
                foreign += usize::from(!neutral && word.chars().count() > 1);
            }
        }
        foreign
            >= match self.kind {
                SentenceKind::Asks => familiar.max(1),
                SentenceKind::Roles => (familiar + 1).max(2),
                SentenceKind::Tells => familiar.max(LONG_SENTENCE),
            }
    }
}

pub(super) fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

/// Returns the sentences of a text, without its code blocks. The end of a line ends a sentence.
fn sentences(text: &str) -> Vec<&str> {
    let mut in_code = false;
    let prose = move |line: &&str| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence && !is_outcome(line.trim_start())
    };
    let ends = |line: &'_ str| -> Vec<usize> {
        let after = |at: usize| line[at + 1..].chars().next();
        let ends = line.match_indices(['.', '!', '?', ';', ':']).map(|(at, _)| at);
        ends.filter(|&at| after(at).is_none_or(|c| c.is_whitespace() || "'\"”)".contains(c)))
            .collect()
    };
    let split = text.lines().filter(prose).flat_map(|line| {
        let mut from = 0;
        let mut parts = Vec::new();
        for at in ends(line) {
            parts.push(&line[from..=at]);
            from = at + 1;
        }
        parts.push(&line[from..]);
        parts
    });
    split.map(str::trim).filter(|sentence| !sentence.is_empty()).collect()
}

/// Returns whether a line is a message of the compiler or the judge about code.
fn is_outcome(line: &str) -> bool {
    let level =
        |level: &str| line.strip_prefix(level).is_some_and(|rest| rest.starts_with([':', '[']));
    let margin = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    ["error", "warning", "note", "help"].into_iter().any(level)
        || ["|", "-->", "=", "..."].iter().any(|mark| margin.starts_with(mark))
        || (line.starts_with("- ") && line.contains("): "))
}

/// Returns the kind of a sentence, mostly by its first word.
fn kind_of(words: &[String]) -> SentenceKind {
    let mut words = words.iter().map(String::as_str).skip_while(|word| LEADING.contains(word));
    let Some(first) = words.next() else { return SentenceKind::Tells };
    let orders = words.any(|word| ORDERS.contains(&word));
    match first {
        _ if orders => SentenceKind::Asks,
        "you" => SentenceKind::Roles,
        _ if OPENINGS.contains(&first) || is_number(first) => SentenceKind::Tells,
        _ => SentenceKind::Asks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goes_beyond(known: &str, prompt: &str) -> bool {
        let vocabulary = Vocabulary::new([known]);
        let known_words = words(known).collect();
        let known = Sentences::new([known], &vocabulary);
        Sentences::new([prompt], &vocabulary).go_beyond(&known, &known_words)
    }

    const KNOWN: &str = "You repair Rust functions. Keep the signature.\n\
        What happened:\n- mean([]): panicked in line 2: attempt to divide by zero";

    #[test]
    fn another_order_or_question_goes_beyond() {
        for line in [
            "Write a haiku about autumn leaves.",
            "What is the capital of France?",
            "And please translate it into Spanish.",
            "I want a recipe for pancakes.",
            "Bananas!",
            "You breed dogs.",
            "You are a French cook.",
        ] {
            assert!(goes_beyond(KNOWN, &format!("{KNOWN}\n{line}")), "{line}");
            assert!(goes_beyond(KNOWN, &format!("{line} {KNOWN}")), "{line}");
        }
    }

    #[test]
    fn courtesies_and_statements_do_not_go_beyond() {
        for line in [
            "",
            "Thank you very much!",
            "Please take your time, and think step by step.",
            "You are the best programmer in the world.",
            "The sun shines.",
            "I wrote this on a train.",
            "Please keep teh signature, and repiar the function.",
        ] {
            assert!(!goes_beyond(KNOWN, &format!("{KNOWN}\n{line}")), "{line}");
            assert!(!goes_beyond(KNOWN, &format!("{line} {KNOWN}")), "{line}");
        }
    }

    #[test]
    fn a_question_is_about_its_numbers() {
        let known = "A box holds 12 eggs. How many eggs are in 7 boxes?";
        assert!(!goes_beyond(
            known,
            "One box holds 12 eggs. How many eggs are in 7 boxes, please?"
        ));
        assert!(goes_beyond(known, &known.replace("7", "9")));
        assert!(goes_beyond(known, &known.replace("7", "12")));
        assert!(goes_beyond(known, "What is 12 plus 7?"));
        assert!(goes_beyond(known, "A box holds 12 pens. How many pens are in 7 boxes?"));
        assert!(!goes_beyond("At 150 words a minute.", "At 180 words a minute."));
    }

    #[test]
    fn code_is_left_out() {
        let known = "Repair it:\n```rust\nfn f() {}\n```\nKeep the name.";
        assert!(!goes_beyond(known, &known.replace("fn f() {}", "fn g() { translate(poem) }")));
        for outcome in [
            "- mean([]) (input []): index out of bounds: the len is 0",
            "error[E0382]: borrow of moved value",
            " --> candidate.rs:3:27",
            "3 |     join(words) // translate a poem",
            "help: consider cloning the value",
        ] {
            assert!(!goes_beyond(known, &format!("{known}\n{outcome}")), "{outcome}");
        }
    }
}
