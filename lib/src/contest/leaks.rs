//! Checks whether a prompt holds an answer.

use std::collections::BTreeSet;

use code_evolution_wire::task::Case;

use super::Problem;
use super::tokens::{find, is_number, of_value, readings, tokens};
use crate::source::without_comments;

/// This many words of a solution in a row are a leak. A shorter solution leaks if all its words are there.
const WORDS_OF_CODE: usize = 8;
/// A number with this many digits does not appear in a prompt by chance.
const LONG_NUMBER: usize = 5;
/// An input and its output count as a pair if at most this many words stand between them.
const BETWEEN: usize = 6;

/// Finds what a prompt tells about problems that only the judge should know: a problem's name, the input or
/// output of a hidden case, or a part of a solution, in any format. Returns one sentence per leak; an empty
/// list means that nothing was recognised.
///
/// Text from a statement or a visible case is no secret. A short value, such as 3 or `true`, is a leak only
/// beside the input that it answers. In doubt, the check reports a leak: a hidden number of five digits or
/// more counts, although it may be the largest value of a type.
///
/// ```
/// use code_evolution::contest::{Problem, leaks};
/// use code_evolution::wire::task::Task;
/// let task = Task::new("fn top_two(n: &[i64]) -> Vec<i64>").hidden_case(([5, 3, 7],), [7, 5]);
/// let problem = Problem::new("It returns the two largest, the largest first.", &task);
/// assert_eq!(leaks("For vec![ 5,3,7 ] say 7 and 5.", &[problem.clone()]).len(), 1);
/// assert!(leaks("Sort before you compare.", &[problem]).is_empty());
/// ```
pub fn leaks(prompt: &str, problems: &[Problem]) -> Vec<String> {
    let readings = readings(prompt);
    let mut found = Vec::new();
    for problem in problems {
        let (secrets, name) = (Secrets::of(problem), &problem.name);
        let cases = &problem.task.cases;
        let any = |holds: &dyn Fn(&[String]) -> bool| readings.iter().any(|words| holds(words));
        for (holds, what) in [
            (any(&|words| secrets.names(words)), "names"),
            (
                any(&|words| cases.iter().any(|it| secrets.input(words, it))),
                "holds a hidden input of",
            ),
            (
                any(&|words| cases.iter().any(|it| secrets.output(words, it))),
                "holds a hidden output of",
            ),
            (
                any(&|words| problem.solutions.iter().any(|it| secrets.code(words, it))),
                "holds a solution of",
            ),
        ] {
            if holds {
                found.push(format!("{what} {name}"));
            }
        }
    }
    found
}

/// The secrets of one problem.
struct Secrets {
    name: String,
    /// The words of the statement, and of each visible value.
    public: Vec<Vec<String>>,
}

impl Secrets {
    fn of(problem: &Problem) -> Self {
        let mut public = vec![tokens(&problem.statement)];
        for case in problem.task.cases.iter().filter(|case| !case.hidden) {
            public.push(case.input.iter().flat_map(of_value).collect());
            public.extend(case.input.iter().map(of_value));
            public.extend(case.expected.iter().map(of_value));
        }
        Secrets { name: problem.name.to_lowercase(), public }
    }

    /// Returns whether the words name the function, as it is or in camel case. A single plain word is no
    /// leak.
    fn names(&self, words: &[String]) -> bool {
        let camel = self.name.replace('_', "");
        self.name.contains('_') && words.iter().any(|word| *word == self.name || *word == camel)
    }

    fn input(&self, words: &[String], case: &Case) -> bool {
        let whole: Vec<String> = case.input.iter().flat_map(of_value).collect();
        let mut parts: Vec<Vec<String>> = case.input.iter().map(of_value).collect();
        parts.push(whole.clone());
        let answered = case.expected.iter().any(|it| is_answered(words, &whole, &of_value(it)));
        case.hidden && (answered && !self.is_public(&whole) || self.holds(words, &parts))
    }

