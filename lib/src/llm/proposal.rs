//! The tool that a model asks for.

use code_evolution_wire::protocol::FailureKind;
use code_evolution_wire::task::Task;
use code_evolution_wire::toolbox::Proposal;
use serde::Deserialize;
use serde_json::Value;

use super::Reply;
use crate::error::{Error, Result};

/// What a model says about a tool that it lacks. Unknown members are ignored.
#[derive(Deserialize)]
struct ProposalFields {
    signature: String,
    description: String,
    #[serde(default)]
    examples: Vec<Example>,
    #[serde(default)]
    uses: Vec<String>,
}

#[derive(Deserialize)]
struct Example {
    /// One value for each parameter.
    input: Vec<Value>,
    output: Value,
}

impl Reply {
    /// Reads the tool that the model proposes, still without a source: JSON with `signature`,
    /// `description`, `examples` (each has an `input`, a list with one value per parameter, and an
    /// `output`) and, if it calls other tools, `uses`. The examples become visible cases; the guard of the
    /// toolbox adds hidden cases.
    ///
    /// # Errors
    /// Of kind [`FailureKind::NotInReply`] if the reply has no such JSON, or no example.
    pub fn proposal(&self) -> Result<Proposal> {
        let wish: ProposalFields = self.json()?;
        let mut task = Task::new(wish.signature.trim().trim_end_matches(['{', '}', ' ']));
        let not = |why: &str| Err(Error::new(FailureKind::NotInReply, why));
        if task.function().is_none() {
            return not(
                "the proposal's signature is not valid; write it as `fn name(text: &str) -> usize`",
            );
        }
        if wish.examples.is_empty() {
            return not(
                "the proposal has no example; give at least one, with its input and output",
            );
        }
        for Example { input, output } in wish.examples {
            task = task.case(input, output);
        }
        let proposal = Proposal::new(task, "").describe(wish.description);
        Ok(wish.uses.into_iter().fold(proposal, Proposal::uses))
    }
}
