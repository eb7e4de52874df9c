//! What a candidate must do. `Task` is also the format of `judge --task TASK.json`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::text::clip;
use crate::value::{self, Arguments, ToJson};

/// A job for candidates: one function to write, and the cases that judge it.
///
/// The expected values stay with the judge; only inputs enter the jail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The function that a candidate must define, as Rust writes it: `fn fizzbuzz(n: u32) -> String`.
    pub signature: String,
    /// The cases, in the order in which a verdict lists them (they run in another order). At least one is
    /// required; without a case, every source that compiles would pass.
    #[serde(default)]
    pub cases: Vec<Case>,
    /// Properties of every case's output, checked outside the jail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
    /// Trusted Rust between the cases and the candidate; see [`Driver`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Driver>,
    /// Precompiled crates that the candidate may use, by name: `serde_json`, `rand`, `itertools`, ...
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crates: Vec<String>,
    /// rustc's optimisation level, 0 to 3. 0 compiles fastest.
    #[serde(default)]
    pub opt_level: u8,
    /// The largest relative difference at which two floats count as equal; 0 requires the same number (and
    /// NaN for NaN).
    #[serde(default)]
    pub tolerance: f64,
    /// Whether compiler warnings are collected into the verdict's diagnostics.
    #[serde(default)]
    pub warnings: bool,
    /// Whether clippy's warnings are collected as well, also those that the candidate tries to silence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lints: bool,
    /// What a candidate may use up.
    #[serde(default)]
    pub limits: Limits,
}

/// One input and the output it must give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The name of the case, for people and for models.
    pub name: String,
    /// One JSON value for each parameter.
    pub input: Vec<Value>,
    /// The right output; `null` is `None`. Without an output, only the task's properties decide.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "value::present")]
    pub expected: Option<Value>,
    /// Whether the candidate must panic on this input.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub panics: bool,
    /// Hidden cases count, but no model is told their input and output.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// Trusted Rust compiled with the candidate, for signatures that cannot cross the jail (a generic function,
/// a closure parameter). The driver calls the candidate as `candidate::name(..)`; a case holds the driver's
/// arguments and its expected output. The driver shares the jail with the candidate, so it only returns
/// observations; the cases judge them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// The function that takes a case's input: `fn calls_until_success(failures: u32) -> u32`.
    pub signature: String,
    /// The Rust items that define it.
    pub source: String,
}

/// A property of an output, for any input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Property {
    /// The number at `at` (a JSON pointer, RFC 6901; empty: the whole output) lies in `min..=max`.
    Between {
        /// JSON pointer into the output.
        at: String,
        /// Smallest allowed number.
        min: f64,
        /// Largest allowed number.
        max: f64,
    },
    /// The value at `at` is one of these.
    OneOf {
        /// JSON pointer into the output.
        at: String,
        /// The allowed values.
        values: Vec<Value>,
    },
    /// The text at `label` is the label of the band in which the number at `number` lies.
    Labelled {
        /// JSON pointer to the number.
        number: String,
        /// JSON pointer to the label.
        label: String,
        /// The start of each band (which belongs to the band) and its label, in ascending order.
        bands: Vec<(f64, String)>,
    },
    /// The output for this input has another property as well.
    ForInput {
        /// One value for each parameter, as in the case.
        input: Vec<Value>,
        /// The property.
        property: Box<Property>,
    },
    /// The output is a list in ascending order.
    Ascending,
    /// The output holds exactly the elements of the parameter with this index (the first is 0).
    PermutationOf(usize),
}

impl Property {
    /// Returns the verdict's words for the property when it fails.
    pub fn describe(&self) -> String {
        match self {
            Property::Between { at, min, max } => {
                format!("{} between {min} and {max}", place(at))
            }
            Property::OneOf { at, values } => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                format!("{} one of {}", place(at), values.join(", "))
            }
            Property::Labelled { number, label, bands } => {
                let bands: Vec<String> =
                    bands.iter().map(|(start, label)| format!("{label:?} from {start}")).collect();
                let (label, number) = (place(label), place(number));
                format!("{label} as {number} has it ({})", bands.join(", "))
            }
            Property::ForInput { property, .. } => property.describe(),
            Property::Ascending => "in ascending order".to_owned(),
            Property::PermutationOf(index) => {
                format!("the same elements as parameter {}", index + 1)
            }
        }
    }
}

fn place(pointer: &str) -> String {
    if pointer.is_empty() { "output".to_owned() } else { format!("output{pointer}") }
}

/// What one candidate may use up. The defaults suit a pod with 1 GB of memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// CPU time of the compiler, in milliseconds (enforced in whole seconds, rounded up).
    pub compile_cpu_ms: u64,
    /// Wall time of the compiler, in milliseconds.
    pub compile_wall_ms: u64,
    /// Memory of the compiler, in bytes.
    pub compile_memory_bytes: u64,
    /// CPU time of the candidate for all its cases, in milliseconds.
    pub cpu_ms: u64,
    /// Wall time of one case, in milliseconds.
    pub case_wall_ms: u64,
    /// Wall time of all cases, in milliseconds.
    pub wall_ms: u64,
    /// Memory of the candidate, in bytes.
    pub memory_bytes: u64,
    /// The largest output of one case, in bytes.
    pub output_bytes: u64,
    /// How much of standard output, and of standard error, is kept, in bytes.
    pub captured_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            compile_cpu_ms: 8_000,
            compile_wall_ms: 12_000,
            compile_memory_bytes: 1 << 30,
            cpu_ms: 2_000,
            case_wall_ms: 2_000,
            wall_ms: 6_000,
            memory_bytes: 256 << 20,
            output_bytes: 1 << 20,
            captured_bytes: 64 << 10,
        }
    }
}

