//! Old against new, problem by problem.
//!
//! A problem is hard or easy for both, so only the *difference* on each problem counts. Several samples of
//! one problem are not independent evidence, so they are averaged first; the problems are the sample. Test
//! and interval belong together and share one assumption: the differences are spread symmetrically around
//! the true difference. (Sign flips: Fisher, *The Design of Experiments*, 1935; the interval from the means
//! of all subsets: Hartigan, "Using subsample values as typical values", 1969.)
//!
//! Left out: a correction for several comparisons. Among twenty comparisons, chance alone gives one with p
//! under 0.05.

/// Up to this many problems, all sign flips and subsets are counted; for more, only a fixed sample is.
const COUNTED: usize = 16;
/// How many flips and subsets that sample has.
const SAMPLED: u64 = 1 << COUNTED;
/// The interval leaves out this share on each side.
const TAIL: f64 = 0.025;

/// One problem, measured several times the old way and the new way.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// The problem's name.
    pub name: String,
    /// The scores of the old way, one per sample.
    pub old: Vec<f64>,
    /// The scores of the new way.
    pub new: Vec<f64>,
}

/// A comparison of an old and a new way on the same problems.
///
/// ```
/// use code_evolution::score::Paired;
/// let mut paired = Paired::new();
/// for problem in ["a", "b", "c", "d", "e", "f"] {
///     paired.push(problem, vec![40.0, 60.0], vec![70.0, 90.0]);
/// }
/// assert_eq!(paired.difference(), 30.0);
/// assert_eq!(paired.interval(), Some((30.0, 30.0)));
/// assert_eq!(paired.p_value(), 2.0 / 64.0);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Paired {
    pairs: Vec<Pair>,
}

impl Paired {
    /// Creates a comparison without problems.
    pub fn new() -> Self {
        Paired::default()
    }

    /// Adds a problem with its samples. A problem without a sample on one side is left out, and so are
    /// samples that are NaN.
    pub fn push(&mut self, name: impl Into<String>, old: Vec<f64>, new: Vec<f64>) {
        let finite = |mut samples: Vec<f64>| {
            samples.retain(|score| score.is_finite());
            samples
        };
        let pair = Pair { name: name.into(), old: finite(old), new: finite(new) };
        if !pair.old.is_empty() && !pair.new.is_empty() {
            self.pairs.push(pair);
        }
    }

    /// Returns the problems.
    pub fn pairs(&self) -> &[Pair] {
        &self.pairs
    }

    /// Returns new minus old, averaged over the problems; 0 without problems.
    pub fn difference(&self) -> f64 {
        mean(&self.differences())
    }

    /// Returns the range of differences that fits the data, at 95 % confidence (a little more, since
    /// subsets are counted). `None` for fewer than six problems, which allow no such interval.
    pub fn interval(&self) -> Option<(f64, f64)> {
        let differences = self.differences();
        let mut means: Vec<f64> =
            subsets(differences.len()).map(|subset| mean(&chosen(&differences, subset))).collect();
        means.sort_by(f64::total_cmp);
        // The means of the n subsets cut the line into n + 1 equally likely intervals.
        let cut = (TAIL * (means.len() + 1) as f64).floor() as usize;
        let lowest = means.get(cut.checked_sub(1)?)?;
        Some((*lowest, means[means.len() - cut]))
    }

    /// Returns how often chance alone gives a difference at least this large, on either side: the share of
    /// all ways to flip the signs of the differences. 1 without problems.
    pub fn p_value(&self) -> f64 {
        let differences = self.differences();
        let total: f64 = differences.iter().sum();
        // A small tolerance, for sums that differ only by rounding.
        let least = total.abs() - 1e-9 * differences.iter().map(|it| it.abs()).sum::<f64>();
        let extreme = |flipped: u64| {
            (total - 2.0 * chosen(&differences, flipped).iter().sum::<f64>()).abs() >= least
        };
        // The empty subset flips nothing.
        let (mut count, mut all) = (1.0, 1.0);
        for flipped in subsets(differences.len()) {
            count += f64::from(u8::from(extreme(flipped)));
            all += 1.0;
        }
        count / all
    }

    /// Returns the smallest p that this many problems can give, if the new way is better on each.
    pub fn smallest_p(&self) -> f64 {
        0.5f64.powi(self.pairs.len() as i32 - 1).min(1.0)
    }

    /// Returns whether the test finds the new way better: p under 0.05, and a positive difference.
    pub fn is_better(&self) -> bool {
        self.difference() > 0.0 && self.p_value() < 0.05
    }

    /// Describes the result in two lines: the difference with its interval, then the test.
    pub fn summary(&self) -> String {
        let pairs = match self.pairs.len() {
            0 => return "no pair was measured".to_owned(),
            1 => "1 pair".to_owned(),
            count => format!("{count} pairs"),
        };
        let interval = match self.interval() {
            Some((low, high)) => {
                format!("95 % interval {:+.0} to {:+.0}", whole(low), whole(high))
            }
            None => "no 95 % interval from fewer than 6".to_owned(),
        };
        let (p, smallest) = (probability(self.p_value()), probability(self.smallest_p()));
        format!(
            "difference {:+.0} over {pairs}; {interval}\n\
             sign flips: p = {p} (smallest possible with {pairs}: {smallest})",
            whole(self.difference())
        )
    }

