//! The messages between a notebook and its host.
//!
//! A notebook's cells link the thin crate `code_evolution`; everything heavy lives in another process,
//! `code_evolution_host`. Both sides need the same types (a task, a verdict, a reply), and only this crate
//! defines them. Some types have builder methods for cells; the host does the work. The crate also holds
//! one reader of Rust text, which both sides need.
//!
//! | module | subject |
//! |---|---|
//! | [`task`] | what a candidate must do: signature, cases, limits |
//! | [`verdict`] | what a candidate did: stage, outcome, cases, diagnostics |
//! | [`program`] | a whole program run in the jail, and its result |
//! | [`export`] | a candidate as a separate crate |
//! | [`model`] | what a model is asked and what it answers |
//! | [`ending`] | how an answer ended: whole, or cut off and by what |
//! | [`reading`] | what a notebook can extract from a reply |
//! | [`toolbox`] | tools that models write |
//! | [`failure`] | why a request failed |
//! | [`protocol`] | the JSON lines that carry all of them |
//! | [`method`] | each call with the type of its answer |
//! | [`value`] | Rust values as JSON, without loss |
//! | [`schema`] | example values for a JSON schema |
//! | [`text`] | shortening texts |
//! | [`source`] | code, comments and literals of a Rust text |
//!
//! ```
//! use code_evolution_wire::task::Task;
//!
//! let task = Task::new("fn half(n: u32) -> Option<u32>").case((4,), Some(2)).hidden_case((3,), None::<u32>);
//! let text = serde_json::to_string(&task)?; // what `code_evolution_host judge --task` reads
//! assert_eq!(serde_json::from_str::<Task>(&text)?, task);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # Decisions
//!
//! - **JSON lines over a pipe.** A person can read them, and a closed pipe ends the host.
//! - **One version for both sides.** [`protocol::PROTOCOL`] is compared when a host starts; no field is
//!   kept for older versions.
//! - **There is no type for a key.** It reaches the host through its environment and never crosses the pipe.

#![forbid(unsafe_code)]

pub mod ending;
pub mod export;
pub mod failure;
pub mod method;
pub mod model;
pub mod program;
pub mod protocol;
pub mod reading;
pub mod schema;
pub mod source;
pub mod task;
pub mod text;
pub mod toolbox;
pub mod value;
pub mod verdict;