    fn output(&self, words: &[String], case: &Case) -> bool {
        let mut parts: Vec<Vec<String>> = case.expected.iter().map(of_value).collect();
        // A single word is an answer only beside its input: "one" appears in many sentences.
        parts.retain(|part| part.len() > 1 || part.iter().all(|token| is_number(token)));
        case.hidden && self.holds(words, &parts)
    }

    /// Returns whether one of these parts is in the text, is secret, and is recognisable by itself.
    fn holds(&self, words: &[String], parts: &[Vec<String>]) -> bool {
        parts.iter().filter(|part| !self.is_public(part) && is_recognisable(part)).any(|part| {
            // Words may stand between numbers: "5, then 3 and 7".
            let numbers: Vec<String>;
            let whole = if part.iter().all(|token| is_number(token)) {
                numbers = words.iter().filter(|word| is_number(word)).cloned().collect();
                &numbers
            } else {
                words
            };
            find(whole, part).is_some() || runs_together(words, part)
        })
    }

    fn is_public(&self, part: &[String]) -> bool {
        self.public.iter().any(|public| find(public, part).is_some())
    }

    fn code(&self, words: &[String], code: &str) -> bool {
        let code = without_comments(code);
        // Starts at the body: the signature and the imports are public.
        let body = code.split_once('{').map_or(code.as_str(), |(_, body)| body);
        let body =
            body.split_once("fn ").and_then(|it| it.1.split_once('{')).map_or(body, |it| it.1);
        let body = tokens(body);
        let count = WORDS_OF_CODE.min(body.len());
        // Three words are a common phrase, not a solution.
        count > 3
            && body.windows(count).any(|run| find(words, run).is_some() && !self.is_public(run))
    }
}

/// Returns whether a value can be recognised without its case: three words or numbers, one long number, two
/// numbers or words, or one word that no statement has.
fn is_recognisable(part: &[String]) -> bool {
    match part {
        [] => false,
        [one] if is_number(one) => one.trim_start_matches('-').len() >= LONG_NUMBER,
        [one] => one.chars().count() >= 3 && !matches!(one.as_str(), "true" | "false" | "none"),
        [..] if part.len() == 2 => !part.iter().any(|token| token.chars().count() < 2),
        _ => true,
    }
}

/// Returns whether the text holds an input and, soon after it, its output.
fn is_answered(words: &[String], input: &[String], output: &[String]) -> bool {
    // An input without a number or a word would match any text.
    let says = input.iter().any(|token| !matches!(token.as_str(), "true" | "false" | "none"));
    says && !output.is_empty()
        && words.windows(input.len()).enumerate().any(|(at, window)| {
            let after = &words[at + input.len()..];
            let near = &after[..after.len().min(BETWEEN + output.len())];
            window == input && find(near, output).is_some()
        })
}

