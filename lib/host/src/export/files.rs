//! Writes the crate's files as texts.

use std::collections::BTreeMap;

use anyhow::Context;
use code_evolution_wire::export::{Export, ExportCall};
use proc_macro2::{TokenStream, TokenTree};
use serde_json::json;
use toml_edit::{Array, DocumentMut, Item, Table, value};

use super::cases::Tests;
use super::origin::Origin;
use crate::audit::page::visible;
use crate::files::digest;
use crate::judge;

/// The file that tells a program the origin: the judged source, who wrote it, the digests of the files.
pub const PROVENANCE: &str = "PROVENANCE.json";

const MIT: &str = include_str!("templates/MIT.txt");

/// A crate, ready to be written.
pub struct Files {
    /// The files' texts by their paths.
    pub all: BTreeMap<String, String>,
    /// The crates that the exported crate depends on.
    pub crates: Vec<String>,
}

/// Makes the files.
///
/// # Errors
/// If this program's own manifest of offered crates cannot be read.
pub fn files(
    call: &ExportCall,
    tests: &Tests,
    origin: &Origin,
    toolchain: &str,
) -> anyhow::Result<Files> {
    let crates = used_crates(call);
    let function = call.task.function().unwrap_or("the function").to_owned();
    let published = judge::published(&call.task, &call.code);
    let mut all = BTreeMap::from([
        ("Cargo.toml".to_owned(), manifest(call, &function, &crates)?),
        ("README.md".to_owned(), readme(call, &function, tests, origin)),
        ("src/lib.rs".to_owned(), library(call, &function)),
        ("src/candidate.rs".to_owned(), published),
        ("tests/cases.rs".to_owned(), tests.text.clone()),
    ]);
    if let Some(alike) = tests.alike {
        all.insert("tests/alike/mod.rs".to_owned(), alike.to_owned());
    }
    if call.export.licence == "MIT" {
        let holder = holder(&call.export);
        all.insert("LICENSE".to_owned(), MIT.replace("HOLDER", &holder).replace("YEAR", &year()));
    }
    let digests: BTreeMap<&String, String> =
        all.iter().map(|(name, text)| (name, digest(text))).collect();
    let provenance = json!({
        "made_by": concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")),
        "function": call.task.signature,
        "sha256": digest(&call.code),
        "code": call.code,
        "cases": call.task.cases.len(),
        "toolchain": toolchain.lines().next(),
        "origin": origin,
        "files": digests,
    });
    all.insert(PROVENANCE.to_owned(), serde_json::to_string_pretty(&provenance)? + "\n");
    Ok(Files { all, crates })
}

/// Returns the offered crates that the source names. A word with the crate's name is enough.
fn used_crates(call: &ExportCall) -> Vec<String> {
    fn names(tokens: TokenStream, name: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(ident) => ident == name,
            TokenTree::Group(group) => names(group.stream(), name),
            _ => false,
        })
    }
    let tokens: TokenStream = call.code.parse().unwrap_or_default();
    let offered =
        call.task.crates.iter().filter(|offered| names(tokens.clone(), &offered.replace('-', "_")));
    offered.cloned().collect()
}

