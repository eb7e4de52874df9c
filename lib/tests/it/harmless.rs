//! Whatever a model or a candidate writes, a cell shows no active HTML, nothing that the kernel obeys, and
//! nothing that a reader cannot see.

use code_evolution::show::{
    Admission, Code, Diff, Examination, Execution, FitnessCurve, Individual, Lineage, Quote, Stack,
    Table, Verdict, Verdicts, Verification,
};
use code_evolution::{Error, inert};
use code_evolution_wire::program::{self as wire_program, Status};
use code_evolution_wire::protocol::{Failure, FailureKind};
use code_evolution_wire::toolbox as wire_toolbox;
use code_evolution_wire::verdict::{
    self as wire, CaseVerdict, Diagnostic, Level, Outcome, Panic, Stage, Timings,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::page;

/// Pieces of attacks; a hostile text is a random sequence of them.
const PIECES: [&str; 40] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</pre></div></td></table></details>",
    "<!--",
    "]]>",
    "&lt;script&gt;",
    "&#60;b&#62;",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>x</a>",
    "$\\href{javascript:alert(1)}{x}$",
    "EVCXR_BEGIN_CONTENT text/html",
    "x EVCXR_BEGIN_CONTENT text/html",
    "EVCXR_END_CONTENT",
    "EVCXR_EXECUTION_COMPLETE",
    "EVCXR_INPUT_REQUEST:your key",
    "EVCXR_INPUT_REQUEST_PASSWORD:your key",
    "EVCXR_PANIC_NOTIFICATION",
    "EVCXR_ERROR_OCCURRED",
    "EVCXR_VARIABLE_CHANGED_TYPE:lab",
    "EVCXR",
    "_",
    "_BEGIN_CONTENT text/html",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\u{1b}[2J\u{1b}[31m",
    "\u{1b}]8;;http://example.org\u{7}x\u{1b}]8;;\u{7}",
    "\u{9b}31m",
    "\u{0}\u{8}\u{c}\u{7f}",
    "\u{202e}drawkcab\u{202c}",
    "\u{2066}x\u{2069}",
    "\u{200b}\u{200d}\u{feff}\u{ad}",
    "\u{2028}\u{2029}\u{85}",
    "\u{e0041}\u{fe0f}\u{fe0f}",
    "🔐 ✅ ⚠\u{fe0f}",
    "ordinary words",
    "日本語 हिन्दी",
    "\\u{202e}",
];

fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => prop::sample::select(PIECES.as_slice()).prop_map(str::to_owned),
        1 => prop::collection::vec(any::<char>(), 0..8).prop_map(String::from_iter),
    ];
    prop::collection::vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        hostile().prop_map(Value::String),
        any::<i64>().prop_map(|n| json!(n)),
        hostile().prop_map(|text| json!([text, { text.clone(): null }])),
    ]
}

fn panic() -> impl Strategy<Value = Panic> {
    (hostile(), any::<Option<u32>>()).prop_map(|(message, line)| Panic { message, line })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => Just(Outcome::Finished),
        2 => Just(Outcome::CompileError),
        1 => hostile().prop_map(|reason| Outcome::Refused { reason }),
        1 => panic().prop_map(|panic| Outcome::Panicked { panic }),
        1 => hostile().prop_map(|name| Outcome::Signal { number: 11, name }),
        1 => any::<u64>().prop_map(|limit_ms| Outcome::TimeOut { limit_ms }),
        1 => any::<u64>().prop_map(|limit_bytes| Outcome::OutOfMemory { limit_bytes }),
        1 => any::<i32>().prop_map(|code| Outcome::Exited { code }),
        1 => hostile().prop_map(|reason| Outcome::ProtocolViolation { reason }),
    ]
}

fn case() -> impl Strategy<Value = CaseVerdict> {
    let (values, option) = (prop::collection::vec(value(), 0..3), prop::option::of(value()));
    let got = prop::option::of(value());
    let (problem, panic) = (prop::option::of(hostile()), prop::option::of(panic()));
    (hostile(), values, option, got, any::<(bool, bool)>(), problem, panic).prop_map(
        |(name, input, expected, got, (passed, hidden), problem, panic)| CaseVerdict {
            name,
            input,
            expected,
            got,
            passed,
            problem,
            panic,
            hidden,
            cpu_ms: 0.5,
        },
    )
}

fn diagnostic() -> impl Strategy<Value = Diagnostic> {
    let level = prop::sample::select(vec![Level::Error, Level::Warning]);
    (level, hostile(), prop::option::of(hostile()), hostile()).prop_map(
        |(level, message, code, rendered)| Diagnostic {
            level,
            message,
            code,
            line: None,
            label: None,
            rendered,
            suggestions: Vec::new(),
        },
    )
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let stage = prop::sample::select(vec![Stage::Scan, Stage::Compile, Stage::Run, Stage::Run]);
    let cases = prop_oneof![
        8 => prop::collection::vec(case(), 0..4),
        1 => prop::collection::vec(case(), 13..16),
    ];
    let diagnostics = prop::collection::vec(diagnostic(), 0..3);
    (stage, outcome(), cases, diagnostics, hostile()).prop_map(
        |(stage, outcome, cases, diagnostics, feedback)| {
            Verdict(wire::Verdict {
                diagnostics,
                feedback,
                cpu_ms: 987.125,
                peak_bytes: 123_456_789,
                ..wire::Verdict::new(stage, outcome, cases)
            })
        },
    )
}

