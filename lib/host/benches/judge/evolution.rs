//! Measures the steps of an evolution: asking a model for a generation, taking the code out of the replies,
//! and judging the code. A server on this machine takes the place of the model.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use code_evolution_host::judge::Judge;
use code_evolution_host::models::Models;
use code_evolution_host::models::reply::code;
use code_evolution_wire::model::{Ask, ModelChoice};
use code_evolution_wire::reading::ReplyText;
use code_evolution_wire::verdict::{Timings, Verdict};

use crate::candidates::{candidate, task};
use crate::{check, echo};

/// About how long a small hosted model takes for an answer.
const HOSTED: Duration = Duration::from_millis(500);

/// Prints the time of each step, with a model that answers at once and with a model that takes [`HOSTED`].
///
/// # Errors
/// If a candidate gets a wrong verdict.
pub fn table(judge: &Judge, generations: usize, population: usize) -> anyhow::Result<()> {
    let columns = [Duration::ZERO, HOSTED]
        .into_iter()
        .map(|delay| shares(judge, generations, population, delay))
        .collect::<anyhow::Result<Vec<_>>>()?;
    println!(
        "\nAn evolution: {generations} generations of {population}, a local server as the model"
    );
    println!(
        "\n| where the time goes | the model answers at once | it takes {} ms, four asked at once |",
        HOSTED.as_millis()
    );
    println!("|---|---|---|");
    for part in 0..columns[0].len() {
        let cells: Vec<String> = columns
            .iter()
            .map(|shares| {
                let all: f64 = shares.iter().map(|(_, ms)| ms).sum();
                let ms = shares[part].1;
                let each = ms / (generations * population) as f64;
                format!("{:.0} %, {each:.2} ms a candidate", ms / all * 100.0)
            })
            .collect();
        println!("| {} | {} |", columns[0][part].0, cells.join(" | "));
    }
    Ok(())
}

/// Returns the wall time of each part, in milliseconds. The judge's workers run in parallel, so the time of a
/// stage is its sum over all candidates divided by the number of workers.
fn shares(
    judge: &Judge,
    generations: usize,
    population: usize,
    delay: Duration,
) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let born = AtomicUsize::new(0);
    let reply = move || {
        let code = candidate(born.fetch_add(1, Ordering::Relaxed));
        format!("Here it is:\n\n```rust\n{code}```\n")
    };
    let base = format!("http://{}/v1", echo::server(delay, reply)?);
    let environment = |name: &str| match name {
        "LLM_BASE_URL" => Some(base.clone()),
        "LLM_MODEL" => Some("echo".to_owned()),
        _ => None,
    };
    let models = Models::open(&ModelChoice::default(), &environment)
        .ok()
        .context("the local server cannot be asked")?;
    let asks = vec![Ask::new("Write one that works in an entirely different way."); population];
    let task = task();
    let quiet = |_: &str| ();
    let (mut asking, mut reading, mut judging) = (0.0, 0.0, 0.0);
    let mut verdicts: Vec<Verdict> = Vec::new();
    for _ in 0..generations {
        let started = Instant::now();
        let answers =
            models.ask_many(&asks, &quiet).ok().context("the local server does not answer")?;
        asking += milliseconds(started);
        let started = Instant::now();
        let codes = answers
            .iter()
            .map(|answer| Ok(code::extract(&ReplyText::from(answer), "fizzbuzz")?.code))
            .collect::<Result<Vec<String>, code::NoCode>>();
        let codes = codes.ok().context("a reply holds no code")?;
        reading += milliseconds(started);
        let started = Instant::now();
        let judged = judge.judge_all(&task, &codes, &quiet)?;
        judging += milliseconds(started);
        check(&judged)?;
        verdicts.extend(judged);
    }
    let workers = judge.workers().min(population) as f64;
    let stage = |ms: fn(&Timings) -> f64| -> f64 {
        verdicts.iter().map(|verdict| ms(&verdict.timings)).sum::<f64>() / workers
    };
    let compile = stage(|timings| timings.compile_ms);
    let link = stage(|timings| timings.link_ms);
    let start = stage(|timings| timings.start_ms);
    let cases = stage(|timings| timings.cases_ms);
    Ok(vec![
        ("model: the client, and its waiting", asking),
        ("code taken out of the replies", reading),
        ("rustc, jailed", compile),
        ("linker, jailed", link),
        ("start in the jail", start),
        ("cases, in lock-step", cases),
        (
            "the judge's rest: scan, files, comparing, workers that wait",
            (judging - compile - link - start - cases).max(0.0),
        ),
    ])
}

fn milliseconds(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e3
}
