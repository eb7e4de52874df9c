//! Automatic checks of the modules in the workspace's crates: no modules import each other in a circle, and
//! a front page with a map of modules names all of them.
//!
//! The sources are read as text: a `use`, or a path that begins with `crate` or `super`, is an import.
//! Tests do not count. A parent and its children that use each other are no circle; they are one subject.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use code_evolution::wire::source::{Part, is_word, parts};

const CRATES: [&str; 5] = ["lib", "lib/wire", "lib/jail", "lib/host", "lib/host/harness"];

/// The path of a module, or of an item in it.
type Names = Vec<String>;
/// For each module, the modules with the same parent from which it imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// One module: its source, and its code without the tests.
struct Module {
    source: String,
    code: String,
}

fn modules_of(name: &str) -> BTreeMap<Names, Module> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name).join("src");
    let mut modules = BTreeMap::new();
    collect(&root, &[], &mut modules);
    assert!(modules.contains_key(&Names::new()), "{name} has a lib.rs");
    modules
}

fn collect(folder: &PathBuf, path: &[String], modules: &mut BTreeMap<Names, Module>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
        let file = entry.path();
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        if file.is_dir() {
            collect(&file, &[path, &[stem]].concat(), modules);
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            let path = match stem.as_str() {
                "lib" | "mod" => path.to_vec(),
                "main" | "tests" => continue,
                _ => [path, &[stem]].concat(),
            };
            let source = fs::read_to_string(&file).expect("a readable source");
            let code: String = parts(&source)
                .map(|(part, text)| if part == Part::Code { text } else { " " })
                .collect();
            let tests = code.find("#[cfg(test)]\nmod tests {").unwrap_or(code.len());
            modules.insert(path, Module { code: code[..tests].to_owned(), source });
        }
    }
}

/// Returns every path in the code that begins with one of these words.
fn paths(code: &str, starts: &[&str]) -> Vec<Names> {
    let mut found = Vec::new();
    for start in starts {
        for (at, _) in code.match_indices(&format!("{start}::")) {
            if !code[..at].ends_with(|c| is_word(c) || c == ':') {
                expand(&[], &code[at..], &mut found);
            }
        }
    }
    found
}

/// Reads the path at the start of a text, with its `{..}`, and returns the rest of the text.
fn expand<'a>(before: &[String], text: &'a str, found: &mut Vec<Names>) -> &'a str {
    let mut names = before.to_vec();
    let mut rest = text.trim_start();
    loop {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        names.extend((end > 0).then(|| rest[..end].to_owned()));
        match rest[end..].strip_prefix("::") {
            Some(after) if after.starts_with('{') => {
                rest = &after[1..];
                while !rest.trim_start().starts_with('}') && !rest.is_empty() {
                    rest = expand(&names, rest, found);
                    let next = rest.find([',', '}']).unwrap_or(rest.len());
                    rest = rest[next..].strip_prefix(',').unwrap_or(&rest[next..]);
                }
                return rest.trim_start().strip_prefix('}').unwrap_or("");
            }
            Some(after) => rest = after,
            None => {
                found.push(names);
                return &rest[end..];
            }
        }
    }
}

/// Resolves a path in the module `from`, counted from the crate's root.
fn absolute(from: &[String], path: &[String]) -> Names {
    let ups = path.iter().take_while(|name| *name == "super").count();
    let (base, rest) = match path[0].as_str() {
        "crate" => (&[][..], &path[1..]),
        _ => (&from[..from.len() - ups.min(from.len())], &path[ups..]),
    };
    [base, rest].concat()
}

