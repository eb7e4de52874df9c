//! The five criteria of a tech lead, and the points that they earn under given weights.

use std::fmt;

use code_evolution_wire::verdict::{Level, Verdict};

use super::{share, slowdown};

/// The criteria, in the order of [`Criteria`] and of a weights' table.
pub const CRITERIA: [&str; 5] =
    ["correctness", "edge cases", "performance", "idiom", "readability"];

/// How much one warning of the compiler or of clippy takes from the share for idiom.
const WARNING: f64 = 0.3;

/// Speed counts fully up to the first multiple of the reference's CPU time, and half up to the second. The
/// bands are wide, since a busy machine sometimes doubles a time.
const BANDS: [(f64, f64); 2] = [(4.0, 1.0), (12.0, 0.5)];

/// The measurements of one candidate, each criterion as a share, 0 to 1; `None` if it was not measured.
///
/// Wrong code earns nothing: speed, idiom and opinion are multiplied by the confirmed share of correctness.
///
/// ```
/// use code_evolution::score::Criteria;
/// let weights = [40.0, 10.0, 20.0, 10.0, 20.0];
/// let criteria = Criteria([Some(1.0), Some(0.5), None, Some(0.7), None]);
/// assert_eq!(criteria.weighed(weights).to_string(), "52 of 60");
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criteria(pub [Option<f64>; 5]);

impl Criteria {
    /// Takes the criteria from a verdict: correctness (the visible cases), edge cases (the hidden ones),
    /// idiom (warnings; the task needs `.warnings().lints()` for it). Speed and opinion are not known yet.
    ///
    /// Visible cases can be learnt by heart, so hidden cases must confirm them: if fewer than half of the
    /// hidden cases pass, the visible share is cut down to theirs. Without hidden cases, nothing confirms
    /// the visible ones, and edge cases are not measured.
    pub fn of(verdict: &Verdict) -> Self {
        let has_hidden = verdict.cases.iter().any(|case| case.hidden);
        let hidden = has_hidden.then(|| share(verdict, true));
        let visible = share(verdict, false);
        let believed = match hidden {
            Some(hidden) if hidden < 0.5 => visible.min(hidden),
            _ => visible,
        };
        let idiom = (1.0 - WARNING * verdict.warnings() as f64).max(0.0);
        Criteria([Some(believed), hidden, None, Some(idiom * believed), None])
    }

    /// Returns the criteria of a candidate that was not born, a reply without code. It earns nothing.
    pub fn not_born() -> Self {
        Criteria([Some(0.0); 5])
    }

    /// Adds the speed, from the verdicts of a speed test (see [`slowdown`]): full marks below 4 times the
    /// reference's CPU time, half below 12 times, else nothing.
    pub fn speed(mut self, candidate: &Verdict, reference: &Verdict) -> Self {
        let times = slowdown(candidate, reference).unwrap_or(f64::INFINITY);
        let band = BANDS.iter().find(|(most, _)| times < *most).map_or(0.0, |(_, share)| *share);
        self.0[2] = Some(band * self.believed());
        self
    }

    /// Adds an opinion, in points from 0 to 20; `None` if no opinion could be read.
    pub fn opinion(mut self, points: Option<u32>) -> Self {
        self.0[4] = points.map(|points| f64::from(points.min(20)) / 20.0 * self.believed());
        self
    }

    /// Computes the points: each share times its weight, rounded. A criterion that was not measured earns
    /// nothing, and the maximum does not count it either.
    pub fn weighed(&self, weights: [f64; 5]) -> Score {
        let points = std::array::from_fn(|i| self.0[i].map(|share| (weights[i] * share).round()));
        Score { points, weights }
    }

    fn believed(&self) -> f64 {
        self.0[0].unwrap_or(0.0)
    }
}

/// Points for each criterion, and what each could have earned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The points; `None` where the criterion was not measured.
    pub points: [Option<f64>; 5],
    /// The maximum of each criterion.
    pub weights: [f64; 5],
}

impl Score {
    /// Returns the sum of the points.
    pub fn total(&self) -> f64 {
        self.points.iter().flatten().sum()
    }

    /// Returns the maximum for the criteria that were measured.
    pub fn out_of(&self) -> f64 {
        let measured = self.points.iter().zip(self.weights).filter(|(points, _)| points.is_some());
        measured.map(|(_, weight)| weight).sum()
    }

    /// Returns [`Score::total`] in percent of [`Score::out_of`], rounded; 0 if nothing was measured.
    pub fn percent(&self) -> f64 {
        let most = self.out_of();
        if most > 0.0 { (100.0 * self.total() / most).round() } else { 0.0 }
    }