/// Returns whether a part of several words stands in the text without its spaces.
fn runs_together(words: &[String], part: &[String]) -> bool {
    let joined = part.concat();
    let long = joined.chars().filter(|c| c.is_alphabetic()).count() >= 8;
    let known: BTreeSet<&String> = words.iter().collect();
    long && (known.contains(&joined) || words.concat().contains(&joined))
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::task::Task;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::contest::small_problems;

    fn found(prompt: &str) -> Vec<String> {
        leaks(prompt, &small_problems())
    }

    #[test]
    fn hidden_inputs_are_recognised_in_any_format() {
        for (prompt, problem) in [
            ("Given [7,7,2], remember the second.", "second_largest"),
            ("Given 7, then 7 again, and then 2: take care.", "second_largest"),
            ("vec![ 4,\n1,\n3, 3 ] is a trap.", "middle_of"),
            ("Think of WAS IT A CAR", "is_palindrome"),
            ("Think of \"never-odd-or-even\".", "is_palindrome"),
            ("Think of neveroddoreven!", "is_palindrome"),
            ("Numbers may be i32::MAX, i32::MAX.", "mean_of"),
            ("Numbers may be 2_147_483_647 and 2147483647.", "mean_of"),
            ("The text `oui` has three.", "count_vowels"),
            ("Try aba.", "run_lengths"),
            ("Rotating [1, 2, 3] by 4 wraps around.", "rotate_right"),
            ("For [4] the answer is None.", "second_largest"),
        ] {
            let found = found(prompt);
            assert!(
                found.contains(&format!("holds a hidden input of {problem}")),
                "{prompt}: {found:?}"
            );
        }
    }

    #[test]
    fn outputs_and_solutions_are_recognised() {
        let output = "A good answer: a:1 b:1 a:1";
        assert_eq!(found(output), ["holds a hidden output of run_lengths"]);
        for problem in small_problems() {
            // The solution on one line, in capitals, without its signature.
            let code = problem.solutions[0].replace('\n', " ").to_uppercase();
            let body = code.split_once('{').expect("a body").1;
            let leak = format!("holds a solution of {}", problem.name);
            assert!(found(&format!("Write: {body}")).contains(&leak), "{body}: {:?}", found(body));
        }
    }

    #[test]
    fn names_are_recognised_in_both_cases() {
        for prompt in ["If asked for run_lengths, count.", "`RUN_LENGTHS`!", "call runLengths"] {
            assert_eq!(found(prompt), ["names run_lengths"], "{prompt}");
        }
        assert!(found("Take the mean of the run lengths.").is_empty(), "that is English");
    }

    #[test]
    fn good_advice_is_no_leak() {
        for prompt in [
            "You are Ada, a Rust developer who values performance above all. Choose the algorithm \
             with the best complexity. Remove duplicates early with a HashSet, and return at once \
             for an empty input. Use checked arithmetic where numbers may be large.",
            "1. List 2 or 3 edge cases. 2. Write one short function. 3. Read it once more.",
            "Return None for an empty list; test 0, 1 and true or false.",
            "The examples are [1, 5, 3] and \"level\".",
            "Prefer iterators: numbers.iter().copied().filter(..).collect::<Vec<_>>().",
            "",
        ] {
            assert!(found(prompt).is_empty(), "{prompt}: {:?}", found(prompt));
        }
    }

    #[test]
    fn what_is_public_is_no_secret() {
        let task = Task::new("fn twice(text: &str) -> String")
            .case(("hello world",), "hello world hello world")
            .hidden_case(("zebra",), "zebra zebra");
        let problem = Problem::new("It says hello twice.", &task);
        let of = |prompt: &str| leaks(prompt, std::slice::from_ref(&problem));
        assert!(of("Say hello world.").is_empty());
        assert_eq!(of("Say ZEBRA,\n zebra.").len(), 2);
    }

    /// A format's name, and how it writes words and numbers down.
    type Format = (&'static str, fn(&[String]) -> String);

    const FORMATS: [Format; 12] = [
        ("one after the other", |parts| parts.join(", ")),
        ("in a sentence", |parts| match parts.iter().all(|part| is_number(part)) {
            true => parts.join(", and then "),
            false => parts.join("... "), // Other words in a text make another text.
        }),
        ("quoted", |parts| format!("`{}`", parts.join("` `"))),
        ("in capitals", |parts| parts.join(" ").to_uppercase()),
        ("a list", |parts| parts.iter().map(|part| format!("\n* {part}")).collect()),
        ("a numbered list", |parts| {
            parts.iter().enumerate().map(|(n, part)| format!("\n{}. {part}", n + 1)).collect()
        }),
        ("a table", |parts| format!("| {} |", parts.join(" | "))),
        ("escaped", |parts| parts.join("\\n")),
        ("with comments", |parts| parts.join(" /* this */ ")),
        ("in bold", |parts| format!("**{}**", parts.join("** **"))),
        ("full width", |parts| {
            let wide = |c: char| char::from_u32(u32::from(c) + 0xfee0).filter(|_| c > ' ');
            parts.join(" ").chars().map(|c| wide(c).unwrap_or(c)).collect()
        }),
        ("characters of no width", |parts| {
            let parts = parts.iter().map(|part| {
                let characters: Vec<String> = part.chars().map(String::from).collect();
                characters.join("\u{200b}")
            });
            parts.collect::<Vec<_>>().join(" ")
        }),
    ];

    #[test]
    fn every_hidden_case_is_recognised_in_every_format() {
        let task = Task::new("fn find_pairs(numbers: &[i64], target: i64) -> Vec<(i64, i64)>")
            .case(([1, 2, 3, 4, 5], 5), [(1, 4), (2, 3)])
            .hidden_case(([5, 3, 7], 10), [(3, 7)])
            .hidden_case(([i64::MAX, i64::MIN, 1, 2], 3), [(1, 2)]);
        let mut problems = small_problems();
        problems.push(Problem::new("It returns pairs.", &task));
        let mut tried = 0;
        for problem in &problems {
            for case in problem.task.cases.iter().filter(|case| case.hidden) {
                let input: Vec<String> = case.input.iter().flat_map(of_value).collect();
                let output: Vec<String> = case.expected.iter().flat_map(of_value).collect();
                if input.is_empty() || output.is_empty() {
                    continue; // "For an empty list say nothing" is good advice.
                }
                for (format, write) in FORMATS {
                    let prompt = format!("For {} answer {}.", write(&input), write(&output));
                    let leak = format!("holds a hidden input of {}", problem.name);
                    let found = leaks(&prompt, &problems);
                    assert!(found.contains(&leak), "{format}: {prompt}: {found:?}");
                    tried += 1;
                }
            }
        }
        assert_eq!(tried, 12 * FORMATS.len());
    }

    #[test]
    fn a_spelled_word_is_a_word() {
        for prompt in ["Think of o-u-i.", "O U I has three", "'o', 'u', 'i'"] {
            assert_eq!(found(prompt), ["holds a hidden input of count_vowels"], "{prompt}");
        }
    }

    /// A value of several numbers or words.
    fn value() -> impl Strategy<Value = Value> {
        let numbers = prop::collection::vec(-99_999i64..99_999, 3..6);
        let words = prop::collection::vec("[b-z][a-z]{3,7}", 3..5);
        prop_oneof![
            numbers.prop_map(|numbers| json!(numbers)),
            words.prop_map(|words| json!(words.join(" "))),
        ]
    }

    proptest! {
        #[test]
        fn any_secret_is_recognised_in_any_format(input in value(), output in value(), at in 0..12usize) {
            let (format, write) = FORMATS[at];
            let task = Task::new("fn secret(a: A) -> B").hidden_case((input.clone(),), output.clone());
            let problem = [Problem::new("It does.", &task)];
            for (secret, what) in [(&input, "input"), (&output, "output")] {
                let prompt = format!("Be quick. Remember: {}. Be kind.", write(&of_value(secret)));
                let leak = format!("holds a hidden {what} of secret");
                prop_assert!(leaks(&prompt, &problem).contains(&leak), "{}: {}", format, prompt);
            }
            let innocent = "Be quick. 1. List 2 or 3 edge cases. 2. Write one short function. Be kind.";
            prop_assert!(leaks(innocent, &problem).is_empty());
        }

        #[test]
        fn any_solution_is_recognised_in_any_format(at in 0..8usize, with in "[ \n\t]{1,3}|/\\* [a-z ]{0,9}\\*/|// no\n") {
            let problem = &small_problems()[at];
            let code = crate::source::tokens(&problem.solutions[0]).expect("tokens").join(&with);
            let leak = format!("holds a solution of {}", problem.name);
            prop_assert!(found(&code).contains(&leak), "{}", code);
        }
    }
}
