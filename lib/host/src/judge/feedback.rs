//! Writes what a model is told about a verdict. About hidden cases, the text says only how many fail and
//! which limit of time they met. It contains no timings and nothing about this machine, so the same candidate
//! gets the same text.

use std::collections::BTreeSet;

use code_evolution_wire::task::Task;
use code_evolution_wire::text::clip;
use code_evolution_wire::verdict::{CaseVerdict, Diagnostic, Level, Outcome, Stage, Verdict};

use super::cases::CaseRun;
use super::prepared::PANICKED;

/// The longest feedback, in characters.
const MAX_FEEDBACK: usize = 1_200;
/// The most compiler errors that are shown.
const MAX_ERRORS: usize = 4;
/// The most failing cases that are shown.
const MAX_CASES: usize = 5;
/// The longest part about one case or one value, in characters.
const MAX_PART: usize = 240;

/// Returns the text for a verdict; `case_runs` says what happened to each case.
pub fn feedback(task: &Task, verdict: &Verdict, case_runs: &[CaseRun]) -> String {
    let text = match (&verdict.outcome, verdict.stage) {
        (Outcome::Refused { reason }, _) => format!("The code was refused: {reason}."),
        (outcome, Stage::Scan | Stage::Compile) => compile(task, verdict, outcome),
        (_, Stage::Run) => cases(verdict, case_runs),
    };
    clip(&text, MAX_FEEDBACK)
}

fn compile(task: &Task, verdict: &Verdict, outcome: &Outcome) -> String {
    match outcome {
        Outcome::TimeOut { .. } => {
            "Compiling took too long. Write simpler code, without large macros or constants."
                .to_owned()
        }
        Outcome::OutOfMemory { .. } => {
            "Compiling took too much memory. Write simpler code, without large macros or constants."
                .to_owned()
        }
        Outcome::Signal { .. } => {
            "The compiler crashed on the code. Write simpler code.".to_owned()
        }
        _ => {
            let errors: Vec<_> =
                verdict.diagnostics.iter().filter(|said| said.level == Level::Error).collect();
            let count = count(errors.len(), "error", "errors");
            let mut text = format!("The code does not compile ({count}):\n");
            if errors.iter().any(|error| error.line.is_none()) {
                text.push_str(&format!(
                    "The function must have exactly this signature: `{}`\n",
                    task.signature
                ));
            }
            let shown = errors.len().min(MAX_ERRORS);
            let room = (MAX_FEEDBACK - text.chars().count() - 40) / shown.max(1);
            for error in &errors[..shown] {
                text.push_str(&error_text(error, room));
                text.push('\n');
            }
            text.trim_end().to_owned()
        }
    }
}

/// Shortens an error to at most this many characters. If the cut removes what was expected (the label at the
/// end), the first line repeats it.
fn error_text(error: &Diagnostic, room: usize) -> String {
    let text = clip(&error.rendered, room);
    let label = error.label.as_deref().unwrap_or_default();
    match (label.is_empty() || text.contains(label), error.rendered.split_once('\n')) {
        (false, Some((first, rest))) => clip(&format!("{first}: {label}\n{rest}"), room),
        _ => text,
    }
}

