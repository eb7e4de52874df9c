//! Finds what a source would do besides computing, from its tokens.
//!
//! This is only a help, like the judge's scan: it tells an author at once what a tool may not do, and tells a
//! reviewer what a tool asks for. It does not notice a renamed module. The real boundary is the jail, which
//! has no file, no network, no other process and no environment, whatever the source says.

use code_evolution_wire::toolbox::Capability;
use proc_macro2::{TokenStream, TokenTree};

/// Modules of the standard library that no tool can use.
const FORBIDDEN: [(&str, &str); 5] = [
    ("fs", "it has no files; take what it needs as a parameter"),
    ("net", "it has no network; take what it needs as a parameter"),
    ("process", "it starts and ends no process; return a value"),
    ("env", "it has no environment; take what it needs as a parameter"),
    ("os", "it has no operating system; use the portable standard library"),
];

/// Modules of the standard library that need a capability.
const MODULES: [(&str, Capability); 3] =
    [("time", Capability::Clock), ("thread", Capability::Threads), ("atomic", Capability::State)];

/// Names that need a capability anywhere in a source.
const NAMES: [(&str, Capability); 7] = [
    ("thread_local", Capability::State),
    ("Mutex", Capability::State),
    ("RwLock", Capability::State),
    ("OnceLock", Capability::State),
    ("LazyLock", Capability::State),
    ("Instant", Capability::Clock),
    ("SystemTime", Capability::Clock),
];

/// Returns why a source may not be a tool with these capabilities, if it may not.
pub fn refusal(code: &str, granted: &[Capability]) -> Option<String> {
    // If the lexer cannot read the source, rustc will refuse it.
    let tokens: TokenStream = code.parse().ok()?;
    find(tokens, granted, false)
}

/// Searches tokens; `in_std` says that they are inside the braces of a `use std::{..}`.
fn find(tokens: TokenStream, granted: &[Capability], in_std: bool) -> Option<String> {
    // In these braces, each part continues the path before them.
    let start: &[&str] = if in_std { &["std"] } else { &[] };
    let start: Vec<String> = start.iter().map(|name| (*name).to_owned()).collect();
    let mut path = start.clone();
    let mut after_colon = false;
    for token in tokens {
        let colon = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ':');
        match token {
            TokenTree::Ident(ident) => {
                if !after_colon {
                    path.clone_from(&start);
                }
                let name = ident.to_string();
                if let Some(refusal) = judge(&path, &name, granted) {
                    return Some(format!("line {}: {refusal}", ident.span().start().line));
                }
                path.push(name);
            }
            TokenTree::Group(group) => {
                let refusal = find(group.stream(), granted, after_colon && is_std(&path));
                if refusal.is_some() {
                    return refusal;
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        after_colon = colon;
    }
    None
}

fn is_std(path: &[String]) -> bool {
    path.last().is_some_and(|name| name == "std" || name == "core")
}

fn judge(path: &[String], name: &str, granted: &[Capability]) -> Option<String> {
    let in_std = is_std(path);
    if let Some((module, instead)) = FORBIDDEN.iter().find(|(module, _)| in_std && *module == name)
    {
        return Some(format!("a tool does not use `std::{module}`: {instead}"));
    }
    let modules = MODULES.iter().filter(|_| in_std || path.last().is_some_and(|m| m == "sync"));
    let (word, needed) = modules.chain(&NAMES).find(|(word, _)| *word == name)?;
    (!granted.contains(needed)).then(|| {
        format!(
            "`{word}` needs the capability `{needed}`, which this tool was not given; do without \
             it, or ask a person to grant it"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forbidden_modules_are_refused_with_their_line() {
        for (code, word) in [
            ("fn f() {\n std::env::var(\"KEY\"); }", "line 2: a tool does not use `std::env`"),
            ("use std::net::TcpStream;", "`std::net`"),
            ("use std::{collections::HashMap, fs};", "`std::fs`"),
            ("use std::{collections::{HashMap, HashSet}, process::Command};", "`std::process`"),
            ("fn f() { ::std::fs::read(\"x\"); }", "`std::fs`"),
        ] {
            let all = [Capability::Clock, Capability::Threads, Capability::State];
            let refusal = refusal(code, &all).unwrap_or_else(|| panic!("{code} passes"));
            assert!(refusal.contains(word), "{code}: {refusal}");
        }
    }

    #[test]
    fn a_granted_capability_is_needed_and_enough() {
        for (code, needed) in [
            ("fn f() { std::thread::scope(|s| {}); }", Capability::Threads),
            ("use std::time::Duration;", Capability::Clock),
            ("use std::{sync::atomic::AtomicU64};", Capability::State),
            ("static M: std::sync::Mutex<u8> = std::sync::Mutex::new(0);", Capability::State),
            ("thread_local! { static A: u8 = 0; }", Capability::State),
        ] {
            let said = refusal(code, &[]).unwrap_or_else(|| panic!("{code} passes"));
            assert!(said.contains(&format!("`{needed}`")), "{code}: {said}");
            assert_eq!(refusal(code, &[needed]), None, "{code}");
        }
    }

    #[test]
    fn pure_computation_needs_no_capability() {
        for code in [
            "use std::collections::HashMap; fn f(env: u8, fs: u8, time: u8) -> u8 { env + fs + time }",
            "// std::fs\nfn f() -> &'static str { \"std::net::TcpStream\" }",
            "mod tools { pub mod process {} } fn f() { tools::process::g(); }",
            "fn f(thread: &[u8]) -> usize { std::mem::size_of_val(thread) }",
            "fn f( { unclosed",
        ] {
            assert_eq!(refusal(code, &[]), None, "{code}");
        }
    }
}
