//! Tests of the crate from outside.

mod examples;
mod harmless;
mod packing;
mod page;
mod tidy;
mod verdict;
