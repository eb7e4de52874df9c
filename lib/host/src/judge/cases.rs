//! Runs a compiled candidate on a task's cases, one after the other, and says how the run ended.

use std::time::Instant;

use code_evolution_wire::program::Status;
use code_evolution_wire::verdict::{CaseVerdict, Outcome, Panic};

use super::clock::{after, milliseconds};
use super::compile::Program;
use super::conversation::{Conversation, ExchangeError, Remains};
use super::ending::{Bounds, End, SIGABRT, SIGKILL, TOO_MUCH_OUTPUT};
use super::error::JudgeError;
use super::noise::MAX_NOISE;
use super::prepared::{Prepared, longest_reply};

/// How often a candidate that died is started again for the remaining cases.
const RESTARTS: usize = 3;
/// If a case met the clock's limit but computed for less than this share of the time, it was mostly waiting.
const MOSTLY: f64 = 0.8;
/// A process is started only if at least this much CPU time is left, in milliseconds.
const LEAST_CPU_MS: u64 = 20;

/// What happened to one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseRun {
    /// The candidate never received the case.
    NotRun,
    /// The candidate received the case.
    Ran,
    /// The candidate received the case and met this limit of time, in milliseconds.
    OutOfTime(u64),
}

/// The results of all cases.
pub struct Results {
    /// How the run ended.
    pub outcome: Outcome,
    /// One verdict per case, in the task's order.
    pub cases: Vec<CaseVerdict>,
    /// What happened to each case, in the same order.
    pub case_runs: Vec<CaseRun>,
    /// Whether another run might give another result: see [`End::is_by_chance`].
    pub by_chance: bool,
    /// Whether a case met a limit of the clock while it was mostly waiting: the machine may have been too
    /// busy.
    pub waited: bool,
    /// Whether something other than the judge killed the candidate.
    pub killed: bool,
    /// CPU time, in milliseconds.
    pub cpu_ms: f64,
    /// Peak resident memory, in bytes.
    pub peak_bytes: u64,
    /// Wall time of starting the process, in milliseconds.
    pub start_ms: f64,
    /// Wall time of the cases, in milliseconds.
    pub cases_ms: f64,
}

impl Prepared<'_> {
    /// Runs the program on every case, in an order drawn from `seed`, with this much memory.
    ///
    /// The hidden cases come last. A process could put an earlier input into a later answer, and a model
    /// reads the answers to visible cases. In this order, the process has not seen a hidden input when it
    /// gives those answers. A candidate that guesses which cases are hidden gains nothing, because it already
    /// knows the visible cases.
    ///
    /// Fails if the jail is not safe here. Nothing that the program does is an error.
    pub fn run(
        &self,
        program: &Program,
        seed: u64,
        memory_bytes: u64,
    ) -> Result<Results, JudgeError> {
        let mut order = shuffled(self.cases.len(), seed);
        order.sort_by_key(|&index| self.task.cases[index].hidden);
        let mut run = Run {
            prepared: self,
            program,
            memory_bytes,
            deadline: after(self.task.limits.wall_ms),
            results: Results {
                outcome: Outcome::Finished,
                cases: self.not_run("not run"),
                case_runs: vec![CaseRun::NotRun; self.cases.len()],
                by_chance: false,
                waited: false,
                killed: false,
                cpu_ms: 0.0,
                peak_bytes: 0,
                start_ms: 0.0,
                cases_ms: 0.0,
            },
        };
        let mut left = order.as_slice();
        for start in 0..=RESTARTS {
            left = match run.start_and_run(left)? {
                Remaining::Restart(left) if !left.is_empty() => left,
                Remaining::Restart(_) => break,
                Remaining::Stop(left, reason) => {
                    run.give_up(left, &reason);
                    break;
                }
            };
            if start == RESTARTS {
                run.give_up(left, "not run: it ended too often in earlier cases");
            } else if run.cpu_left_ms() < LEAST_CPU_MS || run.deadline <= Instant::now() {
                run.give_up(left, "not run: the time for all cases is used up");
                run.results.by_chance = true;
                break;
            }
        }
        Ok(run.results)
    }
}

/// The cases left after one process has run.
enum Remaining<'o> {
    /// Another process may try these cases.
    Restart(&'o [usize]),
    /// No process will receive these cases, for this reason.
    Stop(&'o [usize], String),
}

struct Run<'a> {
    prepared: &'a Prepared<'a>,
    program: &'a Program,
    memory_bytes: u64,
    deadline: Instant,
    results: Results,
}

