//! A candidate whose process stays: it is compiled once, then called many times.
//!
//! Between calls the process waits in the jail, stopped, so a call costs one frame in each direction. Each
//! call has its own deadline; a process that misses it is killed. No file of the program stays on disk while
//! it runs, so a host that is killed leaves nothing behind. A candidate that is judged and then called is
//! compiled once.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context;
use code_evolution_jail::{Jail, Prisoner, SpawnError};
use code_evolution_wire::program::Status;
use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::verdict::{Panic, Stage, Verdict};
use serde_json::Value;

use super::clock::after;
use super::codec;
use super::compile::Program;
use super::conversation::{Conversation, ExchangeError};
use super::ending::End;
use super::error::{JudgeError, unless_cancelled};
use super::plan::Plan;
use super::prepared::{Reply, longest_reply, read_reply};
use super::scan::Source;
use super::shared::{Judge, Shared};
use super::signature::Signature;

/// The CPU time of a process in its whole life, in milliseconds. A process that has used half of it is
/// replaced before its next call.
const LIFE_CPU_MS: u64 = 60_000;
/// A process whose peak memory exceeds this, in bytes, is not kept for the next call.
const KEPT_BYTES: u64 = 64 << 20;

/// A jailed process that answers calls of one function.
pub struct Resident {
    shared: Arc<Shared>,
    signature: Signature,
    limits: Limits,
    memory_bytes: u64,
    /// `None` once the process has ended.
    conversation: Option<Conversation>,
}

/// Why a call gave no output.
#[derive(Debug)]
pub enum CallError {
    /// The arguments do not fit the signature; the function was not called.
    Arguments(String),
    /// The function failed: a panic, a time-out, the end of its process.
    Failed(String),
    /// The sandbox or this machine failed.
    Judge(JudgeError),
}

impl From<JudgeError> for CallError {
    fn from(error: JudgeError) -> Self {
        CallError::Judge(error)
    }
}

impl Judge {
    /// Compiles a source and starts it, ready for calls with the task's signature. The task's cases and
    /// properties are ignored.
    ///
    /// # Errors
    /// [`CallError::Failed`] if the source is refused or does not compile.
    pub fn resident(&self, task: &Task, code: &str) -> Result<Resident, CallError> {
        let bare = Task { cases: Vec::new(), properties: Vec::new(), ..task.clone() };
        let plan = Plan::new(&bare)?;
        let source = Source::new(code);
        if let Some(reason) = self.refusal(&source) {
            return Err(CallError::Failed(reason));
        }
        let harness = self.harness(task.opt_level)?;
        let libraries = self.libraries(&task.crates)?;
        let compiled = self.compile(&plan, &source, &harness, &libraries)?;
        let program = unless_cancelled(compiled.program)?.map_err(|outcome| {
            let verdict = plan.failed(Stage::Compile, outcome);
            CallError::Failed(verdict.feedback)
        })?;
        Ok(self.start(&plan, &program)?)
    }

    /// Judges a candidate and starts it if it passes, ready for calls as with [`Judge::resident`]. If the
    /// verdict comes from the cache, there is no process.
    ///
    /// # Errors
    /// As [`Judge::judge`].
    pub fn judge_resident(
        &self,
        task: &Task,
        code: &str,
    ) -> Result<(Verdict, Option<Resident>), JudgeError> {
        let plan = Plan::to_judge(task)?;
        let mut resident = None;
        let verdict = self.judge_planned(&plan, code, &mut |program| {
            resident = Some(self.start(&plan, program)?);
            Ok(())
        })?;
        Ok((verdict, resident))
    }

    fn start(&self, plan: &Plan<'_>, program: &Program) -> Result<Resident, JudgeError> {
        let limits = plan.task.limits.clone();
        let memory_bytes = limits.memory_bytes.min(self.shared.memory.total());
        let prisoner = spawn_to_stay(program.jail(LIFE_CPU_MS, memory_bytes))?;
        let conversation = Conversation::new(prisoner, limits.captured_bytes)?;
        let signature = plan.signature.clone();
        let shared = Arc::clone(&self.shared);
        Ok(Resident { shared, signature, limits, memory_bytes, conversation: Some(conversation) })
    }
}

