//! The library that a cell of the Code Evolution notebooks imports: ask a model for Rust code, run it in a
//! jail, see the result.
//!
//! ```
//! use code_evolution::prelude::*;
//!
//! # fn main() -> Result<()> {
//! // A script makes this example repeatable; a notebook uses `Lab::start()?`, or a cassette.
//! let lab = Lab::cassette("examples/cassettes/code_evolution.toml").mode(Mode::Scripted).start()?;
//! let task = Task::new("fn fizzbuzz(n: u32) -> String").case((3,), "Fizz").case((15,), "FizzBuzz");
//!
//! let prompt = format!("Write `{}` in Rust, right and short, in a ```rust block.", task.signature);
//! let reply = lab.llm().temperature(0.8).ask(&prompt)?;
//! let code = reply.code("fizzbuzz")?;
//!
//! let verdict = lab.judge(&code, &task)?;
//! assert_eq!((verdict.passed, verdict.total), (1, 2));
//! assert!(verdict.feedback.contains(r#"fizzbuzz(15): got "Fizz", expected "FizzBuzz""#));
//! # Ok(())
//! # }
//! ```
//!
//! # The tour
//!
//! - [`Lab::start`](lab::Lab::start) starts the host, a process beside the notebook. It prints who answers
//!   (a model, a recording or a script) and what guards your machine.
//! - [`llm`](lab::Lab::llm) asks. A [`Reply`](llm::Reply) carries its label: `live`, `replay` or
//!   `scripted`. [`choose`](llm::Llm::choose) asks for one of a few answers; [`code`](llm::Reply::code)
//!   takes the Rust code out of the prose.
//! - A [`Task`](wire::task::Task) is a signature and cases. [`judge`](lab::Lab::judge) compiles a candidate
//!   and runs the cases, both in the jail; [`judge_all`](lab::Lab::judge_all) judges a population. The
//!   [`Verdict`](show::Verdict)'s `feedback` is the text for the model.
//! - A [`Toolbox`](toolbox::Toolbox) admits functions that pass a gate and a review, and calls them.
//! - [`export`](lab::Lab::export) makes a crate of a candidate, with its cases as tests and its origin.
//! - The last value of a cell shows itself: verdicts, [curves](show::FitnessCurve), [diffs](show::Diff),
//!   [family trees](show::Lineage), [tables](show::Table).
//!
//! The crate's `examples/` hold each of the four demos as a one-page program:
//! `cargo run -p code_evolution --example self_reparation` (`code_evolution`, `toolmaker`,
//! `evolving_team`).
//!
//! # The map
//!
//! | module | subject |
//! |---|---|
//! | [`lab`] | start a lab, judge candidates |
//! | [`llm`] | ask models |
//! | [`toolbox`] | admit and call tools that models wrote |
//! | [`packing`] | online bin packing: instances, heuristics, the check of a packing |
//! | [`prompts`] | a laboratory for prompts: labelled tasks, mutation, crossover, measured worth |
//! | [`show`] | verdicts, curves, diffs, tables as cells show them |
//! | [`contest`] | problems for developers who compete, and guards for their prompts |
//! | [`score`] | criteria with weights, CPU time as a score, comparisons in pairs |
//! | [`stamp`] | who gave the replies behind a figure |
//! | [`challenge`] | five flags that a candidate tries to raise |
//! | `cell` | who answered in the running cell, and at what cost |
//! | [`source`] | code without its comments, as tokens, in a normal form |
//! | [`blind`] | chance as a rival: seeded dice, a blind crossover, a blind mutation |
//! | [`population`] | candidates of an evolution: their parents and their cost |
//! | [`inert`] | makes the words of models and programs harmless |
//! | [`check!`], [`exercise!`] | self-checks of a notebook, graders of its exercises |
//! | `host` | the host process: find it, build it, call it |
//! | `error` | the one error type |
//! | [`wire`] | the types that notebook and host exchange |
//!
//! # Decisions
//!
//! - **Thin crate, host process.** A cell links everything that it imports, and interrupting a cell kills
//!   its process. So the HTTP client, the compiler runs, the jail and the key live in another process,
//!   `code_evolution_host`, which ends with the notebook. The crate runs the binary that
//!   `CODE_EVOLUTION_HOST` names. If none is named, a clone of the workshop uses its own, rebuilt when its
//!   sources have changed; elsewhere the binary on `PATH` is used (`cargo install code_evolution_host`).
//! - **The judge trusts nothing.** Expected outputs never enter the jail, outputs are compared outside, and
//!   times and memory are the kernel's figures. A bad candidate is a verdict, not an error.
//! - **Cassettes.** A script or a recording answers where there is no key. An edited prompt gets the
//!   nearest reply, and its label says how near. A prompt that asks for something else gets no reply.
//! - **Labels.** A script's reply never looks like a model's, and an opinion never looks like a
//!   measurement. Figures and tables that use replies carry a stamp: who answered, and how often.
//! - **Prompts, fitness functions and loops belong to the notebook.** The crate holds only the code that
//!   would distract from them.

#![forbid(unsafe_code)]

#[cfg(any(feature = "packing", feature = "prompts"))]
pub mod blind;
mod cell;
pub mod challenge;
pub mod contest;
mod error;
mod host;
pub mod inert;
pub mod lab;
pub mod llm;
#[cfg(feature = "packing")]
pub mod packing;
pub mod population;
#[cfg(feature = "prompts")]
pub mod prompts;
pub mod score;
pub mod show;
pub mod source;
pub mod stamp;
pub mod toolbox;

pub use code_evolution_wire as wire;
pub use error::{Error, Result};
#[cfg(any(feature = "packing", feature = "prompts"))]
pub use rand;

/// Everything that a notebook uses, in one import.
pub mod prelude {
    pub use code_evolution_wire::export::Export;
    pub use code_evolution_wire::model::{Budget, Mode, Tool, ToolCall};
    pub use code_evolution_wire::program::Program;
    pub use code_evolution_wire::protocol::FailureKind;
    pub use code_evolution_wire::task::{Case, Limits, Property, Task};
    pub use code_evolution_wire::toolbox::{Capability, Proposal, Review};
    pub use code_evolution_wire::verdict::{Outcome, Stage};

    pub use crate::challenge::Scoreboard;
    pub use crate::error::{Error, Result};
    pub use crate::lab::Lab;
    pub use crate::llm::{Chat, Llm, Reply};
    pub use crate::show::check::quiet_panics;
    pub use crate::show::{
        Admission, Code, Diff, EliteMap, Examination, Execution, Exported, FitnessCurve,
        Individual, Lineage, Loop, PairedDots, Quote, Stack, Table, Verdict, Verdicts,
        Verification,
    };
    pub use crate::stamp::Stamp;
    pub use crate::toolbox::{Policy, Toolbox};
    pub use crate::{check, check_eq, exercise};
}
