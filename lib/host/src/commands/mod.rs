//! What a person or a script calls.

pub mod audit;
