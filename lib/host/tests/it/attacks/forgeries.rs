//! Candidates that try to cheat their way to a score; each gets the score that it deserves.

use code_evolution_wire::task::{Property, Task};
use code_evolution_wire::verdict::Verdict;

use super::{Ends, NotCompiled, Scores, Violates, Worthless, attacks};
use crate::outcomes::short;
use crate::support::verdict;

/// Returns a task with four cases; the candidate must return its input plus one.
fn task() -> Task {
    (1..=4_u32).fold(Task::new("fn next(n: u32) -> u32"), |task, n| task.case((n,), n + 1))
}

fn code(code: &str) -> (Task, String) {
    (task(), code.to_owned())
}

/// Returns a candidate with this body, which can use the socket to the judge.
fn body(body: &str) -> (Task, String) {
    code(&format!(
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
    ))
}

/// Returns a candidate that answers with these bytes and exits.
fn sends(bytes: &str) -> (Task, String) {
    body(&format!("socket().write_all(&{bytes}).unwrap(); std::process::exit(n as i32)"))
}

/// Returns a candidate that answers right if it can read this file.
fn reads(path: &str) -> (Task, String) {
    body(&format!("std::fs::read({path:?}).map_or(0, |_| n + 1)"))
}

const SHADOWS: &str = "#[macro_use] mod m {
        #[macro_export] macro_rules! println { ($($t:tt)*) => { std::process::exit(0) } }
    }
    pub mod std_shadow {}
    pub mod code_evolution_harness { pub fn serve<T>(_: T) { } pub trait Encode {} }
    pub struct Vec; pub enum Result {}";

const HARNESS: &str = "fn zero(_: &mut code_evolution_harness::Input<'_>, output: &mut Vec<u8>) {
        output.extend([0; 4]);
    }
    pub fn next(_: u32) -> u32 { code_evolution_harness::serve(zero); 0 }";

/// Returns a candidate with an output of another type than a number.
fn lists(output: &str, expression: &str) -> (Task, String) {
    let task = Task::new(format!("fn list() -> {output}")).property(Property::Ascending).input(());
    (task, format!("pub fn list() -> {output} {{ {expression} }}"))
}

fn not_utf8() -> (Task, String) {
    let code = "use std::os::fd::AsFd; use std::io::Write;
        pub fn name() -> String {
            let mut socket: std::fs::File =
                std::io::stdin().as_fd().try_clone_to_owned().unwrap().into();
            socket.write_all(&[6, 0, 0, 0, 0, 1, 0, 0, 0, 255]).unwrap();
            std::process::exit(0)
        }";
    (Task::new("fn name() -> String").case((), "x"), code.to_owned())
}

