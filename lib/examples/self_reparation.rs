//! A program repairs itself from its own errors.
//!
//! ```text
//! cargo run -p code_evolution --example self_reparation
//! ```

use code_evolution::prelude::*;

/// This script answers if no key is set; with a key, its model answers.
const SCRIPT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cassettes/self_reparation.toml");

/// A loop around a model must have a limit, or the bill has none.
const MOST_REPAIRS: usize = 4;

const INSTRUCTIONS: &str = "You repair Rust functions.
Answer with one complete function in a ```rust block.
Keep its name and its signature.";

const BROKEN: &str = "fn calculate_average(numbers: &[i64]) -> i64 {
    let total: i64 = numbers.iter().sum();
    total / numbers.len() as i64
}";

fn main() -> Result<()> {
    let lab = Lab::cassette(SCRIPT).start()?;
    let task = Task::new("fn calculate_average(numbers: &[i64]) -> i64")
        .case(([19, 92, 20, 25],), 39)
        .case(([0; 0],), 0)
        // The author of a repair never sees these cases, so it cannot fit the code to them.
        .hidden_case(([1, 2, 3],), 2)
        .hidden_case(([-10, 10, 30],), 10);

    let (mut code, mut remark) = (BROKEN.to_owned(), None);
    for attempt in 0..=MOST_REPAIRS {
        let verdict = lab.judge(&code, &task)?;
        println!("\nattempt {attempt}: {}\n{code}", verdict.headline());
        if verdict.is_success() {
            println!("\nhealed");
            return Ok(());
        }
        let feedback = remark.as_ref().unwrap_or(&verdict.feedback);
        let reply = lab.llm().ask(repair_prompt(&code, feedback))?;
        println!("\nasked for a repair [{}]", reply.label());
        // A reply without code is an attempt too; its error is the feedback for the next one.
        (code, remark) = match reply.code("calculate_average") {
            Ok(repaired) => (repaired, None),
            Err(no_code) => (code, Some(no_code.to_string())),
        };
    }
    println!("\nstill ill after {MOST_REPAIRS} repairs: try another prompt or another model");
    Ok(())
}

/// Puts the error last, so that the model works on it.
fn repair_prompt(code: &str, feedback: &str) -> String {
    format!("{INSTRUCTIONS}\n\nThe function:\n```rust\n{code}\n```\n\nWhat happened:\n{feedback}\n")
}
