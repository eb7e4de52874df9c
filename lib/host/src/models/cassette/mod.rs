//! Replies from a file: a recording of a model, or a script written by hand.
//!
//! A cassette is a TOML file that a person reads and a diff shows well. At its head stand `kind`
//! (`"script"` or `"recording"`), `model` and `note`; then come exchanges:
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
//! `model`, `tool_calls` and `extra` (other fields that the provider put into its message or its call,
//! as JSON text: it may want them back); a recording writes these. Turns between the system prompt and the last
//! prompt are `[[exchange.history]]`.
//!
//! **Matching.** The same request (messages, temperature, most tokens, tools, schema; line ends and
//! trailing space do not count) gets the next of its replies, and after the last the first again,
//! so that a loop turns. A new cell of a notebook begins with the first again ([`Player::rewind`]):
//! what a cell shows does not depend on how often it, or another one, was run.
//!
//! Answers out of a fixed set that a recording holds are kept shorter, and answer only the very request
//! that was recorded: `choices` says how.
//!
//! A request that is not there gets the exchange that asks for the same thing in other words, and the
//! answer says so: a script never passes for an answer to an edited prompt. `question` says what
//! "the same thing" is, and `aims` what asks for something besides; `vocabulary` corrects slips of the
//! keyboard. Where there is no such exchange, the answer says that it is none
//! ([`Fit::Nothing`](code_evolution_wire::model::Fit)): no reply is better than one to another question.
//!
//! **Adopting.** For authors: with `LLM_ADOPT=1`, an exchange that was the nearest, not exact, gets
//! the request's true text written into the file. So an exchange can be drafted with a few phrases
//! of the prompt, and stays exact after a prompt is reworded. An exchange that this session has
//! matched exactly, or adopted, is not adopted again: two requests cannot fight over one.

mod aims;
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
mod vocabulary;

pub use exchange::{Exchange, Reply, Request};
pub use file::{Cassette, Kind};
pub use player::Player;
pub use recorder::Recorder;