fn manifest(call: &ExportCall, function: &str, crates: &[String]) -> anyhow::Result<String> {
    let mut package = Table::new();
    package["name"] = value(&call.export.name);
    package["version"] = value("0.1.0");
    package["edition"] = value("2024");
    package["description"] = value(format!("The function `{function}`, evolved and tested."));
    package["license"] = value(&call.export.licence);
    package["readme"] = value("README.md");
    if let Some(author) = &call.export.author {
        package["authors"] = value(Array::from_iter([author]));
    }
    let mut document = DocumentMut::new();
    document["package"] = Item::Table(package);
    if !crates.is_empty() {
        let offered: DocumentMut = judge::OFFERED_MANIFEST
            .parse()
            .context("the manifest of the offered crates cannot be read; build the host again")?;
        let mut dependencies = Table::new();
        for name in crates {
            let known = offered["dependencies"].as_table().into_iter().flat_map(Table::iter);
            let same = |known: &str| known.replace('-', "_") == name.replace('-', "_");
            let (name, wanted) = known
                .into_iter()
                .find(|(known, _)| same(known))
                .with_context(|| format!("`{name}` is not among the offered crates"))?;
            dependencies[name] = wanted.clone();
        }
        document["dependencies"] = Item::Table(dependencies);
    }
    // Use the profile of the judge: an overflow panics without optimisation, and wraps with it.
    let opt_level = i64::from(call.task.opt_level);
    let mut profile = Table::new();
    profile["opt-level"] = value(opt_level);
    profile["debug-assertions"] = value(opt_level == 0);
    profile["overflow-checks"] = value(opt_level == 0);
    let mut profiles = Table::new();
    profiles.set_implicit(true);
    profiles["dev"] = Item::Table(profile);
    document["profile"] = Item::Table(profiles);
    // The crate is its own workspace, even inside another workspace's folder.
    document["workspace"] = Item::Table(Table::new());
    Ok(document.to_string())
}

fn library(call: &ExportCall, function: &str) -> String {
    let module = match call.task.driver {
        // The driver in the tests may use any item of the module.
        Some(_) => "pub mod candidate;",
        None => "mod candidate;",
    };
    format!(
        "//! `{}`: evolved, judged and exported. README.md says where it came from.\n\n\
         #![forbid(unsafe_code)]\n\n\
         /// The source as it was judged, but for `pub`.\n\
         #[allow(warnings, clippy::all)]\n{module}\n\npub use candidate::{function};\n",
        visible(call.task.signature.trim()).replace('\n', " "),
    )
}

fn readme(call: &ExportCall, function: &str, tests: &Tests, origin: &Origin) -> String {
    let name = &call.export.name;
    // Clean the label: it contains a model's name, which comes from a provider.
    let label = |label: &Option<String>| match label {
        Some(label) => format!("`{}`", visible(label).replace(['`', '\n'], " ")),
        None => "a cell: no reply has it word for word".to_owned(),
    };
    let mut text = format!(
        "# {name}\n\n```rust\n{}\n```\n\n`cargo test` runs the {} cases that it was judged on.\n\n\
         ## Where it came from\n\n- written by: {}\n",
        visible(call.task.signature.trim()).replace("```", ""),
        call.task.cases.len(),
        label(&origin.written_by),
    );
    if let Some(answered) = &origin.answered {
        text += &format!("- answered: {answered}\n");
    }
    if let Some(judged) = &origin.judged {
        text += &format!("- judged: {judged}\n");
    }
    text += &format!("- SHA-256 of the judged source: `{}`\n", digest(&call.code));
    for (index, ancestor) in origin.ancestors.iter().enumerate() {
        let passed =
            ancestor.passed.as_ref().map_or(String::new(), |passed| format!(", passed {passed}"));
        let (sha256, by) =
            (&ancestor.sha256[..16.min(ancestor.sha256.len())], label(&ancestor.written_by));
        text += &format!("- ancestor {}: `{sha256}`, by {by}{passed}\n", index + 1);
    }
    if origin.judged.is_none() {
        text += "- the session's log does not have it, so no more is known\n";
    }
    if !tests.untested.is_empty() {
        text += "\n## Judged, but not tested here\n\n";
        for property in &tests.untested {
            text += &format!("- `{}`\n", visible(property).replace(['`', '\n'], " "));
        }
    }
    let licence = &call.export.licence;
    text += &match licence.as_str() {
        "MIT" => "\n## Licence\n\nMIT; see LICENSE.\n".to_owned(),
        _ => format!(
            "\n## Licence\n\n{licence}. Put its text beside this file before you publish `{function}`.\n"
        ),
    };
    text
}

fn holder(export: &Export) -> String {
    export.author.clone().unwrap_or_else(|| format!("the authors of {}", export.name))
}

/// Returns the current year, in UTC.
fn year() -> String {
    let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    now[..4].to_owned()
}
