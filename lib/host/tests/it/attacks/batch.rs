//! Runs every attack in a separate process, as root and as an unprivileged user.

use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

use code_evolution_host::audit::Log;
use code_evolution_host::judge::{Judge, JudgeError, Options};
use code_evolution_wire::program::Program;
use code_evolution_wire::task::Task;
use code_evolution_wire::verdict::{Outcome, Stage, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ALL, Attack, Kind};
use crate::users::{self, User};

/// What the judge saw of one attack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Observation {
    pub stage: Stage,
    /// How the last stage ended.
    pub ended: String,
    pub passed: usize,
    pub total: usize,
    pub feedback_chars: usize,
    pub diagnostics: usize,
    /// The verdict or the execution as JSON, without the expected values, which belong to the judge.
    pub all: String,
}

/// One attack.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    kind: String,
    name: String,
    /// With the scan off and `unsafe` allowed.
    pub jailed: Observation,
    /// With the settings of a notebook. Bombs are not tried again: the scan stops few of them, and they
    /// take long.
    pub scanned: Option<Observation>,
}

/// All attacks of one user.
pub struct Batch {
    pub user: User,
    pub canary: String,
    /// Everything that the judge's process printed, and its audit log.
    pub output: String,
    rows: HashMap<(String, String), Row>,
}

impl Batch {
    /// Returns the result of an attack.
    pub fn row(&self, attack: &Attack) -> &Row {
        &self.rows[&(format!("{:?}", attack.kind), attack.name.to_owned())]
    }
}

/// Runs the attacks as each available user.
pub fn batches() -> &'static [Batch] {
    static BATCHES: OnceLock<Vec<Batch>> = OnceLock::new();
    BATCHES.get_or_init(|| {
        std::thread::scope(|scope| {
            let running: Vec<_> =
                users::users().iter().map(|user| scope.spawn(|| run(*user))).collect();
            running.into_iter().map(|batch| batch.join().unwrap()).collect()
        })
    })
}

fn run(user: User) -> Batch {
    let world = users::world();
    let canary = users::canary();
    let home = user.home(world.path(), &canary);
    let mut command = users::helper(world.path(), "attacks");
    command
        .env("RUSTC", user.rustc(world.path()))
        .env("HOME", home)
        .env("OPENAI_API_KEY", &canary)
        .env(users::CANARY, &canary);
    let (rows, printed) = users::rows::<Row>(user.runs(&mut command));
    let log = fs::read_to_string(world.path().join("audit.jsonl")).unwrap();
    let rows = rows.into_iter().map(|row| ((row.kind.clone(), row.name.clone()), row)).collect();
    Batch { user, canary, output: printed + &log, rows }
}

/// The helper's part: tries every attack and prints a row for each.
///
/// The canary lies in this process's memory and environment, in its home folder, and in the expected value
/// of each attack on the compiler.
pub fn play() {
    let world = users::own_world();
    let temporary = world.join("temporary");
    fs::create_dir(&temporary).unwrap();
    let options =
        Options { cache: world.join("cache"), cache_bytes: 0, temporary, ..Options::default() };
    let jail_alone = Judge::with(Options { scan: false, ..options.clone() }).unwrap();
    let as_shipped = Judge::with(options).unwrap();
    let log = Log::new(world.join("audit.jsonl"));
    for attack in ALL.iter() {
        let scanned = (attack.kind != Kind::Bomb).then(|| see(&as_shipped, attack, &log));
        users::row(&Row {
            kind: format!("{:?}", attack.kind),
            name: attack.name.to_owned(),
            jailed: see(&jail_alone, attack, &log),
            scanned,
        });
    }
}

fn see(judge: &Judge, attack: &Attack, log: &Log) -> Observation {
    let canary = std::env::var(users::CANARY).unwrap();
    let home = std::env::var("HOME").unwrap();
    let secret = format!("{home}/secret");
    let host = std::process::id().to_string();
    let code = attack.code.replace("SECRET", &secret).replace("HOST", &host).replace("HOME", &home);
    let seen = match attack.kind {
        Kind::Program => execute(judge, &code, attack, log),
        Kind::Compile => {
            let mut task = attack.task.clone();
            task.cases[0].expected = Some(json!(format!("expected {canary}")));
            judged(judge, &task, &code, log)
        }
        Kind::Bomb | Kind::Forgery => judged(judge, &attack.task, &code, log),
    };
    seen.unwrap_or_else(|error| panic!("{}: {error}", attack.name))
}

fn execute(
    judge: &Judge,
    code: &str,
    attack: &Attack,
    log: &Log,
) -> Result<Observation, JudgeError> {
    let limits = attack.task.limits.clone();
    let execution = judge.execute(&Program { limits, ..Program::new(code) })?;
    let summary = serde_json::to_value(&execution).map_err(anyhow::Error::from)?;
    let all = summary.to_string();
    log.append("executed", summary, code.as_bytes())?;
    Ok(Observation {
        stage: execution.stage,
        ended: execution.status.to_string(),
        passed: 0,
        total: 0,
        feedback_chars: 0,
        diagnostics: execution.diagnostics.len(),
        all,
    })
}

fn judged(judge: &Judge, task: &Task, code: &str, log: &Log) -> Result<Observation, JudgeError> {
    let mut verdict = judge.judge(task, code)?;
    log.judged(task, code, None, &verdict)?;
    verdict.cases.iter_mut().for_each(|case| case.expected = None);
    Ok(Observation {
        stage: verdict.stage,
        ended: ended(&verdict),
        passed: verdict.passed,
        total: verdict.total,
        feedback_chars: verdict.feedback.chars().count(),
        diagnostics: verdict.diagnostics.len(),
        all: serde_json::to_string(&verdict).map_err(anyhow::Error::from)?,
    })
}

fn ended(verdict: &Verdict) -> String {
    match &verdict.outcome {
        Outcome::Finished => "finished".to_owned(),
        Outcome::Refused { .. } => "refused".to_owned(),
        Outcome::CompileError => "compile error".to_owned(),
        Outcome::Panicked { .. } => "panicked".to_owned(),
        Outcome::Signal { name, .. } => name.clone(),
        Outcome::Exited { code } => format!("exit {code}"),
        Outcome::TimeOut { .. } => "time-out".to_owned(),
        Outcome::OutOfMemory { .. } => "out of memory".to_owned(),
        Outcome::TooManyThreads { .. } => "too many threads".to_owned(),
        Outcome::TooMuchOutput { .. } => "printed too much".to_owned(),
        Outcome::ProtocolViolation { reason } => format!("violation: {reason}"),
    }
}

impl Observation {
    /// Returns a few words for a table.
    pub fn short(&self) -> String {
        let stage = format!("{:?}", self.stage).to_lowercase();
        let ended: String = self.ended.chars().take(30).collect();
        format!("{stage}: {ended}, {} of {}", self.passed, self.total)
    }
}
