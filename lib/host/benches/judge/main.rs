//! Measures the cost of judging, as tables: `cargo bench -p code_evolution_host --bench judge`, or
//! `binder/bench candidates`.
//!
//! No verdict comes from the cache, unless a row says so.

mod candidates;
#[path = "../echo/mod.rs"]
mod echo;
mod elsewhere;
mod evolution;
#[path = "../measured/mod.rs"]
mod measured;
mod usage;

use code_evolution_host::judge::{Judge, Options};
use code_evolution_wire::verdict::{Timings, Verdict};

use candidates::{CASES, candidate, task};
use elsewhere::{cargo_and_run, rustc_and_run};
use measured::{Sample, figure, quick};
use usage::watched;

/// The size of a population in a notebook.
const POPULATION: usize = 20;
/// How many candidates get a cargo project; more would only take longer.
const CARGO: usize = 3;

fn main() -> anyhow::Result<()> {
    let (rounds, sizes) = if quick() { (1, vec![1, 5]) } else { (5, vec![1, 5, 20, 100]) };
    let population = if quick() { 4 } else { POPULATION };
    growth(rounds, &sizes)?;
    let judge = judge_with(Options::default().workers)?;
    let codes: Vec<String> = (0..population).map(candidate).collect();
    let batch = beside(&judge, rounds, &codes)?;
    stages(&judge, &codes, &batch)?;
    let generations = if quick() { 1 } else { 5 };
    evolution::table(&judge, generations, population)
}

/// Returns a judge without a cache of verdicts, with its harness built.
fn judge_with(workers: usize) -> anyhow::Result<Judge> {
    let judge = Judge::with(Options { cache_bytes: 0, workers, ..Options::default() })?;
    judge.judge(&task(), &candidate(0))?;
    Ok(judge)
}

/// Measures how the cost of a candidate changes with the population's size and the number of workers.
fn growth(rounds: usize, sizes: &[usize]) -> anyhow::Result<()> {
    let judges = [judge_with(1)?, judge_with(2)?];
    println!("Populations of candidates with {CASES} cases each, jailed\n");
    println!("| population | 1 worker, ms a candidate | 2 workers, ms a candidate |");
    println!("|---|---|---|");
    for &size in sizes {
        let codes: Vec<String> = (0..size).map(candidate).collect();
        // Small populations give the noisiest figures, and are the cheapest to repeat.
        let rounds = if size < POPULATION { 2 * rounds } else { rounds };
        let cells = judges.iter().map(|judge| {
            Sample::milliseconds(rounds, size, || {
                check(&judge.judge_all(&task(), &codes, &|_| {})?)
            })
        });
        let cells = cells.collect::<anyhow::Result<Vec<_>>>()?;
        println!("| {size} | {} | {} |", cells[0], cells[1]);
    }
    Ok(())
}

/// Compares our judge with the alternatives. Returns a batch's verdicts.
fn beside(judge: &Judge, rounds: usize, codes: &[String]) -> anyhow::Result<Vec<Verdict>> {
    let task = task();
    println!("\n{} candidates, {} workers\n", codes.len(), judge.workers());
    println!(
        "| what | ms a candidate | times ours | CPU, ms a candidate | candidates a minute | peak memory, MB |"
    );
    println!("|---|---|---|---|---|---|");
    let mut verdicts = Vec::new();
    let count = codes.len();
    let ours = row("our judge, a batch, jailed", count, rounds, None, || {
        verdicts = judge.judge_all(&task, codes, &|_| {})?;
        check(&verdicts)
    })?;
    let ours = Some(ours);
    row("our judge, one by one, jailed", count, rounds, ours, || {
        codes.iter().try_for_each(|code| check(&[judge.judge(&task, code)?]))
    })?;
    let folder = tempfile::tempdir()?;
    let cached = Judge::with(Options { cache: folder.path().join("cache"), ..Options::default() })?;
    cached.judge_all(&task, codes, &|_| {})?;
    row("our judge, seen before", count, rounds, ours, || {
        let verdicts = cached.judge_all(&task, codes, &|_| {})?;
        anyhow::ensure!(verdicts.iter().all(|verdict| verdict.cached), "not from the cache");
        check(&verdicts)
    })?;
    row("`rustc` and run, one by one, not jailed", count, rounds, ours, || {
        codes.iter().try_for_each(|code| rustc_and_run(judge.rustc(), folder.path(), code))
    })?;
    let few = &codes[..if rounds == 1 { 1 } else { CARGO }];
    row("`cargo init`, `build --release`, `run`, not jailed", few.len(), rounds, ours, || {
        few.iter().try_for_each(|code| cargo_and_run(folder.path(), code))
    })?;
    let empty = "fn main() {}";
    row("the floor: `rustc` on an empty `main`, not linked", count, rounds, ours, || {
        codes.iter().try_for_each(|_| elsewhere::rustc_only(judge.rustc(), folder.path(), empty))
    })?;
    row("the floor: `rustc --version`", count, rounds, ours, || {
        codes.iter().try_for_each(|_| elsewhere::rustc_nothing(judge.rustc()))
    })?;
    Ok(verdicts)
}

/// Prints a row, and returns the median of the milliseconds per candidate.
fn row(
    name: &str,
    count: usize,
    rounds: usize,
    ours: Option<f64>,
    mut run: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let all = (0..rounds).map(|_| watched(&mut run)).collect::<anyhow::Result<Vec<_>>>()?;
    let each = |total: f64| total / count as f64;
    let wall = Sample::of(all.iter().map(|usage| each(usage.wall_ms)).collect());
    let cpu = Sample::of(all.iter().map(|usage| each(usage.cpu_ms)).collect());
    let peak = all.iter().map(|usage| usage.peak_bytes).max().unwrap_or(0);
    let ratio = ours.map_or(1.0, |ours| wall.median() / ours);
    println!(
        "| {name} | {wall} | {} | {cpu} | {:.0} | {} |",
        figure(ratio),
        60_000.0 / wall.median(),
        peak >> 20
    );
    Ok(wall.median())
}

/// The time of a stage.
type Milliseconds = fn(&Timings) -> f64;

/// Measures the stages, one by one and in a batch.
fn stages(judge: &Judge, codes: &[String], batch: &[Verdict]) -> anyhow::Result<()> {
    let task = task();
    let alone = codes.iter().map(|code| judge.judge(&task, code)).collect::<Result<Vec<_>, _>>()?;
    println!("\n| stage, ms a candidate | one by one | in a batch |");
    println!("|---|---|---|");
    let stages: [(&str, Milliseconds); 4] = [
        ("`rustc`, to an object", |timings| timings.compile_ms),
        ("linker", |timings| timings.link_ms),
        ("start in the jail", |timings| timings.start_ms),
        ("all cases", |timings| timings.cases_ms),
    ];
    for (name, milliseconds) in stages {
        let sample = |verdicts: &[Verdict]| {
            Sample::of(verdicts.iter().map(|verdict| milliseconds(&verdict.timings)).collect())
        };
        println!("| {name} | {} | {} |", sample(&alone), sample(batch));
    }
    Ok(())
}

fn check(verdicts: &[Verdict]) -> anyhow::Result<()> {
    anyhow::ensure!(verdicts.iter().all(Verdict::is_success), "a right candidate fails");
    Ok(())
}
