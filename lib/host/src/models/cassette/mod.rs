//! Replies from a file: a recording of a model, or a script written by hand.
//!
//! A cassette is a TOML file that a person can read and a diff shows well. Its head has `kind` (`"script"` or
//! `"recording"`), `model` and `note`; the exchanges follow:
//!
//! ```toml
//! [[exchange]]
//! system = "You write Rust."     # optional, as are temperature, max_tokens, tools, schema
//! prompt = '''
//! Write fn one.
//! '''
//! replies = ['''
//! the first reply
//! ''', '''
//! the reply when it is asked again
//! ''']
//! ```
//!
//! A reply can also be a table, `[[exchange.replies]]`, with `text`, `thinking`, `finish_reason`, `usage`,
//! `model`, `tool_calls` and `extra`. (`extra` has other fields of the provider's message or call as JSON
//! text, because the provider may want them back.) A recording contains such tables. Turns between the system
//! prompt and the last prompt are `[[exchange.history]]`.
//!
//! **Matching.** A request with the same messages, temperature, limit of tokens, tools and schema (line ends
//! and trailing space do not count) gets the next of its replies. After the last reply it gets the first
//! again, so a loop can continue. A new cell of a notebook starts at the first reply again
//! ([`Player::rewind`]): what a cell shows does not depend on how often any cell was run.
//!
//! A recording keeps answers from a fixed set in a shorter form. Each of them answers only the exact recorded
//! request: see `choices`.
//!
//! If a request is not in the cassette, it gets the reply of an exchange that asks for the same thing in
//! other words. The answer says so, because nobody must take it for an answer to the edited prompt.
//! `question` decides what "the same thing" is, `sentences` finds additional requests, and `vocabulary`
//! corrects typing errors. If there is no such exchange, the answer is empty and says why
//! ([`Fit::Nothing`](code_evolution_wire::model::Fit)): no reply is better than a reply to another question.
//!
//! **Adopting.** For authors: with `LLM_ADOPT=1`, the nearest exchange that does not match exactly gets the
//! request's real text, written into the file. So an author can draft an exchange with a few phrases of the
//! prompt. After the prompt is reworded, the exchange becomes exact again. An exchange that this session has
//! matched exactly or adopted is not adopted again, so two requests cannot overwrite each other.

mod choices;
mod exchange;
mod file;
mod items;
#[cfg(test)]
mod likeness_tests;
mod player;
mod question;
mod recorder;
mod render;
mod sentences;
mod vocabulary;

pub use exchange::{Exchange, Reply, Request};
pub use file::{Cassette, Kind};
pub use player::Player;
pub use recorder::Recorder;
