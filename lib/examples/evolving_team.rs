//! Two developers compete, and each rewrites its own system prompt.
//!
//! ```text
//! cargo run -p code_evolution --example evolving_team
//! ```

use code_evolution::prelude::*;

/// This script answers if no key is set; with a key, its model answers.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cassettes/evolving_team.toml");

struct Work {
    points: f64,
    feedback: String,
}

fn main() -> Result<()> {
    let lab = Lab::cassette(SCRIPT).start()?;
    let team = [
        ("Ada", "You are Ada, a Rust developer who values performance above all."),
        ("Turing", "You are Turing, a Rust developer who values readable code above all."),
    ];
    let contest = Task::new("fn second_largest(numbers: &[i32]) -> Option<i32>")
        .case(([1, 5, 3],), Some(3))
        .case(([7, 7, 2],), Some(2))
        .hidden_case(([4],), None::<i32>)
        .hidden_case(([0; 0],), None::<i32>);
    // Never part of the contest, so no prompt can have learnt it by heart.
    let held_out = Task::new("fn mean_of(numbers: &[i32]) -> Option<f64>")
        .case(([1, 2, 6],), Some(3.0))
        .hidden_case(([0; 0],), None::<f64>)
        .hidden_case(([i32::MAX, i32::MAX],), Some(2147483647.0));

    let works = [solve(&lab, team[0].1, &contest)?, solve(&lab, team[1].1, &contest)?];
    for (n, (name, old)) in team.into_iter().enumerate() {
        let reply = reflect(&lab, old, &works[n], &works[1 - n])?;
        // A reply that was cut off gives no prompt: half a prompt is useless.
        let new = match reply.prompt() {
            Ok(new) => new.prompt,
            Err(no_prompt) => {
                println!("\n{name}: the old prompt stays: {no_prompt}");
                continue;
            }
        };
        let [before, after] = [solve(&lab, old, &held_out)?, solve(&lab, &new, &held_out)?];
        let decision = if after.points > before.points { "kept" } else { "dropped" };
        println!("\n{name}: {:.0} points in the contest", works[n].points);
        println!("new prompt [{}]: {new}", reply.label());
        println!("held out: {:.0} → {:.0} points, {decision}", before.points, after.points);
    }
    Ok(())
}

/// Lets the developer with this system prompt write a function. The points are the cases that pass.
fn solve(lab: &Lab, prompt: &str, task: &Task) -> Result<Work> {
    let question = format!("Write `{}` in Rust, in a ```rust block.", task.signature);
    let reply = lab.llm().system(prompt).ask(question)?;
    let code = match reply.code(task.function().unwrap_or_default()) {
        Ok(code) => code,
        // Without code there is nothing to judge; the next prompt learns from the reason.
        Err(no_code) => return Ok(Work { points: 0.0, feedback: no_code.to_string() }),
    };
    let verdict = lab.judge(&code, task)?;
    let points = 100.0 * verdict.passed as f64 / verdict.total as f64;
    Ok(Work { points, feedback: verdict.feedback.clone() })
}

/// Lets a developer rewrite its own system prompt after a contest.
fn reflect(lab: &Lab, prompt: &str, own: &Work, other: &Work) -> Result<Reply> {
    let wish = "You improve your own system prompt. Answer with the prompt only.";
    let Work { points, feedback } = own;
    lab.llm().system(wish).ask(format!(
        "Your system prompt:\n{prompt}\n\nYour points: {points:.0}. Your opponent's: {:.0}.\n\n\
         What happened:\n{feedback}\n",
        other.points
    ))
}
