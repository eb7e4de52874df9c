//! Every panel on one page, for looking at them without a notebook:
//! `cargo run -p code_evolution --example gallery > gallery.html` (add `dark` for a dark theme).

use code_evolution::show::{
    Code, Diff, FitnessCurve, Individual, Lineage, Table, Verdict, Verdicts,
};
use code_evolution_wire::verdict::{self as wire, CaseVerdict, Diagnostic, Outcome, Panic, Stage};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

fn main() {
    let dark = std::env::args().any(|argument| argument == "dark");
    let (paper, ink) = if dark { ("#111111", "#e0e0e0") } else { ("#ffffff", "#212121") };
    println!(
        "<!doctype html><meta charset=\"utf-8\"><title>gallery</title><style>
        body {{ background: {paper}; color: {ink}; font: 14px sans-serif; margin: 16px 60px }}
        table {{ border-collapse: collapse; font-size: 12px }} td, th {{ padding: 0.5em; border: 0 }}
        pre, code {{ font: 13px monospace }} figure {{ margin: 16px 0 }} img {{ max-width: 100% }}
        </style>"
    );
    for panel in panels() {
        println!("{panel}<hr>");
    }
}

fn panels() -> Vec<String> {
    let mut panels = curves();
    panels.extend([
        lineage().to_html(),
        failing().to_html(),
        not_compiling().to_html(),
        Verdicts(vec![failing(), not_compiling()]).to_html(),
        failing().cost().to_html(),
        Diff::new(BROKEN, MENDED).to_html(),
        Diff::new(
            "You are Ada. You value performance above all else. Write Rust that is fast.",
            "You are Ada. You value performance, but check edge cases first. Write fast Rust.",
        )
        .words()
        .to_html(),
        Code::new(BROKEN).to_html(),
        Table::new(["attempt", "change", "score"])
            .row((1, "none", 39.0))
            .row((2, "guards against an empty list", 100.0))
            .to_html(),
    ]);
    panels
}

fn curves() -> Vec<String> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let mut seeds = Vec::new();
    for _ in 0..10 {
        let mut best: f64 = 20.0;
        seeds.push(
            (0..11)
                .map(|_| {
                    best = best.max(random.random_range(0.0..1.0f64).powi(2) * 70.0 + 10.0);
                    best
                })
                .collect::<Vec<f64>>(),
        );
    }
    let noise: Vec<f64> = (0..100_000)
        .map(|i| (f64::from(i) / 9_000.0).sin() * 20.0 + random.random_range(-5.0..5.0))
        .collect();
    let best = [20, 65, 65, 80, 80, 85, 100, 100, 100, 100, 100];
    vec![
        FitnessCurve::new("Best score by generation")
            .x("generation")
            .y("score")
            .series("LLM", &best)
            .band("random mutation", &seeds)
            .band(
                "best of N",
                &seeds
                    .iter()
                    .take(3)
                    .map(|s| s.iter().map(|v| v * 0.6).collect())
                    .collect::<Vec<Vec<f64>>>(),
            )
            .target(100, "perfect")
            .to_html(),
        FitnessCurve::new("Cases passed by attempt")
            .x("attempt")
            .y("cases passed")
            .start(1)
            .series("self-reparation", &[1usize, 0, 1, 2])
            .target(2, "all cases")
            .to_html(),
        FitnessCurve::new("A single point")
            .x("generation")
            .y("score")
            .series("LLM", &[42])
            .to_html(),
        FitnessCurve::new("Gaps")
            .x("round")
            .y("score")
            .series("Ada", &[1.0, 2.0, f64::NAN, 4.0, f64::NAN, 3.5])
            .series("Turing", &[1.5, 2.5, 2.0, 3.0, 4.5, 4.6])
            .series("Grace", &[1.0, 1.2, 2.2, 3.4, 4.4, 4.5])
            .series("Barbara", &[0.5, 0.6, 0.6, 0.9, 1.9, 2.9])
            .series("Edsger", &[2.5, 2.6, 2.6, 2.9, 2.9, 2.9])
            .series("Donald", &[3.5, 3.6, 3.6, 2.9, 3.9, 3.2])
            .series("Leslie", &[0.1, 0.2, 0.4, 0.3, 0.2, 0.1])
            .to_html(),
        FitnessCurve::new("100,000 points")
            .x("evaluation")
            .y("value")
            .series("noise", &noise)
            .to_html(),
        FitnessCurve::new("Nothing").to_html(),
    ]
}

