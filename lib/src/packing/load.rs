//! Datasets from files: OR-Library's text format, and JSON.

use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;

use super::{Dataset, Instance, InvalidPacking};

/// One instance of a JSON file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonInstance {
    name: String,
    capacity: u32,
    items: Vec<u32>,
}

impl Dataset {
    /// Reads a file: JSON if its name ends in `.json`, OR-Library's text format otherwise.
    ///
    /// # Errors
    /// If the file cannot be read, or as for [`Dataset::from_or_library`] and [`Dataset::from_json`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, InvalidPacking> {
        let path = path.as_ref();
        let named =
            |error: &dyn std::fmt::Display| InvalidPacking(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| named(&error))?;
        let json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let dataset = if json { Self::from_json(&text) } else { Self::from_or_library(&text) };
        dataset.map_err(|error| named(&error))
    }

    /// Reads OR-Library's `binpack` format: the number of instances, then for each its name, a line
    /// `capacity items best`, and one size a line. Blank lines are skipped; the best known number
    /// of bins is not used.
    ///
    /// # Errors
    /// If a line is missing, does not fit the format, or stands after the last instance. The message gives
    /// the line's number.
    pub fn from_or_library(text: &str) -> Result<Self, InvalidPacking> {
        let mut lines =
            Lines { lines: text.lines().enumerate(), last: text.lines().count().max(1) };
        let count: usize = lines.number("the number of instances")?;
        let mut instances = Vec::new();
        for _ in 0..count {
            let (_, name) = lines.next("an instance's name")?;
            let name = name.to_owned();
            let (line, head) = lines.next("a line `capacity items best`")?;
            let [capacity, size, _best]: [&str; 3] =
                head.split_whitespace().collect::<Vec<_>>().try_into().map_err(|_| {
                    at(line, &format!("expected `capacity items best`, found `{head}`"))
                })?;
            let capacity = parse(line, capacity, "the capacity")?;
            let size: usize = parse(line, size, "the number of items")?;
            let mut items = Vec::new();
            for _ in 0..size {
                items.push(lines.number("an item's size")?);
            }
            instances.push(Instance::new(name, capacity, items).map_err(|e| at(line, &e.0))?);
        }
        if let Ok((line, text)) = lines.next("") {
            let most = format!("`{text}` after the last of {count} instances; correct the count");
            return Err(at(line, &most));
        }
        Dataset::new(instances)
    }

    /// Reads a JSON list of instances: `[{"name": "a", "capacity": 100, "items": [40, 60]}]`.
    ///
    /// # Errors
    /// If the text is not such a list (the message gives the line), or an instance is invalid.
    pub fn from_json(text: &str) -> Result<Self, InvalidPacking> {
        let instances: Vec<JsonInstance> = serde_json::from_str(text).map_err(|error| {
            InvalidPacking(format!(
                "{error}; expected a list of objects with name, capacity and items"
            ))
        })?;
        let instances =
            instances.into_iter().map(|read| Instance::new(read.name, read.capacity, read.items));
        Dataset::new(instances.collect::<Result<_, _>>()?)
    }
}

/// The lines that are not blank, with their line numbers.
struct Lines<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    last: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self, what: &str) -> Result<(usize, &'a str), InvalidPacking> {
        let mut full = self.lines.by_ref().map(|(index, line)| (index + 1, line.trim()));
        full.find(|(_, line)| !line.is_empty())
            .ok_or_else(|| at(self.last, &format!("the file ends here, expected {what}")))
    }

    fn number<N: FromStr>(&mut self, what: &str) -> Result<N, InvalidPacking> {
        let (line, text) = self.next(what)?;
        parse(line, text, what)
    }
}

fn parse<N: FromStr>(line: usize, text: &str, what: &str) -> Result<N, InvalidPacking> {
    text.parse().map_err(|_| at(line, &format!("expected {what}, a whole number, found `{text}`")))
}

fn at(line: usize, what: &str) -> InvalidPacking {
    InvalidPacking(format!("line {line}: {what}"))
}
