//! Reads what the words before a block say about it: the answer, the old code, or how not to do it.

/// How the reply presents a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Label {
    /// It may be the answer.
    Answer,
    /// The words sound like those about old code.
    Before,
    /// The reply shows the block as wrong.
    Wrong,
}

const FIXED: [&str; 17] = [
    "fixed",
    "corrected",
    "after",
    "new",
    "improved",
    "updated",
    "repaired",
    "now",
    "final",
    "becomes",
    "better",
    "revised",
    "rewritten",
    "optimized",
    "optimised",
    "correct",
    "mended",
];
const WRONG_STARTS: [&str; 24] = [
    "wrong",
    "bad",
    "incorrect",
    "invalid",
    "not this",
    "not like",
    "❌",
    "✗",
    "🚫",
    "a wrong",
    "the wrong",
    "an incorrect",
    "what not to",
    "how not to",
    "anti-pattern",
    "antipattern",
    "a common mistake",
    "common mistake",
    "counterexample",
    "counter-example",
    "avoid this",
    "avoid writing",
    "avoid the following",
    "this is wrong",
];
const WRONG_WORDS: [&str; 8] = [
    "do not write",
    "don't write",
    "not to write",
    "is wrong",
    "be wrong",
    "never write",
    "do not do",
    "don't do",
];
const WRONG_VERBS: [&str; 9] =
    ["write", "use", "do", "copy", "return", "submit", "send", "try", "answer"];
const BEFORE_STARTS: [&str; 33] = [
    "instead of",
    "rather than",
    "before",
    "old",
    "original",
    "the original",
    "the old",
    "your ",
    "yours",
    "current",
    "the current",
    "previous",
    "the previous",
    "existing",
    "the existing",
    "you had",
    "you wrote",
    "you have",
    "buggy",
    "broken",
    "the buggy",
    "the broken",
    "given",
    "the given",
    "for comparison",
    "for reference",
    "the code you",
    "the function you",
    "what you had",
    "first attempt",
    "first draft",
    "first try",
    "compare",
];
const BEFORE_WORDS: [&str; 9] = [
    "your original",
    "original code",
    "original version",
    "original function",
    "yours was",
    "for reference",
    "for comparison",
    "as it was",
    "you gave me",
];

/// Returns what the words before a block, and a comment at its top, say about it.
pub(super) fn label(before: &str, code: &str) -> Label {
    of_comment(code).max(of_words(before))
}

fn of_words(before: &str) -> Label {
    let Some(line) = before.lines().rev().map(bare).find(|line| !line.is_empty()) else {
        return Label::Answer;
    };
    // The last sentence is about the block.
    let ends: Vec<usize> = [".", "!", "?", ";"]
        .iter()
        .flat_map(|end| {
            line.match_indices(&format!("{end} ")).map(|(at, _)| at + 2).collect::<Vec<_>>()
        })
        .collect();
    let from = ends.into_iter().filter(|&at| !line[at..].trim().is_empty()).max().unwrap_or(0);
    let sentence = line[from..].trim();
    let words: Vec<&str> = sentence.split(|c: char| !c.is_alphanumeric() && c != '\'').collect();
    if WRONG_WORDS.iter().any(|part| sentence.contains(part)) {
        return Label::Wrong;
    }
    if words.iter().any(|word| FIXED.contains(word)) {
        return Label::Answer;
    }
    // A label is short; a longer sentence has another subject: "Instead of a table we can filter ...".
    let short = sentence.split_whitespace().count() <= 7;
    let starts = |all: &[&str]| short && all.iter().any(|start| sentence.starts_with(start));
    let refuses = ["do not ", "don't ", "don’t ", "never ", "please do not ", "please don't "]
        .iter()
        .find_map(|start| sentence.strip_prefix(start))
        .is_some_and(|rest| WRONG_VERBS.iter().any(|verb| rest.starts_with(verb)));
    if refuses || starts(&WRONG_STARTS) {
        Label::Wrong
    } else if starts(&BEFORE_STARTS) || BEFORE_WORDS.iter().any(|part| sentence.contains(part)) {
        Label::Before
    } else {
        Label::Answer
    }
}

/// Returns a line in lower case, without marks around it.
fn bare(line: &str) -> String {
    let marks = |c: char| c.is_whitespace() || "#*_>`-:()[]~|+".contains(c) || c.is_ascii_digit();
    line.trim_matches(marks).trim_start_matches(['.', ' ']).to_lowercase().replace('’', "'")
}

/// Reads a comment of one to three words at the top: `// before`, `// wrong`.
fn of_comment(code: &str) -> Label {
    let first = code.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let Some(comment) = first.trim().strip_prefix("//") else { return Label::Answer };
    let comment = bare(comment.trim_start_matches(['/', '!']));
    if comment.split_whitespace().count() > 3 {
        return Label::Answer;
    }
    let starts = |all: &[&str]| all.iter().any(|start| comment.starts_with(start));
    if starts(&["wrong", "bad", "incorrect", "❌", "do not", "don't", "not this"]) {
        Label::Wrong
    } else if starts(&["before", "old", "original", "the original", "your original", "yours"]) {
        Label::Before
    } else {
        Label::Answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_from_the_words_before_a_block() {
        for (words, expected) in [
            ("", Label::Answer),
            ("Here is the function:", Label::Answer),
            ("That panics. Here it is:", Label::Answer),
            ("Your function, fixed:", Label::Answer),
            ("I kept your original name.", Label::Before),
            ("After:", Label::Answer),
            ("Don't panic, it is short:", Label::Answer),
            ("Avoid overflow with checked_add:", Label::Answer),
            ("Before:", Label::Before),
            ("**Before**", Label::Before),
            ("### Your original", Label::Before),
            ("Yours was, for reference:", Label::Before),
            ("For comparison, the code you gave me:", Label::Before),
            ("Do not write this:", Label::Wrong),
            ("It works. Don't do it like this:", Label::Wrong),
            ("❌ Wrong:", Label::Wrong),
            ("Instead of", Label::Before),
            ("Instead of a table we can filter the words by their divisors:", Label::Answer),
            ("1. Never write", Label::Wrong),
        ] {
            assert_eq!(label(words, "fn f() {}"), expected, "{words}");
        }
        assert_eq!(label("", "// before\nfn f() {}"), Label::Before);
        assert_eq!(label("", "// WRONG!\nfn f() {}"), Label::Wrong);
        assert_eq!(label("", "// Before the loop we need a start.\nfn f() {}"), Label::Answer);
    }
}
