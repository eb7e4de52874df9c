//! What a cell of the Code Evolution notebooks imports.
//!
//! ```no_run
//! use code_evolution::prelude::*;
//!
//! fn main() -> Result<()> {
//!     let lab = Lab::start()?;
//!     let task = Task::new("fn fizzbuzz(n: u32) -> String").case((15,), "FizzBuzz");
//!     let reply = lab.llm().ask("Write `fn fizzbuzz(n: u32) -> String` in Rust.")?;
//!     let verdict = lab.judge(&reply.code("fizzbuzz")?, &task)?;
//!     println!("{verdict}");
//!     Ok(())
//! }
//! ```
//!
//! Prompts, fitness functions and loops belong to the notebooks. What would distract from them is
//! here: talking to the host, and showing what came of it.
//!
//! | module | subject |
//! |---|---|
//! | [`lab`] | start a lab, judge candidates |
//! | [`llm`] | ask models |
//! | [`toolbox`] | admit and call tools that models wrote |
//! | [`packing`] | online bin packing: instances, heuristics, the check of a packing |
//! | [`show`] | verdicts, curves, diffs, tables as cells show them |
//! | [`team`] | CPU time as a score, a model's opinion, code without comments |
//! | [`check!`], [`exercise!`] | self-checks of a notebook, graders of its exercises |
//!
//! The crate is thin on purpose: a cell links everything that it imports, so the HTTP client, the
//! compiler runs and the jail live in another process, the crate `code_evolution_host`.

#![forbid(unsafe_code)]

mod error;
mod host;
pub mod lab;
pub mod llm;
#[cfg(feature = "evolution")]
pub mod packing;
pub mod show;
pub mod team;
pub mod toolbox;

pub use code_evolution_wire as wire;
pub use error::{Error, Result};
#[cfg(feature = "evolution")]
pub use rand;

/// Everything that a notebook uses, in one import.
pub mod prelude {
    pub use code_evolution_wire::model::{Budget, Mode, Tool, ToolCall};
    pub use code_evolution_wire::program::Program;
    pub use code_evolution_wire::protocol::FailureKind;
    pub use code_evolution_wire::task::{Case, Limits, Property, Task};
    pub use code_evolution_wire::toolbox::{Capability, Proposal, Review};
    pub use code_evolution_wire::verdict::{Outcome, Stage};

    pub use crate::error::{Error, Result};
    pub use crate::lab::Lab;
    pub use crate::llm::{Chat, Llm, Reply};
    pub use crate::show::check::quiet_panics;
    pub use crate::show::{
        Admission, Code, Diff, Examination, Execution, FitnessCurve, Individual, Lineage, Quote,
        Stack, Table, Verdict, Verdicts, Verification,
    };
    pub use crate::toolbox::{Policy, Toolbox};
    pub use crate::{check, check_eq, exercise};
}
