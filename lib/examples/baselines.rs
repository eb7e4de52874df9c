//! Measures what blind chance reaches on notebook 2's two species, over seeds, as Markdown tables.
//!
//! ```text
//! cargo run --release -p code_evolution --example baselines
//! ```
//!
//! A model that breeds must beat these figures. Passwords are scored here; functions are judged in the
//! jail, so this needs a host (`binder/setup` builds it). `--quick` tries only a few seeds.

use std::process::ExitCode;

use code_evolution::prelude::*;
use code_evolution::rand::rngs::Xoshiro256PlusPlus as Dice;
use code_evolution::rand::{RngExt as _, SeedableRng as _};

fn main() -> ExitCode {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (passwords, functions) = if quick { (12, 1) } else { (1_000, 10) };
    let tables = Lab::start().and_then(|lab| {
        println!();
        passwords_table(passwords);
        functions_table(&lab, functions)
    });
    match tables {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

// Passwords, as in notebook 2.

/// The ancestors from the notebook's script.
const ANCESTORS: [&str; 5] =
    ["Sunny77Beach🌞", "Tiger2024#Moon", "coffee☕Time9!", "Pizza🍕Night", "Dragon99$🐉"];
/// Generations after the ancestors, with five tries each.
const GENERATIONS: usize = 10;

fn score(password: &str) -> u32 {
    let count = |test: fn(char) -> bool| password.chars().filter(|c| test(*c)).count();
    let sum: u32 = password.chars().filter_map(|c| c.to_digit(10)).sum();
    [
        (20, (12..=20).contains(&password.chars().count())),
        (15, count(|c| c.is_ascii_digit()) >= 2),
        (15, count(char::is_uppercase) > 0 && count(char::is_lowercase) > 0),
        (20, count(|c| ('\u{1F300}'..='\u{1F9FF}').contains(&c)) > 0),
        (15, count(|c| "!@#$%^&*".contains(c)) > 0),
        (15, sum == 15),
    ]
    .into_iter()
    .filter_map(|(points, met)| met.then_some(points))
    .sum()
}

fn random_char(dice: &mut Dice) -> char {
    match dice.random_range(0..5) {
        0 => dice.random_range('a'..='z'),
        1 => dice.random_range('A'..='Z'),
        2 => dice.random_range('0'..='9'),
        3 => char::from(b"!@#$%^&*"[dice.random_range(0..8)]),
        _ => dice.random_range('\u{1F300}'..='\u{1F9FF}'),
    }
}

/// Cuts two texts at a random place, joins the parts, and changes or adds one character.
fn child(a: &str, b: &str, dice: &mut Dice) -> String {
    let [a, b] = [a, b].map(|parent| parent.chars().collect::<Vec<char>>());
    let cut = dice.random_range(0..=a.len().min(b.len()));
    let mut child: Vec<char> = a[..cut].iter().chain(&b[cut..]).copied().collect();
    let at = dice.random_range(0..=child.len());
    if at < child.len() && dice.random_bool(0.7) {
        child.remove(at);
    }
    child.insert(at, random_char(dice));
    child.into_iter().collect()
}

/// Returns a password without parents.
fn stranger(dice: &mut Dice) -> String {
    (0..dice.random_range(8..=20)).map(|_| random_char(dice)).collect()
}

/// Returns the best score after each generation of one run.
fn password_run(seed: u64, bred: bool) -> Vec<u32> {
    let mut dice = Dice::seed_from_u64(seed);
    let mut population: Vec<String> = ANCESTORS.map(str::to_owned).to_vec();
    let mut best = Vec::new();
    for _ in 0..=GENERATIONS {
        population.sort_by_key(|password| std::cmp::Reverse(score(password)));
        best.push(score(&population[0]));
        let parents = [population[0].clone(), population[1].clone()];
        population = (0..5)
            .map(|_| {
                if bred { child(&parents[0], &parents[1], &mut dice) } else { stranger(&mut dice) }
            })
            .collect();
        population.push(parents[0].clone());
    }
    best
}

fn passwords_table(seeds: u64) {
    println!("Passwords (the best of the ancestors has {}), {seeds} seeds\n", best_ancestor());
    println!("| {} tries by | lowest | median | highest | runs that reach 100 |", 5 * GENERATIONS);
    println!("|---|---|---|---|---|");
    for (name, bred) in
        [("random mutation and crossover, elite kept", true), ("random passwords", false)]
    {
        let mut finals: Vec<u32> =
            (0..seeds).map(|seed| password_run(seed, bred)[GENERATIONS]).collect();
        finals.sort_unstable();
        let perfect = finals.iter().filter(|score| **score == 100).count();
        let (lowest, median, highest) = spread(&finals);
        println!("| {name} | {lowest} | {median} | {highest} | {perfect} of {seeds} |");
    }
}

fn best_ancestor() -> u32 {
    ANCESTORS.map(score).into_iter().max().unwrap_or(0)
}

fn spread<T: Copy>(sorted: &[T]) -> (T, T, T) {
    (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}

// FizzBuzz: characters and tokens at random.

/// Right for 14 of 20 numbers: it handles neither FizzBuzz nor Buzz.
const ANCESTOR: &str = "fn fizzbuzz(n: u32) -> String {
    match (n % 3, n % 7) {
        (0, 0) => \"FizzBuzz\".to_string(),
        (0, _) => \"Fizz\".to_string(),
        (_, 0) => \"Buzz\".to_string(),
        _ => n.to_string(),
    }
}
";
/// Tries per generation; a run has five generations.
const BROOD: usize = 8;
const BROODS: usize = 5;

fn fizz_task() -> Task {
    (1..=20u32).fold(Task::new("fn fizzbuzz(n: u32) -> String"), |task, n| {
        let answer = match (n % 3, n % 5) {
            (0, 0) => "FizzBuzz".to_owned(),
            (0, _) => "Fizz".to_owned(),
            (_, 0) => "Buzz".to_owned(),
            _ => n.to_string(),
        };
        task.case((n,), answer)
    })
}

/// Replaces one character by another one of the source.
fn other_character(code: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = code.chars().collect();
    let (at, from) = (dice.random_range(0..chars.len()), dice.random_range(0..chars.len()));
    chars[at] = chars[from];
    chars.into_iter().collect()
}

/// Replaces one number by another below ten: a blind operator that knows a little Rust.
fn other_number(code: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = code.chars().collect();
    let alone = |at: usize| {
        let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        chars[at].is_ascii_digit()
            && !word(chars.get(at.wrapping_sub(1)))
            && !word(chars.get(at + 1))
    };
    let numbers: Vec<usize> = (0..chars.len()).filter(|at| alone(*at)).collect();
    if !numbers.is_empty() {
        let at = numbers[dice.random_range(0..numbers.len())];
        chars[at] = dice.random_range('0'..='9');
    }
    chars.into_iter().collect()
}

/// A blind operator's change to a source.
type Mutation = fn(&str, &mut Dice) -> String;

fn functions_table(lab: &Lab, seeds: u64) -> Result<()> {
    let task = fizz_task();
    let ancestor = lab.judge(ANCESTOR, &task)?.passed;
    println!("\nFizzBuzz (the ancestor passes {ancestor} of 20 cases), {seeds} seeds\n");
    println!(
        "| {} tries by | compile | cases passed: lowest | median | highest | runs that reach 20 |",
        BROOD * BROODS
    );
    println!("|---|---|---|---|---|---|");
    let operators: [(&str, Mutation); 2] = [
        ("a character at random, elite kept", other_character),
        ("a number at random, elite kept", other_number),
    ];
    for (name, mutation) in operators {
        let (mut finals, mut compiled) = (Vec::new(), 0);
        for seed in 0..seeds {
            let mut dice = Dice::seed_from_u64(seed);
            let mut best = (ancestor, ANCESTOR.to_owned());
            for _ in 0..BROODS {
                let brood: Vec<String> = (0..BROOD).map(|_| mutation(&best.1, &mut dice)).collect();
                let verdicts = lab.judge_all(&brood, &task)?;
                for (code, verdict) in brood.into_iter().zip(&verdicts.0) {
                    compiled += usize::from(verdict.compiled());
                    if verdict.passed > best.0 {
                        best = (verdict.passed, code);
                    }
                }
            }
            finals.push(best.0);
        }
        finals.sort_unstable();
        let perfect = finals.iter().filter(|passed| **passed == 20).count();
        let (lowest, median, highest) = spread(&finals);
        let share = 100 * compiled / (BROOD * BROODS * seeds as usize);
        println!("| {name} | {share} % | {lowest} | {median} | {highest} | {perfect} of {seeds} |");
    }
    Ok(())
}
