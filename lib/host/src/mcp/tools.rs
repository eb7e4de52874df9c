//! Lists the offered tools, as the protocol describes them.

use code_evolution_wire::toolbox::{Capability, Listed};
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::Value;

use crate::toolbox::{Toolbox, ToolboxError};

/// Returns the tools that can be called, as the protocol describes them.
///
/// # Errors
/// If the toolbox's manifest is damaged.
pub fn offered(toolbox: &Toolbox) -> Result<Vec<Tool>, ToolboxError> {
    let tools = toolbox.list()?.into_iter().filter(|tool| tool.problem.is_none());
    Ok(tools.filter_map(describe).collect())
}

fn describe(tool: Listed) -> Option<Tool> {
    let in_use = tool.entry.in_use()?;
    let Value::Object(parameters) = tool.parameters else { return None };
    let description = format!(
        "{}\n\n`{}`, version {}, admitted with {} tests",
        in_use.description,
        in_use.task.signature.trim(),
        tool.entry.current,
        in_use.task.cases.len()
    );
    let remembers = in_use.capabilities.contains(&Capability::State);
    let annotations = ToolAnnotations::new()
        .read_only(!remembers)
        .destructive(false)
        .idempotent(in_use.capabilities.is_empty())
        .open_world(false);
    Some(Tool::new(tool.name, description, parameters).with_annotations(annotations))
}
