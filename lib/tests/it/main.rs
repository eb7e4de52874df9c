//! Tests of the crate from outside.

mod harmless;
mod page;
mod verdict;
