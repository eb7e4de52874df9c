//! The problems of the contest.

use code_evolution_wire::task::{Limits, Task};

/// A problem. Developers read the statement; only the judge knows the rest.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The function's name.
    pub name: String,
    /// The text that a developer reads.
    pub statement: String,
    /// The cases, with warnings and clippy's lints.
    pub task: Task,
    /// The speed test, for a problem where speed counts.
    pub speed: Option<SpeedTest>,
    /// Correct solutions, so that a leak can be recognised.
    pub solutions: Vec<String>,
}

/// Cases with growing inputs, and a reference solution whose CPU time sets the scale.
#[derive(Debug, Clone)]
pub struct SpeedTest {
    /// The cases; only the last one's time counts.
    pub task: Task,
    /// A fast solution.
    pub reference: String,
}

impl Problem {
    /// Creates a problem for this task: developers read its signature and `text`.
    pub fn new(text: &str, task: &Task) -> Self {
        let first = format!("Write `{}` in Rust.", task.signature);
        let last = "Answer with the complete function in a ```rust block.";
        Problem {
            name: task.function().unwrap_or_default().to_owned(),
            statement: format!("{first}\n{text}\n{last}"),
            task: task.clone().warnings().lints(),
            speed: None,
            solutions: Vec::new(),
        }
    }

    /// Adds a speed test; its reference is also a solution.
    pub fn speed(mut self, test: SpeedTest) -> Self {
        self.solutions.push(test.reference.clone());
        self.speed = Some(test);
        self
    }

    /// Adds a correct solution, for the guard against leaks.
    pub fn solution(mut self, code: impl Into<String>) -> Self {
        self.solutions.push(code.into());
        self
    }
}

impl SpeedTest {
    /// Returns the test for `fn find_pairs(numbers: &[i64], target: i64) -> Vec<(i64, i64)>`: lists of
    /// 1,000 to 8,000 numbers, and a reference that uses a set.
    pub fn find_pairs() -> Self {
        let limits =
            Limits { cpu_ms: 10_000, case_wall_ms: 5_000, wall_ms: 15_000, ..Limits::default() };
        let signature = "fn find_pairs(numbers: &[i64], target: i64) -> Vec<(i64, i64)>";
        let sizes = [1000i64, 2000, 4000, 8000];
        let task = sizes.into_iter().fold(Task::new(signature).limits(limits), |task, n| {
            let sums: Vec<(i64, i64)> = (0..n / 2).map(|i| (i, n - 1 - i)).collect();
            task.case(((0..n).collect::<Vec<i64>>(), n - 1), sums)
        });
        SpeedTest { task, reference: FIND_PAIRS.to_owned() }
    }
}

const FIND_PAIRS: &str = "use std::collections::{BTreeSet, HashSet};
fn find_pairs(numbers: &[i64], target: i64) -> Vec<(i64, i64)> {
    let (mut seen, mut pairs) = (HashSet::new(), BTreeSet::new());
    for &number in numbers {
        if let Some(partner) = target.checked_sub(number).filter(|partner| seen.contains(partner)) {
            pairs.insert((number.min(partner), number.max(partner)));
        }
        seen.insert(number);
    }
    pairs.into_iter().collect()
}";

