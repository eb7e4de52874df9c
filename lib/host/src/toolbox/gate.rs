//! Checks a proposal before a person looks at it.
//!
//! The checks run in this order, cheapest first: the proposal's form, whether the toolbox already has the
//! source, and what the source would do besides computing. Then the judge compiles the source and runs it in
//! the jail, on tests and properties that its author did not write. A new version must also pass all tests of
//! the version in use.

use std::collections::BTreeMap;

use code_evolution_wire::task::Task;
use code_evolution_wire::toolbox::{Capability, Examination, Proposal, ToolEntry, ToolVersion};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};

use super::assembly::assemble;
use super::capability;
use super::error::ToolboxError;
use super::shelf::{MAX_NAME, Shelf, Tools, is_tool_name, not_found};
use crate::files::digest;
use crate::judge::{Judge, Resident, Signature};

/// The longest description, in characters: models read all descriptions before each choice.
const MAX_DESCRIPTION: usize = 300;

/// An examined proposal, and what an admission would add.
pub struct Examined {
    /// The result of the examination.
    pub examination: Examination,
    /// The tests of the examination.
    pub task: Task,
    /// The tools that the source uses, with their current versions.
    pub uses: BTreeMap<String, u32>,
    /// Whether the proposal is the version in use, without a new test.
    pub is_in_use: bool,
    /// The whole source and the process, ready for the first call, if the proposal passed and was compiled
    /// now.
    pub resident: Option<(String, Resident)>,
}

/// Examines a proposal and changes nothing.
///
/// # Errors
/// If the task or a used tool makes no sense, or the judge cannot work. A bad source is not an error.
pub fn examine(
    judge: &Judge,
    shelf: &Shelf,
    tools: &Tools,
    proposal: &Proposal,
) -> Result<Examined, ToolboxError> {
    let signature = Signature::parse(&proposal.task.signature).map_err(ToolboxError::BadRequest)?;
    let name = signature.name.as_str();
    let entry = tools.get(name);
    let in_use = entry.and_then(ToolEntry::in_use);
    let previous = match entry {
        Some(entry) => Some(shelf.source(name, entry, entry.current)?),
        None => None,
    };
    let uses = proposal
        .uses
        .iter()
        .map(|used| match tools.get(used) {
            Some(entry) => Ok((used.clone(), entry.current)),
            None => Err(not_found(used, tools)),
        })
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    let task = match in_use {
        Some(in_use) => {
            with_tests_of(entry.map_or(1, |entry| entry.current), in_use, &proposal.task)
        }
        None => proposal.task.clone(),
    };
    let same_source = in_use.is_some_and(|it| it.sha256 == digest(proposal.code.as_bytes()));
    // With an additional test, the same source is a new version, because later versions must pass that test
    // too.
    let has_new_test = in_use.is_some_and(|it| test_counts(&task) != test_counts(&it.task));
    let mut refusal = form(&signature, proposal, in_use)?;
    let is_in_use = refusal.is_none() && same_source && !has_new_test;
    if refusal.is_none() && !(same_source && has_new_test) {
        refusal = duplicate(shelf, tools, name, &proposal.code)?;
    }
    let refusal = refusal
        .or_else(|| capability::refusal(&proposal.code, &proposal.capabilities))
        .or_else(|| needs_more(tools, &uses, &proposal.capabilities));
    let (verdict, resident) = match refusal {
        Some(_) => (None, None),
        None => {
            let whole = assemble(shelf, tools, &proposal.code, uses.iter())?;
            let (verdict, resident) = judge.judge_resident(&task, &whole)?;
            (Some(verdict), resident.map(|resident| (whole, resident)))
        }
    };
    let examination = Examination {
        name: name.to_owned(),
        version: match entry {
            Some(entry) if is_in_use => entry.current,
            Some(entry) => next_version(entry),
            None => 1,
        },
        code: proposal.code.clone(),
        previous,
        capabilities: proposal.capabilities.clone(),
        refusal,
        verdict,
    };
    Ok(Examined { examination, is_in_use, task, uses, resident })
}

/// Returns the number of a tool's next version.
pub fn next_version(entry: &ToolEntry) -> u32 {
    entry.versions.keys().next_back().map_or(1, |last| last + 1)
}

/// Returns how many cases and properties a task has.
fn test_counts(task: &Task) -> (usize, usize) {
    (task.cases.len(), task.properties.len())
}

fn form(
    signature: &Signature,
    proposal: &Proposal,
    in_use: Option<&ToolVersion>,
) -> Result<Option<String>, ToolboxError> {
    let name = &signature.name;
    if !is_tool_name(name) {
        return Ok(Some(format!(
            "`{name}` is not a name for a tool: use a small letter, then at most {} small letters, \
             digits and _",
            MAX_NAME - 1
        )));
    }
    let length = proposal.description.chars().count();
    if proposal.description.trim().is_empty() || length > MAX_DESCRIPTION {
        return Ok(Some(format!(
            "say what the tool does in 1 to {MAX_DESCRIPTION} characters; there are {length}"
        )));
    }
    if proposal.task.cases.is_empty() {
        return Ok(Some("a tool without a test is not admitted; write at least one".to_owned()));
    }
    if proposal.task.driver.is_some() {
        return Ok(Some("a tool has no driver; give it a plain signature".to_owned()));
    }
    let Some(in_use) = in_use else { return Ok(None) };
    let before = Signature::parse(&in_use.task.signature).map_err(ToolboxError::BadRequest)?;
    let same = (&before.names, &before.parameters, &before.output)
        == (&signature.names, &signature.parameters, &signature.output);
    Ok((!same).then(|| {
        format!(
            "a new version keeps the signature `{}`, so its callers still work",
            in_use.task.signature
        )
    }))
}

