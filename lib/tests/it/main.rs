//! Tests of the crate through its public interface.

mod challenge;
mod contest;
mod examples;
mod harmless;
mod live;
mod modules;
#[cfg(feature = "packing")]
mod packing;
mod page;
mod paid;
mod replies;
mod stamps;
mod tidy;
mod verdict;
