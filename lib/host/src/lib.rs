//! The process behind a notebook.
//!
//! A cell should link little and survive an interrupt, so what is heavy or long-lived sits here: the
//! HTTP client with its runtime and the API key, the compiler runs, the jailed children, the caches.
//!
//! | module | subject |
//! |---|---|
//! | [`judge`] | compiles candidates, runs their cases in the jail, makes the verdicts |
//! | [`models`] | asks models: providers, retries, meter, cassettes, code out of a reply |
//! | [`toolbox`] | tools that models write: admits, keeps, calls them |
//! | [`audit`] | a session's log, which shows tampering |
//! | [`serve`] | answers a notebook's requests on standard input and output |
//! | `folders` | where files are kept |
//! | [`commands`] | what a person or a script calls: `doctor`, `judge`, `exec`, `audit` |

#![forbid(unsafe_code)]

pub mod audit;
pub mod commands;
mod folders;
pub mod judge;
pub mod models;
pub mod serve;
pub mod toolbox;