fn cases(verdict: &Verdict, case_runs: &[CaseRun]) -> String {
    let (passed, total) = (verdict.passed, verdict.total);
    let mut text = match (passed, total) {
        (1, 1) => return "The only case passes.".to_owned(),
        (0, 1) => "The only case fails.".to_owned(),
        _ if passed == total => return format!("All {total} cases pass."),
        (1, _) => format!("1 of {total} cases passes."),
        _ => format!("{passed} of {total} cases pass."),
    };
    let failing = verdict.cases.iter().zip(case_runs).filter(|(case, _)| !case.passed);
    let (hidden, visible): (Vec<_>, Vec<_>) = failing.partition(|(case, _)| case.hidden);
    let (not_run, ran): (Vec<_>, Vec<_>) =
        visible.into_iter().partition(|(_, fate)| **fate == CaseRun::NotRun);
    for (case, _) in ran.iter().take(MAX_CASES) {
        text.push('\n');
        text.push_str(&clip(&describe(case), MAX_PART));
    }
    for (number, one, many) in [
        (ran.len().saturating_sub(MAX_CASES), "more case fails", "more cases fail"),
        (not_run.len(), "case was not run", "cases were not run"),
        (hidden.len(), "hidden case fails", "hidden cases fail"),
    ] {
        if number > 0 {
            text.push_str(&format!("\n{}.", count(number, one, many)));
        }
    }
    // The limit of time that a case met reveals nothing of its input, and a busy machine may be the reason.
    let late = hidden.iter().filter_map(|(_, fate)| match fate {
        CaseRun::OutOfTime(limit_ms) => Some(*limit_ms),
        CaseRun::NotRun | CaseRun::Ran => None,
    });
    for limit_ms in late.collect::<BTreeSet<_>>() {
        text.push_str(&format!("\nA hidden case took longer than {limit_ms} ms."));
    }
    text
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn describe(case: &CaseVerdict) -> String {
    let arguments: Vec<String> = case.input.iter().map(ToString::to_string).collect();
    let input = clip(&arguments.join(", "), 80);
    let mut text = format!("- {} (input {input}): ", case.name);
    if case.name.ends_with(&format!("({})", arguments.join(", "))) {
        text = format!("- {}: ", case.name);
    }
    match (&case.panic, &case.got, &case.problem) {
        (Some(panic), ..) => {
            let line = panic.line.map(|line| format!(" in line {line}")).unwrap_or_default();
            // A message such as `Os { code: 11 }` names no limit, so the judge names it.
            let named = case.problem.as_deref().filter(|problem| *problem != PANICKED);
            text.push_str(&format!("panicked{line}: {}", named.unwrap_or(&panic.message)));
        }
        (None, Some(got), problem) => {
            text.push_str(&format!("got {}", clip(&got.to_string(), 60)));
            if let Some(expected) = &case.expected {
                text.push_str(&format!(", expected {}", clip(&expected.to_string(), 60)));
            }
            if let Some(problem) = problem {
                text.push_str(&format!(", {problem}"));
            }
        }
        (None, None, Some(problem)) => text.push_str(problem),
        (None, None, None) => text.push_str("no answer"),
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the feedback on cases with these `hidden` flags, if only the first `passed` cases pass.
    fn told(hidden: &[bool], passed: usize, case_runs: &[CaseRun]) -> String {
        let mut task = Task::new("fn f(n: usize) -> usize");
        for (n, hidden) in hidden.iter().enumerate() {
            task = match hidden {
                true => task.hidden_case((n,), n),
                false => task.case((n,), n),
            };
        }
        let verdict = |(index, case): (usize, &code_evolution_wire::task::Case)| CaseVerdict {
            name: case.name.clone(),
            input: case.input.clone(),
            expected: case.expected.clone(),
            got: None,
            passed: index < passed,
            problem: Some("wrong".to_owned()),
            panic: None,
            hidden: case.hidden,
            cpu_ms: 0.0,
        };
        let cases = task.cases.iter().enumerate().map(verdict).collect();
        feedback(&task, &Verdict::new(Stage::Run, Outcome::Finished, cases), case_runs)
    }

    #[test]
    fn singular_and_plural_are_correct() {
        let (no, yes, ran, not) = (false, true, CaseRun::Ran, CaseRun::NotRun);
        assert_eq!(told(&[no], 1, &[ran]), "The only case passes.");
        assert_eq!(told(&[yes], 0, &[ran]), "The only case fails.\n1 hidden case fails.");
        assert_eq!(told(&[no; 3], 3, &[ran; 3]), "All 3 cases pass.");
        assert_eq!(told(&[no; 2], 1, &[ran; 2]), "1 of 2 cases passes.\n- f(1): wrong");
        assert_eq!(
            told(&[no, no, no, yes, yes], 0, &[ran, not, not, ran, not]),
            "0 of 5 cases pass.\n- f(0): wrong\n2 cases were not run.\n2 hidden cases fail."
        );
        let many = told(&[no; 8], 1, &[ran, ran, ran, ran, ran, ran, ran, not]);
        let end = "\n- f(5): wrong\n1 more case fails.\n1 case was not run.";
        assert!(many.starts_with("1 of 8 cases passes.") && many.ends_with(end), "{many}");
    }

    #[test]
    fn a_cut_error_keeps_what_was_expected() {
        let label = "expected `u64`, found `String`";
        let error = |lines| Diagnostic {
            level: Level::Error,
            message: "mismatched types".to_owned(),
            code: Some("E0308".to_owned()),
            line: Some(9),
            label: Some(label.to_owned()),
            rendered: format!("error[E0308]: mismatched types\n{}^ {label}", "  |\n".repeat(lines)),
            suggestions: Vec::new(),
        };
        assert_eq!(error_text(&error(3), 200), error(3).rendered);
        let told = error_text(&error(300), 200);
        assert!(told.starts_with(&format!("error[E0308]: mismatched types: {label}\n")), "{told}");
        assert_eq!(told.chars().count(), 200);
    }

    #[test]
    fn a_hidden_case_that_met_a_limit_of_time_says_so() {
        let late = CaseRun::OutOfTime(2_000);
        assert_eq!(
            told(&[false, true, true, true], 1, &[CaseRun::Ran, late, late, CaseRun::Ran]),
            "1 of 4 cases passes.\n3 hidden cases fail.\nA hidden case took longer than 2000 ms."
        );
        assert_eq!(
            told(&[true], 0, &[CaseRun::NotRun]),
            "The only case fails.\n1 hidden case fails."
        );
    }
}
