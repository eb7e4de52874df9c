//! Reads and checks a task once for all its candidates; makes the verdict of a candidate that never ran.

use code_evolution_wire::task::{Property, Task};
use code_evolution_wire::verdict::{Outcome, Stage, Timings, Verdict};
use sha2::{Digest, Sha256};

use super::cases::Results;
use super::error::JudgeError;
use super::prepared::Prepared;
use super::scan::Source;
use super::signature::{Signature, Type};
use super::{compare, feedback, glue};

/// A task, read and checked once for all its candidates.
pub struct Plan<'a> {
    /// The task.
    pub task: &'a Task,
    /// The signature of the function that is called.
    pub signature: Signature,
    /// The cases.
    pub prepared: Prepared<'a>,
    /// The text of the program around a candidate.
    pub main: String,
    /// The text of the driver's file, if the task has a driver.
    pub driver: Option<String>,
}

impl<'a> Plan<'a> {
    /// Reads and checks a task.
    ///
    /// # Errors
    /// Describes what is wrong with the task.
    pub fn new(task: &'a Task) -> Result<Self, JudgeError> {
        let called = task.driver.as_ref().map_or(&task.signature, |driver| &driver.signature);
        let signature = Signature::parse(called).map_err(JudgeError::BadRequest)?;
        task.properties
            .iter()
            .try_for_each(|property| check_property(property, task, &signature))
            .map_err(JudgeError::BadRequest)?;
        let driver = task.driver.as_ref().map(|driver| {
            let published = Source::new(&driver.source).publish(Some(&signature.name));
            glue::driver_file(&published.text)
        });
        Ok(Plan {
            task,
            prepared: Prepared::new(task, &signature)?,
            main: glue::main_file(&signature, driver.is_some()),
            driver,
            signature,
        })
    }

    /// Reads a task whose candidates will be judged. Such a task needs a case: without a case, every
    /// candidate would pass.
    ///
    /// # Errors
    /// As [`Plan::new`]; also if the task has no case.
    pub fn to_judge(task: &'a Task) -> Result<Self, JudgeError> {
        let plan = Plan::new(task)?;
        match task.cases.is_empty() {
            true => Err(JudgeError::BadRequest(format!(
                "the task `{}` has no case, so whatever compiles would pass; add a case, or an \
                 input with a property",
                task.signature
            ))),
            false => Ok(plan),
        }
    }

    /// Returns the verdict of a candidate that never ran.
    pub fn failed(&self, stage: Stage, outcome: Outcome) -> Verdict {
        let cases = self.prepared.not_run("not run: the code did not compile");
        let mut verdict = Verdict::new(stage, outcome, cases);
        verdict.feedback = feedback::feedback(self.task, &verdict, &[]);
        verdict
    }
}

/// Refuses a property that no output can have, or whose input no case has. Such a property is a mistake in
/// the task.
fn check_property(property: &Property, task: &Task, signature: &Signature) -> Result<(), String> {
    match property {
        Property::Between { at, .. } | Property::OneOf { at, .. } => check_pointer(at)?,
        Property::Labelled { number, label, .. } => {
            check_pointer(number)?;
            check_pointer(label)?;
        }
        Property::ForInput { input, property } => {
            if !task.cases.iter().any(|case| compare::all_alike(input, &case.input)) {
                let shown: Vec<String> = input.iter().map(ToString::to_string).collect();
                return Err(format!(
                    "a property is for the input ({}), which no case has; add the case",
                    shown.join(", ")
                ));
            }
            check_property(property, task, signature)?;
        }
        Property::PermutationOf(index) => {
            let list = matches!(
                signature.parameters.get(*index),
                Some(Type::List(_) | Type::Slice(_) | Type::Array(..) | Type::Reference(_))
            );
            if !list {
                return Err(format!(
                    "the output cannot be a permutation of parameter {}, which is no list of \
                     `{}`; the first parameter is 0",
                    index, signature.name
                ));
            }
        }
        Property::Ascending => {}
    }
    Ok(())
}

fn check_pointer(at: &str) -> Result<(), String> {
    match at.is_empty() || at.starts_with('/') {
        true => Ok(()),
        false => Err(format!(
            "`{at}` is not a JSON pointer; write it like `/score`, or leave it empty for the whole \
             output"
        )),
    }
}

/// Returns the seed of the cases' order: the same candidate gets the same order.
pub fn seed(signature: &str, code: &str) -> u64 {
    let mut hash = Sha256::new();
    hash.update(signature);
    hash.update(code);
    let digest = hash.finalize();
    digest.iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

impl From<Results> for Verdict {
    fn from(results: Results) -> Self {
        Verdict {
            cpu_ms: results.cpu_ms,
            peak_bytes: results.peak_bytes,
            timings: Timings {
                start_ms: results.start_ms,
                cases_ms: results.cases_ms,
                ..Timings::default()
            },
            ..Verdict::new(Stage::Run, results.outcome, results.cases)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = r#"{"signature": "fn f(n: u32, t: &[Option<String>]) -> f64", "opt_level": 0,
        "cases": [{"name": "a", "input": [3, ["x", null]], "expected": 0.5, "hidden": true}],
        "properties": [{"between": {"at": "", "min": 0.0, "max": 1.0}}, "ascending"],
        "driver": {"signature": "fn f(n: u32, t: &[Option<String>]) -> f64", "source": "fn f() {}"},
        "limits": {"cpu_ms": 5}}"#;

    #[test]
    fn a_whole_task_is_read() {
        let task: Task = serde_json::from_str(TASK).unwrap();
        assert!(Plan::new(&task).unwrap().main.contains("driver::f"));
    }

    #[test]
    fn a_property_for_an_input_that_no_case_has_is_a_mistake() {
        let task = Task::new("fn f(n: f64) -> f64").expect((5.0,), Property::Ascending);
        assert!(Plan::new(&task).is_ok());
        let task = Task { cases: Vec::new(), ..task };
        let Err(JudgeError::BadRequest(message)) = Plan::new(&task) else {
            panic!("it is planned")
        };
        assert!(message.contains("(5.0), which no case has"), "{message}");
    }

    #[test]
    fn a_task_without_a_case_is_not_judged() {
        let task = Task::new("fn f(n: f64) -> f64").property(Property::Ascending);
        assert!(Plan::new(&task).is_ok(), "it can be called");
        let Err(JudgeError::BadRequest(message)) = Plan::to_judge(&task) else {
            panic!("it is planned")
        };
        assert!(message.contains("`fn f(n: f64) -> f64` has no case"), "{message}");
    }
}