    fn differences(&self) -> Vec<f64> {
        self.pairs.iter().map(|pair| mean(&pair.new) - mean(&pair.old)).collect()
    }
}

/// Writes a probability with as many decimals as it needs.
fn probability(p: f64) -> String {
    if p < 0.001 { "under 0.001".to_owned() } else { format!("{p:.3}") }
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// Returns the values whose bits are set; bits repeat after the 64th.
fn chosen(values: &[f64], subset: u64) -> Vec<f64> {
    let is_in = |at: usize| subset.rotate_right((at % 64) as u32) & 1 == 1;
    (0..values.len()).filter(|at| is_in(*at)).map(|at| values[at]).collect()
}

/// Returns the non-empty subsets of this many values, as bits: all of them, or the same sample each time.
fn subsets(count: usize) -> Box<dyn Iterator<Item = u64>> {
    if count <= COUNTED {
        return Box::new(1..1u64 << count);
    }
    // SplitMix64 (Steele, Lea and Flood, 2014).
    Box::new((1..SAMPLED).map(|n| {
        let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }))
}

/// The nearest whole number; 0 has no sign.
fn whole(value: f64) -> f64 {
    value.round() + 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paired(differences: &[f64]) -> Paired {
        let mut paired = Paired::new();
        for difference in differences {
            paired.push("p", vec![0.0], vec![*difference]);
        }
        paired
    }

    #[test]
    fn samples_of_one_problem_count_once() {
        let mut paired = Paired::new();
        paired.push("a", vec![0.0, 100.0], vec![100.0; 9]);
        paired.push("no new sample", vec![1.0], vec![]);
        paired.push("no number", vec![f64::NAN], vec![1.0]);
        assert_eq!((paired.pairs().len(), paired.difference(), paired.p_value()), (1, 50.0, 1.0));
    }

    #[test]
    fn the_test_counts_sign_flips() {
        // By hand, for the 8 sums ±1 ±2 ±3: two of them (±6) are as large as 6; six are as large as 1 - 2 +
        // 3 = 2.
        assert_eq!(paired(&[1.0, 2.0, 3.0]).p_value(), 2.0 / 8.0);
        assert_eq!(paired(&[1.0, -2.0, 3.0]).p_value(), 6.0 / 8.0);
        assert_eq!(paired(&[0.0; 5]).p_value(), 1.0);
        assert_eq!((paired(&[]).p_value(), paired(&[]).smallest_p()), (1.0, 1.0));
        assert_eq!(paired(&[1.0; 8]).smallest_p(), 2.0 / 256.0);
    }

    #[test]
    fn too_few_problems_have_no_interval() {
        assert_eq!(paired(&[1.0, 2.0, 3.0, 4.0, 5.0]).interval(), None);
        let (low, high) = paired(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).interval().expect("six");
        assert_eq!((low, high), (1.0, 6.0), "the smallest and the largest mean of a subset");
    }

    #[test]
    fn the_summary_says_how_far_the_test_can_go() {
        let text = paired(&[10.0, 20.0, 30.0, 40.0]).summary();
        assert_eq!(
            text,
            "difference +25 over 4 pairs; no 95 % interval from fewer than 6\n\
             sign flips: p = 0.125 (smallest possible with 4 pairs: 0.125)"
        );
        let none = paired(&[0.3, -0.4, 0.1, -0.2]).summary();
        assert!(none.starts_with("difference +0 over"), "{none}");
        assert!(!paired(&[10.0, 20.0, 30.0, 40.0]).is_better(), "four cannot say so");
        assert!(paired(&[10.0; 8]).is_better() && !paired(&[-10.0; 8]).is_better());
        assert_eq!(Paired::new().summary(), "no pair was measured");
    }

    #[test]
    fn the_sample_of_many_problems_is_always_the_same() {
        let many: Vec<f64> = (0..70).map(|n| f64::from(n % 7) - 2.0).collect();
        let (p, interval) = (paired(&many).p_value(), paired(&many).interval().expect("many"));
        assert_eq!(p, paired(&many).p_value());
        assert!(p < 0.01, "{p}");
        // The t interval of these values is 0.52 to 1.48.
        assert!((interval.0 - 0.52).abs() < 0.1 && (interval.1 - 1.48).abs() < 0.1, "{interval:?}");
    }

    proptest! {
        #[test]
        fn interval_and_test_agree(differences in prop::collection::vec(-50i32..50, 6..12)) {
            let paired = paired(&differences.iter().map(|d| f64::from(*d)).collect::<Vec<_>>());
            let (low, high) = paired.interval().expect("six or more");
            prop_assert!(low <= paired.difference() + 1e-9 && paired.difference() <= high + 1e-9);
            // If the interval excludes 0, the test must find a difference.
            if low > 1e-9 || high < -1e-9 {
                prop_assert!(paired.p_value() < 0.05 + 1e-9, "{} for {low} to {high}", paired.p_value());
            }
        }
    }
}
