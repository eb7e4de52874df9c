//! The text and HTML of a verdict.

use code_evolution::show::{Verdict, Verdicts};
use code_evolution_wire::verdict::{
    self as wire, CaseVerdict, Diagnostic, Level, Outcome, Panic, Stage,
};
use serde_json::json;

fn case(n: i64, expected: i64, got: Option<i64>) -> CaseVerdict {
    let panic = Panic { message: "attempt to divide by zero".to_owned(), line: Some(3) };
    CaseVerdict {
        name: format!("half({n})"),
        input: vec![json!(n)],
        expected: Some(json!(expected)),
        got: got.map(|got| json!(got)),
        passed: got == Some(expected),
        problem: None,
        panic: got.is_none().then_some(panic),
        hidden: n > 100,
        cpu_ms: 0.1,
    }
}

fn verdict(outcome: Outcome, cases: Vec<CaseVerdict>) -> wire::Verdict {
    wire::Verdict {
        feedback: "half(4): expected 2, got 3".to_owned(),
        cpu_ms: 1.25,
        peak_bytes: 2_000_000,
        cached: true,
        ..wire::Verdict::new(Stage::Run, outcome, cases)
    }
}

fn diagnostic(message: &str, code: &str) -> Diagnostic {
    Diagnostic {
        level: Level::Error,
        message: message.to_owned(),
        code: Some(code.to_owned()),
        line: Some(1),
        rendered: format!("error[{code}]: {message}\n"),
        label: None,
        suggestions: Vec::new(),
    }
}

#[test]
fn the_text_of_a_mixed_verdict() {
    let cases = vec![case(4, 2, Some(3)), case(6, 3, Some(3)), case(200, 100, None)];
    let shown = Verdict(verdict(Outcome::Finished, cases)).to_string();
    let expected = "\
✗ 1 of 3 cases passed
result    case                expected  got  note
--------  ------------------  --------  ---  -------------------------------------------
✗ failed  half(4)             2         3    wrong output
✓ passed  half(6)             3         3
✗ failed  half(200) (hidden)  100       –    panicked in line 3: attempt to divide by zero";
    let trimmed = |text: &str| text.replace('-', "");
    assert_eq!(trimmed(&shown), trimmed(expected));
}

#[test]
fn a_case_with_its_own_name_also_shows_its_input() {
    let mut named = case(4, 2, Some(2));
    named.name = "even".to_owned();
    let shown = Verdict(verdict(Outcome::Finished, vec![named])).to_string();
    assert!(shown.contains("✓ passed  even  4      2         2"), "{shown}");
    assert!(shown.starts_with("✓ 1 case passed"), "{shown}");
}

#[test]
fn an_input_in_the_name_is_not_shown_twice() {
    let mut named = case(4, 2, Some(2));
    named.name = "even".to_owned();
    let cases = vec![named, case(6, 3, Some(3))];
    let shown = Verdict(verdict(Outcome::Finished, cases)).to_string();
    assert!(shown.contains("✓ passed  even     4      2         2"), "{shown}");
    assert!(shown.contains("✓ passed  half(6)         3         3"), "{shown}");
}

#[test]
fn headlines_say_what_ended_the_candidate() {
    let panic = Panic { message: "boom".to_owned(), line: None };
    let outcomes = [
        (Outcome::Panicked { panic }, "✗ panicked: boom; 0 of 1 case passed"),
        (
            Outcome::Signal { number: 11, name: "SIGSEGV".to_owned() },
            "✗ ended by signal 11 (SIGSEGV); 0 of 1 case passed",
        ),
        (Outcome::Exited { code: 0 }, "✗ exited by itself with code 0; 0 of 1 case passed"),
        (Outcome::TimeOut { limit_ms: 2_000 }, "✗ time-out after 2,000 ms; 0 of 1 case passed"),
        (
            Outcome::OutOfMemory { limit_bytes: 256 << 20 },
            "✗ out of memory, more than 256 MiB; 0 of 1 case passed",
        ),
    ];
    for (outcome, headline) in outcomes {
        let verdict = Verdict(verdict(outcome, vec![case(4, 2, Some(3))]));
        assert_eq!(verdict.headline(), headline);
        assert!(verdict.to_html().contains(headline));
    }
}

#[test]
fn a_headline_names_each_error_once() {
    let shown = |codes: &[&str]| {
        let mut compile = verdict(Outcome::CompileError, vec![]);
        compile.stage = Stage::Compile;
        compile.diagnostics = codes.iter().map(|code| diagnostic("wrong", code)).collect();
        Verdict(compile).headline()
    };
    let twice = shown(&["E0382", "E0308", "E0382"]);
    assert_eq!(twice, "✗ does not compile: 3 errors (E0382, E0308)");
    let many = shown(&["E1", "E2", "E3", "E4", "E5", "E6"]);
    assert_eq!(many, "✗ does not compile: 6 errors (E1, E2, E3, E4, E5, …)");
}

#[test]
fn a_candidate_that_never_ran_shows_no_cases() {
    let mut compile = verdict(Outcome::CompileError, vec![case(4, 2, None)]);
    compile.stage = Stage::Compile;
    compile.diagnostics = vec![diagnostic("mismatched types", "E0308"); 2];
    let compile = Verdict(compile);
    assert_eq!(compile.headline(), "✗ does not compile: 2 errors (E0308)");
    assert_eq!(
        compile.to_string(),
        "✗ does not compile: 2 errors (E0308)\n│ error[E0308]: mismatched types\n\
         │ error[E0308]: mismatched types"
    );
    assert!(!compile.to_html().contains("<table>"));

    let reason = "`include_str!` reads a file; pass the text as a parameter".to_owned();
    let mut refused = verdict(Outcome::Refused { reason: reason.clone() }, vec![case(4, 2, None)]);
    refused.stage = Stage::Scan;
    assert_eq!(Verdict(refused).to_string(), format!("✗ refused: {reason}"));

    let mut slow = verdict(Outcome::TimeOut { limit_ms: 12_000 }, vec![case(4, 2, None)]);
    slow.stage = Stage::Compile;
    assert_eq!(Verdict(slow).to_string(), "✗ time-out after 12,000 ms while compiling");
}

#[test]
fn many_cases_show_the_failed_ones_first() {
    let cases = (1..=60).map(|n| case(2 * n, n, Some(if n == 50 { 0 } else { n }))).collect();
    let verdict = Verdict(verdict(Outcome::Finished, cases));
    let text = verdict.to_string();
    assert!(text.contains("half(100)") && !text.contains("half(2)"), "{text}");
    assert!(text.ends_with("(59 cases more)"), "{text}");
    let html = verdict.to_html();
    assert!(html.contains("<summary>all 60 cases</summary>"));
    assert!(html.contains("half(2)"));
}

#[test]
fn a_population_and_its_cost_are_two_tables() {
    let good = verdict(Outcome::Finished, vec![case(4, 2, Some(2))]);
    let bad = verdict(Outcome::Finished, vec![case(4, 2, None)]);
    let population: Verdicts = [good, bad].into_iter().map(Verdict).collect();
    assert_eq!(population.len(), 2);
    let text = population.to_string();
    assert!(text.contains("        1  ✓ 1 case passed"), "{text}");
    assert!(text.contains("half(4): panicked in line 3: attempt to divide by zero"), "{text}");
    let cost = population.cost().to_string();
    assert!(cost.contains("1.25") && cost.contains("yes"), "{cost}");
}
