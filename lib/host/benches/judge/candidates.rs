//! The judged candidates: FizzBuzz in four ways. No two texts are equal.

use code_evolution_wire::task::Task;

/// The number of cases per candidate.
pub const CASES: u32 = 60;

/// Returns the task: FizzBuzz from 1 to [`CASES`].
pub fn task() -> Task {
    (1..=CASES)
        .fold(Task::new("fn fizzbuzz(n: u32) -> String"), |task, n| task.case((n,), fizzbuzz(n)))
}

/// Returns the right answer to a case.
pub fn fizzbuzz(n: u32) -> String {
    match (n % 3, n % 5) {
        (0, 0) => "FizzBuzz".to_owned(),
        (0, _) => "Fizz".to_owned(),
        (_, 0) => "Buzz".to_owned(),
        _ => n.to_string(),
    }
}

/// Returns FizzBuzz, written in one of four ways. The number makes the text distinct.
pub fn candidate(number: usize) -> String {
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
