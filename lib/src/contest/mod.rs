//! A contest of developers who are prompts: what they solve, and guards for what they write.
//!
//! | item | subject |
//! |---|---|
//! | [`Problem`], [`SpeedTest`] | what developers read, and what only the judge knows |
//! | [`small_problems`] | eight small problems with one trap each |
//! | [`leaks`] | whether a prompt holds an answer |
//! | [`likeness`], [`keeps_identity`] | whether a prompt became another's, or nobody's |
//!
//! The guards read a prompt that a model wrote for itself. They find what was written down plainly or
//! in another format; they do not find what was said in other words. So a guard is for the report and
//! for the first sight; what a prompt is worth, new problems tell ([`Paired`](crate::score::Paired)).
//!
//! Left out: the developers, the rounds and the weights, which are the notebook's.

mod identity;
mod leaks;
mod problems;
mod tokens;

pub use identity::{keeps_identity, likeness};
pub use leaks::leaks;
pub use problems::{Problem, SpeedTest, small_problems};
