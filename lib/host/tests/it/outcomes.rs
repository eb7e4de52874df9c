//! Each way in which a candidate can end, and how it is reported.

use code_evolution_host::judge::{JudgeError, apply_suggestions};
use code_evolution_wire::program::Program;
use code_evolution_wire::task::{Limits, Property, Task};
use code_evolution_wire::verdict::{Outcome, Stage};

use crate::support::{assert_passes, judge, verdict};

fn doubles() -> Task {
    Task::new("fn double(n: u32) -> u32").case((1,), 2).case((2,), 4).case((21,), 42)
}

/// Returns times that no candidate needs, however busy the machine is.
pub fn patient() -> Limits {
    Limits { cpu_ms: 30_000, case_wall_ms: 60_000, wall_ms: 60_000, ..Limits::default() }
}

/// Returns limits that end a hanging candidate soon.
pub fn short() -> Limits {
    Limits { case_wall_ms: 300, wall_ms: 900, cpu_ms: 400, ..Limits::default() }
}

#[test]
fn a_right_answer_passes_and_is_measured() {
    let verdict = verdict(&doubles(), "fn double(n: u32) -> u32 { n * 2 }");
    assert_eq!((verdict.stage, &verdict.outcome), (Stage::Run, &Outcome::Finished));
    assert_eq!((verdict.passed, verdict.total), (3, 3));
    assert!(verdict.cpu_ms > 0.0 && verdict.peak_bytes > 100_000, "{verdict:#?}");
    assert_eq!(verdict.feedback, "All 3 cases pass.");
}

#[test]
fn a_wrong_answer_shows_got_and_expected() {
    let verdict = verdict(&doubles(), "fn double(n: u32) -> u32 { n + 2 }");
    assert_eq!(verdict.passed, 1);
    assert_eq!(verdict.cases[0].got, Some(3.into()));
    assert!(verdict.feedback.contains("double(1): got 3, expected 2"), "{}", verdict.feedback);
}

#[test]
fn a_panic_has_its_message_and_line_and_spares_the_other_cases() {
    let code = "fn double(n: u32) -> u32 {\n    assert!(n != 2, \"two is odd\");\n    n * 2\n}";
    let verdict = verdict(&doubles(), code);
    assert_eq!((verdict.outcome, verdict.passed), (Outcome::Finished, 2));
    let panic = verdict.cases[1].panic.as_ref().unwrap();
    assert_eq!((panic.line, panic.message.as_str()), (Some(2), "two is odd"));
    assert!(verdict.feedback.contains("panicked in line 2: two is odd"), "{}", verdict.feedback);
}

#[test]
fn a_case_can_require_a_panic() {
    let task = Task::new("fn check(n: u32) -> u32").panics_on((0,)).case((1,), 1);
    assert_passes(&task, "fn check(n: u32) -> u32 { assert!(n > 0); n }");
    let lenient = verdict(&task, "fn check(n: u32) -> u32 { n }");
    assert_eq!(lenient.passed, 1);
    assert!(lenient.cases[0].problem.as_ref().unwrap().contains("must panic"));
}

#[test]
fn compile_errors_carry_rustcs_diagnostics_and_no_path() {
    let verdict = verdict(&doubles(), "fn double(n: u32) -> u32 {\n    let x = n;\n    x * y\n}");
    assert_eq!((verdict.stage, &verdict.outcome), (Stage::Compile, &Outcome::CompileError));
    let error = &verdict.diagnostics[0];
    assert_eq!((error.code.as_deref(), error.line), (Some("E0425"), Some(3)));
    assert!(error.rendered.contains("candidate.rs:3:9"), "{}", error.rendered);
    assert!(!serde_json::to_string(&verdict).unwrap().contains("/tmp"), "{verdict:#?}");
    assert!(verdict.feedback.contains("E0425") && verdict.feedback.chars().count() <= 1_200);
}

#[test]
fn a_wrong_signature_is_reported_as_such() {
    for code in ["fn double(n: i64) -> i64 { n }", "fn triple(n: u32) -> u32 { n }"] {
        let verdict = verdict(&doubles(), code);
        assert_eq!(verdict.outcome, Outcome::CompileError);
        assert!(verdict.feedback.contains("`fn double(n: u32) -> u32`"), "{}", verdict.feedback);
    }
}

#[test]
fn rustcs_own_suggestions_repair_the_candidate_that_was_judged() {
    let code = "fn double(n: u32) -> u32 {\n    let x = 0;\n    x += 2 * n;\n    x\n}";
    let verdict = verdict(&doubles(), code);
    let suggestions = &verdict.diagnostics[0].suggestions;
    assert_passes(&doubles(), &apply_suggestions(code, suggestions).unwrap());
}

