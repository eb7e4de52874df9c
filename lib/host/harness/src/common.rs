//! Generic functions that most candidates use, compiled once.
//!
//! At optimisation level 0, rustc shares generic instances between crates. So it does not compile the
//! instances in this module again for each candidate. Nothing calls these functions.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write;
use std::hint::black_box;

use crate::{Decode, Encode, Input};

/// Instantiates what candidates commonly use.
pub fn common_instances(input: &mut Input<'_>, output: &mut Vec<u8>) {
    numbers(input, output);
    text(input, output);
    maps(input, output);
}

fn list<'a, T>(input: &mut Input<'a>, output: &mut Vec<u8>)
where
    T: Decode<'a> + Encode + Clone + PartialOrd,
{
    let mut list: Vec<T> = Vec::new();
    list.push(input.take());
    list.extend(input.take::<Vec<T>>());
    list.extend_from_slice(&input.take::<Vec<T>>());
    list.insert(0, input.take());
    list.retain(|_| black_box(true));
    list.dedup();
    list.reverse();
    list.truncate(black_box(9));
    list.swap(0, 1);
    list.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let copy: Vec<T> = list.to_vec();
    let some: Vec<T> = copy.iter().filter(|_| black_box(true)).cloned().collect();
    let other: Vec<T> = some.into_iter().rev().collect();
    other.first().encode(output);
    other.last().cloned().encode(output);
    other.get(1).encode(output);
    (list == other, list.is_empty(), list.len(), list.pop(), list.remove(0)).encode(output);
    list.windows(2).map(|pair| pair[0] == pair[1]).collect::<Vec<bool>>().encode(output);
    Some(list.contains(&other[0])).encode(output);
    list.encode(output);
    list.as_slice().encode(output);
    list.clear();
}

fn numbers(input: &mut Input<'_>, output: &mut Vec<u8>) {
    list::<u8>(input, output);
    list::<i32>(input, output);
    list::<i64>(input, output);
    list::<u32>(input, output);
    list::<u64>(input, output);
    list::<usize>(input, output);
    list::<f64>(input, output);
    list::<char>(input, output);
    list::<bool>(input, output);
    list::<String>(input, output);
    list::<&str>(input, output);
    list::<Vec<i32>>(input, output);
    list::<(String, usize)>(input, output);
    let mut words = input.take::<Vec<String>>();
    words.sort();
    let mut whole = input.take::<Vec<i32>>();
    whole.sort();
    whole.sort_unstable();
    let mut large = input.take::<Vec<i64>>();
    large.sort();
    (whole.iter().sum::<i32>(), whole.iter().max().copied(), whole.iter().min().copied())
        .encode(output);
    (large.iter().sum::<i64>(), large.iter().product::<i64>()).encode(output);
    let parsed = input.take::<&str>();
    parsed.parse::<i32>().ok().encode(output);
    parsed.parse::<u32>().ok().encode(output);
    parsed.parse::<i64>().ok().encode(output);
    parsed.parse::<usize>().ok().encode(output);
    parsed.parse::<f64>().ok().encode(output);
    input.take::<Result<i32, String>>().encode(output);
    input.take::<Result<f64, String>>().encode(output);
    input.take::<Option<String>>().encode(output);
}

fn text(input: &mut Input<'_>, output: &mut Vec<u8>) {
    let text = input.take::<String>();
    let mut built = String::new();
    built.push('a');
    built.push_str(&text);
    built += text.trim();
    for (index, letter) in text.chars().enumerate() {
        let _ = write!(built, "{index}{letter}{text}");
    }
    format!("{} {:?} {}", text, text, text.len()).encode(output);
    format!("{} {} {} {}", 1i32, 2u32, 3i64, 4.5f64).encode(output);
    (text.to_uppercase(), text.to_lowercase(), text.replace("a", "b")).encode(output);
    text.chars().rev().collect::<String>().encode(output);
    text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().encode(output);
    text.chars().collect::<Vec<char>>().encode(output);
    text.bytes().collect::<Vec<u8>>().encode(output);
    text.split(' ').collect::<Vec<&str>>().encode(output);
    text.split(", ").map(str::to_owned).collect::<Vec<String>>().encode(output);
    text.split_whitespace().collect::<Vec<_>>().join(" ").encode(output);
    text.lines().map(String::from).collect::<Vec<_>>().join("\n").encode(output);
    (text.contains("a"), text.contains('a'), text.starts_with("a"), text.ends_with('b'))
        .encode(output);
    (text.find("a"), text.find('a'), 7u32.to_string(), 7i32.to_string()).encode(output);
    (7usize.to_string(), 'c'.to_string(), "text".to_string(), String::from("s")).encode(output);
    [String::from("a"), text].concat().encode(output);
}

fn maps(input: &mut Input<'_>, output: &mut Vec<u8>) {
    let mut counts: HashMap<String, usize> = input.take();
    for word in input.take::<Vec<String>>() {
        *counts.entry(word).or_insert(0) += 1;
    }
    (counts.get("a"), counts.contains_key("b"), counts.len()).encode(output);
    let mut sorted: Vec<(String, usize)> = counts.clone().into_iter().collect();
    sorted.sort();
    (sorted, counts.remove("a")).encode(output);
    counts.encode(output);

    let mut letters: HashMap<char, usize> = HashMap::new();
    for letter in input.take::<&str>().chars() {
        *letters.entry(letter).or_insert(0) += 1;
        *letters.entry(letter).or_default() += 1;
    }
    (letters.get(&'a'), letters.contains_key(&'a')).encode(output);
    letters.encode(output);

    let mut seen: HashSet<i32> = HashSet::new();
    (seen.insert(1), seen.contains(&1), seen.len()).encode(output);
    seen.encode(output);
    let mut names: HashSet<String> = input.take();
    names.insert(input.take());
    names.encode(output);

    let mut places: HashMap<i32, usize> = HashMap::new();
    (places.insert(1, 2), places.get(&1).copied(), places.contains_key(&1)).encode(output);
    let mut ordered: BTreeMap<String, usize> = BTreeMap::new();
    *ordered.entry(input.take()).or_insert(0) += 1;
    ordered.encode(output);
    input.take::<HashMap<String, i32>>().encode(output);
    input.take::<HashMap<String, String>>().encode(output);
}