/// Returns eight small problems. Each has one visible case, and a trap that two hidden cases test.
pub fn small_problems() -> Vec<Problem> {
    vec![
        Problem::new(
            "It returns the second largest of the different values, if there is one.",
            &Task::new("fn second_largest(numbers: &[i32]) -> Option<i32>")
                .case(([1, 5, 3],), Some(3))
                .hidden_case(([7, 7, 2],), Some(2))
                .hidden_case(([4],), None::<i32>),
        )
        .solution(
            "fn second_largest(numbers: &[i32]) -> Option<i32> {
    let largest = numbers.iter().max()?;
    numbers.iter().filter(|number| *number != largest).max().copied()
}",
        ),
        Problem::new(
            "It tells whether the text reads the same backwards; \
             case and everything but letters and digits do not count.",
            &Task::new("fn is_palindrome(text: &str) -> bool")
                .case(("level",), true)
                .hidden_case(("Was it a car?",), false)
                .hidden_case(("Never odd or even!",), true),
        )
        .solution(
            "fn is_palindrome(text: &str) -> bool {
    let letters: Vec<char> =
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    letters.iter().eq(letters.iter().rev())
}",
        ),
        Problem::new(
            "It returns the mean of the numbers, if there is one.",
            &Task::new("fn mean_of(numbers: &[i32]) -> Option<f64>")
                .case(([1, 2, 6],), Some(3.0))
                .hidden_case(([0; 0],), None::<f64>)
                .hidden_case(([i32::MAX, i32::MAX],), Some(2147483647.0)),
        )
        .solution(
            "fn mean_of(numbers: &[i32]) -> Option<f64> {
    let sum: f64 = numbers.iter().map(|&number| f64::from(number)).sum();
    (!numbers.is_empty()).then(|| sum / numbers.len() as f64)
}",
        ),
        Problem::new(
            "It returns the longest word of the text, of equals the first, and nothing for no word.",
            &Task::new("fn longest_word(text: &str) -> String")
                .case(("a bird sings",), "sings")
                .hidden_case(("one two",), "one")
                .hidden_case(("",), ""),
        )
        .solution(
            "fn longest_word(text: &str) -> String {
    let words = text.split_whitespace().rev();
    words.max_by_key(|word| word.chars().count()).unwrap_or_default().to_string()
}",
        ),
        Problem::new(
            "It counts the vowels a, e, i, o and u, small and capital.",
            &Task::new("fn count_vowels(text: &str) -> usize")
                .case(("education",), 5)
                .hidden_case(("OUI",), 3)
                .hidden_case(("",), 0),
        )
        .solution(
            "fn count_vowels(text: &str) -> usize {
    text.chars().filter(|letter| \"aeiouAEIOU\".contains(*letter)).count()
}",
        ),
        Problem::new(
            "It moves every number `by` places to the right; \
             what leaves the end comes in at the front.",
            &Task::new("fn rotate_right(numbers: Vec<i32>, by: usize) -> Vec<i32>")
                .case((vec![1, 2, 3], 1), vec![3, 1, 2])
                .hidden_case((vec![1, 2, 3], 4), vec![3, 1, 2])
                .hidden_case((vec![0; 0], 2), vec![0; 0]),
        )
        .solution(
            "fn rotate_right(mut numbers: Vec<i32>, by: usize) -> Vec<i32> {
    let places = by.checked_rem(numbers.len()).unwrap_or(0);
    numbers.rotate_right(places);
    numbers
}",
        ),
        Problem::new(
            "It returns the number in the middle when they are sorted, \
             of two middle ones the smaller, if there is one.",
            &Task::new("fn middle_of(numbers: Vec<i32>) -> Option<i32>")
                .case((vec![3, 1, 2],), Some(2))
                .hidden_case((vec![4, 1, 3, 3],), Some(3))
                .hidden_case((vec![0; 0],), None::<i32>),
        )
        .solution(
            "fn middle_of(mut numbers: Vec<i32>) -> Option<i32> {
    numbers.sort_unstable();
    numbers.get(numbers.len().checked_sub(1)? / 2).copied()
}",
        ),
        Problem::new(
            "It returns each run of equal characters, with its length.",
            &Task::new("fn run_lengths(text: &str) -> Vec<(char, usize)>")
                .case(("aab",), [('a', 2), ('b', 1)])
                .hidden_case(("aba",), [('a', 1), ('b', 1), ('a', 1)])
                .hidden_case(("",), [('a', 1); 0]),
        )
        .solution(
            "fn run_lengths(text: &str) -> Vec<(char, usize)> {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for letter in text.chars() {
        match runs.last_mut() {
            Some((last, count)) if *last == letter => *count += 1,
            _ => runs.push((letter, 1)),
        }
    }
    runs
}",
        ),
    ]
}
