//! The candidates of an evolution: their parents, their operators and their cost.
//!
//! This module holds the steps that every notebook's loop would repeat: ask for a brood, take the code out
//! of the replies, name and score each candidate, recognise code that is not new. The notebook decides what
//! an operator says, what fitness means and when a loop ends.
//!
//! - A reply without code is a child that was not born. It stays in the family, with the reason.
//! - A child whose code is the [same program](crate::source::normal_form) as an earlier member's is its
//!   *twin*. It is not judged again, and it never becomes a parent.
//! - A score of NaN ranks last.

mod bill;
mod family;

pub use bill::{Bill, by_cost};
pub use family::Family;

use crate::llm::Reply;
use crate::show::{Table, Verdict};
use crate::source::{length, style};
use crate::stamp::Stamp;

/// A score, and the facts behind it, for the next prompt.
pub type Graded = (f64, String);

/// An operator: its name, its parents by rank (0 is the fittest), and the request to the model, which also
/// sees the parents.
pub type Operator<'a> = (&'a str, &'a [usize], &'a str);

/// One program of a population, and where it came from.
#[derive(Debug, Clone, Default)]
pub struct Candidate {
    /// A letter for the generation and a number: `B3`. The family sets the name.
    pub name: String,
    /// The generation, 0 for the first. The family sets the number.
    pub generation: usize,
    /// How the candidate was made: an operator such as `mutation`, or an approach.
    pub operator: String,
    /// The names of the parents.
    pub parents: Vec<String>,
    /// The prompt that asked for the candidate.
    pub prompt: String,
    /// The code; empty if the candidate was not born.
    pub code: String,
    /// The fitness.
    pub score: f64,
    /// The facts behind the score, or why the candidate was not born.
    pub feedback: String,
    /// The earlier member of the family that is the same program.
    pub twin_of: Option<String>,
    /// Tokens of the question and the answer.
    pub tokens: u64,
    /// Who answered.
    pub stamp: Stamp,
}

impl Candidate {
    /// Creates a candidate to ask a model for, with this prompt.
    pub fn asked(operator: impl Into<String>, prompt: impl Into<String>) -> Self {
        Candidate { operator: operator.into(), prompt: prompt.into(), ..Candidate::default() }
    }

    /// Creates a candidate whose code is known.
    pub fn written(operator: impl Into<String>, code: impl Into<String>) -> Self {
        Candidate { operator: operator.into(), code: code.into(), ..Candidate::default() }
    }

    /// Creates a child to ask a model for. The prompt holds the instructions, then each parent's score,
    /// feedback and code, and at the end the wish.
    pub fn child(operator: &str, parents: &[Candidate], instructions: &str, wish: &str) -> Self {
        let shown = |one: &Candidate| {
            let (told, code) = (one.feedback.trim(), one.code.trim());
            format!("It scores {:.1}. {told}\n```rust\n{code}\n```\n", one.score)
        };
        let shown: Vec<String> = parents.iter().map(shown).collect();
        let shown = shown.join("\nAnother one:\n");
        let prompt = format!("{instructions}\n\nA function that we have:\n{shown}\n{wish}\n");
        Candidate::asked(operator, prompt).of(parents)
    }

    /// Sets the candidate's parents.
    pub fn of<'a>(mut self, parents: impl IntoIterator<Item = &'a Candidate>) -> Self {
        self.parents = parents.into_iter().map(|parent| parent.name.clone()).collect();
        self
    }

    /// Returns whether the candidate has code.
    pub fn is_born(&self) -> bool {
        !self.code.is_empty()
    }

    /// Returns the countable facts about the quality of its code: the cases that it passes of a task that
    /// it never saw, the warnings of that verdict, its style, its length in characters. A reader decides
    /// whether the code is good.
    pub fn review(&self, unseen: &Verdict) -> Table {
        let passed = format!("{} of {}", unseen.passed, unseen.total);
        let code = self.code.as_str();
        Table::new(["right on new cases", "warnings", "style", "length"]).row((
            passed,
            unseen.warnings(),
            style(code),
            length(code),
        ))
    }

    /// Returns its name, its operator and its score, or why it has none: a heading for its code.
    pub fn title(&self) -> String {
        if !self.is_born() {
            return format!("{}, {}", self.name, self.feedback);
        }
        let score = format!("{:.2}", self.score);
        let score = score.trim_end_matches('0').trim_end_matches('.');
        format!("{}, by {}: {score} points", self.name, self.operator)
    }

    /// Stores the answer.
    fn answered(&mut self, reply: &Reply, function: &str) {
        self.stamp = reply.stamp();
        self.tokens = reply.tokens();
        match reply.code(function) {
            Ok(code) => self.code = code,
            Err(why) => {
                self.feedback = format!("not born: {why}");
                self.score = f64::NEG_INFINITY;
            }
        }
    }
}
