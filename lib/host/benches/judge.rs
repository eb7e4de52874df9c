//! What judging costs, as one table: `cargo bench -p code_evolution_host --bench judge`.
//!
//! A population of 20 candidates with 60 cases each, judged here, and compared with what else one
//! could do: `rustc x.rs && ./x`, and a fresh cargo project for each, as evolution frameworks do for
//! Rust. The last two are not jailed. Nothing comes from the cache of verdicts.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use code_evolution_host::judge::{Judge, Options};
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::{Timings, Verdict};

const POPULATION: usize = 20;
const CASES: u32 = 60;
/// How many candidates get a cargo project; more would only take longer.
const CARGO: usize = 3;

fn main() -> anyhow::Result<()> {
    let task = (1..=CASES)
        .fold(Task::new("fn fizzbuzz(n: u32) -> String"), |task, n| task.case((n,), fizzbuzz(n)));
    let codes: Vec<String> = (0..POPULATION).map(candidate).collect();
    let options = Options { cache_bytes: 0, ..Options::default() };
    let workers = options.workers;
    let judge = Judge::with(options)?;
    judge.judge(&task, &codes[0])?;

    println!("{POPULATION} candidates, {CASES} cases each, {workers} workers\n");
    println!(
        "| what | ms a candidate | of it CPU, one core | candidates a minute | peak memory, MB |"
    );
    println!("|---|---|---|---|---|");
    let mut verdicts = Vec::new();
    let ours = row("our judge, a batch, jailed", POPULATION, || {
        verdicts = judge.judge_all(&task, &codes, &|_| {})?;
        check(&verdicts)
    })?;
    let mut alone = Vec::new();
    row("our judge, one by one, jailed", POPULATION, || {
        alone = codes.iter().map(|code| judge.judge(&task, code)).collect::<Result<_, _>>()?;
        check(&alone)
    })?;
    let cached = Judge::with(Options { cache: tempfile::tempdir()?.keep(), ..Options::default() })?;
    cached.judge_all(&task, &codes, &|_| {})?;
    row("our judge, seen before", POPULATION, || {
        let verdicts = cached.judge_all(&task, &codes, &|_| {})?;
        anyhow::ensure!(verdicts.iter().all(|verdict| verdict.cached), "not from the cache");
        check(&verdicts)
    })?;
    let folder = tempfile::tempdir()?;
    let rustc = row("rustc && run, one by one, not jailed", POPULATION, || {
        codes.iter().try_for_each(|code| rustc_and_run(judge.rustc(), folder.path(), code))
    })?;
    let cargo = row("cargo init, build --release, run, not jailed", CARGO, || {
        codes[..CARGO]
            .iter()
            .enumerate()
            .try_for_each(|(n, code)| cargo_and_run(folder.path(), n, code))
    })?;
    println!("\nversus rustc: {:.1}x; versus cargo: {:.0}x\n", rustc / ours, cargo / ours);

    println!("| stage, ms (mean) | one by one | in the batch |");
    println!("|---|---|---|");
    stage("rustc, to an object", &alone, &verdicts, |timings| timings.compile_ms);
    stage("link", &alone, &verdicts, |timings| timings.link_ms);
    stage("start in the jail", &alone, &verdicts, |timings| timings.start_ms);
    stage("60 cases", &alone, &verdicts, |timings| timings.cases_ms);
    Ok(())
}

/// Prints one stage's means.
fn stage(name: &str, alone: &[Verdict], batch: &[Verdict], milliseconds: fn(&Timings) -> f64) {
    let mean = |verdicts: &[Verdict]| {
        verdicts.iter().map(|verdict| milliseconds(&verdict.timings)).sum::<f64>()
            / verdicts.len() as f64
    };
    println!("| {name} | {:.1} | {:.1} |", mean(alone), mean(batch));
}

fn check(verdicts: &[Verdict]) -> anyhow::Result<()> {
    anyhow::ensure!(verdicts.iter().all(Verdict::is_success), "a right candidate fails");
    Ok(())
}

/// Prints a row and returns the milliseconds a candidate; the best of three rounds.
fn row(
    name: &str,
    count: usize,
    mut run: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<f64> {
    let (mut best, mut cpu) = (f64::INFINITY, f64::INFINITY);
    let mut peak = 0;
    for _ in 0..3 {
        let before = children_cpu_ms()?;
        let (took, bytes) = watched(&mut run)?;
        best = best.min(took.as_secs_f64() * 1e3 / count as f64);
        cpu = cpu.min((children_cpu_ms()? - before) / count as f64);
        peak = peak.max(bytes);
    }
    println!("| {name} | {best:.1} | {cpu:.1} | {:.0} | {} |", 60_000.0 / best, peak >> 20);
    Ok(best)
}

/// CPU time of all ended children so far, in milliseconds: what a busy machine does not change.
fn children_cpu_ms() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    // `cutime` and `cstime`, in hundredths of a second.
    let ticks = after_name.split_whitespace().skip(13).take(2).map(str::parse::<f64>);
    Ok(ticks.sum::<Result<f64, _>>()? * 10.0)
}

