//! Joins a tool's source with those of the tools that it uses.
//!
//! A used tool becomes a module in the source of the tool that uses it. So `tools::name(..)` is a plain call
//! in the same process: the compiler checks it, and it is as fast as any function. Each tool keeps the
//! versions that it was tested with, so a later version of a used tool cannot change it without an
//! examination.

use super::error::ToolboxError;
use super::shelf::{Shelf, Tools, not_found};
use crate::judge;

/// Returns the source, with `mod tools` at its end if it uses any. A source that the lexer cannot read stays
/// as it is, and rustc refuses it: a stray brace must not reach into another tool.
///
/// # Errors
/// If a used tool is missing, or its source is damaged.
pub fn assemble<'a>(
    shelf: &Shelf,
    tools: &Tools,
    source: &str,
    uses: impl Iterator<Item = (&'a String, &'a u32)>,
) -> Result<String, ToolboxError> {
    let mut modules = String::new();
    for (name, &version) in uses {
        let entry = tools.get(name).ok_or_else(|| not_found(name, tools))?;
        let used = shelf.source(name, entry, version)?;
        let its_own = entry.versions.get(&version).map(|version| version.uses.clone());
        let whole = assemble(shelf, tools, &used, its_own.unwrap_or_default().iter())?;
        let public = judge::publish(&whole, name);
        modules += &format!("pub use self::of_{name}::{name};\nmod of_{name} {{\n{public}\n}}\n");
    }
    if modules.is_empty() || source.parse::<proc_macro2::TokenStream>().is_err() {
        return Ok(source.to_owned());
    }
    Ok(format!("{source}\n\n#[allow(warnings)]\nmod tools {{\n{modules}}}\n"))
}
