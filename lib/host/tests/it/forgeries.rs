//! Candidates that try to talk their way to a score, each scored as what it is.

use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::{Outcome, Stage, Verdict};

use crate::outcomes::short;
use crate::support::{assert_passes, unscanned, verdict};

/// Four cases; the candidate must return its input plus one.
fn task() -> Task {
    let task = Task::new("fn next(n: u32) -> u32").limits(short());
    (1..=4_u32).fold(task, |task, n| task.case((n,), n + 1))
}

/// A candidate with this body, and with the socket to the judge at hand.
fn body(body: &str) -> String {
    format!(
        "use std::io::{{Read, Write}};
        use std::os::fd::AsFd;
        #[allow(dead_code)]
        fn socket() -> std::fs::File {{
            std::io::stdin().as_fd().try_clone_to_owned().unwrap().into()
        }}
        #[allow(dead_code)]
        fn frame(tag: u8, value: u32) -> Vec<u8> {{
            let mut frame = vec![5, 0, 0, 0, tag];
            frame.extend(value.to_le_bytes());
            frame
        }}
        pub fn next(n: u32) -> u32 {{ {body} }}"
    )
}

#[track_caller]
fn fails(code: &str) -> Verdict {
    let verdict = verdict(&task(), code);
    assert!(verdict.passed < verdict.total, "{code}\n{verdict:#?}");
    verdict
}

#[track_caller]
fn violates(code: &str) -> String {
    match fails(code).outcome {
        Outcome::ProtocolViolation { reason } => reason,
        other => panic!("{code}\n{other:?}"),
    }
}

#[test]
fn printing_pass_and_exiting() {
    let verdict = fails(&body("println!(\"PASS 4/4\"); std::process::exit(0)"));
    assert_eq!((verdict.outcome, verdict.passed), (Outcome::Exited { code: 0 }, 0));
}

#[test]
fn a_panic_hook_that_exits() {
    let code = body("std::panic::set_hook(Box::new(|_| std::process::exit(0))); panic!(\"{n}\")");
    assert_eq!(fails(&code).passed, 0);
}

#[test]
fn shadowing_macros_and_modules_changes_nothing() {
    let shadows = "#[macro_use] mod m { #[macro_export] macro_rules! println { ($($t:tt)*) => { std::process::exit(0) } } }
        pub mod std_shadow {}
        pub mod code_evolution_harness { pub fn serve<T>(_: T) { } pub trait Encode {} }
        pub struct Vec; pub enum Result {}";
    assert_passes(&task(), &format!("{shadows}\npub fn next(n: u32) -> u32 {{ n + 1 }}"));
    assert_eq!(fails(&format!("{shadows}\npub fn next(_: u32) -> u32 {{ 0 }}")).passed, 0);
}

#[test]
fn brace_injection_does_not_leave_the_file() {
    for code in [
        "pub fn next(n: u32) -> u32 { n } } fn main() { println!(\"PASS\"); } mod x {",
        "pub fn next(n: u32) -> u32 { n } /*",
        "pub fn next(n: u32) -> u32 { n } const X: &str = r#\"",
    ] {
        assert_eq!(fails(code).stage, Stage::Compile);
    }
}

#[test]
fn another_main_does_not_link() {
    let code = "#[unsafe(no_mangle)] pub extern \"C\" fn main() -> i32 { 0 }
        pub fn next(n: u32) -> u32 { n + 1 }";
    assert_eq!(fails(code).stage, Stage::Scan);
    assert!(!unscanned().judge(&task(), code).unwrap().compiled());
}

#[test]
fn code_before_main_only_ends_its_own_process() {
    let code = "extern \"C\" fn first() { std::process::exit(0) }
        #[used] #[unsafe(link_section = \".init_array\")] static F: extern \"C\" fn() = first;
        pub fn next(n: u32) -> u32 { n + 1 }";
    let verdict = unscanned().judge(&task(), code).unwrap();
    assert_eq!((verdict.outcome, verdict.passed), (Outcome::Exited { code: 0 }, 0));
}

