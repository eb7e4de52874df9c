//! Several instances that are scored together.

use code_evolution_wire::task::{Case, Limits, Task};
use code_evolution_wire::verdict::Verdict;
use serde_json::json;

use super::{Instance, InvalidPacking, skeleton};

/// Instances that are scored together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    instances: Vec<Instance>,
}

/// The function that a candidate must define.
const SIGNATURE: &str = "fn priority(item: f64, bins: &[f64]) -> Vec<f64>";

/// The trusted code that packs in the jail. It reports only the numbers of the bins.
const DRIVER: &str = concat!(
    "mod skeleton {\n",
    include_str!("skeleton.rs"),
    "}\n",
    "pub fn pack_items(items: Vec<u32>, capacity: u32) -> Vec<u32> {\n",
    "    skeleton::pack(&items, capacity, |item, bins| candidate::priority(item, bins))\n",
    "        .unwrap_or_else(|problem| panic!(\"{problem}\"))\n",
    "}\n",
);

impl Dataset {
    /// Creates a dataset of these instances.
    ///
    /// # Errors
    /// If there are no instances.
    pub fn new(instances: Vec<Instance>) -> Result<Self, InvalidPacking> {
        if instances.is_empty() {
            return Err(InvalidPacking("a dataset needs at least one instance".to_owned()));
        }
        Ok(Dataset { instances })
    }

    /// Returns the instances.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// Returns the task for the jail: define `priority`, and pack every instance with it. The cases are
    /// hidden, since a model could learn the items by heart.
    pub fn task(&self) -> Task {
        let task = Task::new(SIGNATURE)
            .driver("fn pack_items(items: Vec<u32>, capacity: u32) -> Vec<u32>", DRIVER)
            .opt_level(3)
            .limits(Limits {
                cpu_ms: 20_000,
                case_wall_ms: 10_000,
                wall_ms: 30_000,
                ..Limits::default()
            });
        self.instances.iter().fold(task, |task, instance| {
            task.with(Case {
                name: instance.name().to_owned(),
                input: vec![json!(instance.items()), json!(instance.capacity())],
                expected: None,
                panics: false,
                hidden: true,
            })
        })
    }

    /// Computes the excess, in percent, of a candidate that was judged on [`Dataset::task`]. The packings
    /// are checked and the bins counted here, outside the jail.
    ///
    /// # Errors
    /// If the candidate did not pack every instance, or packed one wrongly.
    pub fn excess(&self, verdict: &Verdict) -> Result<f64, InvalidPacking> {
        self.excess_of(&self.packings(verdict)?)
    }

    /// Counts the candidate's bins for each instance, for a comparison with another candidate, instance by
    /// instance.
    ///
    /// # Errors
    /// As for [`Dataset::excess`].
    pub fn bins(&self, verdict: &Verdict) -> Result<Vec<usize>, InvalidPacking> {
        self.bins_of(&self.packings(verdict)?)
    }

    fn packings(&self, verdict: &Verdict) -> Result<Vec<Vec<u32>>, InvalidPacking> {
        if verdict.cases.len() != self.instances.len() {
            return Err(InvalidPacking(format!(
                "the verdict has {} cases, the dataset {} instances; judge on this dataset's task",
                verdict.cases.len(),
                self.instances.len()
            )));
        }
        let packings = self.instances.iter().zip(&verdict.cases).map(|(instance, case)| {
            let wrong = |what: &str| InvalidPacking(format!("packing of {}: {what}", case.name));
            if case.name != instance.name() {
                return Err(wrong("not an instance of this dataset; judge on this dataset's task"));
            }
            let Some(got) = &case.got else {
                return Err(wrong(case.problem.as_deref().unwrap_or("no packing was returned")));
            };
            serde_json::from_value(got.clone()).map_err(|error| wrong(&error.to_string()))
        });
        packings.collect()
    }

