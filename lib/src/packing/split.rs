//! Training, validation and test data. The test data is locked.
//!
//! With every look at a dataset, a search fits it a little more. So a search may look at two datasets: one
//! for breeding, one for choosing. The third dataset measures the result, once. The types enforce this:
//! [`LockedTest`] gives no access to its instances, and it scores only one list of finalists, always with
//! the same result.

use std::fmt;
use std::sync::OnceLock;

use code_evolution_wire::protocol::FailureKind;

use super::Dataset;
use crate::error::{Error, Result};
use crate::lab::Lab;
use crate::show::Verdict;

/// Three datasets for one search.
#[derive(Debug)]
pub struct Split {
    /// The search uses this to breed.
    pub train: Dataset,
    /// The search uses this to choose its finalists.
    pub validation: Dataset,
    /// This measures the finalists, once.
    pub test: LockedTest,
}

impl Split {
    /// Combines three datasets. They should share no instance: use a different seed for each.
    pub fn new(train: Dataset, validation: Dataset, test: Dataset) -> Self {
        Split { train, validation, test: LockedTest { dataset: test, finalists: OnceLock::new() } }
    }
}

/// A dataset that a search cannot see. It cannot be read, cloned or printed, and it scores only the first
/// finalists that it is given.
pub struct LockedTest {
    dataset: Dataset,
    finalists: OnceLock<Vec<String>>,
}

impl LockedTest {
    /// Returns the excess of each finalist, in percent. It is infinite for a finalist that does not pack
    /// every instance, since that is a result of the test too. The same finalists get the same scores
    /// again, so a cell can be run twice. Other finalists are refused: a search that chooses by a test's
    /// scores turns the test into a training set.
    ///
    /// # Errors
    /// If other finalists were scored before, or the judge fails. In the latter case the lock stays closed.
    pub fn final_scores(&self, lab: &Lab, finalists: &[impl AsRef<str>]) -> Result<Vec<f64>> {
        let codes: Vec<String> = finalists.iter().map(|code| code.as_ref().to_owned()).collect();
        self.refuse_others(&codes)?;
        let verdicts = lab.judge_all(&codes, &self.dataset.task())?;
        self.finalists.get_or_init(|| codes);
        Ok(self.scores(&verdicts))
    }

    fn scores(&self, verdicts: &[Verdict]) -> Vec<f64> {
        let scores = verdicts.iter().map(|verdict| self.dataset.excess(verdict));
        scores.map(|score| score.unwrap_or(f64::INFINITY)).collect()
    }

    fn refuse_others(&self, codes: &[String]) -> Result<()> {
        match self.finalists.get() {
            Some(finalists) if finalists != codes => Err(Error::new(
                FailureKind::BadRequest,
                "this test was already opened for other finalists, so its scores would no longer be a test; make a new split, with another seed",
            )),
            _ => Ok(()),
        }
    }
}

/// Shows how many instances there are, and nothing about them.
impl fmt::Debug for LockedTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a locked test of {} instances", self.dataset.instances().len())
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::verdict::{self as wire, CaseVerdict, Outcome, Stage};

    use super::*;

    fn split() -> Split {
        let dataset = |seed| Dataset::uniform(seed, 2, 5).expect("good sizes");
        Split::new(dataset(1), dataset(2), dataset(3))
    }

    #[test]
    fn only_the_first_finalists_are_scored() {
        let test = split().test;
        let (first, other) = (["a".to_owned()], ["b".to_owned()]);
        test.refuse_others(&first).expect("the lock is closed");
        test.finalists.get_or_init(|| first.to_vec());
        test.refuse_others(&first).expect("the same again");
        let error = test.refuse_others(&other).expect_err("a second choice");
        assert!(error.to_string().contains("already opened for other finalists"), "{error}");
    }

    #[test]
    fn a_finalist_that_cannot_pack_does_not_hide_the_others_scores() {
        let test = split().test;
        let one_bin_each = || {
            let cases = test.dataset.task().cases.into_iter().map(|case| CaseVerdict {
                name: case.name,
                got: Some((0..5).collect()),
                input: case.input,
                expected: None,
                passed: true,
                problem: None,
                panic: None,
                hidden: case.hidden,
                cpu_ms: 0.0,
            });
            wire::Verdict::new(Stage::Run, Outcome::Finished, cases.collect())
        };
        let broken = wire::Verdict::new(Stage::Compile, Outcome::CompileError, Vec::new());
        let scores = test.scores(&[Verdict(broken), Verdict(one_bin_each())]);
        assert!(scores[0].is_infinite() && scores[1].is_finite(), "{scores:?}");
    }

    #[test]
    fn the_test_cannot_be_printed() {
        let text = format!("{:?}", split().test);
        assert_eq!(text, "a locked test of 2 instances");
    }
}
