//! Runs each demo as its header says, on the script beside it.

use std::process::Command;

#[track_caller]
fn output(example: &str) -> String {
    output_with(example, &[])
}

#[track_caller]
fn output_with(example: &str, arguments: &[&std::path::Path]) -> String {
    // cargo runs it, so the program is never older than its source.
    let ran = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "-p", "code_evolution", "--example", example])
        .arg("--")
        .args(arguments)
        .env("LLM_MODE", "scripted")
        .output()
        .expect("cargo runs");
    let (printed, complaints) =
        (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{example}: {}\n{printed}\n{complaints}", ran.status);
    assert!(!printed.contains("nearest"), "{example}: a prompt is not in its script:\n{printed}");
    printed.into_owned()
}

#[track_caller]
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("no {part:?} at its place in\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn self_reparation_heals_its_patient() {
    let steps = ["3 of 4 cases passed", "does not compile", "all 4 cases passed", "healed"];
    assert_in_order(&output("self_reparation"), &steps);
}

#[test]
fn code_evolution_keeps_its_best_candidate() {
    let text = output("code_evolution");
    let scores = text.lines().filter_map(|line| line.strip_prefix("fitness "));
    let scores: Vec<f64> = scores.map(|score| score.parse().expect("a number")).collect();
    let best: Vec<f64> = scores.iter().step_by(2).copied().collect();
    assert_eq!(best.len(), 4, "{text}");
    assert!(best.is_sorted() && best[3] > best[0], "{best:?}");
}

#[test]
fn the_toolmaker_admits_what_passes_and_calls_it() {
    let steps =
        ["rejected by the gate", "✓ admitted", "14 words, 10 different", "the log is whole: true"];
    assert_in_order(&output("toolmaker"), &steps);
}

#[test]
fn a_prompt_evolves_in_a_recording_of_the_local_model() {
    let text = output("evolving_prompt");
    assert_in_order(
        &text,
        &["replay (recorded from SmolLM2-135M", "the first", "random", "evolved"],
    );
}

#[test]
fn the_evolving_team_keeps_only_prompts_that_help_on_held_out_problems() {
    assert_in_order(&output("evolving_team"), &["Ada", "dropped", "Turing", "kept"]);
}

#[test]
fn take_home_makes_a_crate_a_toolbox_and_a_session() {
    let home = tempfile::tempdir().expect("a folder");
    let text = output_with("take_home", &[home.path()]);
    let steps =
        ["3 of 4 cases passed", "all 4 cases passed", "with 4 tests", "1 ancestor", "✓ admitted"];
    assert_in_order(&text, &steps);
    for file in ["my_fizzbuzz/tests/cases.rs", "tools/fizzbuzz.rs", "session.jsonl"] {
        assert!(home.path().join(file).is_file(), "{file}");
    }
}
