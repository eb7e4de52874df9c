//! The process behind a notebook.
//!
//! A cell should link little and survive an interrupt. So the heavy and long-lived parts are here: the HTTP
//! client with its runtime and the API key, the compiler runs, the jailed processes, the caches.
//!
//! | module | subject |
//! |---|---|
//! | [`judge`] | compiles candidates, runs their cases in the jail and makes the verdicts |
//! | [`models`] | asks models: providers, retries, meter, cassettes, readers of replies |
//! | [`toolbox`] | tools that models write: admits, keeps and calls them |
//! | [`export`] | writes a candidate as its own crate |
//! | [`mcp`] | serves a toolbox's tools to assistants (Model Context Protocol) |
//! | [`audit`] | a session's log that shows tampering; judges a session again |
//! | [`serve`] | answers a notebook's requests on standard input and output |
//! | `folders` | where files are kept |
//! | `files` | files that are replaced whole, and digests |
//! | `lock` | locks that a panic does not poison |
//! | [`commands`] | the commands for a person or a script: `serve`, `judge`, `exec`, `doctor`, `audit`, `toolbox`, `prepare` |
//!
//! # Decisions
//!
//! - **One binary, no service.** The host lives as long as the pipe to its notebook. When the pipe closes,
//!   the host kills every process that it started, and ends.
//! - **The host calls the compiler, not cargo.** A candidate is one file. rustc compiles it against a harness
//!   that was built once, and [`code_evolution_jail`] jails every run.
//! - **The judge trusts nothing.** It sends inputs, compares outputs outside the jail, and reads times and
//!   memory from the kernel.
//! - **Models speak one protocol.** A provider is a row in a table (`models/provider.rs`); without a key, a
//!   cassette (`models/cassette/`) answers instead.
//! - **If a layer of the jail is missing, nothing runs**, and the host says why.
//!
//! To use the host without a notebook, see [`commands`]; `--help` lists them.

#![forbid(unsafe_code)]

pub mod audit;
pub mod commands;
pub mod export;
mod files;
mod folders;
pub mod judge;
mod lock;
pub mod mcp;
pub mod models;
pub mod serve;
pub mod toolbox;