#[test]
fn warnings_are_collected_where_the_task_asks() {
    let code = "fn double(n: u32) -> u32 { let unused = 1; n * 2 }";
    assert_eq!(verdict(&doubles(), code).diagnostics, []);
    let warned = verdict(&doubles().warnings(), code);
    assert_eq!((warned.passed, warned.warnings()), (3, 1), "{warned:#?}");
    assert_eq!(warned.diagnostics[0].code.as_deref(), Some("unused_variables"));
}

#[test]
fn clippys_lints_are_collected_where_the_task_asks() {
    let clumsy = "fn double(n: u32) -> u32 { return n * 2; }";
    assert_eq!(verdict(&doubles().warnings(), clumsy).diagnostics, []);
    let task = doubles().lints();
    let linted = verdict(&task, clumsy);
    assert_eq!((linted.passed, linted.warnings()), (3, 1), "{linted:#?}");
    let lint = &linted.diagnostics[0];
    assert_eq!((lint.code.as_deref(), lint.line), (Some("clippy::needless_return"), Some(1)));
    assert_eq!(verdict(&task, "fn double(n: u32) -> u32 { n * 2 }").diagnostics, []);
    let unused = "fn double(n: u32) -> u32 { let unused = 1; n * 2 }";
    assert_eq!(verdict(&task, unused).diagnostics, []);
    assert_eq!(verdict(&task.warnings(), unused).warnings(), 1);
}

#[test]
fn clippy_cannot_be_silenced_and_fails_no_candidate() {
    let task = doubles().lints();
    for silenced in [
        "#[allow(clippy::all)]\nfn double(n: u32) -> u32 { return n * 2; }",
        "#[allow(clippy::needless_return, warnings)]\nfn double(n: u32) -> u32 { return n * 2; }",
        "#[expect(clippy::needless_return)]\nfn double(n: u32) -> u32 { return n * 2; }",
    ] {
        assert_eq!(verdict(&task, silenced).warnings(), 1, "{silenced}");
    }
    // This lint is an error unless its level is capped.
    let denied = verdict(&task, "fn double(n: u32) -> u32 { if n == n { n * 2 } else { 0 } }");
    assert_eq!((denied.passed, denied.warnings()), (3, 1), "{denied:#?}");
}

#[test]
fn a_refusal_says_what_to_write_instead() {
    let verdict = verdict(&doubles(), "fn double(n: u32) -> u32 { unsafe { n * 2 } }");
    assert_eq!(verdict.stage, Stage::Scan);
    assert!(verdict.feedback.contains("line 1: `unsafe`"), "{}", verdict.feedback);
}

#[test]
fn an_endless_loop_is_ended_by_its_cpu_time() {
    let code = "fn double(n: u32) -> u32 { loop { std::hint::black_box(n); } }";
    let limits = Limits { cpu_ms: 200, ..Limits::default() };
    let verdict = verdict(&doubles().limits(limits), code);
    assert_eq!((verdict.outcome, verdict.passed), (Outcome::TimeOut { limit_ms: 200 }, 0));
}

#[test]
fn a_sleeper_is_ended_by_the_clock_and_the_other_cases_run() {
    let code = "fn double(n: u32) -> u32 {
        if n == 2 { std::thread::sleep(std::time::Duration::from_secs(9)) }
        n * 2
    }";
    let verdict = verdict(&doubles().limits(short()), code);
    assert_eq!((verdict.outcome, verdict.passed), (Outcome::TimeOut { limit_ms: 300 }, 2));
    assert!(verdict.cases[1].problem.as_ref().unwrap().contains("300 ms"));
}

#[test]
fn too_much_memory_has_its_own_outcome() {
    let code = "fn double(n: u32) -> u32 { let v = vec![n; 1 << 28]; v[n as usize] * 2 }";
    let verdict = verdict(&doubles(), code);
    assert_eq!(verdict.outcome, Outcome::OutOfMemory { limit_bytes: 256 << 20 });
    assert!(verdict.feedback.contains("256 MB"), "{}", verdict.feedback);
}

#[test]
fn deep_recursion_is_called_a_stack_overflow() {
    let code = "fn down(n: u64) -> u64 { std::hint::black_box([n; 64]); down(n + 1) + 1 }
        fn double(n: u32) -> u32 { if n == 2 { down(0) as u32 } else { n * 2 } }";
    let verdict = verdict(&doubles(), code);
    assert_eq!(verdict.passed, 2);
    assert!(matches!(verdict.outcome, Outcome::Signal { number: 6, .. }), "{verdict:#?}");
    assert!(verdict.feedback.contains("overflowed the stack"), "{}", verdict.feedback);
}