/// Starts a process that outlives the thread that asked for it. The kernel kills a jailed process when the
/// *thread* that started it ends, and each request of a notebook has its own thread.
fn spawn_to_stay(jail: Jail) -> Result<Prisoner, JudgeError> {
    static STARTER: OnceLock<Sender<Order>> = OnceLock::new();
    type Order = (Jail, Sender<Result<Prisoner, SpawnError>>);
    let starter = STARTER.get_or_init(|| {
        let (sender, orders) = channel::<Order>();
        std::thread::spawn(move || {
            for (jail, answer) in orders {
                // The receiver is gone only if the whole process ends.
                let _ = answer.send(jail.spawn());
            }
        });
        sender
    });
    let (answer, started) = channel();
    let sent = starter.send((jail, answer));
    sent.ok()
        .and_then(|()| started.recv().ok())
        .context("the thread that starts resident processes is gone; start the host again")?
        .map_err(JudgeError::from)
}

impl Resident {
    /// Calls the function. `arguments` is a list in the parameters' order, or an object by their names.
    ///
    /// # Errors
    /// See [`CallError`]. After [`CallError::Failed`] the process may be gone; see
    /// [`Resident::keep_if_healthy`].
    pub fn call(&mut self, arguments: &Value) -> Result<Value, CallError> {
        let frame = self.frame(arguments).map_err(CallError::Arguments)?;
        let Some(mut conversation) = self.conversation.take() else {
            return Err(CallError::Failed("its process has ended".to_owned()));
        };
        // All working processes together stay within the judge's memory. A waiting process is stopped and
        // holds little memory; see `keep_if_healthy`.
        let _working = self.shared.memory.reserve(self.memory_bytes);
        let limit_ms = self.limits.case_wall_ms;
        let deadline = after(limit_ms);
        conversation.process().resume();
        let answer = conversation.exchange(&frame, longest_reply(&self.limits), deadline);
        let reply = answer.and_then(|reply| {
            read_reply(&self.signature.output, &reply).map_err(ExchangeError::Violation)
        });
        let broken = match reply {
            Ok(reply) => {
                conversation.process().pause();
                self.conversation = Some(conversation);
                return match reply {
                    Reply::Value(value) => Ok(value),
                    Reply::Panic(Panic { message, line }) => {
                        let line = line.map_or(String::new(), |line| format!(" in line {line}"));
                        Err(CallError::Failed(format!("it panicked{line}: {message}")))
                    }
                };
            }
            Err(broken) => unless_cancelled(broken)?,
        };
        Err(CallError::Failed(match broken {
            ExchangeError::TooLate => {
                conversation.kill();
                format!("it took longer than {limit_ms} ms and was stopped")
            }
            ExchangeError::TooNoisy => {
                let status = Status::from(End::of(&conversation.kill()));
                format!("it {status} and was stopped")
            }
            ExchangeError::Violation(reason) => {
                conversation.kill();
                reason
            }
            ExchangeError::Closed => {
                format!("its process ended: {}", Status::from(End::of(&conversation.end_soon())))
            }
        }))
    }

    /// Keeps the process if it can serve another call: it is alive, has used less than half of its CPU time,
    /// holds little memory and prints little. Otherwise ends the process. Use this after each call: the
    /// process then stays stopped until the next call.
    pub fn keep_if_healthy(mut self) -> Option<Self> {
        let process = self.conversation.as_ref()?.process();
        let modest = process.cpu_time() < Duration::from_millis(LIFE_CPU_MS / 2)
            && process.peak_bytes() <= KEPT_BYTES;
        (modest && self.is_quiet()).then_some(self)
    }

    /// Returns whether the process is alive and silent. Check this before a call: something may have killed
    /// the process meanwhile.
    pub fn is_quiet(&mut self) -> bool {
        self.conversation.as_mut().is_some_and(Conversation::is_quiet)
    }

    fn frame(&self, arguments: &Value) -> Result<Vec<u8>, String> {
        let names = &self.signature.names;
        let count = names.len();
        let values: Vec<&Value> = match arguments {
            Value::Array(values) if values.len() == count => values.iter().collect(),
            Value::Array(values) => {
                return Err(format!("{} arguments for {count} parameters", values.len()));
            }
            Value::Object(values) => {
                if let Some(unknown) = values.keys().find(|name| !names.contains(name)) {
                    let names = names.join("`, `");
                    return Err(format!("there is no parameter `{unknown}`, only `{names}`"));
                }
                let value = |name| values.get(name).ok_or(format!("`{name}` is missing"));
                names.iter().map(value).collect::<Result<_, _>>()?
            }
            _ => return Err("they are neither a list nor an object".to_owned()),
        };
        let mut frame = Vec::new();
        for ((ty, value), name) in self.signature.parameters.iter().zip(values).zip(names) {
            codec::encode(ty, value, &mut frame).map_err(|error| format!("`{name}`: {error}"))?;
        }
        Ok(frame)
    }
}
