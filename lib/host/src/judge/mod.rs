//! Compiles candidates, runs their cases in the jail and makes the verdicts.
//!
//! A candidate passes three stages: a `scan` of its tokens, rustc and lld in the jail (`compile`), and its
//! cases in the jail (`cases`). The judge trusts nothing that a candidate reports: expected values never
//! enter the jail, and the kernel measures time and memory.
//!
//! | module | subject |
//! |---|---|
//! | `signature` | a task's signature as types |
//! | `codec` | values between JSON and bytes, by type |
//! | `compare` | whether an output is right |
//! | `scan` | refuses a source early, with advice; adds `pub` to the function |
//! | `plan` | a task, read and checked once |
//! | `prepared` | a task's cases, and what a reply means for each |
//! | `glue` | the program around a candidate |
//! | `toolchain` | rustc, lld, the harness |
//! | `offered` | precompiled crates |
//! | `shared` | the judge: its options, and what its clones share |
//! | `population` | judges one candidate, or many in parallel |
//! | `candidate` | one candidate, from its source to its verdict |
//! | `compile` | from a source to a program |
//! | `machine` | distinguishes a failure of this machine from a candidate's |
//! | `disk` | whether there is room for a candidate |
//! | `memory` | the memory that all jailed processes share |
//! | `cache` | verdicts on disk |
//! | `conversation` | exchanges frames with a jailed process |
//! | `noise` | what a jailed process prints, kept up to a limit |
//! | `ending` | how a jailed process ended |
//! | `clock` | deadlines and durations in milliseconds |
//! | `cases` | runs the cases |
//! | `diagnostics` | rustc's messages |
//! | `execute` | whole programs |
//! | `resident` | a candidate that stays ready for many calls |
//! | `feedback` | what a model is told |
//! | `error` | why there is no verdict |

mod cache;
mod candidate;
mod cases;
mod clock;
mod codec;
mod compare;
mod compile;
mod conversation;
mod diagnostics;
mod disk;
mod ending;
mod error;
mod execute;
mod feedback;
#[cfg(test)]
mod fuzz;
mod glue;
mod machine;
mod memory;
mod noise;
mod offered;
mod plan;
mod population;
mod prepared;
mod resident;
mod scan;
mod shared;
mod signature;
mod toolchain;

pub(crate) use compare::all_alike;
pub use diagnostics::apply_suggestions;
pub use error::JudgeError;
pub(crate) use offered::{MANIFEST as OFFERED_MANIFEST, OFFERED};
pub use resident::{CallError, Resident};
pub use scan::publish;
pub(crate) use scan::published;
pub use shared::{Judge, Options};
pub use signature::{Signature, Type};
