//! Evolves a prompt, measured by a model on this machine, next to random search with the same budget.
//!
//! ```text
//! cargo run --release -p code_evolution --example evolving_prompt -- [TASK] [SEEDS] [GENERATIONS] [fresh]
//! ```
//!
//! `TASK` is `reviews` or `topics`. Each seed prints a row; nothing here is chosen by the held-out items.
//! With `fresh`, the held-out items are those that were written last, and ten fixed prompts are compared on them.

use std::time::Instant;

use code_evolution::prelude::*;
use code_evolution::prompts::{LabelledTask, Prompt, PromptLab};
use code_evolution::rand::SeedableRng;
use code_evolution::rand::rngs::SmallRng;

/// The recorded answers, for machines without the model; set `LLM_RECORD_LOCAL=1` in the environment to
/// renew them.
const CASSETTE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/cassettes/evolving_prompt.toml");

/// Prompts per generation, and the items on which each is scored.
const PROMPTS: usize = 6;
const ITEMS: usize = 12;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut task = match arguments.next().as_deref() {
        Some("topics") => LabelledTask::topics(),
        _ => LabelledTask::reviews(),
    };
    let mut number = |default| arguments.next().and_then(|it| it.parse().ok()).unwrap_or(default);
    let (seeds, generations) = (number(1), number(3));
    let lab = Lab::provider("local").cassette(CASSETTE).start()?;

    if arguments.next().as_deref() == Some("fresh") {
        task.held_out = task.fresh.clone();
        spread(&mut PromptLab::new(lab.llm(), task.clone()))?;
    }
    println!("seed  search     train  held-out  calls  seconds");
    let mut bench = PromptLab::new(lab.llm(), task.clone());
    row(0, "the first", &mut bench, &task.first_prompt(), Instant::now())?;
    for seed in 1..=seeds {
        for (name, breed) in [("random", false), ("evolved", true)] {
            let began = Instant::now();
            // Each search has its own laboratory, so that it cannot profit from the other's answers.
            let mut bench = PromptLab::new(lab.llm(), task.clone());
            let best = search(&mut bench, seed, generations, breed)?;
            row(seed, name, &mut bench, &best, began)?;
        }
    }
    Ok(())
}

/// Prints the share of ten fixed prompts on held-out items, to show whether prompts differ at all.
fn spread(bench: &mut PromptLab) -> Result<()> {
    let ten = bench.random_prompts(10, &mut SmallRng::seed_from_u64(0));
    let mut worth = Vec::new();
    for prompt in &ten {
        worth.push((100.0 * bench.held_out(prompt)?).round() as u32);
    }
    worth.sort_unstable();
    println!("ten fixed prompts, held-out, %: {worth:?}; spread {} points", worth[9] - worth[0]);
    Ok(())
}

/// Scores this many generations of prompts, bred from the last generation or drawn anew, and returns the
/// best.
fn search(bench: &mut PromptLab, seed: u64, generations: u64, breed: bool) -> Result<Prompt> {
    let mut rng = SmallRng::seed_from_u64(seed);
    let mut population = bench.random_prompts(PROMPTS, &mut rng);
    let mut everybody = population.clone();
    for generation in 1..=generations {
        let items = bench.sample(ITEMS, &mut rng);
        bench.score_all(&population, &items)?;
        if generation < generations {
            population = match breed {
                true => bench.next_generation(&population, 2, &mut rng),
                false => bench.random_prompts(PROMPTS, &mut rng),
            };
            everybody.extend(population.clone());
        }
    }
    Ok(bench.best(&everybody).unwrap_or_else(|| bench.task().first_prompt()))
}

/// Scores a winner on everything, once, and prints its line.
fn row(seed: u64, name: &str, bench: &mut PromptLab, best: &Prompt, began: Instant) -> Result<()> {
    let searched = (bench.calls(), began.elapsed().as_secs_f64());
    let (train, held_out) = (100.0 * bench.train(best)?, 100.0 * bench.held_out(best)?);
    let (calls, seconds) = searched;
    println!("{seed:4}  {name:9} {train:4.0} %    {held_out:4.0} %  {calls:5}  {seconds:7.1}");
    for line in best.to_string().lines() {
        println!("      | {line}");
    }
    Ok(())
}
