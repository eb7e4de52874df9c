//! A task's cases, ready to be sent, and what a reply means for each case.

use code_evolution_jail::Stage;
use code_evolution_wire::task::{Case, Limits, Task};
use code_evolution_wire::verdict::{CaseVerdict, Panic};
use serde_json::Value;

use super::error::JudgeError;
use super::signature::{Signature, Type};
use super::{codec, compare};

/// The problem of a case that panicked.
pub const PANICKED: &str = "it panicked";

/// A task's cases, checked against its signature and ready to be sent.
pub struct Prepared<'a> {
    /// The task.
    pub task: &'a Task,
    output: Type,
    /// The cases, in the task's order.
    pub cases: Vec<PreparedCase<'a>>,
}

/// One checked case.
pub struct PreparedCase<'a> {
    case: &'a Case,
    /// The input as the harness reads it.
    pub frame: Vec<u8>,
    /// The input as the codec writes it.
    input: Vec<Value>,
    expected: Option<Value>,
}

impl<'a> Prepared<'a> {
    /// Checks every case against the signature.
    ///
    /// # Errors
    /// Names the case, and the type that it does not fit.
    pub fn new(task: &'a Task, signature: &Signature) -> Result<Self, JudgeError> {
        let cases = task
            .cases
            .iter()
            .map(|case| {
                prepare(case, signature).map_err(|error| {
                    JudgeError::BadRequest(format!(
                        "case `{}` does not fit `{}`: {error}; correct the case or the signature",
                        case.name, task.signature
                    ))
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Prepared { task, output: signature.output.clone(), cases })
    }

    /// Returns the verdicts of cases that never ran, for this reason.
    pub fn not_run(&self, reason: &str) -> Vec<CaseVerdict> {
        self.cases.iter().map(|case| case.verdict(Some(reason.to_owned()))).collect()
    }

    /// Judges a reply to a case.
    ///
    /// # Errors
    /// Describes what is wrong with the reply's bytes.
    pub fn judge(&self, index: usize, reply: &[u8]) -> Result<CaseVerdict, String> {
        let prepared = &self.cases[index];
        let mut verdict = prepared.verdict(None);
        match read_reply(&self.output, reply)? {
            Reply::Value(got) => {
                if prepared.case.panics {
                    verdict.problem = Some("it must panic here, but returned".to_owned());
                } else {
                    let right = prepared.expected.as_ref().is_none_or(|expected| {
                        compare::equal(&self.output, expected, &got, self.task.tolerance)
                    });
                    verdict.problem =
                        compare::lacking(&self.task.properties, &prepared.input, &got);
                    verdict.passed = right && verdict.problem.is_none();
                }
                verdict.got = Some(got);
            }
            Reply::Panic(panic) => {
                verdict.passed = prepared.case.panics;
                if !verdict.passed {
                    let threads = is_about_threads(&panic.message);
                    verdict.problem = Some(match threads {
                        true => self.too_many_threads(),
                        false => PANICKED.to_owned(),
                    });
                }
                verdict.panic = Some(panic);
            }
        }
        Ok(verdict)
    }

    /// Describes a candidate that met a limit on threads. There are three such limits: the number of threads,
    /// the memory for all their stacks, and the size of one stack. Chance often decides which one a candidate
    /// meets.
    pub fn too_many_threads(&self) -> String {
        format!(
            "its threads need more than it may have: {} at once, and {} MB for all their stacks",
            thread_limit(),
            self.task.limits.memory_bytes >> 20
        )
    }
}

/// Returns how many threads a candidate may have at once.
pub fn thread_limit() -> u64 {
    code_evolution_jail::Limits::of(Stage::Run).threads
}

/// Returns whether a panic says that a thread could not be started. The candidate's word decides nothing but
/// the name of the failure.
fn is_about_threads(panic: &str) -> bool {
    // EAGAIN: no other action of a candidate fails with this error.
    panic.contains("Os { code: 11, kind: WouldBlock")
}

/// A candidate's answer to one input.
pub enum Reply {
    /// The candidate returned this.
    Value(Value),
    /// The candidate panicked, and its process still runs.
    Panic(Panic),
}

/// Returns the length of the longest valid reply, in bytes: the output or a panic's line and message, and a
/// tag.
pub fn longest_reply(limits: &Limits) -> u64 {
    limits.output_bytes.saturating_add(4_096)
}

/// Reads the frame that answers an input.
///
/// # Errors
/// Describes how the frame breaks the protocol.
pub fn read_reply(output: &Type, reply: &[u8]) -> Result<Reply, String> {
    let Some((&tag, body)) = reply.split_first() else {
        return Err("it sent an empty frame".to_owned());
    };
    match tag {
        code_evolution_harness::VALUE => codec::decode(output, body)
            .map(Reply::Value)
            .map_err(|error| format!("it sent a bad frame: {error}")),
        code_evolution_harness::PANIC => {
            let Some((line, message)) = body.split_first_chunk::<4>() else {
                return Err("it sent a bad frame: a panic without a line".to_owned());
            };
            let message = std::str::from_utf8(message)
                .map_err(|_| "it sent a bad frame: a message that is not UTF-8".to_owned())?;
            let line = u32::from_le_bytes(*line);
            Ok(Reply::Panic(Panic {
                message: message.to_owned(),
                line: (line > 0).then_some(line),
            }))
        }
        tag => Err(format!("it sent a frame with the unknown tag {tag}")),
    }
}

fn prepare<'a>(case: &'a Case, signature: &Signature) -> Result<PreparedCase<'a>, String> {
    if case.input.len() != signature.parameters.len() {
        return Err(format!(
            "it has {} values for {} parameters",
            case.input.len(),
            signature.parameters.len()
        ));
    }
    let mut frame = Vec::new();
    let mut input = Vec::new();
    for (index, (ty, value)) in signature.parameters.iter().zip(&case.input).enumerate() {
        let start = frame.len();
        codec::encode(ty, value, &mut frame)
            .map_err(|error| format!("parameter {}: {error}", index + 1))?;
        input.push(codec::decode(ty, &frame[start..])?);
    }
    let expected = match &case.expected {
        Some(expected) => {
            let mut bytes = Vec::new();
            codec::encode(&signature.output, expected, &mut bytes)
                .map_err(|error| format!("the expected output: {error}"))?;
            Some(codec::decode(&signature.output, &bytes)?)
        }
        None => None,
    };
    Ok(PreparedCase { case, frame, input, expected })
}

impl PreparedCase<'_> {
    /// Returns the case's verdict with this problem; the output is still missing.
    pub fn verdict(&self, problem: Option<String>) -> CaseVerdict {
        CaseVerdict {
            name: self.case.name.clone(),
            input: self.case.input.clone(),
            expected: self.expected.clone(),
            got: None,
            passed: false,
            problem,
            panic: None,
            hidden: self.case.hidden,
            cpu_ms: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_does_not_fit_is_named() {
        let task = Task::new("fn f(n: u8) -> u8").case((300,), 1);
        let signature = Signature::parse(&task.signature).unwrap();
        let Err(JudgeError::BadRequest(message)) = Prepared::new(&task, &signature) else {
            panic!("the case is accepted");
        };
        assert!(message.contains("f(300)") && message.contains("`u8`"), "{message}");
    }
}
