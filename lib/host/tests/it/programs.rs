//! Whole programs: what they read and print, and how they end.

use code_evolution_wire::program::{Program, Status};
use code_evolution_wire::verdict::Stage;

use crate::outcomes::{patient, short};
use crate::support::judge;

#[test]
fn whole_programs_run_from_standard_input_to_standard_output() {
    let mut program = Program::new(
        "fn main() {
            let text = std::io::read_to_string(std::io::stdin()).unwrap();
            println!(\"{}\", text.to_uppercase());
            eprintln!(\"done\");
            std::process::exit(7)
        }",
    );
    program.stdin = "é".repeat(100_000);
    program.limits.captured_bytes = 1 << 20;
    let ended = judge().execute(&program).unwrap();
    assert_eq!((ended.stage, &ended.status), (Stage::Run, &Status::Exited(7)));
    assert_eq!(
        (ended.stdout.trim(), ended.stderr.as_str()),
        ("É".repeat(100_000).as_str(), "done\n")
    );
}

#[test]
fn a_programs_diagnostics_show_what_its_author_wrote() {
    let ended = judge().execute(&Program::new("fn main() { let x: u8 = \"a\"; }")).unwrap();
    let shown = &ended.diagnostics[0].rendered;
    assert!(shown.contains("1 | fn main() {") && !shown.contains("pub"), "{shown}");
}

#[test]
fn whole_programs_report_how_they_ended() {
    for (body, stage, status) in [
        ("let x: u8 = \"a\";", Stage::Compile, Status::CompileError),
        ("unsafe {}", Stage::Scan, Status::Refused),
        ("panic!()", Stage::Run, Status::Exited(101)),
        ("loop { std::hint::black_box(1); }", Stage::Run, Status::TimeOut),
        ("std::thread::sleep(std::time::Duration::from_secs(9))", Stage::Run, Status::TimeOut),
        ("loop { println!(\"{}\", \"flood\".repeat(100)) }", Stage::Run, Status::TooMuchOutput),
        ("std::hint::black_box(vec![1u8; 1 << 30]);", Stage::Run, Status::OutOfMemory),
        ("std::process::abort()", Stage::Run, Status::Signal("SIGABRT".to_owned())),
    ] {
        let mut program = Program::new(format!("fn main() {{ {body} }}"));
        program.limits = if status == Status::TimeOut { short() } else { patient() };
        let ended = judge().execute(&program).unwrap();
        assert_eq!((ended.stage, &ended.status), (stage, &status), "{body}: {ended:#?}");
        assert!(ended.stdout.len() <= 64 << 10);
    }
}

#[test]
fn a_program_that_prints_too_much_is_told_so() {
    let mut program =
        Program::new("fn main() { for _ in 0..3_000 { println!(\"{}\", \"x\".repeat(4_000)) } }");
    program.limits = patient();
    let ended = judge().execute(&program).unwrap();
    assert_eq!((&ended.status, ended.stdout_cut), (&Status::TooMuchOutput, true));
    program.program =
        "fn main() { println!(\"{}\", \"x\".repeat(100_000)); eprintln!(\"y\") }".to_owned();
    let ended = judge().execute(&program).unwrap();
    assert_eq!(
        (&ended.status, ended.stdout_cut, ended.stderr_cut),
        (&Status::Exited(0), true, false)
    );
}