    /// Computes the excess, in percent, of a heuristic that is part of this program.
    ///
    /// # Errors
    /// If the heuristic does not give one score for each bin.
    pub fn excess_with(
        &self,
        mut priority: impl FnMut(f64, &[f64]) -> Vec<f64>,
    ) -> Result<f64, InvalidPacking> {
        let packings = self.instances.iter().map(|instance| {
            skeleton::pack(instance.items(), instance.capacity(), &mut priority).map_err(
                |problem| InvalidPacking(format!("packing of {}: {problem}", instance.name())),
            )
        });
        self.excess_of(&packings.collect::<Result<Vec<_>, _>>()?)
    }

    /// Computes the excess of these packings, one per instance: mean bins over mean bound, minus 1, in
    /// percent.
    fn excess_of(&self, packings: &[Vec<u32>]) -> Result<f64, InvalidPacking> {
        let bins: usize = self.bins_of(packings)?.iter().sum();
        let bound: usize = self.instances.iter().map(Instance::lower_bound).sum();
        Ok(100.0 * (bins as f64 / bound as f64 - 1.0))
    }

    fn bins_of(&self, packings: &[Vec<u32>]) -> Result<Vec<usize>, InvalidPacking> {
        let counts = self.instances.iter().zip(packings);
        counts.map(|(instance, bins)| instance.count_bins(bins)).collect()
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::verdict::{CaseVerdict, Outcome, Stage};
    use serde_json::Value;

    use super::*;

    fn dataset() -> Dataset {
        let instance = |name, items| Instance::new(name, 10, items).expect("a good instance");
        Dataset::new(vec![instance("a", vec![6, 5, 4]), instance("b", vec![10])]).expect("two")
    }

    /// Makes a verdict with what a candidate returned for each instance.
    fn verdict(got: [Option<Value>; 2]) -> Verdict {
        let cases = dataset().task().cases;
        let cases = cases.into_iter().zip(got).map(|(case, got)| CaseVerdict {
            name: case.name,
            input: case.input,
            expected: None,
            problem: got.is_none().then(|| "panicked: too few scores".to_owned()),
            passed: got.is_some(),
            got,
            panic: None,
            hidden: case.hidden,
            cpu_ms: 0.0,
        });
        Verdict::new(Stage::Run, Outcome::Finished, cases.collect())
    }

    #[test]
    fn excess_is_counted_from_the_packings() {
        // 3 + 1 bins, against bounds of 2 + 1.
        let three = verdict([Some(json!([0, 1, 2])), Some(json!([0]))]);
        let excess = dataset().excess(&three).expect("packings");
        assert!((excess - 100.0 / 3.0).abs() < 1e-9, "{excess}");
        let best = verdict([Some(json!([0, 1, 0])), Some(json!([0]))]);
        assert_eq!(dataset().excess(&best), Ok(0.0));
        assert_eq!(dataset().bins(&three), Ok(vec![3, 1]));
    }

    #[test]
    fn a_false_packing_has_no_excess() {
        for (first, part) in [
            (Some(json!([0, 0, 0])), "packing of a: item 1 does not fit into bin 0"),
            (Some(json!([])), "0 bins for 3 items"),
            (Some(json!([0, 1, -1])), "packing of a: invalid value"),
            (Some(json!("one bin, trust me")), "packing of a: invalid type"),
            (None, "packing of a: panicked: too few scores"),
        ] {
            let lie = verdict([first, Some(json!([0]))]);
            let error = dataset().excess(&lie).expect_err("not a packing").to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_verdict_on_another_dataset_is_refused() {
        let mut other = verdict([Some(json!([0, 1, 2])), Some(json!([0]))]);
        other.cases.swap(0, 1);
        assert!(dataset().excess(&other).is_err());
        other.cases.pop();
        let error = dataset().excess(&other).expect_err("one case is missing").to_string();
        assert!(error.contains("1 cases, the dataset 2 instances"), "{error}");
    }

    #[test]
    fn models_are_not_told_the_items() {
        let task = dataset().task();
        assert!(task.cases.iter().all(|case| case.hidden && case.expected.is_none()));
        assert_eq!(task.function(), Some("priority"));
    }
}