impl Task {
    /// Creates a task for the function with this signature, without cases.
    pub fn new(signature: impl Into<String>) -> Self {
        Task {
            signature: signature.into(),
            cases: Vec::new(),
            properties: Vec::new(),
            driver: None,
            crates: Vec::new(),
            opt_level: 0,
            tolerance: 0.0,
            warnings: false,
            lints: false,
            limits: Limits::default(),
        }
    }

    /// Adds a case named after its input: `.case((15,), "FizzBuzz")`. A single parameter needs a
    /// one-element tuple; no parameter is `()`.
    pub fn case(self, input: impl Arguments, expected: impl ToJson) -> Self {
        let input = input.arguments();
        let name = self.name_of(&input);
        self.with(Case {
            name,
            input,
            expected: Some(expected.to_json()),
            panics: false,
            hidden: false,
        })
    }

    /// Adds a case that counts but that no model sees.
    pub fn hidden_case(self, input: impl Arguments, expected: impl ToJson) -> Self {
        let mut task = self.case(input, expected);
        if let Some(case) = task.cases.last_mut() {
            case.hidden = true;
        }
        task
    }

    /// Adds a case with your own name.
    pub fn named_case(
        self,
        name: impl Into<String>,
        input: impl Arguments,
        expected: impl ToJson,
    ) -> Self {
        let mut task = self.case(input, expected);
        if let Some(case) = task.cases.last_mut() {
            case.name = name.into();
        }
        task
    }

    /// Adds an input whose output is judged only by the task's properties.
    pub fn input(self, input: impl Arguments) -> Self {
        let input = input.arguments();
        let name = self.name_of(&input);
        self.with(Case { name, input, expected: None, panics: false, hidden: false })
    }

    /// Adds an input whose output must have this property, in addition to the properties of all outputs.
    pub fn expect(self, input: impl Arguments, property: Property) -> Self {
        let arguments = input.arguments();
        let property = Box::new(property);
        self.input(input).property(Property::ForInput { input: arguments, property })
    }

    /// Adds an input on which the candidate must panic.
    pub fn panics_on(self, input: impl Arguments) -> Self {
        let mut task = self.input(input);
        if let Some(case) = task.cases.last_mut() {
            case.panics = true;
        }
        task
    }

    /// Adds a complete case.
    pub fn with(mut self, case: Case) -> Self {
        self.cases.push(case);
        self
    }

    /// Adds a property that every output must have.
    pub fn property(mut self, property: Property) -> Self {
        self.properties.push(property);
        self
    }

    /// Adds a driver between the cases and the candidate.
    pub fn driver(mut self, signature: impl Into<String>, source: impl Into<String>) -> Self {
        self.driver = Some(Driver { signature: signature.into(), source: source.into() });
        self
    }

    /// Offers a precompiled crate to the candidate.
    pub fn offers(mut self, name: impl Into<String>) -> Self {
        self.crates.push(name.into());
        self
    }

    /// Compiles candidates at this optimisation level (0 to 3).
    pub fn opt_level(mut self, level: u8) -> Self {
        self.opt_level = level;
        self
    }

    /// Accepts floats that differ by at most this fraction.
    pub fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// Collects compiler warnings into the verdict's diagnostics.
    pub fn warnings(mut self) -> Self {
        self.warnings = true;
        self
    }

    /// Collects clippy's warnings into the verdict's diagnostics, including those that the candidate tries
    /// to silence. This takes a second pass of the compiler.
    pub fn lints(mut self) -> Self {
        self.lints = true;
        self
    }

    /// Sets the limits of a candidate.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Hides every case from the models; see [`Case::hidden`].
    pub fn hidden(mut self) -> Self {
        self.cases.iter_mut().for_each(|case| case.hidden = true);
        self
    }

    /// Returns the name of the function that a candidate must define; `None` if the signature has none.
    pub fn function(&self) -> Option<&str> {
        let after = self.signature.split_once("fn ")?.1.trim_start();
        let end = after.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
        (end > 0).then(|| &after[..end])
    }

    fn name_of(&self, input: &[Value]) -> String {
        let arguments: Vec<String> = input.iter().map(Value::to_string).collect();
        let call = format!("{}({})", self.function().unwrap_or("call"), arguments.join(", "));
        clip(&call, 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expecting_none_differs_from_expecting_nothing() {
        let task = Task::new("fn f(n: u8) -> Option<u8>").case((1,), None::<u8>).input((2,));
        let text = serde_json::to_string(&task).unwrap();
        let back: Task = serde_json::from_str(&text).unwrap();
        assert_eq!(back, task);
        assert_eq!((&back.cases[0].expected, &back.cases[1].expected), (&Some(Value::Null), &None));
    }
}
