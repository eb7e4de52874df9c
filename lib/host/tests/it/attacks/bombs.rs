//! Sources that would keep a compiler busy for ever, or fill the machine. A limit ends each compilation, or
//! the source is harmless. The host is unaffected.

use code_evolution_wire::task::Task;

use super::{Worthless, attacks};

const F: &str = "pub fn f() -> u8 { 0 }";

fn task() -> Task {
    Task::new("fn f() -> u8").case((), 1)
}

/// Returns these items, and a function.
fn with(items: &str) -> (Task, String) {
    (task(), format!("{items}\n{F}"))
}

/// Returns a function with this body.
fn body(body: &str) -> (Task, String) {
    (task(), format!("pub fn f() -> u8 {{ {body} }}"))
}

/// Returns the text for each number below `count`, one after the other.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

fn doubling() -> String {
    let macros =
        each(40, |n| format!("macro_rules! m{n} {{ () => {{ m{0}!(); m{0}!(); }} }}\n", n + 1));
    format!("macro_rules! m40 {{ () => {{ 0; }} }}\n{macros}\npub fn f() -> u8 {{ m0!(); 0 }}")
}

fn macro_calls() -> String {
    format!(
        "macro_rules! twice {{ () => {{ 0u8; }}; ($_a:tt $($rest:tt)*) => {{ twice!($($rest)*); twice!($($rest)*); }} }}
        pub fn f() -> u8 {{ twice!({}); 0 }}",
        "a ".repeat(26)
    )
}

fn patterns() -> String {
    let arm = |n| format!("({}Some(true),{}_) => {{}}\n", "_,".repeat(n), "_,".repeat(23 - n));
    let tuple = "Option<bool>,".repeat(24);
    format!("pub fn g(t: ({tuple}u8)) {{ match t {{ {} _ => {{}} }} }}", each(24, arm))
}

attacks! { Bomb:
    doubling_macros => Worthless, (task(), doubling());
    macro_calls_2_to_the_26 => Worthless, (task(), macro_calls());
    macro_that_grows_its_input => Worthless,
        body("macro_rules! m { ($($t:tt)*) => { m!($($t)* $($t)*) } } m!{1 +}");
    endless_const_evaluation => Worthless, with(
        "#[allow(long_running_const_eval)] const A: u8 = { loop {} };\npub static B: u8 = A;"
    );
    deep_const_recursion => Worthless, with(
        "const fn r(n: u64) -> u64 { if n == 0 { 0 } else { r(n - 1) + r(n - 1) } }
        pub const A: u64 = r(60);\npub static B: u64 = A;"
    );
    const_that_allocates => Worthless, with(
        "const fn g(n: usize) -> usize { let a = [n; 1 << 20]; if n == 0 { 0 } else { a[3] + g(n - 1) } }
        pub static A: usize = g(100_000);"
    );
    polymorphic_recursion_with_a_huge_limit => Worthless, (
        task(),
        "#![recursion_limit = \"4294967295\"]\nfn r<T>(t: T) -> usize { r((t, 1u8)) }\npub fn f() -> u8 { r(0u8) as u8 }"
    );
    tuple_explosion => Worthless, with(&format!(
        "type T0 = (u8, u8);\n{}\npub static A: Option<T40> = None;",
        each(40, |n| format!("type T{} = (T{n}, T{n});\n", n + 1))
    ));
    closure_explosion => Worthless, body(&format!(
        "let c0 = || {{}};\n{}\nc26(); 0",
        each(26, |n| format!("let c{} = || {{ c{n}(); c{n}(); }};\n", n + 1))
    ));
    trait_explosion => Worthless, with(
        "pub trait A {}
        impl<T> A for Vec<T> where Vec<Vec<T>>: A, Option<Vec<T>>: A {}
        impl<T> A for Option<T> where Vec<Option<T>>: A {}
        fn need<T: A>() {}
        pub fn g() { need::<Vec<u8>>() }"
    );
    parentheses_200k => Worthless, body(&format!("{}0{}", "(".repeat(100_000), ")".repeat(100_000)));
    unclosed_brackets => Worthless, body(&"[".repeat(200_000));
    diagnostics_30k => Worthless, body(&format!("{} 0", "x;".repeat(30_000)));
    functions_20k => Worthless, with(&each(20_000, |n| format!("pub fn g{n}() -> u8 {{ 0 }}\n")));
    const_of_512_mb => Worthless, with(
        "const A: [u8; 512 << 20] = [7; 512 << 20];\npub static B: [u8; 512 << 20] = A;"
    );
    long_type_name => Worthless, (
        task(),
        format!("pub fn f() -> {}u8{} {{ panic!() }}", "Option<".repeat(9_000), ">".repeat(9_000))
    );
    huge_array_length => Worthless, with("pub static A: [u8; usize::MAX] = [0; usize::MAX];");
    literals_120k => Worthless, with(&format!("pub static A: &[u8] = &[{}];", "0,".repeat(120_000)));
    deep_else_if => Worthless,
        body(&format!("let n = 1; {} {{ 0 }}", "if n == 0 { 1 } else ".repeat(10_000)));
    deep_references => Worthless,
        with(&format!("pub static A: &u8 = &0; pub fn g() -> u8 {{ {}0; 0 }}", "&".repeat(100_000)));
    exhaustive_patterns => Worthless, with(&patterns());
}