/// How long it took, and the most memory that the processes it started had resident together.
fn watched(run: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<(Duration, u64)> {
    let (done, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                peak.fetch_max(resident_below(std::process::id()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let started = Instant::now();
        let result = run();
        let took = started.elapsed();
        done.store(true, Ordering::Relaxed);
        result.map(|()| took)
    })
    .map(|took| (took, peak.load(Ordering::Relaxed)))
}

/// Resident bytes of all processes below this one.
fn resident_below(parent: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<u32>>()
    });
    children
        .map(|pid| {
            let pages = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
            let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
            pages.unwrap_or(0) * 4096 + resident_below(pid)
        })
        .sum()
}

fn rustc_and_run(rustc: &Path, folder: &Path, code: &str) -> anyhow::Result<()> {
    let source = folder.join("x.rs");
    fs::write(&source, standalone(code))?;
    let compiled = Command::new(rustc)
        .args(["--edition=2024", "-Awarnings", "x.rs"])
        .current_dir(folder)
        .status()?;
    anyhow::ensure!(compiled.success(), "rustc fails");
    anyhow::ensure!(Command::new(folder.join("x")).status()?.success(), "the program fails");
    Ok(())
}

fn cargo_and_run(folder: &Path, number: usize, code: &str) -> anyhow::Result<()> {
    let project = tempfile::Builder::new().prefix(&format!("cargo{number}-")).tempdir_in(folder)?;
    let cargo = |arguments: &[&str]| -> anyhow::Result<()> {
        let status = Command::new("cargo").args(arguments).current_dir(project.path()).status()?;
        anyhow::ensure!(status.success(), "cargo {arguments:?} fails");
        Ok(())
    };
    cargo(&["init", "--quiet", "--vcs=none", "--name=candidate"])?;
    fs::write(project.path().join("src/main.rs"), standalone(code))?;
    cargo(&["build", "--quiet", "--release"])?;
    cargo(&["run", "--quiet", "--release"])
}

/// The candidate with its cases as a program.
fn standalone(code: &str) -> String {
    let cases: String =
        (1..=CASES).map(|n| format!("assert_eq!(fizzbuzz({n}), {:?});\n", fizzbuzz(n))).collect();
    format!("#![allow(warnings)]\n{code}\nfn main() {{ {cases} }}")
}

fn fizzbuzz(n: u32) -> String {
    match (n % 3, n % 5) {
        (0, 0) => "FizzBuzz".to_owned(),
        (0, _) => "Fizz".to_owned(),
        (_, 0) => "Buzz".to_owned(),
        _ => n.to_string(),
    }
}

/// One of four ways to write it, made distinct by its number.
fn candidate(number: usize) -> String {
    let body = match number % 4 {
        0 => {
            "let mut s = String::new(); if n % 3 == 0 { s.push_str(\"Fizz\") }
            if n % 5 == 0 { s += \"Buzz\" } if s.is_empty() { n.to_string() } else { s }"
        }
        1 => {
            "match (n % 3 == 0, n % 5 == 0) { (true, true) => \"FizzBuzz\".to_string(),
            (true, false) => \"Fizz\".to_string(), (false, true) => \"Buzz\".into(),
            _ => format!(\"{}\", n) }"
        }
        2 => {
            "let rules: Vec<(u32, &str)> = vec![(3, \"Fizz\"), (5, \"Buzz\")];
            let s: String = rules.iter().filter(|(d, _)| n % d == 0).map(|(_, w)| *w).collect();
            if s.is_empty() { format!(\"{n}\") } else { s }"
        }
        _ => {
            "use std::collections::HashMap;
            let words: HashMap<u32, &str> = HashMap::from([(15, \"FizzBuzz\"), (3, \"Fizz\"), (5, \"Buzz\")]);
            for d in [15, 3, 5] { if n % d == 0 { if let Some(w) = words.get(&d) { return w.to_string(); } } }
            n.to_string()"
        }
    };
    format!("// candidate {number}\nfn fizzbuzz(n: u32) -> String {{ {body} }}\n")
}