impl Run<'_> {
    fn cpu_left_ms(&self) -> u64 {
        let used = self.results.cpu_ms.ceil() as u64;
        self.prepared.task.limits.cpu_ms.saturating_sub(used)
    }

    fn give_up(&mut self, cases: &[usize], reason: &str) {
        for &index in cases {
            self.results.cases[index] = self.prepared.cases[index].verdict(Some(reason.to_owned()));
        }
    }

    fn start_and_run<'o>(&mut self, order: &'o [usize]) -> Result<Remaining<'o>, JudgeError> {
        let limits = &self.prepared.task.limits;
        let started = Instant::now();
        let prisoner = self.program.jail(self.cpu_left_ms(), self.memory_bytes).spawn()?;
        let mut conversation = Conversation::new(prisoner, limits.captured_bytes)?;
        self.results.start_ms += milliseconds(started.elapsed());

        let started = Instant::now();
        let mut cpu = conversation.process().cpu_time();
        for (position, &index) in order.iter().enumerate() {
            let case_deadline = after(limits.case_wall_ms);
            let deadline = case_deadline.min(self.deadline);
            let frame = &self.prepared.cases[index].frame;
            self.results.case_runs[index] = CaseRun::Ran;
            let asked = Instant::now();
            let broken = match conversation.exchange(frame, longest_reply(limits), deadline) {
                Ok(reply) => match self.prepared.judge(index, &reply) {
                    Ok(mut verdict) => {
                        let now = conversation.process().cpu_time();
                        verdict.cpu_ms = milliseconds(now.saturating_sub(cpu));
                        cpu = now;
                        self.results.cases[index] = verdict;
                        continue;
                    }
                    Err(reason) => ExchangeError::Violation(reason),
                },
                Err(broken) => broken,
            };
            self.results.cases[index].cpu_ms =
                milliseconds(conversation.process().cpu_time().saturating_sub(cpu));
            let rest = &order[position + 1..];
            self.see_peak(&conversation);
            let left = match broken {
                ExchangeError::Violation(reason) => {
                    let remains = conversation.kill();
                    self.account(&remains);
                    self.fatal(
                        index,
                        Outcome::ProtocolViolation { reason: reason.clone() },
                        &reason,
                    );
                    Remaining::Stop(
                        rest,
                        "not run: it broke the protocol in an earlier case".to_owned(),
                    )
                }
                ExchangeError::TooLate => {
                    let remains = conversation.kill();
                    self.account(&remains);
                    let limit_ms = match case_deadline < self.deadline {
                        true => limits.case_wall_ms,
                        false => limits.wall_ms,
                    };
                    self.results.by_chance = true;
                    let worked_ms = self.results.cases[index].cpu_ms;
                    self.results.waited |= worked_ms < MOSTLY * milliseconds(asked.elapsed());
                    self.fatal(index, Outcome::TimeOut { limit_ms }, &time_out(limit_ms));
                    Remaining::Restart(rest)
                }
                ExchangeError::TooNoisy => {
                    let remains = conversation.kill();
                    self.account(&remains);
                    self.fatal(index, TOO_MUCH_OUTPUT, &too_much_output());
                    Remaining::Restart(rest)
                }
                ExchangeError::Closed => {
                    let remains = conversation.end_soon();
                    self.account(&remains);
                    let end = End::of(&remains);
                    self.results.by_chance |= end.is_by_chance();
                    self.results.killed |= end == End::Signal(SIGKILL);
                    let (outcome, problem) = self.ending(end, &remains.stderr);
                    self.fatal(index, outcome, &problem);
                    Remaining::Restart(rest)
                }
            };
            self.results.cases_ms += milliseconds(started.elapsed());
            return Ok(left);
        }
        self.see_peak(&conversation);
        let (remains, more) = conversation.finish();
        self.account(&remains);
        self.results.cases_ms += milliseconds(started.elapsed());
        if more && let Some(&last) = order.last() {
            let reason = "it sent bytes after its last answer".to_owned();
            self.fatal(last, Outcome::ProtocolViolation { reason: reason.clone() }, &reason);
        }
        Ok(Remaining::Restart(&[]))
    }

    /// Reads the peak memory now, because a process that has ended no longer shows it.
    fn see_peak(&mut self, conversation: &Conversation) {
        self.results.peak_bytes = self.results.peak_bytes.max(conversation.process().peak_bytes());
    }

    fn account(&mut self, remains: &Remains) {
        self.results.cpu_ms += milliseconds(remains.ended.cpu);
        if self.results.peak_bytes == 0 {
            self.results.peak_bytes = remains.ended.peak_bytes;
        }
    }

    /// Fails a case. The first such failure is the outcome of the run.
    fn fatal(&mut self, index: usize, outcome: Outcome, problem: &str) {
        let cpu_ms = self.results.cases[index].cpu_ms;
        let mut verdict = self.prepared.cases[index].verdict(Some(problem.to_owned()));
        verdict.cpu_ms = cpu_ms;
        if let Outcome::Panicked { panic } = &outcome {
            verdict.panic = Some(panic.clone());
        }
        self.results.cases[index] = verdict;
        if let Outcome::TimeOut { limit_ms } = outcome {
            self.results.case_runs[index] = CaseRun::OutOfTime(limit_ms);
        }
        if self.results.outcome == Outcome::Finished {
            self.results.outcome = outcome;
        }
    }

    /// Describes a process that closed its channel and ended in this way.
    fn ending(&self, end: End, stderr: &[u8]) -> (Outcome, String) {
        let limits = &self.prepared.task.limits;
        let stderr = String::from_utf8_lossy(stderr);
        let problem = match (end, panic_in(&stderr)) {
            (End::Deadline, _) => {
                let reason = "it closed the channel to the judge".to_owned();
                return (Outcome::ProtocolViolation { reason: reason.clone() }, reason);
            }
            (End::Signal(_), _) if stderr.contains("has overflowed its stack") => {
                "it overflowed the stack: a recursion is too deep, or a local array too large"
                    .to_owned()
            }
            (End::Signal(SIGABRT), Some(panic)) => {
                let problem = "it panicked while it handled a panic".to_owned();
                return (Outcome::Panicked { panic }, problem);
            }
            (End::Signal(_), _) => format!("it was ended by {}", Status::from(end)),
            (End::CpuTime, _) => time_out(limits.cpu_ms),
            (End::Threads, _) => self.prepared.too_many_threads(),
            (End::Output, _) => too_much_output(),
            (End::Exited(code), _) => format!("it ended the process with exit code {code}"),
            (End::Memory | End::OutOfMemory, _) => {
                format!("it asked for more memory than {} MB", self.memory_bytes >> 20)
            }
        };
        let memory_bytes = self.memory_bytes;
        let bounds = Bounds { cpu_ms: limits.cpu_ms, wall_ms: limits.wall_ms, memory_bytes };
        (end.outcome(&bounds), problem)
    }
}