fn lineage() -> Lineage {
    let mut lineage = Lineage::new("FizzBuzz: who came from whom");
    for (label, score) in [("match", 62.0), ("if-else", 71.5), ("table", 40.0), ("closure", 55.0)] {
        lineage.add(Individual::new(label, score));
    }
    let child = |label: &str, score: f64| Individual::new(label, score).generation(1);
    lineage.add(child("b1", 74.0).by("mutation", ["if-else"]));
    lineage.add(child("b2", 66.0).by("mutation", ["match"]));
    lineage.add(child("b3", 83.0).by("crossover", ["match", "if-else"]));
    lineage.add(child("b4", f64::NAN).by("innovation", [""; 0]));
    let child = |label: &str, score: f64| Individual::new(label, score).generation(2);
    lineage.add(child("c1", 83.0).by("mutation", ["b3"]));
    lineage.add(child("c2", 92.0).by("mutation", ["b3"]));
    lineage.add(child("c3", 96.0).by("crossover", ["b3", "b1"]));
    lineage.add(child("c4", 20.0).by("innovation", [""; 0]));
    lineage
}

const BROKEN: &str = "fn calculate_average(numbers: &[i64]) -> i64 {
    let sum: i64 = numbers.iter().sum();
    sum / numbers.len() as i64
}
";
const MENDED: &str = "fn calculate_average(numbers: &[i64]) -> i64 {
    if numbers.is_empty() {
        return 0;
    }
    let sum: i64 = numbers.iter().sum();
    sum / numbers.len() as i64
}
";

fn case(input: serde_json::Value, expected: i64, got: Option<i64>) -> CaseVerdict {
    let panic = Panic { message: "attempt to divide by zero".to_owned(), line: Some(3) };
    CaseVerdict {
        name: format!("calculate_average({input})"),
        input: vec![input],
        expected: Some(json!(expected)),
        got: got.map(|got| json!(got)),
        passed: got == Some(expected),
        problem: None,
        panic: got.is_none().then_some(panic),
        hidden: false,
        cpu_ms: 0.1,
    }
}

fn failing() -> Verdict {
    let mut cases = vec![
        case(json!([19, 92, 20, 25]), 39, Some(39)),
        case(json!([]), 0, None),
        case(json!([1, 2]), 1, Some(2)),
    ];
    cases[2].hidden = true;
    Verdict(wire::Verdict {
        feedback: "1 of 2 cases passed.\ncalculate_average([]): panicked in line 3: attempt to divide by zero; expected 0."
            .to_owned(),
        cpu_ms: 1.25,
        peak_bytes: 2_400_000,
        timings: wire::Timings { compile_ms: 41.0, link_ms: 12.0, start_ms: 1.1, cases_ms: 0.6 },
        ..wire::Verdict::new(Stage::Run, Outcome::Finished, cases)
    })
}

fn not_compiling() -> Verdict {
    let rendered = "error[E0308]: mismatched types
 --> candidate.rs:3:5
  |
1 | fn calculate_average(numbers: &[i64]) -> i64 {
  |                                          --- expected `i64` because of return type
3 |     sum as f64 / numbers.len() as f64
  |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ expected `i64`, found `f64`
";
    let Verdict(mut verdict) = failing();
    verdict.stage = Stage::Compile;
    verdict.outcome = Outcome::CompileError;
    verdict.passed = 0;
    verdict.diagnostics = vec![Diagnostic {
        level: "error".to_owned(),
        message: "mismatched types".to_owned(),
        code: Some("E0308".to_owned()),
        line: Some(3),
        rendered: rendered.to_owned(),
        suggestions: Vec::new(),
    }];
    verdict.feedback = rendered.to_owned();
    Verdict(verdict)
}