/// Returns why a tool that uses these tools needs more capabilities, if it does: calling a tool that reads
/// the clock is reading the clock. (Each used tool was checked for its own capabilities.)
fn needs_more(
    tools: &Tools,
    uses: &BTreeMap<String, u32>,
    granted: &[Capability],
) -> Option<String> {
    uses.iter().find_map(|(name, version)| {
        let used = tools.get(name)?.versions.get(version)?;
        let needed = used.capabilities.iter().find(|needed| !granted.contains(needed))?;
        Some(format!(
            "`{name}` has the capability `{needed}`, which a tool that uses it needs too and was not \
             given; do without `{name}`, or ask a person to grant it"
        ))
    })
}

/// Returns whether the toolbox already has the source, under this name or another.
fn duplicate(
    shelf: &Shelf,
    tools: &Tools,
    name: &str,
    code: &str,
) -> Result<Option<String>, ToolboxError> {
    let sha256 = digest(code.as_bytes());
    if let Some(entry) = tools.get(name)
        && let Some((version, _)) =
            entry.versions.iter().rev().find(|(_, known)| known.sha256 == sha256)
    {
        return Ok(Some(match *version == entry.current {
            true => format!("this source is already in use (version {version})"),
            false => format!("this is version {version}; put it into use by rolling back to it"),
        }));
    }
    let Some(wanted) = anonymous(code, name) else { return Ok(None) };
    for (other, entry) in tools.iter().filter(|(other, _)| *other != name) {
        let source = shelf.source(other, entry, entry.current)?;
        if anonymous(&source, other).as_ref() == Some(&wanted) {
            return Ok(Some(format!(
                "the toolbox has this source already, as `{other}`; use that"
            )));
        }
    }
    Ok(None)
}

/// Returns a source's tokens without layout, comments and its function's name; `None` if the lexer cannot
/// read it.
fn anonymous(code: &str, name: &str) -> Option<String> {
    fn rename(tokens: TokenStream, name: &str) -> TokenStream {
        let rename_one = |token| match token {
            TokenTree::Ident(ident) if ident == name => Ident::new("it", Span::call_site()).into(),
            TokenTree::Group(group) => {
                let stream = rename(group.stream(), name);
                proc_macro2::Group::new(group.delimiter(), stream).into()
            }
            other => other,
        };
        tokens.into_iter().map(rename_one).collect()
    }
    Some(rename(code.parse().ok()?, name).to_string())
}

/// Adds the tests that the version in use had to pass. A test that is in both occurs once.
fn with_tests_of(version: u32, in_use: &ToolVersion, task: &Task) -> Task {
    let mut merged = task.clone();
    for case in &in_use.task.cases {
        let known = merged.cases.iter().any(|new| {
            (&new.input, &new.expected, new.panics) == (&case.input, &case.expected, case.panics)
        });
        if !known {
            let mut case = case.clone();
            if !case.name.starts_with("version ") {
                case.name = format!("version {version}: {}", case.name);
            }
            merged.cases.push(case);
        }
    }
    for property in &in_use.task.properties {
        if !merged.properties.contains(property) {
            merged.properties.push(property.clone());
        }
    }
    merged.tolerance = merged.tolerance.min(in_use.task.tolerance);
    merged
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::task::Property;

    use super::*;

    #[test]
    fn names_and_layout_do_not_hide_a_copy() {
        let one = anonymous("fn add(a: u8) -> u8 {\n    a /* sum */ + 1\n}", "add");
        assert_eq!(one, anonymous("fn plus(a: u8) -> u8 { a + 1 }", "plus"));
        assert_ne!(one, anonymous("fn plus(a: u8) -> u8 { a + 2 }", "plus"));
        assert_eq!(anonymous("fn f( {", "f"), None);
    }

    #[test]
    fn a_version_inherits_tests_once() {
        let old = Task::new("fn f(n: u8) -> u8")
            .case((1,), 2)
            .case((2,), 3)
            .property(Property::Ascending)
            .tolerance(0.1);
        let in_use = ToolVersion {
            description: String::new(),
            task: old.clone(),
            uses: BTreeMap::new(),
            capabilities: Vec::new(),
            sha256: String::new(),
            author: String::new(),
            reviewer: String::new(),
            time: String::new(),
        };
        let new = Task::new("fn f(n: u8) -> u8").case((2,), 3).case((3,), 4).tolerance(0.5);
        let merged = with_tests_of(1, &in_use, &new);
        let names: Vec<&str> = merged.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["f(2)", "f(3)", "version 1: f(1)"]);
        assert_eq!((merged.properties.len(), merged.tolerance), (1, 0.1));
        assert_eq!(
            with_tests_of(2, &ToolVersion { task: merged.clone(), ..in_use }, &merged),
            merged
        );
    }
}