/// Checks both forms of a panel.
fn check(html: &str, text: &str) -> Result<(), TestCaseError> {
    page::check(html).map_err(|problem| TestCaseError::fail(format!("{problem} in {html}")))?;
    for shown in [html, text] {
        prop_assert!(!shown.contains("EVCXR_"), "the kernel would read {shown:?}");
        let unseen = shown.chars().find(|c| is_unseen(*c));
        prop_assert!(unseen.is_none(), "{unseen:?} in {shown:?}");
    }
    Ok(())
}

fn is_unseen(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn verdicts_are_harmless(verdict in verdict()) {
        check(&verdict.to_html(), &verdict.to_string())?;
        check("", &format!("{verdict:?} {}", verdict.headline()))?;
        let population = Verdicts(vec![verdict]);
        check(&population.to_html(), &population.to_string())?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn verdicts_hold_no_measurement(verdict in verdict()) {
        let other = Verdict(wire::Verdict {
            cpu_ms: 1.0,
            peak_bytes: 1,
            cached: true,
            timings: Timings { compile_ms: 1.0, link_ms: 2.0, start_ms: 3.0, cases_ms: 4.0 },
            ..verdict.0.clone()
        });
        prop_assert_eq!(verdict.to_html(), other.to_html());
        prop_assert_eq!(verdict.to_text(), other.to_text());
    }

    #[test]
    fn toolboxes_are_harmless(
        (name, code, previous) in (hostile(), hostile(), prop::option::of(hostile())),
        (refusal, by) in (prop::option::of(hostile()), hostile()),
        (verdict, reviewed, problems) in (verdict(), any::<bool>(), prop::collection::vec(hostile(), 0..3)),
    ) {
        let verdict = refusal.is_none().then_some(verdict.0);
        let examination = wire_toolbox::Examination {
            name, version: 2, code, previous, capabilities: Vec::new(), refusal, verdict,
        };
        let review = reviewed.then_some(wire_toolbox::Review { approved: false, by });
        let admission = Admission(wire_toolbox::Admission {
            examination: examination.clone(), review, admitted: false,
        });
        check(&admission.to_html(), &admission.to_string())?;
        let examination = Examination(examination);
        check(&examination.to_html(), &format!("{examination:?}"))?;
        let verification =
            Verification(wire_toolbox::Verification { lines: 3, last_hash: String::new(), problems });
        check(&verification.to_html(), &verification.to_string())?;
    }

    #[test]
    fn executions_are_harmless(
        (signal, stdout, stderr) in (hostile(), hostile(), hostile()),
        diagnostics in prop::collection::vec(diagnostic(), 0..3),
    ) {
        let execution = Execution(wire_program::Execution {
            stage: Stage::Run, status: Status::Signal(signal), stdout, stdout_cut: true, stderr, stderr_cut: false, diagnostics,
            cpu_ms: 1.0, peak_bytes: 1,
        });
        check(&execution.to_html(), &execution.to_string())?;
    }

    #[test]
    fn texts_are_harmless(old in hostile(), new in hostile()) {
        let lines = Diff::new(&old, &new);
        check(&lines.to_html(), &lines.to_string())?;
        let words = lines.words();
        check(&words.to_html(), &words.to_string())?;
        let code = Code::new(&old);
        check(&code.to_html(), &code.to_string())?;
        let table = Table::new([&old, "b"]).row((&new, &old));
        check(&table.to_html(), &table.to_string())?;
        let stack = Stack::new().add(&old, Quote::new(&new).label(&old)).add(&new, table);
        check(&stack.to_html(), &stack.to_string())?;
        check(&inert::html(&old), &inert::quote(&old))?;
        let error = Error::from(Failure { kind: FailureKind::ToolFailed, message: old.clone() });
        check("", &format!("{error} {error:?}"))?;
        prop_assert!(inert::quote(&old).lines().all(|line| line.starts_with("│ ")));
        prop_assert_eq!(inert::line(&old).lines().count().max(1), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn pictures_are_harmless(
        name in hostile(),
        values in prop::collection::vec(any::<f64>(), 0..20),
        seeds in prop::collection::vec(prop::collection::vec(any::<f64>(), 0..6), 0..4),
        target in any::<f64>(),
    ) {
        let curve = FitnessCurve::new(&name)
            .x(&name)
            .y(&name)
            .series(&name, &values)
            .band(&name, &seeds)
            .target(target, &name);
        check(&curve.to_html(), &curve.to_string())?;
        let mut lineage = Lineage::new(&name);
        for (at, value) in values.iter().enumerate() {
            let individual = Individual::new(format!("{name}{at}"), *value);
            lineage.add(individual.generation(at / 4).by(&name, [&name]));
        }
        check(&lineage.to_html(), &lineage.to_string())?;
        for svg in [curve.to_svg(), lineage.to_svg()] {
            let svg = svg.map_err(|error| TestCaseError::fail(error.to_string()))?;
            let elements = ["svg", "rect", "line", "polyline", "polygon", "circle", "text"];
            for tag in svg.split('<').skip(1) {
                let name = tag.trim_start_matches('/').split([' ', '>', '/']).next();
                prop_assert!(name.is_some_and(|name| elements.contains(&name)), "<{}", tag);
            }
        }
    }
}
