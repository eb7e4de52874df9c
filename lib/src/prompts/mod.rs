//! A laboratory for prompts: labelled tasks, prompts that change and cross, and their measured worth.
//!
//! A prompt here is an instruction and an ordered list of examples. Both come from lists in the task, so
//! mutation and crossover need no model, and every prompt can be printed. Its fitness is the share of items
//! that a model labels right. Items that no search has seen (`held_out`) show what a winner is worth. The
//! model gets each prompt with each item only once, and the answer is kept. So a prompt that survives a
//! generation costs only its new items.
//!
//! The loop belongs to the notebook. Left out: instructions that a model writes (a notebook can add its own
//! to [`LabelledTask::instructions`]).
//!
//! ```no_run
//! use code_evolution::prelude::*;
//! use code_evolution::prompts::{LabelledTask, PromptLab};
//! use code_evolution::rand::SeedableRng;
//! use code_evolution::rand::rngs::SmallRng;
//!
//! # fn main() -> Result<()> {
//! let lab = Lab::provider("local").start()?;
//! let mut bench = PromptLab::new(lab.llm(), LabelledTask::reviews());
//! let mut rng = SmallRng::seed_from_u64(1);
//! let mut population = bench.random_prompts(6, &mut rng);
//! for _ in 0..5 {
//!     let items = bench.sample(12, &mut rng);
//!     bench.score_all(&population, &items)?;
//!     population = bench.next_generation(&population, 2, &mut rng);
//! }
//! let winner = bench.best(&population).expect("a population");
//! println!("{winner}\nheld out: {:.0} %", 100.0 * bench.held_out(&winner)?);
//! # Ok(())
//! # }
//! ```

mod lab;
mod task;

pub use lab::{PromptLab, Tally};
pub use task::{Item, LabelledTask, Prompt};
