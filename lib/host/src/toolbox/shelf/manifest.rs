//! The manifest: everything about the tools except their sources, with a digest of itself.

use std::collections::BTreeMap;
use std::path::Path;

use code_evolution_wire::toolbox::ToolEntry;
use serde::{Deserialize, Serialize};

use crate::files::digest;

/// The longest name of a tool, in bytes.
pub const MAX_NAME: usize = 48;
/// Increase this when the manifest's form changes.
const FORMAT: u32 = 1;

/// The tools by name.
pub type Tools = BTreeMap<String, ToolEntry>;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    tools: Tools,
    /// SHA-256 of the tools as compact JSON. It detects accidents; the log protects against forgery.
    digest: String,
}

/// Returns whether a tool may have this name, which becomes a part of file names: a small letter, then small
/// letters, digits and `_`.
pub fn is_tool_name(name: &str) -> bool {
    let others = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(others)
}

/// Writes the manifest of these tools as text.
///
/// # Errors
/// If the tools cannot be written as JSON.
pub fn write(tools: &Tools) -> anyhow::Result<String> {
    let digest = digest(&serde_json::to_vec(tools)?);
    let manifest = Manifest { format: FORMAT, tools: tools.clone(), digest };
    Ok(serde_json::to_string_pretty(&manifest)? + "\n")
}

/// Reads the tools of a manifest.
///
/// # Errors
/// Describes what is wrong with it.
pub fn read(path: &Path) -> Result<Tools, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return Err(format!("cannot be read ({error})")),
    };
    let manifest: Manifest = serde_json::from_str(&text)
        .map_err(|error| format!("was changed by hand or cut off ({error})"))?;
    if manifest.format != FORMAT {
        return Err(format!(
            "has the form {}, but this host reads the form {FORMAT}",
            manifest.format
        ));
    }
    // A name becomes a path, so an invalid name must stop here.
    let uses = manifest.tools.values().flat_map(|entry| entry.versions.values());
    let mut names = manifest.tools.keys().chain(uses.flat_map(|version| version.uses.keys()));
    if let Some(name) = names.find(|name| !is_tool_name(name)) {
        return Err(format!("was changed by hand: `{name}` is not a name for a tool"));
    }
    let compact = serde_json::to_vec(&manifest.tools).map_err(|error| error.to_string())?;
    match digest(&compact) == manifest.digest {
        true => Ok(manifest.tools),
        false => Err("was changed by hand: its content does not have its digest".to_owned()),
    }
}
