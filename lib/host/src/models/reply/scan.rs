//! Distinguishes a definition from a mention.

use code_evolution_wire::source::{Part, is_word, parts};

use super::items::items;

/// Blanks out comments and literals of the code, so that only tokens are left.
pub(super) fn tokens(code: &str) -> String {
    parts(code).map(|(part, text)| if part == Part::Code { text } else { " " }).collect()
}

/// Returns the names of the functions that the code defines, in order.
pub(super) fn functions(code: &str) -> Vec<String> {
    let tokens = tokens(code);
    let mut names = Vec::new();
    let mut rest = tokens.as_str();
    while let Some(at) = rest.find("fn") {
        let word = !rest[..at].ends_with(is_word);
        let after = &rest[at + 2..];
        let name_on = after.trim_start();
        if word && name_on.len() < after.len() {
            let name_on = name_on.strip_prefix("r#").unwrap_or(name_on);
            let name: String = name_on.chars().take_while(|&c| is_word(c)).collect();
            let tail = name_on[name.len()..].trim_start();
            if !name.is_empty() && tail.starts_with(['(', '<']) && has_body(tail) {
                names.push(name);
            }
        }
        rest = after;
    }
    names
}

/// Returns whether a body follows before the declaration ends.
fn has_body(signature: &str) -> bool {
    // `;` also occurs in an array's type, `[u8; 4]`, so it ends a declaration only outside of brackets.
    let mut depth = 0_i32;
    for c in signature.chars() {
        match c {
            '[' | '(' => depth += 1,
            ']' | ')' => depth -= 1,
            '{' => return true,
            ';' if depth <= 0 => return false,
            _ => {}
        }
    }
    false
}

/// Returns the item around a function: `impl Solution`, `mod answer`; `None` if the function is not defined,
/// or not inside another item.
pub(super) fn inside(code: &str, function: &str) -> Option<String> {
    let outer = items(code).into_iter().find(|item| {
        let body = item.text.split_once('{').map_or("", |(_, body)| body);
        !item.is_function(function) && functions(body).iter().any(|name| name == function)
    })?;
    let name = outer.names.first().map(|name| format!(" {name}")).unwrap_or_default();
    Some(format!("{}{name}", outer.kind))
}

/// Returns whether the code ends where the function's definition may just begin: `fn lar`.
pub(super) fn ends_in_definition(code: &str, function: &str) -> bool {
    let tokens = tokens(code);
    let tail = tokens.rsplit("fn ").next().unwrap_or_default().trim();
    tokens.contains("fn ") && function.starts_with(tail)
        || tokens.trim_end().ends_with("fn")
        || functions(&format!("{code} {{}}")).iter().any(|name| name == function)
}

/// Returns whether a line can be the first of a program: an item, an attribute, a comment.
pub(super) fn starts_item(line: &str) -> bool {
    const STARTS: [&str; 20] = [
        "fn ",
        "pub ",
        "pub(",
        "use ",
        "#[",
        "#![",
        "//",
        "/*",
        "struct ",
        "enum ",
        "impl ",
        "impl<",
        "const ",
        "static ",
        "type ",
        "trait ",
        "mod ",
        "async fn ",
        "unsafe fn ",
        "macro_rules!",
    ];
    STARTS.iter().any(|start| line.starts_with(start))
        // Prose begins with such words too ("use a loop", "type inference"). The line of an item ends like
        // code, or opens a bracket.
        && (line.starts_with(['#', '/']) || line.contains(['{', '(', ';']))
}

/// Returns whether a text is a Rust program and nothing else.
pub(super) fn is_program(text: &str) -> bool {
    syn::parse_file(text).is_ok_and(|file| !file.items.is_empty())
}

/// Returns whether a line begins a function.
pub(super) fn starts_function(line: &str) -> bool {
    starts_item(line) && !functions(&format!("{line}}}")).is_empty()
}

/// Returns whether a code ends inside an item: in a function without its body, or before a bracket is closed.
pub(super) fn is_half(code: &str) -> bool {
    let Some(last) = items(code).pop().filter(|item| !item.whole) else { return false };
    let tokens = tokens(&last.text);
    let count = |brackets: [char; 3]| tokens.matches(brackets).count();
    last.kind == "fn" || count(['{', '(', '[']) > count(['}', ')', ']'])
}
