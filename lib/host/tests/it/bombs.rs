//! Sources that would keep a compiler busy for ever, or fill the machine. A limit ends each, or it
//! turns out to be harmless; the host stays as it is.

use std::time::{Duration, Instant};

use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::verdict::{Outcome, Stage};

use crate::support::unscanned;

fn bombs() -> Vec<(&'static str, String)> {
    let f = "pub fn f() -> u8 { 0 }";
    let doubling: String = (0..40)
        .map(|n| format!("macro_rules! m{n} {{ () => {{ m{0}!(); m{0}!(); }} }}\n", n + 1))
        .collect();
    let tuples: String = (0..40).map(|n| format!("type T{} = (T{n}, T{n});\n", n + 1)).collect();
    let closures: String =
        (0..26).map(|n| format!("let c{} = || {{ c{n}(); c{n}(); }};\n", n + 1)).collect();
    let functions: String = (0..20_000).map(|n| format!("pub fn g{n}() -> u8 {{ 0 }}\n")).collect();
    let errors: String = (0..30_000).map(|_| "x;").collect();
    vec![
        (
            "doubling macros",
            format!("macro_rules! m40 {{ () => {{ 0; }} }}\n{doubling}\npub fn f() -> u8 {{ m0!(); 0 }}"),
        ),
        (
            "2^26 macro calls",
            format!(
                "#![recursion_limit = \"1000\"]
                macro_rules! twice {{ () => {{ 0u8; }}; ($_a:tt $($rest:tt)*) => {{ twice!($($rest)*); twice!($($rest)*); }} }}
                pub fn f() -> u8 {{ twice!({}); 0 }}",
                "a ".repeat(26)
            ),
        ),
        ("endless const evaluation", format!("#[allow(long_running_const_eval)] const A: u8 = {{ loop {{}} }};\npub static B: u8 = A;\n{f}")),
        (
            "deep const recursion",
            format!("const fn r(n: u64) -> u64 {{ if n == 0 {{ 0 }} else {{ r(n - 1) + r(n - 1) }} }}\npub const A: u64 = r(60);\npub static B: u64 = A;\n{f}"),
        ),
        (
            "polymorphic recursion with a huge limit",
            "#![recursion_limit = \"4294967295\"]\nfn r<T>(t: T) -> usize { r((t, 1u8)) }\npub fn f() -> u8 { r(0u8) as u8 }".to_owned(),
        ),
        ("tuple explosion", format!("type T0 = (u8, u8);\n{tuples}\npub static A: Option<T40> = None;\n{f}")),
        ("closure explosion", format!("pub fn f() -> u8 {{ let c0 = || {{}};\n{closures}\nc26(); 0 }}")),
        (
            "trait explosion",
            format!("pub trait A {{}}\nimpl<T> A for Vec<T> where Vec<Vec<T>>: A, Option<Vec<T>>: A {{}}\nimpl<T> A for Option<T> where Vec<Option<T>>: A {{}}\nfn need<T: A>() {{}}\npub fn g() {{ need::<Vec<u8>>() }}\n{f}"),
        ),
        ("200k parentheses", format!("pub fn f() -> u8 {{ {}0{} }}", "(".repeat(100_000), ")".repeat(100_000))),
        ("unclosed brackets", format!("pub fn f() -> u8 {{ {}", "[".repeat(200_000))),
        ("30k diagnostics", format!("pub fn f() -> u8 {{ {errors} 0 }}")),
        ("20k functions", functions.chars().take(250 << 10).collect::<String>()),
        ("512 MB const", format!("const A: [u8; 512 << 20] = [7; 512 << 20];\npub static B: [u8; 512 << 20] = A;\n{f}")),
        ("a long type name", format!("pub fn f() -> {} {{ panic!() }}", "Option<".repeat(9_000) + "u8" + &">".repeat(9_000))),
        ("huge array length", format!("pub static A: [u8; usize::MAX] = [0; usize::MAX];\n{f}")),
        ("million literals", format!("pub static A: &[u8] = &[{}];\n{f}", "0,".repeat(120_000))),
        ("deep else-if", format!("pub fn f() -> u8 {{ let n = 1; {} {{ 0 }} }}", "if n == 0 { 1 } else ".repeat(10_000))),
        ("deep references", format!("pub static A: &u8 = &0; pub fn g() -> u8 {{ {}0; 0 }}\n{f}", "&".repeat(100_000))),
        ("exhaustive patterns", format!("pub fn g(t: ({}{})) {{ match t {{ {} _ => {{}} }} }}\n{f}", "Option<bool>,".repeat(24), "u8", (0..24).map(|n| format!("({}Some(true),{}_) => {{}}\n", "_,".repeat(n), "_,".repeat(23 - n))).collect::<String>())),
    ]
}

#[test]
fn compiler_bombs_are_stopped_by_a_limit() {
    let limits = Limits {
        compile_cpu_ms: 2_000,
        compile_wall_ms: 4_000,
        compile_memory_bytes: 512 << 20,
        cpu_ms: 1_000,
        ..Limits::default()
    };
    let task = Task::new("fn f() -> u8").case((), 1).limits(limits);
    let bombs = bombs();
    let codes: Vec<String> = bombs.iter().map(|(_, code)| code.clone()).collect();
    let started = Instant::now();
    let verdicts = unscanned().judge_all(&task, &codes, &|_| {}).unwrap();
    // Not a measure of speed: were a limit missing, this would not end at all.
    assert!(started.elapsed() < Duration::from_secs(300));
    for ((name, _), verdict) in bombs.iter().zip(&verdicts) {
        println!("{name:<40} {:?} {:?}", verdict.stage, verdict.outcome);
        assert_eq!(verdict.passed, 0, "{name}");
        assert!(verdict.feedback.chars().count() <= 1_200, "{name}");
        assert!(verdict.diagnostics.len() <= 50, "{name}");
        if verdict.stage == Stage::Compile {
            let stopped = matches!(
                verdict.outcome,
                Outcome::CompileError
                    | Outcome::TimeOut { .. }
                    | Outcome::OutOfMemory { .. }
                    | Outcome::Signal { .. }
            );
            assert!(stopped, "{name}: {verdict:#?}");
        }
    }
    let ended = |name: &str| {
        let index = bombs.iter().position(|(bomb, _)| *bomb == name).unwrap();
        verdicts[index].outcome.clone()
    };
    for name in ["2^26 macro calls", "endless const evaluation", "doubling macros"] {
        let outcome = ended(name);
        assert!(
            matches!(
                outcome,
                Outcome::TimeOut { .. } | Outcome::OutOfMemory { .. } | Outcome::CompileError
            ),
            "{name}: {outcome:?}"
        );
    }
}