#[test]
fn abort_exit_and_a_panic_within_a_panic_have_different_outcomes() {
    for (body, expected) in [
        ("std::process::abort()", Outcome::Signal { number: 6, name: "SIGABRT".to_owned() }),
        ("std::process::exit(3)", Outcome::Exited { code: 3 }),
    ] {
        let verdict = verdict(&doubles(), &format!("fn double(n: u32) -> u32 {{ {body} }}"));
        assert_eq!((verdict.outcome, verdict.passed), (expected, 0));
    }
    let code = "struct Bomb;\nimpl Drop for Bomb { fn drop(&mut self) { panic!(\"second\") } }
        fn double(n: u32) -> u32 { let _bomb = Bomb; panic!(\"first {n}\") }";
    let verdict = verdict(&doubles(), code);
    assert!(matches!(&verdict.outcome, Outcome::Panicked { .. }), "{verdict:#?}");
}

#[test]
fn hidden_cases_count_but_are_not_shown() {
    let task = Task::new("fn f(n: u32) -> String")
        .case((1,), "one")
        .hidden_case((47_110_815,), "the hidden answer");
    let verdict = verdict(&task, "fn f(n: u32) -> String { n.to_string() }");
    assert_eq!((verdict.passed, verdict.total), (0, 2));
    assert!(verdict.feedback.contains("1 hidden case fails"), "{}", verdict.feedback);
    assert!(!verdict.feedback.contains("47110815") && !verdict.feedback.contains("the hidden"));
    let code = "fn f(n: u32) -> String { panic!(\"{n}\") }";
    let panicked = judge().judge(&task, code).unwrap();
    assert!(!panicked.feedback.contains("47110815"), "{}", panicked.feedback);
}

#[test]
fn a_candidate_cannot_carry_hidden_input_into_a_visible_case() {
    let hidden = Task::new("fn f(n: u32) -> String").hidden_case((47_110_815,), "right");
    let task = (1..=5_u32).fold(hidden, |task, n| task.case((n,), "right"));
    for end in ["seen", "panic!(\"{seen}\")", "{ eprintln!(\"{seen}\"); panic!() }"] {
        // A candidate with another text gets another order of the cases.
        for n in 0..4 {
            let code = format!(
                "static SEEN: std::sync::Mutex<Vec<u32>> = std::sync::Mutex::new(Vec::new());
                fn f(n: u32) -> String {{
                    let mut all = SEEN.lock().unwrap_or_else(|broken| broken.into_inner());
                    all.push(n);
                    let seen = format!(\"{{all:?}}\");
                    {end}
                }}
                // {n}"
            );
            let verdict = verdict(&task, &code);
            assert_eq!((verdict.passed, verdict.total), (0, 6), "{verdict:#?}");
            assert!(!verdict.feedback.contains("47110815"), "{}", verdict.feedback);
        }
    }
}

#[test]
fn an_output_limit_of_u64_max_does_not_overflow() {
    let limits = Limits { output_bytes: u64::MAX, ..Limits::default() };
    assert_passes(&doubles().limits(limits), "fn double(n: u32) -> u32 { n * 2 }");
}

#[test]
fn properties_judge_outputs_without_a_fixed_answer() {
    let task = Task::new("fn sort(v: Vec<i32>) -> Vec<i32>")
        .input((vec![3, 1, 2],))
        .property(Property::Ascending)
        .property(Property::PermutationOf(0));
    assert_passes(&task, "fn sort(mut v: Vec<i32>) -> Vec<i32> { v.sort(); v }");
    let cheat = verdict(&task, "fn sort(_: Vec<i32>) -> Vec<i32> { vec![] }");
    assert!(cheat.cases[0].problem.as_ref().unwrap().contains("same elements"), "{cheat:#?}");
}

#[test]
fn a_driver_stands_between_the_cases_and_a_generic_candidate() {
    let task = Task::new("fn retry<T>(times: u32, action: impl FnMut() -> Option<T>) -> Option<T>")
        .driver(
            "fn calls(failures: u32) -> (u32, bool)",
            "fn calls(failures: u32) -> (u32, bool) {
                let mut calls = 0;
                let result = candidate::retry(5, || { calls += 1; (calls > failures).then_some(()) });
                (calls, result.is_some())
            }",
        )
        .case((2,), (3, true))
        .case((9,), (5, false));
    let code = "fn retry<T>(times: u32, mut action: impl FnMut() -> Option<T>) -> Option<T> {
        (0..times).find_map(|_| action())
    }";
    assert_passes(&task, code);
    // The driver uses the standard library's macros, whatever the candidate defines.
    assert_passes(&task, &format!("#[macro_export] macro_rules! vec {{ () => {{}} }}\n{code}"));
}

#[test]
fn cost_grows_with_the_input_and_is_measured_outside() {
    let task = Task::new("fn work(n: u64) -> u64").input((1_000,)).input((3_000_000,));
    let code = "fn work(n: u64) -> u64 { (0..n).fold(0, |sum, i| sum ^ std::hint::black_box(i)) }";
    let verdict = verdict(&task, code);
    assert_eq!(verdict.passed, 2);
    assert!(verdict.cases[1].cpu_ms > 5.0 * verdict.cases[0].cpu_ms, "{:#?}", verdict.cases);
}

#[test]
fn optimised_candidates_are_judged_too() {
    assert_passes(&doubles().opt_level(2), "fn double(n: u32) -> u32 { n * 2 }");
}

#[test]
fn a_candidate_can_do_everything_that_is_allowed() {
    let code = "use std::collections::HashMap;
        fn double(n: u32) -> u32 {
            let start = std::time::Instant::now();
            let big: Vec<u8> = vec![1; 100_000_000];
            let caught = std::panic::catch_unwind(|| panic!(\"caught\"));
            let threads: Vec<_> = (0..8).map(|i| std::thread::spawn(move || i)).collect();
            let sum: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            let map: HashMap<u32, u32> = (0..100).map(|i| (i, i)).collect();
            assert!(caught.is_err() && sum == 28 && map.len() == 100 && big[7] == 1);
            assert!(start.elapsed().as_secs() < 60);
            n * 2
        }";
    assert_passes(&doubles(), code);
}

#[test]
fn the_same_candidate_gets_the_same_verdict() {
    let code = "fn double(n: u32) -> u32 { if n > 1 { panic!(\"{n}\") } n }";
    let (first, second) = (verdict(&doubles(), code), verdict(&doubles(), code));
    assert_eq!(first.feedback, second.feedback);
    assert_eq!((first.passed, first.outcome), (second.passed, second.outcome));
}

#[test]
fn an_optimisation_level_that_does_not_exist_is_a_bad_request() {
    let program = Program { opt_level: 9, ..Program::new("fn main() {}") };
    for error in
        [judge().execute(&program).map(drop), judge().judge(&doubles().opt_level(9), "").map(drop)]
    {
        let Err(JudgeError::BadRequest(message)) = error else { panic!("{error:?}") };
        assert!(message.contains("level 9; choose one from 0 to 3"), "{message}");
    }
}

#[test]
fn a_candidate_that_prints_too_much_is_told_so() {
    // Each of these candidates ends by itself, and one of them answers.
    for body in [
        "for step in 0..200_000 { println!(\"step {step}: looking at {n} once more, and again\"); } n * 2",
        "for _ in 0..3_000 { eprintln!(\"{}\", \"x\".repeat(4_000)); } n * 2",
        "for _ in 0..3_000 { println!(\"{}\", \"x\".repeat(4_000)); } std::process::exit(0)",
    ] {
        let task = doubles().limits(patient());
        let verdict = verdict(&task, &format!("fn double(n: u32) -> u32 {{ {body} }}"));
        assert_eq!(verdict.outcome, Outcome::TooMuchOutput { limit_bytes: 8 << 20 }, "{body}");
        assert!(verdict.feedback.contains("it printed more than 8 MB"), "{}", verdict.feedback);
    }
}

#[test]
fn all_limits_on_threads_have_the_same_wording() {
    let sleep = "std::thread::sleep(std::time::Duration::from_millis(400))";
    for body in [
        "std::thread::Builder::new().stack_size(1 << 30).spawn(move || n * 2).unwrap().join().unwrap()",
        &format!(
            "let all: Vec<_> = (0..900).map(|_| std::thread::spawn(|| {sleep})).collect();
            for one in all {{ one.join().unwrap(); }} n * 2"
        ),
        &format!(
            "let all: Vec<_> = (0..90).map(|_| std::thread::Builder::new().stack_size(1 << 14)
                .spawn(|| {sleep}).unwrap()).collect();
            for one in all {{ one.join().unwrap(); }} n * 2"
        ),
    ] {
        let verdict = verdict(&doubles(), &format!("fn double(n: u32) -> u32 {{ {body} }}"));
        let told =
            "its threads need more than it may have: 64 at once, and 256 MB for all their stacks";
        assert!(verdict.feedback.contains(told), "{body}\n{}", verdict.feedback);
    }
}