fn time_out(limit_ms: u64) -> String {
    format!("it took longer than {limit_ms} ms")
}

fn too_much_output() -> String {
    format!("it printed more than {} MB", MAX_NOISE >> 20)
}

/// Finds the last panic that the harness printed on standard error.
fn panic_in(stderr: &str) -> Option<Panic> {
    let (_, last) = stderr.rsplit_once("panicked at ")?;
    let (place, message) = last.split_once(":\n")?;
    let line = place.strip_prefix("candidate.rs:").and_then(|rest| rest.split(':').next());
    Some(Panic {
        message: message.lines().next().unwrap_or_default().to_owned(),
        line: line.and_then(|line| line.parse().ok()),
    })
}

/// Shuffles the numbers below `count` (Fisher-Yates, with a xorshift generator).
fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut state = seed | 1;
    for end in (1..count).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(end, (state % (end as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_holds_every_case_and_depends_on_the_seed() {
        let mut order = shuffled(60, 7);
        assert_ne!(order, shuffled(60, 8_000_000));
        assert_eq!(order, shuffled(60, 7));
        order.sort_unstable();
        assert_eq!(order, (0..60).collect::<Vec<_>>());
    }

    #[test]
    fn the_last_printed_panic_is_read() {
        let text = "noise\nthread 'candidate' panicked at candidate.rs:7:5:\nfirst\nmore\n";
        let panic = panic_in(text).unwrap();
        assert_eq!((panic.line, panic.message.as_str()), (Some(7), "first"));
        assert_eq!(panic_in("nothing"), None);
    }
}
