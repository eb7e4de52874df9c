//! The candidates of an evolution: who came from whom, by which operator, at what cost.
//!
//! What is written here once is what every notebook's loop would repeat: ask for a brood, take the code out
//! of the replies, score it, name it, notice that it is not new. What an operator says, what fitness
//! means and when a loop ends stays in the notebook.
//!
//! - A reply without code is a child that was not born. It stays in the family, with the reason.
//! - Equal programs are one: a child whose code is the [same program](crate::source::normal_form) as an
//!   earlier member's is its *twin*. It is not judged again, and never becomes a parent.
//! - A score that is no number ranks last.

mod bill;
mod family;

pub use bill::{Bill, by_cost};
pub use family::Family;

use crate::llm::Reply;
use crate::source::normal_form;
use crate::stamp::Stamp;

/// A score, and the facts behind it that a prompt can quote.
pub type Graded = (f64, String);

/// An operator that is a wish: its name, its parents by rank (0 is the fittest), and what is asked of the
/// model that sees them.
pub type Operator<'a> = (&'a str, &'a [usize], &'a str);

/// One program of a population, and where it came from.
#[derive(Debug, Clone, Default)]
pub struct Candidate {
    /// A letter for its generation and a number: `B3`. A family gives it.
    pub name: String,
    /// 0 for the first. A family gives it.
    pub generation: usize,
    /// What made it: `mutation`, or an approach.
    pub operator: String,
    /// The names of its parents.
    pub parents: Vec<String>,
    /// What was asked for it.
    pub prompt: String,
    /// Its code; empty where it was not born.
    pub code: String,
    /// What the fitness gave it.
    pub score: f64,
    /// The facts behind the score, or why it was not born.
    pub feedback: String,
    /// The member of its family that is the same program.
    pub twin_of: Option<String>,
    /// Tokens of its question and answer.
    pub tokens: u64,
    /// Who answered.
    pub stamp: Stamp,
}

impl Candidate {
    /// One that a model is to be asked for, with this prompt.
    pub fn asked(operator: impl Into<String>, prompt: impl Into<String>) -> Self {
        Candidate { operator: operator.into(), prompt: prompt.into(), ..Candidate::default() }
    }

    /// One whose code is known.
    pub fn written(operator: impl Into<String>, code: impl Into<String>) -> Self {
        Candidate { operator: operator.into(), code: code.into(), ..Candidate::default() }
    }

    /// A child that a model is to be asked for: the prompt has the instructions, each parent's score,
    /// feedback and code, and the wish last.
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

    /// Says whose child it is.
    pub fn of<'a>(mut self, parents: impl IntoIterator<Item = &'a Candidate>) -> Self {
        self.parents = parents.into_iter().map(|parent| parent.name.clone()).collect();
        self
    }

    /// Whether it has code.
    pub fn is_born(&self) -> bool {
        !self.code.is_empty()
    }

    /// Whether both are the same program.
    pub fn is_same(&self, other: &Candidate) -> bool {
        normal_form(&self.code) == normal_form(&other.code)
    }

    /// Its name, its operator and its score, or why it has none: a heading for its code.
    pub fn title(&self) -> String {
        if !self.is_born() {
            return format!("{}, {}", self.name, self.feedback);
        }
        let score = format!("{:.2}", self.score);
        let score = score.trim_end_matches('0').trim_end_matches('.');
        format!("{}, by {}: {score} points", self.name, self.operator)
    }

    /// Takes what was answered.
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
