//! Chance as a rival of a model: operators that change texts and code at random.
//!
//! A rising curve proves nothing until random search has had the same number of tries. All randomness here
//! comes from a [`Dice`], so the same seed gives the same run on every machine. Left out: operators that
//! know something about their subject. Writing one is an exercise of notebook 2.

use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};

use crate::score::ranked;
use crate::source::tokens;

/// A seeded random number generator.
#[derive(Debug, Clone)]
pub struct Dice(Xoshiro256PlusPlus);

impl Dice {
    /// Creates dice that roll the same numbers for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Dice(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// Returns a number from 0 up to, but not including, `n`; 0 if `n` is 0.
    ///
    /// ```
    /// use code_evolution::blind::Dice;
    /// assert!(Dice::seeded(1).below(6) < 6);
    /// ```
    pub fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { self.0.random_range(0..n) }
    }

    /// Returns a number from `low` up to, but not including, `high`.
    ///
    /// # Panics
    /// If `low` is not below `high`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0.random_range(low..high)
    }

    /// Returns `true` with this probability, 0 to 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.0.random_bool(probability.clamp(0.0, 1.0))
    }

    /// Returns the items in a random order.
    pub fn shuffled<T: Clone>(&mut self, items: &[T]) -> Vec<T> {
        let mut items = items.to_vec();
        items.shuffle(&mut self.0);
        items
    }
}

/// Returns a random character: a small letter, a capital, a digit, one of `!@#$%^&*`, or a picture from
/// U+1F300 to U+1F9FF. The five kinds are equally likely.
pub fn character(dice: &mut Dice) -> char {
    match dice.0.random_range(0..5) {
        0 => dice.0.random_range('a'..='z'),
        1 => dice.0.random_range('A'..='Z'),
        2 => dice.0.random_range('0'..='9'),
        3 => char::from(b"!@#$%^&*"[dice.0.random_range(0..8)]),
        _ => dice.0.random_range('\u{1F300}'..='\u{1F9FF}'),
    }
}

/// Breeds a child of two texts: cuts both at the same random place, joins the parts, then replaces or adds
/// one [`character`].
///
/// ```
/// use code_evolution::blind::{Dice, child};
/// let children: Vec<String> = (0..3).map(|seed| child("abcd", "WXYZ", &mut Dice::seeded(seed))).collect();
/// assert_eq!(children, (0..3).map(|seed| child("abcd", "WXYZ", &mut Dice::seeded(seed))).collect::<Vec<_>>());
/// ```
pub fn child(a: &str, b: &str, dice: &mut Dice) -> String {
    let [a, b] = [a, b].map(|parent| parent.chars().collect::<Vec<char>>());
    let cut = dice.0.random_range(0..=a.len().min(b.len()));
    let mut child: Vec<char> = a[..cut].iter().chain(&b[cut..]).copied().collect();
    let at = dice.0.random_range(0..=child.len());
    if at < child.len() && dice.chance(0.7) {
        child.remove(at);
    }
    child.insert(at, character(dice));
    child.into_iter().collect()
}

/// Makes one change to the tokens of a function's body: swaps two, removes one or doubles one. The
/// signature (up to the first brace) does not change, to give chance a fair try. A text without tokens does
/// not change either.
///
/// ```
/// use code_evolution::blind::{Dice, mutant};
/// let code = mutant("fn one() -> u32 { 3 - 2 }", &mut Dice::seeded(7));
/// assert!(code.starts_with("fn one ( ) -> u32 {"));
/// ```
pub fn mutant(code: &str, dice: &mut Dice) -> String {
    let Some(mut tokens) = tokens(code) else { return code.to_owned() };
    let body = tokens.iter().position(|token| token == "{").map_or(0, |brace| brace + 1);
    // The last brace ends the function.
    let length = tokens.len().saturating_sub(body + 1);
    if length == 0 {
        return code.to_owned();
    }
    let at = body + dice.below(length);
    match dice.below(3) {
        0 => tokens.swap(at, body + dice.below(length)),
        1 => drop(tokens.remove(at)),
        _ => tokens.insert(at, tokens[at].clone()),
    }
    tokens.join(" ")
}

/// Evolves texts on islands: ten generations of twenty [children](child) in all, shared among the islands.
/// Each island breeds from its two best texts and keeps its six best, best first. After each generation (1
/// to 10), `migrate` may move texts between islands. Returns the best score of all after each generation.
///
/// ```
/// use code_evolution::blind::{Dice, islands};
/// let start = ["a", "b"].map(str::to_owned);
/// let length = |text: &String| text.len();
/// let best = islands(&start, 4, &mut Dice::seeded(1), length, |_, _| ());
/// assert!(best.len() == 10 && best.is_sorted());
/// ```
pub fn islands<S: PartialOrd + Copy>(
    start: &[String],
    islands: usize,
    dice: &mut Dice,
    score: impl Fn(&String) -> S,
    migrate: impl Fn(&mut [Vec<String>], usize),
) -> Vec<S> {
    let rank = |island: &[String]| -> Vec<String> {
        ranked(island, &score).into_iter().take(6).map(|(_, member)| member).collect()
    };
    let mut all = vec![rank(start); islands.max(1)];
    let mut best = Vec::new();
    for generation in 1..=10 {
        for island in &mut all {
            let parents = (island.first().cloned(), island.get(1).or(island.first()).cloned());
            if let (Some(a), Some(b)) = parents {
                island.extend((0..20 / islands.max(1)).map(|_| child(&a, &b, dice)));
            }
            *island = rank(island);
        }
        migrate(&mut all, generation);
        let everybody: Vec<String> = all.iter_mut().flat_map(|island| rank(island)).collect();
        best.extend(ranked(&everybody, &score).first().map(|(score, _)| *score));
    }
    best
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const CODE: &str = "fn f(n: u32) -> u32 { if n >= 2 { n / 2 } else { 1 } }";

    #[test]
    fn a_mutant_differs_by_one_change_of_tokens() {
        let before = tokens(CODE).expect("tokens");
        let mut lengths = HashSet::new();
        for seed in 0..60 {
            let code = mutant(CODE, &mut Dice::seeded(seed));
            let after: Vec<&str> = code.split(' ').collect();
            assert_eq!(after[..10], before[..10], "the signature stays: {code}");
            lengths.insert(after.len() as i64 - before.len() as i64);
            if after.len() == before.len() {
                let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
                assert!(changed == 0 || changed == 2, "{code}");
            }
        }
        assert_eq!(lengths, HashSet::from([-1, 0, 1]), "removed, swapped, doubled");
    }

    #[test]
    fn a_function_without_a_body_stays() {
        for code in ["", "fn f(", "no tokens '", "fn f() {}"] {
            assert_eq!(mutant(code, &mut Dice::seeded(1)), code);
        }
    }

    #[test]
    fn a_child_of_empty_texts_is_one_character() {
        for seed in 0..20 {
            assert_eq!(child("", "", &mut Dice::seeded(seed)).chars().count(), 1);
        }
    }

    #[test]
    fn shuffling_keeps_every_item() {
        let mut order = Dice::seeded(3).shuffled(&[1, 2, 3, 4, 5]);
        order.sort_unstable();
        assert_eq!(order, [1, 2, 3, 4, 5]);
        assert_eq!(Dice::seeded(1).below(0), 0);
    }
}
