//! Adds helpers that are in another block, or only in the question's code.

use std::collections::{BTreeSet, HashSet};

use code_evolution_wire::source::{Part, is_word, parts};

use crate::models::reply::items::{Item, canonical, items, mentioned};

/// Returns a code with the items that it needs from other codes before it, and the names of these items.
pub(super) fn join(main: &str, others: &[Vec<Item>]) -> (String, Vec<String>) {
    let own = items(main);
    let mut defined: HashSet<String> =
        own.iter().filter(|item| item.kind != "impl").flat_map(|item| item.names.clone()).collect();
    let known: HashSet<String> = own.iter().map(|item| canonical(&item.text)).collect();
    // If a name is defined several times, the last definition is meant.
    let offered: Vec<&Item> = others
        .iter()
        .rev()
        .flatten()
        .filter(|item| item.whole && !item.kind.is_empty() && !is_usage(item))
        .filter(|item| !known.contains(&canonical(&item.text)))
        .collect();
    let mut taken: Vec<usize> = Vec::new();
    let mut text = main.to_owned();
    loop {
        let needs = needs(&text);
        let next = offered.iter().enumerate().find(|(at, item)| {
            !taken.contains(at)
                && match item.kind {
                    // An `impl` comes with its type.
                    "impl" => item.names.iter().any(|name| {
                        taken.iter().any(|&at| {
                            offered[at].kind != "impl" && offered[at].names.contains(name)
                        }) || own.iter().any(|own| {
                            own.kind != "impl" && own.kind != "use" && own.names.contains(name)
                        })
                    }),
                    _ => item.names.iter().any(|name| {
                        !defined.contains(name)
                            && needs.contains(&(name.clone(), item.kind == "fn"))
                    }),
                }
        });
        let Some((at, item)) = next else { break };
        taken.push(at);
        if item.kind != "impl" {
            defined.extend(item.names.clone());
        }
        text.push('\n');
        text.push_str(&item.text);
    }
    let names: BTreeSet<String> = taken
        .iter()
        .filter(|&&at| offered[at].kind != "impl")
        .flat_map(|&at| {
            let item = offered[at];
            item.names.iter().map(|name| format!("`{} {name}`", item.kind))
        })
        .collect();
    // Imports come first, then the items in their original order.
    taken.sort_by_key(|&at| (offered[at].kind != "use", std::cmp::Reverse(at)));
    let mut out: Vec<&str> = taken.iter().map(|&at| offered[at].text.trim()).collect();
    out.push(main.trim_matches('\n'));
    (out.join("\n"), names.into_iter().collect())
}

/// Returns whether an item is a test, or a program that shows how to use the function.
fn is_usage(item: &Item) -> bool {
    item.is_function("main") || item.text.contains("#[test]") || item.text.contains("#[cfg(test)]")
}

/// Returns the names that a code mentions, and whether it calls a function of that name. A method or a
/// variable is not a function.
fn needs(code: &str) -> HashSet<(String, bool)> {
    let mut needs: HashSet<(String, bool)> =
        mentioned(code).into_iter().map(|name| (name, false)).collect();
    let tokens: String =
        parts(code).map(|(part, text)| if part == Part::Code { text } else { " " }).collect();
    let mut from = 0;
    while let Some(at) = tokens[from..].find(['(', ':', '!', ')', ',', ';']).map(|at| at + from) {
        let before = &tokens[..at];
        let start = before
            .rfind(|c: char| !is_word(c))
            .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let name = &before[start..];
        let lead = before[..start].trim_end();
        let follows = tokens[at..].starts_with('(') || tokens[at..].starts_with("::<");
        // A function can also be passed by name: `map(helper)`.
        let passed = tokens[at..].starts_with([')', ',']) && lead.ends_with(['(', ',']);
        if !name.is_empty() && (follows || passed) && !lead.ends_with('.') && !lead.ends_with("fn")
        {
            needs.insert((name.to_owned(), true));
        }
        from = at + 1;
    }
    needs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_needed_items_are_joined() {
        let main =
            "fn one(v: Vec<Point>) -> u8 { v.iter().map(helper).sum::<u8>() + LIMIT + v.join() }";
        let others = [
            items(
                "use std::collections::HashMap;\nstruct Point(u8);\nimpl Point { fn x(&self) -> u8 { deep() } }\nstruct Other;\nfn join() {}",
            ),
            items(
                "fn helper(p: &Point) -> u8 { p.x() }\nfn deep() -> u8 { 1 }\nconst LIMIT: u8 = 3;\nfn main() { one(vec![]); }",
            ),
        ];
        let (code, names) = join(main, &others);
        assert_eq!(names, ["`const LIMIT`", "`fn deep`", "`fn helper`", "`struct Point`"]);
        for part in ["struct Point(u8);", "impl Point", "fn helper", "fn deep", "const LIMIT"] {
            assert!(code.contains(part), "{part} in {code}");
        }
        for part in ["HashMap", "Other", "fn join", "fn main"] {
            assert!(!code.contains(part), "{part} in {code}");
        }
        assert!(code.ends_with(main));
    }

    #[test]
    fn imports_come_first() {
        let (code, _) = join(
            "fn one() -> HashMap<u8, u8> { two() }",
            &[
                items("fn two() -> HashMap<u8, u8> { HashMap::new() }"),
                items("use std::collections::{HashMap, HashSet};"),
            ],
        );
        assert!(code.starts_with("use std::collections::{HashMap, HashSet};\nfn two()"), "{code}");
    }
}
