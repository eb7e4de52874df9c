//! The description of a lineage without its picture.

use std::collections::HashSet;

use super::{Individual, Lineage};
use crate::show::Table;
use crate::show::number::{count, format};

pub(super) fn alt(lineage: &Lineage) -> String {
    let individuals = &lineage.individuals;
    if individuals.is_empty() {
        return format!("“{}” has nobody in it yet.", lineage.title);
    }
    let generations: HashSet<usize> = individuals.iter().map(|one| one.generation).collect();
    let mut text = format!(
        "Lineage “{}”: {} in {}",
        lineage.title,
        count(individuals.len(), "individual"),
        count(generations.len(), "generation")
    );
    let operators = operators(individuals);
    if !operators.is_empty() {
        text += &format!(", by {}", operators.join(", "));
    }
    text += ".";
    if let Some(best) = lineage.best() {
        text += &format!(" The best is {} with {}: ", best.label, format(best.score));
        let line = lineage.ancestry();
        let (made, first): (Vec<&Individual>, Vec<&Individual>) =
            line.into_iter().partition(|one| !one.parents.is_empty());
        let mut steps: Vec<String> = made
            .iter()
            .map(|one| format!("{} by {} of {}", one.label, one.operator, and(&one.parents)))
            .collect();
        let first: Vec<String> = first.iter().map(|one| one.label.clone()).collect();
        if made.is_empty() {
            steps.push("it has no parents".to_owned());
        } else if !first.is_empty() {
            steps.push(format!("from {}", and(&first)));
        }
        text += &format!("{}.", steps.join(", "));
    }
    for one in individuals {
        if let Some(twin) = &one.same_as {
            text += &format!(" {} is the same program as {twin}.", one.label);
        }
    }
    if let Some(sentence) = lineage.stamped.sentence() {
        text += &format!(" {sentence}");
    }
    text
}

pub(super) fn table(lineage: &Lineage) -> Table {
    let mut table = Table::new(["individual", "generation", "operator", "parents", "score"]);
    for one in &lineage.individuals {
        let operator = if one.operator.is_empty() { "–" } else { &one.operator };
        let score = score(one);
        table.push((one.name(), one.generation, operator, one.parents.join(", "), score));
    }
    // The surrounding lineage already carries the stamp.
    table.measured()
}

pub(super) fn score(individual: &Individual) -> String {
    if individual.score.is_finite() { format(individual.score) } else { "no score".to_owned() }
}

/// Lists each operator and how often it was used, in order of first use.
fn operators(individuals: &[Individual]) -> Vec<String> {
    let mut used: Vec<(&str, usize)> = Vec::new();
    for one in individuals.iter().filter(|one| !one.operator.is_empty()) {
        match used.iter_mut().find(|(operator, _)| *operator == one.operator) {
            Some((_, times)) => *times += 1,
            None => used.push((&one.operator, 1)),
        }
    }
    used.iter().map(|(operator, times)| format!("{operator} ({times})")).collect()
}

/// Joins names: `a`, `a and b`, `a, b and c`.
fn and(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
