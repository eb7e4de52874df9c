//! The process behind a notebook.
//!
//! A cell should link little and survive an interrupt, so what is heavy or long-lived sits here: the
//! HTTP client with its runtime and the API key, the compiler runs, the jailed children, the caches.
//!
//! | module | subject |
//! |---|---|
//! | [`judge`] | compiles candidates, runs their cases in the jail, makes the verdicts |
//! | [`models`] | asks models: providers, retries, meter, cassettes, what a reply says |
//! | [`toolbox`] | tools that models write: admits, keeps, calls them |
//! | [`export`] | a candidate as a crate of its own |
//! | [`mcp`] | a toolbox's tools for assistants: a server of the Model Context Protocol |
//! | [`audit`] | a session's log, which shows tampering; a session judged again |
//! | [`serve`] | answers a notebook's requests on standard input and output |
//! | `folders` | where files are kept |
//! | `files` | files that are replaced whole, and digests |
//! | `lock` | locks that a panic does not poison |
//! | [`commands`] | what a person or a script calls: `serve`, `judge`, `exec`, `doctor`, `audit`, `toolbox`, `prepare` |
//!
//! # Decisions
//!
//! - **One binary, no service.** It lives as long as the pipe to its notebook; when that closes, it
//!   kills what it started and ends.
//! - **The compiler is called, not cargo.** A candidate is one file, compiled by rustc straight against a
//!   harness that was built once; every run is jailed by [`code_evolution_jail`].
//! - **The judge believes nothing.** It sends inputs, compares outputs outside the jail, and reads times
//!   and memory from the kernel.
//! - **Models speak one protocol.** A provider is a row in a table (`models/provider.rs`); a cassette
//!   (`models/cassette/`) answers in its place where there is no key.
//! - **Where a layer of the jail is missing, nothing is run**, and the reason is said.
//!
//! For use without a notebook see the [`commands`]; the binary's `--help` lists them.

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