attacks! { Forgery:
    printing_pass_and_exiting => Ends(&["exit 0"]),
        body("println!(\"PASS 4/4\"); std::process::exit(0)");
    panic_hook_that_exits => Ends(&["exit 0"]),
        body("std::panic::set_hook(Box::new(|_| std::process::exit(0))); panic!(\"{n}\")");
    shadowed_names_and_a_right_answer => Scores(4),
        code(&format!("{SHADOWS}\npub fn next(n: u32) -> u32 {{ n + 1 }}"));
    shadowed_names_and_a_wrong_answer => Scores(0),
        code(&format!("{SHADOWS}\npub fn next(_: u32) -> u32 {{ 0 }}"));
    brace_injection => NotCompiled,
        code("pub fn next(n: u32) -> u32 { n } } fn main() { println!(\"PASS\"); } mod x {");
    comment_injection => NotCompiled, code("pub fn next(n: u32) -> u32 { n } /*");
    string_injection => NotCompiled, code("pub fn next(n: u32) -> u32 { n } const X: &str = r#\"");
    wrong_signature => NotCompiled, code("pub fn next(n: u64) -> u64 { n + 1 }");
    another_main => NotCompiled, code(
        "#[unsafe(no_mangle)] pub extern \"C\" fn main() -> i32 { 0 }
        pub fn next(n: u32) -> u32 { n + 1 }"
    );
    code_before_main => Ends(&["exit 0"]), code(
        "extern \"C\" fn first() { std::process::exit(0) }
        #[used] #[unsafe(link_section = \".init_array\")] static F: extern \"C\" fn() = first;
        pub fn next(n: u32) -> u32 { n + 1 }"
    );
    overriding_memcmp => Worthless, code(
        "#[unsafe(no_mangle)] pub extern \"C\" fn memcmp(_: *const u8, _: *const u8, _: usize) -> i32 { 0 }
        pub fn next(_: u32) -> u32 { 0 }"
    );

    frames_ahead_of_the_request => Violates("bytes"),
        body("for _ in 0..4 { socket().write_all(&frame(0, n + 1)).unwrap(); } n + 1");
    frame_of_its_own_beside_the_harness => Violates("bytes"),
        body("socket().write_all(&frame(0, n + 1)).unwrap(); n + 1");
    background_thread_that_answers => Violates("bytes"), body(
        "std::thread::spawn(move || loop {
            let _ = socket().write_all(&frame(0, 2));
            std::thread::sleep(std::time::Duration::from_millis(1));
        });
        std::thread::sleep(std::time::Duration::from_millis(20));
        n"
    );
    huge_frame => Violates("allowed"), body("socket().write_all(&[255; 64]).unwrap(); n + 1");
    unknown_tag => Violates("tag 9"), sends("frame(9, n + 1)");
    empty_frame => Violates("empty"), sends("[0, 0, 0, 0]");
    frame_that_is_too_short => Violates("bad frame"), sends("[3, 0, 0, 0, 0, 1, 2]");
    panic_frame_that_is_too_short => Violates("bad frame"), sends("[2, 0, 0, 0, 1, 0]");
    text_that_is_not_utf8 => Violates("bad frame"), not_utf8();
    // A candidate may write an answer by hand, but it counts only for the current input, once, with the right
    // value.
    good_frame_with_a_wrong_answer => Ends(&["time-out"]),
        body("socket().write_all(&frame(0, 77)).unwrap(); loop { std::thread::park() }");
    reading_ahead => Ends(&["time-out"]),
        body("let mut b = [0; 8]; socket().read_exact(&mut b).unwrap(); n + 1");
    partial_frame_then_a_hang => Ends(&["time-out"]),
        body("socket().write_all(&[5, 0]).unwrap(); loop { std::thread::park() }");
    closing_descriptors => Ends(&["SIGABRT", "violation: it closed the channel to the judge"]), code(
        "use std::os::fd::FromRawFd;
        pub fn next(_: u32) -> u32 {
            for fd in 0..16 { drop(unsafe { std::os::fd::OwnedFd::from_raw_fd(fd) }); }
            loop { std::thread::park() }
        }"
    );
    calling_the_harness_itself => Ends(&["time-out"]), code(HARNESS);

    noise_and_a_right_answer => Scores(4), body(
        "println!(\"PASS\"); eprintln!(\"error: memory allocation of 1 bytes failed\");
        for _ in 0..1000 { println!(\"{}\", \"noise\".repeat(50)); eprintln!(\"x\"); }
        n + 1"
    );
    flood_on_standard_output => Ends(&["printed too much"]),
        body("loop { println!(\"{}\", \"flood\".repeat(1000 + n as usize)) }");
    flood_on_standard_error => Ends(&["printed too much"]),
        body("loop { eprintln!(\"{}\", \"flood\".repeat(1000 + n as usize)) }");
    too_slow => Ends(&["time-out"]),
        body("std::thread::sleep(std::time::Duration::from_secs(60)); n + 1");
    constant_guess => Scores(1), body("let _ = n; 3");
    too_many_threads => Ends(&["too many threads", "time-out", "out of memory", "panicked"]), body(
        "let mut threads = vec![];
        loop {
            let thread = std::thread::Builder::new().stack_size(1 << 14);
            threads.push(thread.spawn(|| loop { std::thread::park() }));
            if n == 0 { return 0 }
        }"
    );
    claiming_to_be_out_of_memory => Ends(&["out of memory"]), body(
        "eprintln!(\"memory allocation of 1 bytes failed\"); let _ = n; std::process::abort()"
    );
    panic_with_a_huge_message => Scores(0),
        body("panic!(\"{}\", \"<script>\\u{1b}[2J\".repeat(100_000 + n as usize))");
    panic_with_a_number => Scores(0), body("std::panic::panic_any(n)");
    too_large_output => Violates("allowed"), lists("Vec<u8>", "vec![1; 2 << 20]");
    four_billion_empty_values => Ends(&["time-out"]), lists("Vec<()>", "vec![(); 4_000_000_000]");

    reading_its_own_executable => Scores(0), reads("/proc/self/exe");
    reading_the_executable_by_name => Scores(0), reads("candidate");
    reading_the_program_around_it => Scores(0), reads("main.rs");
    reading_its_own_source => Scores(0), reads("candidate.rs");
    reading_the_secret => Scores(0), reads("SECRET");
    reading_the_judges_memory => Scores(0), reads("/proc/HOST/mem");
}

#[track_caller]
fn judged((task, code): (Task, String)) -> Verdict {
    verdict(&task.limits(short()), &code)
}

#[test]
fn a_hang_costs_the_wall_time_of_at_most_three_tries() {
    let verdict =
        judged(body("socket().write_all(&[5, 0]).unwrap(); loop { std::thread::park() }"));
    let not_run = |problem: &String| problem.starts_with("not run");
    let tried = verdict.cases.iter().filter(|case| !case.problem.as_ref().is_some_and(not_run));
    assert!((1..=3).contains(&tried.count()), "{verdict:#?}");
}

#[test]
fn a_long_panic_message_is_cut() {
    let verdict = judged(body("panic!(\"{}\", \"<script>\".repeat(100_000 + n as usize))"));
    assert!(verdict.cases[0].panic.as_ref().unwrap().message.len() <= 2_000);
    assert!(judged(body("std::panic::panic_any(n)")).cases[0].panic.is_some());
}
