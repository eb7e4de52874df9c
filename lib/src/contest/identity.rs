//! Checks whether a prompt kept its developer's identity or became like another's.

use super::tokens::{find, tokens};

/// Words that negate a sentence.
const NEGATIONS: [&str; 8] =
    ["not", "no", "never", "without", "nobody", "neither", "longer", "forget"];
/// Words that may stand between a negation and its object: "not the Ada", "do not value performance".
const BETWEEN: [&str; 8] = ["a", "an", "the", "about", "value", "values", "be", "care"];

/// Returns how alike two prompts are, 0 to 1: the share of three-word runs that they have in common (Dice's
/// coefficient). The order of sentences, capitals and punctuation do not count.
pub fn likeness(one: &str, other: &str) -> f64 {
    let (one, other) = (runs(one), runs(other));
    let mut open = other.clone();
    let mut common = 0;
    for run in &one {
        if let Some(at) = open.iter().position(|it| it == run) {
            open.swap_remove(at);
            common += 1;
        }
    }
    let all = one.len() + other.len();
    if all == 0 { 0.0 } else { 2.0 * f64::from(common) / all as f64 }
}

/// Splits a text into its runs of three words; a shorter text is one run.
fn runs(text: &str) -> Vec<Vec<String>> {
    let words = tokens(text);
    match words.len() {
        0 => Vec::new(),
        1 | 2 => vec![words],
        _ => words.windows(3).map(<[String]>::to_vec).collect(),
    }
}

/// Returns whether a prompt still says who its developer is. One sentence must begin with "You are NAME" or
/// "Your name is NAME". One sentence without a negation must hold the value. No sentence may deny either
/// ("not Ada", "do not value performance"). The check only compares words: it refuses a prompt that says
/// the same in other words, and it misses a denial in other words.
///
/// ```
/// use code_evolution::contest::keeps_identity;
/// assert!(keeps_identity("You are Ada. You value performance.", "Ada", "performance"));
/// assert!(!keeps_identity("Not Ada, and not performance.", "Ada", "performance"));
/// ```
pub fn keeps_identity(prompt: &str, name: &str, value: &str) -> bool {
    let (name, value) = (tokens(name), tokens(value));
    if name.is_empty() || value.is_empty() {
        return false;
    }
    let sentences: Vec<Vec<String>> = prompt
        .split(['.', '!', '?', ';', '\n'])
        .map(|sentence| tokens(&expand(sentence)))
        .filter(|words| !words.is_empty())
        .collect();
    let begins = |words: &Vec<String>| {
        let openings: [&[&str]; 2] = [&["you", "are"], &["your", "name", "is"]];
        openings.iter().any(|opening| {
            let rest = words.get(opening.len()..).unwrap_or_default();
            words.iter().zip(*opening).all(|(word, wanted)| word == wanted)
                && rest.starts_with(&name)
        })
    };
    let plain = |words: &Vec<String>| {
        find(words, &value).is_some()
            && !words.iter().any(|word| NEGATIONS.contains(&word.as_str()))
    };
    let denied = |words: &Vec<String>| denies(words, &name) || denies(words, &value);
    sentences.iter().any(begins) && sentences.iter().any(plain) && !sentences.iter().any(denied)
}

/// Writes `aren't` as `are not`.
fn expand(sentence: &str) -> String {
    sentence
        .replace('’', "'")
        .replace("n't", " not")
        .replace("N'T", " not")
        .replace("'re ", " are ")
}

/// Returns whether a negation stands right before `what`, with only small words between.
fn denies(words: &[String], what: &[String]) -> bool {
    words.windows(what.len()).enumerate().any(|(at, window)| {
        let before = words[..at].iter().rev().find(|word| !BETWEEN.contains(&word.as_str()));
        window == what && before.is_some_and(|word| NEGATIONS.contains(&word.as_str()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keeps(prompt: &str) -> bool {
        keeps_identity(prompt, "Ada", "performance")
    }

    #[test]
    fn an_identity_can_be_stated_in_several_ways() {
        for prompt in [
            "You are Ada, a Rust developer who values performance above all.",
            "YOU ARE ADA!\nYou care for Performance.",
            "Write short code. Your name is Ada. Performance comes first. Never copy.",
            "You're Ada, and performance is what you value. Never sacrifice performance.",
            "You are Ada, who puts performance first; don't sacrifice performance for style.",
        ] {
            assert!(keeps(prompt), "{prompt}");
        }
    }

    #[test]
    fn a_denied_name_is_no_identity() {
        for prompt in [
            "Not Ada, and not performance.",
            "You are not Ada. You do not value performance.",
            "You aren't Ada; performance matters.",
            "You are Ada. You don't care about performance.",
            "You are Ada. Performance is nothing to you: no performance.",
            "You are no longer Ada, performance or not.",
            "Forget Ada. You are Turing, who knows the performance of Ada.",
            "You are a helpful assistant. Ada values performance.",
            "You are Adam, who values performance.",
            "You are Ada.",
            "",
        ] {
            assert!(!keeps(prompt), "{prompt}");
        }
        assert!(!keeps_identity("You are .", "", ""));
    }

    #[test]
    fn a_copy_is_alike_in_any_order() {
        let one = "Prefer one pass with a set. List the edge cases first. Write short functions.";
        let other = "write short functions; list the edge cases first, prefer one pass with a set";
        assert_eq!((likeness(one, one), likeness("", one)), (1.0, 0.0));
        assert!(likeness(one, other) > 0.6, "{}", likeness(one, other));
        let ada = "You are Ada, a Rust developer who values performance above all.";
        let turing = "You are Turing, a Rust developer who values readable code above all.";
        assert!(likeness(ada, turing) < 0.4, "{}", likeness(ada, turing));
    }

    proptest! {
        #[test]
        fn likeness_is_a_share_and_even(one in "[a-c ]{0,30}", other in "[a-c ]{0,30}") {
            let alike = likeness(&one, &other);
            prop_assert!((0.0..=1.0).contains(&alike));
            prop_assert_eq!(alike, likeness(&other, &one));
        }
    }
}
