//! A contest between developers that are prompts: the problems, and guards for the prompts that they write.
//!
//! | item | subject |
//! |---|---|
//! | [`Problem`], [`SpeedTest`] | what developers read, and what only the judge knows |
//! | [`small_problems`] | eight small problems with one trap each |
//! | [`leaks`] | whether a prompt holds an answer |
//! | [`likeness`], [`keeps_identity`] | whether a prompt became like another's, or lost its identity |
//!
//! The guards read a prompt that a model wrote for itself. They find text copied plainly or in another
//! format (a list, a table, spelled, in full-width or hexadecimal digits, between comments); they do not
//! find the same thing in other words. So a guard is only a first check and a line in the report. Only new
//! problems show what a prompt is worth ([`Paired`](crate::score::Paired)).
//!
//! [`without_prose`](crate::source::without_prose) protects the reader of an opponent's code: it removes
//! everything that could give orders to the model that reads the code.
//!
//! Left out: the developers, the rounds and the weights. They belong to the notebook.

mod identity;
mod leaks;
mod problems;
mod tokens;

pub use identity::{keeps_identity, likeness};
pub use leaks::leaks;
pub use problems::{Problem, SpeedTest, small_problems};
