//! A verdict in a log: the part that a second judgement must repeat. It contains no measured times.

use code_evolution_wire::verdict::{self, CaseVerdict, Outcome, Stage};
use serde::{Deserialize, Serialize};

use crate::files::digest;

/// The longest output of a case that is kept as it is, in bytes of JSON; a longer output becomes a digest.
const LONGEST_OUTPUT: usize = 200;

/// How a candidate was judged, without times and without the compiler's messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The last stage that the candidate reached.
    pub stage: Stage,
    /// How that stage ended.
    pub outcome: Outcome,
    /// How many cases passed.
    pub passed: usize,
    /// How many cases the task has.
    pub total: usize,
    /// The cases in the task's order; empty if none ran.
    pub cases: Vec<Case>,
}

/// How one case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Whether the case passed.
    pub passed: bool,
    /// The output as JSON text; a long output as `sha256:` and its digest. `None` if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// Whether the candidate panicked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub panicked: bool,
}

impl Verdict {
    /// Copies the parts of a verdict that are kept.
    pub fn of(verdict: &verdict::Verdict) -> Self {
        let cases = match verdict.stage {
            Stage::Run => verdict.cases.iter().map(Case::of).collect(),
            Stage::Scan | Stage::Compile => Vec::new(),
        };
        Verdict {
            stage: verdict.stage,
            outcome: verdict.outcome.clone(),
            passed: verdict.passed,
            total: verdict.total,
            cases,
        }
    }

    /// Describes how the other verdict differs, in a few words; `None` if both agree. The text of a refusal
    /// or a panic does not count.
    pub fn difference(&self, other: &Verdict) -> Option<String> {
        if self.stage != other.stage || kind(&self.outcome) != kind(&other.outcome) {
            return Some(format!("{}, here {}", self.ending(), other.ending()));
        }
        let counts = |verdict: &Verdict| (verdict.passed, verdict.total);
        let cases = |verdict: &Verdict| verdict.cases.iter().filter(|case| case.passed).count();
        if counts(self) != counts(other) || cases(self) != cases(other) {
            let (passed, total) = counts(other);
            return Some(format!(
                "{} of {} passed, here {passed} of {total}",
                self.passed, self.total
            ));
        }
        if self.cases.len() != other.cases.len() {
            return Some(format!("{} cases ran, here {}", self.cases.len(), other.cases.len()));
        }
        let (index, (then, here)) = self
            .cases
            .iter()
            .zip(&other.cases)
            .enumerate()
            .find(|(_, (then, here))| then != here)?;
        Some(format!("case {} {}, here {}", index + 1, then.ending(), here.ending()))
    }

    /// Returns whether the ending may depend on the machine (a limit, or a signal from outside). Another run
    /// or another machine may then give another ending.
    pub fn is_by_chance(&self) -> bool {
        match &self.outcome {
            Outcome::TimeOut { .. }
            | Outcome::OutOfMemory { .. }
            | Outcome::TooManyThreads { .. } => true,
            Outcome::Signal { number, .. } => *number == 9,
            Outcome::Finished
            | Outcome::Refused { .. }
            | Outcome::CompileError
            | Outcome::Panicked { .. }
            | Outcome::Exited { .. }
            | Outcome::TooMuchOutput { .. }
            | Outcome::ProtocolViolation { .. } => false,
        }
    }

    /// Describes the ending in a word or two.
    pub fn ending(&self) -> String {
        match (self.stage, &self.outcome) {
            (Stage::Scan, _) => "was refused".to_owned(),
            (Stage::Compile, Outcome::CompileError) => "did not compile".to_owned(),
            (Stage::Compile, _) => format!("was not compiled ({})", kind(&self.outcome)),
            (Stage::Run, Outcome::Finished) => {
                format!("ran, {} of {} passed", self.passed, self.total)
            }
            (Stage::Run, _) => format!("ran, then {}", kind(&self.outcome)),
        }
    }
}

impl Case {
    fn of(case: &CaseVerdict) -> Self {
        let got = case.got.as_ref().map(|got| match got.to_string() {
            long if long.len() > LONGEST_OUTPUT => format!("sha256:{}", digest(long)),
            short => short,
        });
        Case { passed: case.passed, got, panicked: case.panic.is_some() }
    }

    fn ending(&self) -> String {
        let passed = if self.passed { "passed" } else { "failed" };
        match &self.got {
            Some(got) => format!("{passed} with {got}"),
            None if self.panicked => format!("{passed} with a panic"),
            None => format!("{passed} without an output"),
        }
    }
}

fn kind(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Finished => "finished",
        Outcome::Refused { .. } => "refused",
        Outcome::CompileError => "compile error",
        Outcome::Panicked { .. } => "panicked",
        Outcome::Signal { .. } => "killed by a signal",
        Outcome::Exited { .. } => "exited",
        Outcome::TimeOut { .. } => "time-out",
        Outcome::OutOfMemory { .. } => "out of memory",
        Outcome::TooManyThreads { .. } => "too many threads",
        Outcome::TooMuchOutput { .. } => "printed too much",
        Outcome::ProtocolViolation { .. } => "broke the protocol",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn verdict(outputs: &[(bool, Value)]) -> Verdict {
        let case = |(passed, got): &(bool, Value)| CaseVerdict {
            name: "f(1)".to_owned(),
            input: vec![json!(1)],
            expected: None,
            got: Some(got.clone()),
            passed: *passed,
            problem: None,
            panic: None,
            hidden: false,
            cpu_ms: 1.5,
        };
        let cases = outputs.iter().map(case).collect();
        Verdict::of(&verdict::Verdict::new(Stage::Run, Outcome::Finished, cases))
    }

    #[test]
    fn differences_are_named_and_times_are_ignored() {
        let one = verdict(&[(true, json!("a")), (false, json!("b"))]);
        assert_eq!(one.difference(&one.clone()), None);
        for (other, part) in [
            (verdict(&[(true, json!("a")), (true, json!("b"))]), "1 of 2 passed, here 2 of 2"),
            (verdict(&[(false, json!("a")), (true, json!("b"))]), "case 1 passed with \"a\""),
            (verdict(&[(true, json!("a")), (false, json!("c"))]), "case 2 failed with \"b\", here"),
            (verdict(&[(true, json!("a"))]), "1 of 2 passed, here 1 of 1"),
            (
                Verdict { outcome: Outcome::CompileError, stage: Stage::Compile, ..one.clone() },
                "here did not compile",
            ),
        ] {
            let difference = one.difference(&other).expect("a difference");
            assert!(difference.contains(part), "{difference}");
        }
    }

    #[test]
    fn counts_that_contradict_the_cases_are_a_difference() {
        let honest = verdict(&[(true, json!(1)), (false, json!(2))]);
        let forged = Verdict { passed: 2, ..honest.clone() };
        assert!(forged.difference(&honest).is_some() && honest.difference(&forged).is_some());
    }

    #[test]
    fn a_long_output_is_kept_as_its_digest() {
        let long = verdict(&[(true, json!("x".repeat(1_000)))]);
        let got = long.cases[0].got.as_deref().expect("an output");
        assert!(got.starts_with("sha256:") && got.len() < 80, "{got}");
        assert!(long.difference(&verdict(&[(true, json!("y".repeat(1_000)))])).is_some());
        let text = serde_json::to_string(&long).expect("JSON");
        assert_eq!(serde_json::from_str::<Verdict>(&text).expect("a verdict"), long);
    }
}
