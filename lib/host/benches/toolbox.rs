//! How long admitting and calling tools takes. Run with `cargo bench --bench toolbox`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use code_evolution_host::judge::{Judge, Options};
use code_evolution_host::toolbox::{Residents, Toolbox};
use code_evolution_wire::task::Task;
use code_evolution_wire::toolbox::{Proposal, Review};
use serde_json::{Value, json};

const CALLS: usize = 2_000;

fn main() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    // Without kept verdicts, so that each admission is judged.
    let judge = Judge::with(Options { cache_bytes: 0, ..Options::default() })?;
    let toolbox = Toolbox::open(folder.path(), judge, Arc::new(Residents::default()))?;
    let add = Task::new("fn add(a: f64, b: f64) -> f64").case((5.0, 3.0), 8.0);
    let count = Task::new("fn count(text: &str) -> usize").case(("a b",), 2);
    let minutes = Task::new("fn minutes(text: &str) -> f64").case(("a b",), 0.01);
    let tools = [
        (Proposal::new(add, "fn add(a: f64, b: f64) -> f64 { a + b }"), json!([1, 2])),
        (
            Proposal::new(
                count,
                "fn count(text: &str) -> usize { text.split_whitespace().count() }",
            ),
            json!(["the quick brown fox"]),
        ),
        (
            Proposal::new(
                minutes,
                "fn minutes(text: &str) -> f64 { tools::count(text) as f64 / 200.0 }",
            )
            .uses("count"),
            json!(["the quick brown fox"]),
        ),
    ];
    println!(
        "| tool | hot swap: proposal to first answer (ms) | warm call, median (µs) | 99 of 100 below (µs) |"
    );
    println!("|---|---|---|---|");
    for (proposal, arguments) in tools {
        let (name, proposal) = (proposal.name().to_owned(), proposal.describe("for the bench"));
        let started = Instant::now();
        let review = Some(Review { approved: true, by: "the bench".to_owned() });
        let admission = toolbox.admit(&proposal, review)?;
        anyhow::ensure!(admission.admitted, "{}", admission.examination.feedback());
        toolbox.call(&name, &arguments)?;
        let swap = started.elapsed();
        let calls = measure(&toolbox, &name, &arguments)?;
        println!(
            "| {name} | {:.0} | {} | {} |",
            swap.as_secs_f64() * 1e3,
            calls[CALLS / 2].as_micros(),
            calls[CALLS * 99 / 100].as_micros(),
        );
    }
    Ok(())
}

/// Warm calls, the fastest first.
fn measure(toolbox: &Toolbox, name: &str, arguments: &Value) -> anyhow::Result<Vec<Duration>> {
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        let started = Instant::now();
        toolbox.call(name, arguments)?;
        calls.push(started.elapsed());
    }
    calls.sort();
    Ok(calls)
}