#[test]
fn overriding_memcmp_does_not_reach_the_judge() {
    let code = "#[unsafe(no_mangle)] pub extern \"C\" fn memcmp(_: *const u8, _: *const u8, _: usize) -> i32 { 0 }
        pub fn next(_: u32) -> u32 { 0 }";
    assert_eq!(unscanned().judge(&task(), code).unwrap().passed, 0);
}

#[test]
fn frames_ahead_of_the_request() {
    let reason =
        violates(&body("for _ in 0..4 { socket().write_all(&frame(0, n + 1)).unwrap(); } n + 1"));
    assert!(reason.contains("bytes"), "{reason}");
}

#[test]
fn a_frame_of_its_own_beside_the_harness() {
    violates(&body("socket().write_all(&frame(0, n + 1)).unwrap(); n + 1"));
}

#[test]
fn a_background_thread_that_answers() {
    let code = body(
        "std::thread::spawn(move || loop {
            let _ = socket().write_all(&frame(0, 2));
            std::thread::sleep(std::time::Duration::from_millis(1));
        });
        std::thread::sleep(std::time::Duration::from_millis(20));
        n",
    );
    violates(&code);
}

#[test]
fn a_huge_frame() {
    assert!(violates(&body("socket().write_all(&[255; 64]).unwrap(); n + 1")).contains("allowed"));
}

#[test]
fn a_bad_tag() {
    let reason =
        violates(&body("socket().write_all(&frame(9, n + 1)).unwrap(); std::process::exit(0)"));
    assert!(reason.contains("tag 9"), "{reason}");
}

#[test]
fn an_empty_frame_and_one_that_is_too_short() {
    for bytes in ["[0, 0, 0, 0]", "[3, 0, 0, 0, 0, 1, 2]", "[2, 0, 0, 0, 1, 0]"] {
        let code =
            body(&format!("socket().write_all(&{bytes}).unwrap(); std::process::exit(n as i32)"));
        violates(&code);
    }
}

#[test]
fn a_good_frame_of_its_own_is_an_answer_like_any_other() {
    // It may answer by hand; but only the input asked, once, and with the right value.
    let code = body("socket().write_all(&frame(0, 77)).unwrap(); loop { std::thread::park() }");
    assert_eq!(fails(&code).passed, 0);
}

#[test]
fn text_that_is_not_utf8() {
    let task = Task::new("fn name() -> String").case((), "x").limits(short());
    let code = "use std::os::fd::AsFd; use std::io::Write;
        pub fn name() -> String {
            let mut socket: std::fs::File = std::io::stdin().as_fd().try_clone_to_owned().unwrap().into();
            socket.write_all(&[6, 0, 0, 0, 0, 1, 0, 0, 0, 255]).unwrap();
            std::process::exit(0)
        }";
    let verdict = verdict(&task, code);
    assert!(matches!(verdict.outcome, Outcome::ProtocolViolation { .. }), "{verdict:#?}");
}

#[test]
fn reading_ahead_finds_nothing() {
    let verdict = fails(&body("let mut b = [0; 8]; socket().read_exact(&mut b).unwrap(); n + 1"));
    assert!(matches!(verdict.outcome, Outcome::TimeOut { .. }), "{verdict:#?}");
}

#[test]
fn a_partial_frame_then_a_hang() {
    let verdict =
        fails(&body("socket().write_all(&[5, 0]).unwrap(); loop { std::thread::park() }"));
    assert!(matches!(verdict.outcome, Outcome::TimeOut { .. }), "{verdict:#?}");
    assert_eq!(verdict.passed, 0);
    assert_eq!(n_run(&verdict), 3, "wall time for three tries: {verdict:#?}");
}

fn n_run(verdict: &Verdict) -> usize {
    let not_run = |problem: &String| problem.starts_with("not run");
    verdict.cases.iter().filter(|case| !case.problem.as_ref().is_some_and(not_run)).count()
}

