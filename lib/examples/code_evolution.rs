//! A genetic algorithm whose mutation and crossover operator is a model.
//!
//! ```text
//! cargo run -p code_evolution --example code_evolution
//! ```

use code_evolution::prelude::*;
use code_evolution::score::best_first;

/// This script answers if no key is set; with a key, its model answers.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cassettes/code_evolution.toml");
const GENERATIONS: usize = 4;
const CHILDREN: usize = 3;

struct Candidate {
    code: String,
    fitness: f64,
}

fn main() -> Result<()> {
    let lab = Lab::cassette(SCRIPT).start()?;
    let llm = lab.llm().temperature(0.8);
    let answers = "1 2 Fizz 4 Buzz Fizz 7 8 Fizz Buzz 11 Fizz 13 14 FizzBuzz";
    let mut task = Task::new("fn fizzbuzz(n: u32) -> String");
    for (n, answer) in (1..).zip(answers.split(' ')) {
        task = task.case((n,), answer);
    }

    let mut population: Vec<Candidate> = Vec::new();
    for generation in 0..GENERATIONS {
        let prompt = breeding_prompt(&task, &population);
        let replies = llm.ask_many(&[prompt.as_str(); CHILDREN])?;
        let mut codes = Vec::new();
        for reply in &replies {
            match reply.code("fizzbuzz") {
                Ok(code) => codes.push(code),
                Err(no_code) => println!("a child was not born: {no_code}"),
            }
        }
        let verdicts = lab.judge_all(&codes, &task)?;
        for (code, verdict) in codes.into_iter().zip(verdicts) {
            population.push(Candidate { fitness: fitness(&code, &verdict), code });
        }
        // Parents and children compete, so the best is never lost; the best two become parents.
        population.sort_by(|a, b| best_first(a.fitness, b.fitness));
        population.truncate(2);

        println!("\ngeneration {generation} [{}]", replies[0].label());
        for parent in &population {
            println!("fitness {:.1}\n{}", parent.fitness, parent.code);
        }
    }
    Ok(())
}

/// Scores right answers, measured by running, with 100 points, and subtracts a tenth of a point per
/// character.
fn fitness(code: &str, verdict: &Verdict) -> f64 {
    let length = code.chars().filter(|c| !c.is_whitespace()).count();
    100.0 * verdict.passed as f64 / verdict.total as f64 - length as f64 / 10.0
}

/// Puts mutation and crossover into one sentence: the model reads the parents and their fitness.
fn breeding_prompt(task: &Task, parents: &[Candidate]) -> String {
    let signature = &task.signature;
    let mut prompt = format!("Write `{signature}` in Rust, right and short, in a ```rust block.\n");
    for Candidate { code, fitness } in parents {
        prompt += &format!("\nA parent with fitness {fitness:.1}:\n```rust\n{code}\n```\n");
    }
    if !parents.is_empty() {
        prompt += "\nCombine what is good in the parents, and change one thing.\n";
    }
    prompt
}