/// Returns the imports among the children of each module.
fn imports(modules: &BTreeMap<Names, Module>) -> BTreeMap<Names, Imports> {
    // An item that a parent re-exports counts as the child's, even if it is imported from the parent.
    let mut taken = BTreeMap::new();
    for (path, module) in modules {
        let children = modules.keys().filter(|child| child.len() == path.len() + 1);
        let children =
            children.filter(|child| child.starts_with(path)).map(|child| &child[path.len()]);
        for child in children.map(String::as_str).collect::<Vec<_>>() {
            for names in paths(&module.code, &[child]) {
                let item = names.last().expect("a name").clone();
                taken.insert([&path[..], &[item]].concat(), [&path[..], &names].concat());
            }
        }
    }
    let mut imports: BTreeMap<Names, Imports> = BTreeMap::new();
    for (from, module) in modules {
        for path in paths(&module.code, &["crate", "super"]) {
            let path = absolute(from, &path);
            let to = taken.get(&path).unwrap_or(&path);
            let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
            if common == from.len() || common == to.len() {
                continue;
            }
            if modules.contains_key(&to[..=common]) {
                let level = imports.entry(from[..common].to_vec()).or_default();
                level.entry(from[common].clone()).or_default().insert(to[common].clone());
            }
        }
    }
    imports
}

/// Returns a circle through this module, if there is one.
fn circle(start: &str, imports: &Imports) -> Option<Vec<String>> {
    let mut way = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(path) = way.pop() {
        for next in imports.get(path.last()?).into_iter().flatten() {
            let longer = [&path[..], std::slice::from_ref(next)].concat();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next) {
                way.push(longer);
            }
        }
    }
    None
}

#[test]
fn no_module_of_the_judge_imports_its_parent() {
    let modules = modules_of("lib/host");
    let within = |path: &Names| path.len() > 1 && path[0] == "judge";
    let mut imports = 0;
    for (from, module) in modules.iter().filter(|(path, _)| within(path)) {
        for to in paths(&module.code, &["crate", "super"]).iter().map(|path| absolute(from, path)) {
            if within(&to) {
                imports += 1;
                assert!(
                    modules.contains_key(&to[..2]),
                    "{} imports {}",
                    from.join("::"),
                    to.join("::")
                );
            }
        }
    }
    assert!(imports > 50, "only {imports} imports were found");
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    let mut edges = 0;
    for name in CRATES {
        for (parent, imports) in imports(&modules_of(name)) {
            edges += imports.values().map(BTreeSet::len).sum::<usize>();
            let found = imports.keys().filter_map(|module| circle(module, &imports));
            circles
                .extend(found.map(|way| {
                    format!("{name}: in `{}`: {}", parent.join("::"), way.join(" -> "))
                }));
        }
    }
    assert!(edges > 50, "only {edges} imports were found");
    assert!(circles.is_empty(), "\n{}", circles.join("\n"));
}

#[test]
fn a_map_names_every_module() {
    let mut missing = Vec::new();
    let mut maps = 0;
    for name in CRATES {
        for (path, Module { source, code }) in modules_of(name) {
            let docs: String = source.lines().filter(|line| line.starts_with("//!")).collect();
            if !docs.contains("| module |") {
                continue;
            }
            maps += 1;
            let lines: Vec<&str> = code.lines().collect();
            let declared = lines.windows(2).filter(|pair| pair[0] != "#[cfg(test)]");
            let declared = declared.filter(|pair| !pair[1].starts_with(' '));
            let declared =
                declared.filter_map(|pair| pair[1].strip_suffix(';')?.split_once("mod "));
            for (_, child) in declared {
                if !docs.contains(&format!("`{child}`")) {
                    missing.push(format!("{name}: the map of `{}` lacks {child}", path.join("::")));
                }
            }
        }
    }
    assert!(maps >= 5, "only {maps} maps were found");
    assert!(missing.is_empty(), "\n{}", missing.join("\n"));
}

#[test]
fn paths_are_read_with_their_groups() {
    let code = "use crate::a::{self, b::{C, d::E}, f as g}; let x = super::h::i(crate::j);";
    let mut found: Vec<String> =
        paths(code, &["crate", "super"]).iter().map(|names| names.join("::")).collect();
    found.sort();
    let expected = [
        "crate::a::b::C",
        "crate::a::b::d::E",
        "crate::a::f",
        "crate::a::self",
        "crate::j",
        "super::h::i",
    ];
    assert_eq!(found, expected);
    let deep = ["a", "b"].map(str::to_owned);
    assert_eq!(absolute(&deep, &["super", "c"].map(str::to_owned)), ["a", "c"]);
    assert_eq!(absolute(&deep, &["crate", "c"].map(str::to_owned)), ["c"]);
}
