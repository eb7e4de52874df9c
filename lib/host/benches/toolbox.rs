//! Measures how long admitting and calling tools takes:
//! `cargo bench -p code_evolution_host --bench toolbox`, or `binder/bench tools`.

#[path = "measured/mod.rs"]
mod measured;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use code_evolution_host::judge::{Judge, Options};
use code_evolution_host::models::reply::code;
use code_evolution_host::toolbox::{Residents, Toolbox};
use code_evolution_wire::reading::ReplyText;
use code_evolution_wire::task::Task;
use code_evolution_wire::toolbox::{Proposal, Review};
use measured::{Sample, quick};
use serde_json::{Value, json};

fn main() -> anyhow::Result<()> {
    let (rounds, calls) = if quick() { (1, 50) } else { (5, 2_000) };
    // Keep no verdicts, so that each admission is judged.
    let judge = Judge::with(Options { cache_bytes: 0, ..Options::default() })?;
    println!(
        "| tool | hot swap: reply to first answer, ms | cold call (process started), ms | warm call, ms |"
    );
    println!("|---|---|---|---|");
    for (name, proposal, arguments) in tools() {
        let (mut swaps, mut colds, mut warm) = (Vec::new(), Vec::new(), None);
        for _ in 0..rounds {
            let folder = tempfile::tempdir()?;
            let toolbox = open(folder.path(), &judge)?;
            // First admit the tools that this tool uses.
            for (other, used, _) in tools() {
                if other != name && proposal("").uses.contains(&other.to_owned()) {
                    admit(&toolbox, &used(&source(other)?))?;
                }
            }
            let started = Instant::now();
            admit(&toolbox, &proposal(&source(name)?))?;
            toolbox.call(name, &arguments)?;
            swaps.push(milliseconds(started));
            // Open the toolbox as another notebook does, or this notebook after a restart.
            let reopened = open(folder.path(), &judge)?;
            let started = Instant::now();
            reopened.call(name, &arguments)?;
            colds.push(milliseconds(started));
            warm = Some(Sample::milliseconds(calls, 1, || {
                reopened.call(name, &arguments)?;
                Ok(())
            })?);
        }
        let [swap, cold] = [swaps, colds].map(Sample::of);
        let warm = warm.context("no round was measured")?;
        println!("| {name} | {swap} | {cold} | {warm} |");
    }
    Ok(())
}

fn open(folder: &Path, judge: &Judge) -> anyhow::Result<Toolbox> {
    Ok(Toolbox::open(folder, judge.clone(), Arc::new(Residents::default()))?)
}

fn admit(toolbox: &Toolbox, proposal: &Proposal) -> anyhow::Result<()> {
    let review = Some(Review { approved: true, by: "the bench".to_owned() });
    let admission = toolbox.admit(proposal, review)?;
    anyhow::ensure!(admission.admitted, "{}", admission.examination.feedback());
    Ok(())
}

/// Returns the code of a model's reply.
fn source(name: &str) -> anyhow::Result<String> {
    let code = match name {
        "add" => "fn add(a: f64, b: f64) -> f64 { a + b }",
        "count" => "fn count(text: &str) -> usize { text.split_whitespace().count() }",
        _ => "fn minutes(text: &str) -> f64 { tools::count(text) as f64 / 200.0 }",
    };
    let reply = ReplyText {
        text: format!("Here it is:\n```rust\n{code}\n```\n"),
        finish_reason: "stop".to_owned(),
        max_tokens: 0,
        asked: Vec::new(),
    };
    Ok(code::extract(&reply, name)?.code)
}

/// A tool's name, its proposal for a source, and arguments for a call.
type Tool = (&'static str, fn(&str) -> Proposal, Value);

/// Returns three tools: for numbers, for text, and one that uses another tool.
fn tools() -> [Tool; 3] {
    let text = json!(["the quick brown fox"]);
    [("add", add, json!([1, 2])), ("count", count, text.clone()), ("minutes", minutes, text)]
}

fn add(code: &str) -> Proposal {
    let task = Task::new("fn add(a: f64, b: f64) -> f64").case((5.0, 3.0), 8.0);
    Proposal::new(task, code).describe("adds")
}

fn count(code: &str) -> Proposal {
    let task = Task::new("fn count(text: &str) -> usize").case(("a b",), 2);
    Proposal::new(task, code).describe("counts words")
}

fn minutes(code: &str) -> Proposal {
    let task = Task::new("fn minutes(text: &str) -> f64").case(("a b",), 0.01);
    Proposal::new(task, code).describe("says how long reading takes").uses("count")
}

fn milliseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
