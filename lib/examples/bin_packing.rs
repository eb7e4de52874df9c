//! Prints the excess of four heuristics for online bin packing, next to the published figures, as Markdown
//! tables.
//!
//! ```text
//! cargo run --release -p code_evolution --example bin_packing -- FILE ...
//! ```
//!
//! A file is in OR-Library's text format, or a JSON list of instances (`*.json`). Without a file, the table
//! shows our own instances of the two published families; with the original files, it is the original
//! table.

use std::process::ExitCode;

use code_evolution::packing::heuristics::{ALL, Heuristic};
use code_evolution::packing::{Dataset, Instance, InvalidPacking, SEED};

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    match tables(&files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tables(files: &[String]) -> Result<(), InvalidPacking> {
    if files.is_empty() {
        let or3 = Dataset::uniform(SEED, 20, 500)?;
        table("our own instances, like OR3", &or3)?;
        let weibull = Dataset::weibull(SEED, 5, 5_000)?;
        return table("our own instances, like Weibull 5k", &weibull);
    }
    for file in files {
        let dataset = Dataset::from_file(file)?;
        table(file, &dataset)?;
    }
    Ok(())
}

/// Returns the published figures for a dataset of this shape. A file does not name its dataset, but OR3 and
/// Weibull 5k differ in capacity and size.
fn published_for(dataset: &Dataset) -> fn(&Heuristic) -> Option<f64> {
    let shape = |count: usize, capacity: u32, items: usize| {
        let fits = |i: &Instance| i.capacity() == capacity && i.items().len() == items;
        dataset.instances().len() == count && dataset.instances().iter().all(fits)
    };
    if shape(20, 150, 500) {
        |heuristic| heuristic.published_or3
    } else if shape(5, 100, 5_000) {
        |heuristic| heuristic.published_weibull
    } else {
        |_| None
    }
}

fn table(title: &str, dataset: &Dataset) -> Result<(), InvalidPacking> {
    let published = published_for(dataset);
    println!("\n{title}: {} instances\n", dataset.instances().len());
    println!("| heuristic | excess, % | published, % |");
    println!("|---|---|---|");
    for heuristic in ALL {
        let excess = dataset.excess_with(heuristic.priority)?;
        let published = published(&heuristic).map_or("–".to_owned(), |p| format!("{p:.2}"));
        println!("| {} | {excess:.2} | {published} |", heuristic.name);
    }
    Ok(())
}
