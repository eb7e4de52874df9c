//! Writes a task's cases as tests of the crate: one function per case, which compares as the judge does.

use code_evolution_wire::task::{Case, Task};

use super::literal::literal;
use super::property::condition;
use crate::audit::page::visible;
use crate::judge::{Signature, Type};

/// The tests' file.
pub struct Tests {
    /// The text of the file.
    pub text: String,
    /// The text of the module `alike` beside it, if floats are compared.
    pub alike: Option<&'static str>,
    /// The properties that no test checks, because they have no form in Rust.
    pub untested: Vec<String>,
}

/// Compares floats as the judge does.
const ALIKE: &str = include_str!("templates/alike.rs.txt");

const HELPERS: &str = include_str!("templates/helpers.rs.txt");

/// Writes the tests of a crate whose function has this signature. `library` is the crate's name in a `use`.
///
/// # Errors
/// Names a case that does not fit the signature.
pub fn tests(task: &Task, signature: &Signature, library: &str) -> Result<Tests, String> {
    let floats = has_floats(&signature.output);
    let mut body = String::new();
    let mut untested = Vec::new();
    for (index, case) in task.cases.iter().enumerate() {
        body += &test(task, signature, index, case, floats, &mut untested)
            .ok_or_else(|| format!("the case `{}` does not fit `{}`", case.name, task.signature))?;
    }
    let function = match &task.driver {
        // The driver calls the candidate as `candidate::name`.
        Some(driver) => format!(
            "#[allow(unused_imports)]\nuse {library}::candidate;\nuse driver::{};\n\n\
             /// Stands between the cases and the function.\n\
             #[allow(warnings)]\nmod driver {{\n{}\n#[allow(unused_imports)]\nuse super::*;\n}}\n",
            signature.name,
            crate::judge::publish(&driver.source, &signature.name),
        ),
        None => format!("use {library}::{};\n", signature.name),
    };
    let alike = if floats { "mod alike;\n\nuse alike::Alike;\n" } else { "" };
    let text = format!(
        "//! The cases that the function was judged on, one test each.\n\n\
         #![allow(unused, clippy::all)]\n\n{alike}\
         use std::collections::{{BTreeMap, BTreeSet, HashMap, HashSet}};\nuse std::fmt::Debug;\n\n\
         {function}\n{}{body}",
        helpers(floats, task.tolerance)
    );
    untested.sort();
    untested.dedup();
    Ok(Tests { text, alike: floats.then_some(ALIKE), untested })
}

fn helpers(floats: bool, tolerance: f64) -> String {
    let (bound, equal) = match floats {
        true => ("Alike", format!("got.alike(&expected, {tolerance:?})")),
        false => ("PartialEq", "got == expected".to_owned()),
    };
    HELPERS.replace("BOUND", bound).replace("EQUAL", &equal)
}

fn test(
    task: &Task,
    signature: &Signature,
    index: usize,
    case: &Case,
    floats: bool,
    untested: &mut Vec<String>,
) -> Option<String> {
    debug_assert_eq!(floats, has_floats(&signature.output));
    if case.input.len() != signature.parameters.len() {
        return None;
    }
    let arguments: Option<Vec<String>> = signature
        .parameters
        .iter()
        .zip(&case.input)
        .map(|(ty, value)| literal(ty, value))
        .collect();
    let call = format!("{}({})", signature.name, arguments?.join(", "));
    let mut body = String::new();
    if case.panics {
        body += &format!("    let _ = {call};\n");
    } else {
        if let Some(expected) = &case.expected {
            body += &format!("    same({call}, {});\n", literal(&signature.output, expected)?);
        }
        for property in &task.properties {
            match condition(property, signature, &case.input) {
                Ok(Some(condition)) => {
                    let what = property.describe();
                    body += &format!("    holds({call}, |got| {condition}, {what:?});\n");
                }
                Ok(None) => {}
                Err(()) => untested.push(property.describe()),
            }
        }
        if body.is_empty() {
            body += &format!("    let _ = {call};\n");
        }
    }
    let name = visible(&case.name).replace('\n', "\\n");
    let hidden = if case.hidden { " (hidden from models)" } else { "" };
    let panics = if case.panics { "#[should_panic]\n" } else { "" };
    let number = index + 1;
    let slug = slug(&case.name);
    Some(format!(
        "\n/// {name}{hidden}\n#[test]\n{panics}fn case_{number:02}{slug}() {{\n{body}}}\n"
    ))
}

/// Returns the characters of a case's name that a function's name may contain.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
            _ if !slug.ends_with('_') => slug.push('_'),
            _ => {}
        }
    }
    let slug: String = slug.trim_matches('_').chars().take(40).collect();
    if slug.is_empty() { slug } else { format!("_{slug}") }
}

fn has_floats(ty: &Type) -> bool {
    match ty {
        Type::Float { .. } => true,
        Type::Option(inner)
        | Type::List(inner)
        | Type::Slice(inner)
        | Type::Array(inner, _)
        | Type::Set(_, inner)
        | Type::Reference(inner) => has_floats(inner),
        Type::Result(one, other) | Type::Map(_, one, other) => has_floats(one) || has_floats(other),
        Type::Tuple(types) => types.iter().any(has_floats),
        Type::Unit | Type::Bool | Type::Char | Type::Integer { .. } | Type::Text | Type::Str => {
            false
        }
    }
}
