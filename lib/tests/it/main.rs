//! Tests of the crate from outside.

mod examples;
mod harmless;
mod modules;
#[cfg(feature = "packing")]
mod packing;
mod page;
mod replies;
mod stamps;
mod tidy;
mod verdict;