    /// Writes the feedback for the next prompt: the verdict's feedback (only the number of hidden cases),
    /// the points for speed and idiom, the first warning, and a reader's opinion. The points say how good
    /// the code is; the words say what to change.
    pub fn feedback(&self, verdict: &Verdict, opinion: &str) -> String {
        let told = verdict.feedback.lines().take(4).collect::<Vec<_>>().join(" ");
        let warning = verdict.diagnostics.iter().find(|it| it.level == Level::Warning);
        let first = warning.map_or(String::new(), |it| format!(" ({})", it.message));
        let idiom = format!("{}, {} warnings{first}", self.part(3), verdict.warnings());
        let speed = self.part(2);
        format!("{told} Performance: {speed}. Idiom: {idiom}. A reader's opinion: {opinion}")
    }

    /// Describes one criterion: `18 of 20`, or `not measured`.
    pub fn part(&self, criterion: usize) -> String {
        match self.points[criterion] {
            Some(points) => format!("{points} of {}", self.weights[criterion]),
            None => "not measured".to_owned(),
        }
    }
}

/// Writes the score as `66 of 80`.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.total(), self.out_of())
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::verdict::{Diagnostic, Outcome, Stage};

    use super::*;
    use crate::score::tests::verdict;

    const WEIGHTS: [f64; 5] = [40.0, 10.0, 20.0, 10.0, 20.0];

    fn points(criteria: Criteria) -> [Option<f64>; 5] {
        criteria.weighed(WEIGHTS).points
    }

    /// Makes a verdict in which this many visible and hidden cases pass, of four each.
    fn judged(visible: usize, hidden: usize) -> Verdict {
        let case = |passes: usize, hidden: bool| (0..4).map(move |n| (n < passes, hidden, 1.0));
        verdict(&case(visible, false).chain(case(hidden, true)).collect::<Vec<_>>())
    }

    #[test]
    fn hidden_cases_confirm_the_visible_ones() {
        let right = |visible, hidden| Criteria::of(&judged(visible, hidden)).0[0];
        assert_eq!(right(4, 4), Some(1.0));
        assert_eq!(right(4, 2), Some(1.0), "half of the hidden ones confirm them");
        assert_eq!(right(4, 1), Some(0.25), "learnt by heart");
        assert_eq!(right(0, 1), Some(0.0));
        let visible_only = Criteria::of(&verdict(&[(true, false, 1.0), (false, false, 1.0)]));
        assert_eq!(visible_only.0[..2], [Some(0.5), None]);
    }

    #[test]
    fn warnings_cost_idiom_and_wrong_code_earns_none() {
        let mut warned = judged(4, 4);
        let warning = Diagnostic {
            level: Level::Warning,
            code: None,
            message: String::new(),
            line: None,
            label: None,
            rendered: String::new(),
            suggestions: vec![],
        };
        warned.diagnostics = vec![warning; 2];
        assert_eq!(points(Criteria::of(&warned))[3], Some(4.0));
        warned.feedback = "1 hidden case fails.\nTake care.".into();
        warned.diagnostics[0].message = "unneeded `return`".into();
        assert_eq!(
            Criteria::of(&warned).weighed(WEIGHTS).feedback(&warned, "plain"),
            "1 hidden case fails. Take care. Performance: not measured. \
             Idiom: 4 of 10, 2 warnings (unneeded `return`). A reader's opinion: plain"
        );
        warned.diagnostics = vec![warned.diagnostics[0].clone(); 9];
        assert_eq!(points(Criteria::of(&warned))[3], Some(0.0));
        assert_eq!(points(Criteria::of(&judged(4, 0)))[3], Some(0.0));
    }

    #[test]
    fn speed_earns_points_in_bands_and_only_for_correct_code() {
        let took = |ms| verdict(&[(true, false, ms)]);
        let criteria = Criteria::of(&judged(4, 4));
        let paid = |ms| points(criteria.speed(&took(ms), &took(10.0)))[2];
        assert_eq!([paid(12.0), paid(100.0), paid(1000.0)], [Some(20.0), Some(10.0), Some(0.0)]);
        let half = Criteria::of(&judged(2, 4));
        assert_eq!(points(half.speed(&took(1.0), &took(1.0)))[2], Some(10.0));
        let wrong = Verdict::new(Stage::Compile, Outcome::CompileError, vec![]);
        assert_eq!(points(criteria.speed(&wrong, &took(1.0)))[2], Some(0.0));
    }

    #[test]
    fn an_opinion_is_capped_and_a_missing_one_is_not_counted() {
        let criteria = Criteria::of(&judged(4, 4));
        assert_eq!(points(criteria.opinion(Some(99)))[4], Some(20.0));
        let score = criteria.opinion(None).weighed(WEIGHTS);
        assert_eq!((score.to_string().as_str(), score.percent()), ("60 of 60", 100.0));
        assert_eq!((score.part(0).as_str(), score.part(4).as_str()), ("40 of 40", "not measured"));
        let none = Criteria::not_born().weighed(WEIGHTS);
        assert_eq!((none.to_string().as_str(), none.percent()), ("0 of 100", 0.0));
        assert_eq!(Criteria([None; 5]).weighed(WEIGHTS).percent(), 0.0);
    }
}
