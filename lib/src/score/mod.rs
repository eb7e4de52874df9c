//! Scores: what a verdict measured, and what a comparison of scores can say.
//!
//! | item | subject |
//! |---|---|
//! | [`best_first`] | the order of scores; NaN comes last |
//! | [`best_so_far`] | a curve that never falls |
//! | [`ranked`] | a population in the order of its scores |
//! | [`share`] | the share of visible or hidden cases that pass |
//! | [`times`], [`growth`], [`slowdown`] | CPU time over growing inputs, coarse enough to be a score |
//! | [`Criteria`], [`Score`] | five criteria of a candidate, and the points that they earn |
//! | [`Paired`] | old against new, problem by problem: difference, interval, test |
//!
//! A model's opinion comes from [`Reply::opinion`](crate::llm::Reply::opinion); here it is a number that
//! the notebook passes in.
//!
//! Left out: benchmarks. One run on a shared machine can only tell a factor of ten from a factor of one. So
//! these functions are for wide bands, not for small differences. Also left out: weights. The notebook
//! decides what a criterion is worth.

mod criteria;
mod paired;

pub use criteria::{CRITERIA, Criteria, Score};
pub use paired::{Pair, Paired};

use std::cmp::Ordering;

use code_evolution_wire::verdict::Verdict;

/// Milliseconds added to each measured time before one is divided by the other. A time below this is only
/// noise and the reading of the input.
const FLOOR_MS: f64 = 5.0;

/// Orders scores for `sort_by`, the higher first. NaN (from a division by zero, say) comes last, even after
/// negative infinity; `f64::total_cmp` alone would put NaN first.
///
/// ```
/// # use code_evolution::score::best_first;
/// let mut scores = [f64::NAN, 1.0, f64::NEG_INFINITY, 2.0];
/// scores.sort_by(|a, b| best_first(*a, *b));
/// assert_eq!(scores[..3], [2.0, 1.0, f64::NEG_INFINITY]);
/// assert!(scores[3].is_nan());
/// ```
pub fn best_first<S: PartialOrd>(a: S, b: S) -> Ordering {
    let is_nan = |score: &S| score.partial_cmp(score).is_none();
    is_nan(&a).cmp(&is_nan(&b)).then_with(|| b.partial_cmp(&a).unwrap_or(Ordering::Equal))
}

/// Returns each item with its score, best first. Items with the same score keep their order. A score of NaN
/// comes last.
///
/// ```
/// # use code_evolution::score::ranked;
/// let words = ["one", "three", "two"].map(str::to_owned);
/// assert_eq!(ranked(&words, |word| word.len())[0], (5, "three".to_owned()));
/// ```
pub fn ranked<T: Clone, S: PartialOrd>(items: &[T], score: impl Fn(&T) -> S) -> Vec<(S, T)> {
    let mut scored: Vec<(S, T)> = items.iter().map(|item| (score(item), item.clone())).collect();
    scored.sort_by(|a, b| best_first(&a.0, &b.0));
    scored
}

/// Returns the best score so far after each try; NaN changes nothing.
///
/// ```
/// # use code_evolution::score::best_so_far;
/// assert_eq!(best_so_far(&[2.0, f64::NAN, 1.0, 3.0]), [2.0, 2.0, 2.0, 3.0]);
/// ```
pub fn best_so_far(scores: &[f64]) -> Vec<f64> {
    let mut best = f64::NEG_INFINITY;
    let so_far = scores.iter().map(|score| {
        best = best.max(*score);
        best
    });
    so_far.collect()
}

/// Returns the share of a verdict's hidden or visible cases that pass, 0 to 1; 0 if there are none.
pub fn share(verdict: &Verdict, hidden: bool) -> f64 {
    let cases = verdict.cases.iter().filter(|case| case.hidden == hidden);
    let (passed, all) =
        cases.fold((0, 0), |(passed, all), case| (passed + usize::from(case.passed), all + 1));
    passed as f64 / all.max(1) as f64
}

/// Returns the CPU times of a verdict's cases in milliseconds, each with the size of that case's input, for
/// [`growth`] or a plot. Sizes beyond the last case are left out.
pub fn times(verdict: &Verdict, sizes: &[f64]) -> Vec<(f64, f64)> {
    sizes.iter().copied().zip(verdict.cases.iter().map(|case| case.cpu_ms)).collect()
}

/// Divides a candidate's time for the last case, which has the largest input, by the reference's: 2 means
/// twice as long. Returns `None` unless both passed every case, since the time of a wrong answer means
/// nothing.
pub fn slowdown(candidate: &Verdict, reference: &Verdict) -> Option<f64> {
    if !candidate.is_success() || !reference.is_success() {
        return None;
    }
    let (candidate, reference) = (candidate.cases.last()?, reference.cases.last()?);
    Some(ratio(candidate.cpu_ms, reference.cpu_ms))
}

/// Computes [`slowdown`] for two times in milliseconds.
fn ratio(candidate_ms: f64, reference_ms: f64) -> f64 {
    (candidate_ms + FLOOR_MS) / (reference_ms + FLOOR_MS)
}

/// Estimates the exponent `k` if times grow as `n^k` from the first size to the last: about 1 for a linear
/// algorithm, 2 for a quadratic one. `None` for fewer than two sizes, or times of 0.
///
/// ```
/// # use code_evolution::score::growth;
/// assert_eq!(growth(&[(100.0, 1.0), (1000.0, 100.0)]), Some(2.0));
/// ```
pub fn growth(times: &[(f64, f64)]) -> Option<f64> {
    let ((small, first), (large, last)) = (times.first()?, times.last()?);
    let exponent = (last / first).log10() / (large / small).log10();
    exponent.is_finite().then_some(exponent)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use code_evolution_wire::verdict::{CaseVerdict, Outcome, Stage};

    /// Makes a verdict from cases: whether each passed, whether it is hidden, and its milliseconds.
    pub(crate) fn verdict(cases: &[(bool, bool, f64)]) -> Verdict {
        let cases = cases.iter().map(|&(passed, hidden, cpu_ms)| CaseVerdict {
            name: String::new(),
            input: vec![],
            expected: None,
            got: None,
            passed,
            problem: None,
            panic: None,
            hidden,
            cpu_ms,
        });
        Verdict::new(Stage::Run, Outcome::Finished, cases.collect())
    }

    #[test]
    fn visible_and_hidden_cases_have_shares_of_their_own() {
        let judged = verdict(&[
            (true, false, 0.0),
            (false, false, 0.0),
            (true, true, 0.0),
            (true, true, 0.0),
        ]);
        assert_eq!((share(&judged, false), share(&judged, true)), (0.5, 1.0));
        assert_eq!(share(&verdict(&[]), true), 0.0);
    }

    #[test]
    fn each_time_stands_beside_its_size() {
        let judged = verdict(&[(true, false, 1.0), (true, false, 4.0)]);
        assert_eq!(times(&judged, &[10.0, 20.0, 40.0]), [(10.0, 1.0), (20.0, 4.0)]);
    }

    #[test]
    fn a_quick_candidate_is_not_called_slow_for_a_millisecond() {
        assert_eq!(ratio(1.0, 0.2).round(), 1.0);
        assert_eq!(ratio(205.0, 2.0), 30.0);
    }

    #[test]
    fn growth_needs_two_sizes_and_times() {
        assert_eq!(growth(&[(1.0, 1.0)]), None);
        assert_eq!(growth(&[(1.0, 0.0), (2.0, 1.0)]), None);
        assert_eq!(growth(&[(1.0, 3.0), (10.0, 30.0)]), Some(1.0));
    }
}
