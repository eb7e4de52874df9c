//! Tests of the crate from outside.

mod harmless;
mod packing;
mod page;
mod verdict;