#[test]
fn noise_on_standard_output_still_scores_full() {
    assert_passes(
        &task(),
        &body(
            "println!(\"PASS\"); eprintln!(\"error: memory allocation of 1 bytes failed\");
            for _ in 0..1000 { println!(\"{}\", \"noise\".repeat(50)); eprintln!(\"x\"); }
            n + 1",
        ),
    );
}

#[test]
fn floods_on_standard_output_are_stopped() {
    for print in ["println", "eprintln"] {
        let code = body(&format!("loop {{ {print}!(\"{{}}\", \"flood\".repeat(1000)) }}"));
        let verdict = fails(&code);
        assert!(matches!(verdict.outcome, Outcome::TimeOut { .. }), "{verdict:#?}");
    }
}

#[test]
fn too_slow_is_a_time_out() {
    let code = body("std::thread::sleep(std::time::Duration::from_millis(600)); n + 1");
    assert!(matches!(fails(&code).outcome, Outcome::TimeOut { .. }));
}

#[test]
fn a_constant_guess_scores_what_it_hits() {
    assert_eq!(fails(&body("let _ = n; 3")).passed, 1);
}

#[test]
fn reading_its_own_executable_fails() {
    for path in ["/proc/self/exe", "candidate", "main.rs", "candidate.rs"] {
        let code = body(&format!("std::fs::read({path:?}).map_or(0, |_| n + 1)"));
        assert_eq!(fails(&code).passed, 0, "{path}");
    }
}

#[test]
fn closing_descriptors_ends_the_conversation() {
    let code = "use std::os::fd::FromRawFd;
        pub fn next(_: u32) -> u32 {
            for fd in 0..16 { drop(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) }); }
            loop { std::thread::park() }
        }";
    let verdict = unscanned().judge(&task(), code).unwrap();
    assert_eq!(verdict.passed, 0, "{verdict:#?}");
    assert_ne!(verdict.outcome, Outcome::Finished);
}

#[test]
fn a_wrong_signature_does_not_compile() {
    assert_eq!(fails("pub fn next(n: u64) -> u64 { n + 1 }").stage, Stage::Compile);
}

#[test]
fn calling_the_harness_itself_changes_nothing() {
    let code = "fn zero(_: &mut code_evolution_harness::Input<'_>, output: &mut Vec<u8>) {
            output.extend([0; 4]);
        }
        pub fn next(_: u32) -> u32 { code_evolution_harness::serve(zero); 0 }";
    assert_eq!(fails(code).passed, 0);
}

#[test]
fn claiming_to_be_out_of_memory_is_only_another_way_to_fail() {
    let code = body(
        "eprintln!(\"memory allocation of 1 bytes failed\"); let _ = n; std::process::abort()",
    );
    assert_eq!(fails(&code).passed, 0);
}

#[test]
fn a_panic_with_a_huge_or_odd_message_is_cut() {
    let verdict =
        fails(&body("panic!(\"{}\", \"<script>\\u{1b}[2J\".repeat(100_000 + n as usize))"));
    assert!(verdict.cases[0].panic.as_ref().unwrap().message.len() <= 2_000);
    assert!(verdict.feedback.chars().count() <= 1_200);
    let verdict = fails(&body("std::panic::panic_any(n)"));
    assert!(verdict.cases[0].panic.is_some());
}

#[test]
fn too_many_threads_are_stopped() {
    let code = body(
        "let mut threads = vec![];
        loop { threads.push(std::thread::Builder::new().stack_size(1 << 14).spawn(|| loop { std::thread::park() })); if n == 0 { return 0 } }",
    );
    let verdict = fails(&code);
    assert_ne!(verdict.outcome, Outcome::Finished);
    assert_eq!(verdict.passed, 0);
}

#[test]
fn a_too_large_output_is_refused_by_the_judge() {
    let task = Task::new("fn list() -> Vec<u8>").case((), vec![1]).limits(short());
    let verdict = verdict(&task, "pub fn list() -> Vec<u8> { vec![1; 2 << 20] }");
    assert!(matches!(verdict.outcome, Outcome::ProtocolViolation { .. }), "{verdict:#?}");
    let task =
        Task::new("fn list() -> Vec<()>").property(code_evolution_wire::task::Property::Ascending);
    let task = task.input(()).limits(short());
    let verdict =
        crate::support::verdict(&task, "pub fn list() -> Vec<()> { vec![(); 4_000_000_000] }");
    assert_eq!(verdict.passed, 0, "{:?}", verdict.outcome);
}
