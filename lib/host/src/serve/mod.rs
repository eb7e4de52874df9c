//! Answers a notebook's requests: JSON lines in on standard input, JSON lines out on standard output.
//!
//! Every request gets a thread, so that a long judgement does not delay a short request. When the input ends,
//! or the kernel that owns the notebook dies, the host kills all its processes and exits. An interrupted
//! notebook must not leave a compiler running.

use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use anyhow::Context;
use code_evolution_wire::export::ExportCall;
use code_evolution_wire::method::{self, InToolbox, Method, ToolboxMethod};
use code_evolution_wire::model::{Ask, ModelChoice};
use code_evolution_wire::program::Program;
use code_evolution_wire::protocol::{
    Call, Failure, FailureKind, Hello, Message, PROTOCOL, Request, Sandbox, Status,
};
use code_evolution_wire::reading::Wanted;
use code_evolution_wire::task::Limits;
use code_evolution_wire::toolbox::ToolboxCall;
use serde::Serialize;
use serde_json::Value;

use self::journal::Journal;
use crate::export::export;
use crate::judge::{self, Judge, JudgeError};
use crate::lock::Unpoisoned;
use crate::models::reply::Missing;
use crate::models::{self, ModelError, Models};
use crate::toolbox::{Residents, Toolbox, ToolboxError};

mod journal;
mod owner;

/// Serves until standard input ends. The session also ends when the process `owner` dies.
///
/// # Errors
/// If standard input or output fails in a way other than being closed.
pub fn run(owner: Option<u32>) -> anyhow::Result<()> {
    if let Some(owner) = owner {
        owner::exit_with(owner)?;
    }
    let output = Output::default();
    output.write(&Hello { protocol: PROTOCOL, version: env!("CARGO_PKG_VERSION").to_owned() });
    let session = Arc::new(Session::default());
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read a request")?;
        let request: Request = match serde_json::from_str(&line) {
            Ok(request) => request,
            Err(error) => {
                output.fail(request_id(&line), FailureKind::BadRequest, unreadable(&error));
                continue;
            }
        };
        let (session, output) = (Arc::clone(&session), output.clone());
        std::thread::spawn(move || session.answer(request, &output));
    }
    stop();
}

/// Kills every child and exits. A thread that is waiting for a child ends with the process.
fn stop() -> ! {
    code_evolution_jail::kill_all();
    std::process::exit(0)
}

fn request_id(line: &str) -> u64 {
    let line: Option<Value> = serde_json::from_str(line).ok();
    line.and_then(|line| line.get("id")?.as_u64()).unwrap_or(0)
}

fn unreadable(error: &serde_json::Error) -> String {
    format!("the request cannot be read ({error}); library and host differ: run binder/setup")
}

/// The judge, the models and the toolboxes that a notebook has opened.
#[derive(Default)]
struct Session {
    /// The judge is made at its first use. Finding the compiler takes a moment, and a question to a model
    /// does not need it.
    judge: OnceLock<Result<Judge, Failure>>,
    models: Mutex<Option<Models>>,
    journal: Journal,
    /// The open toolboxes by folder.
    toolboxes: Mutex<HashMap<String, Arc<Toolbox>>>,
    residents: Arc<Residents>,
}

impl Session {
    fn answer(&self, Request { id, call }: Request, output: &Output) {
        let progress = |line: &str| {
            output.write(&Message::Progress { id, line: line.to_owned() });
        };
        match surviving(|| self.run(call, &progress)) {
            Ok(value) => output.write(&Message::Done { id, value }),
            Err(failure) => output.fail(id, failure.kind, failure.message),
        }
    }

    fn run(&self, call: Call, progress: &(dyn Fn(&str) + Sync)) -> Result<Value, Failure> {
        match call {
            Call::Open(choice) => self.open(&choice),
            Call::Judge { task, codes } => {
                let judge = self.judge()?;
                let verdicts = judge.judge_all(&task, &codes, progress)?;
                self.journal.judged(&task, judge.toolchain(), &codes, &verdicts)?;
                answer::<method::Judge>(&verdicts)
            }
            Call::Exec(program) => {
                let execution = self.judge()?.execute(&program)?;
                self.journal.executed(&program, &execution)?;
                answer::<Program>(&execution)
            }
            Call::Ask(ask) => {
                let models = self.models()?;
                self.journal.asked(std::slice::from_ref(&ask))?;
                let given = models.ask(&ask, progress)?;
                self.journal.answered(std::slice::from_ref(&ask), std::slice::from_ref(&given))?;
                answer::<Ask>(&given)
            }
            Call::AskMany(asks) => {
                let models = self.models()?;
                self.journal.asked(&asks)?;
                let answers = models.ask_many(&asks, progress)?;
                self.journal.answered(&asks, &answers)?;
                answer::<method::AskMany>(&answers)
            }
            Call::Paste(text) => {
                // The question was asked elsewhere.
                let elsewhere = Ask { messages: Vec::new(), ..Ask::new("") };
                let pasted = models::pasted(text);
                self.journal.answered(&[elsewhere], std::slice::from_ref(&pasted))?;
                answer::<method::Paste>(&pasted)
            }
            Call::Read { reply, wanted } => {
                let found = models::reply::read_for(&reply, &wanted)?;
                if let (Wanted::Code { .. }, Some(code)) = (&wanted, found["code"].as_str()) {
                    self.journal.derived("extracted", &reply.text, code)?;
                }
                Ok(found)
            }
            Call::ApplySuggestions { code, suggestions } => {
                let repaired = judge::apply_suggestions(&code, &suggestions);
                let repaired = repaired.map_err(|error| failure(FailureKind::BadRequest, error))?;
                self.journal.derived("repaired", &code, &repaired)?;
                answer::<method::ApplySuggestions>(&repaired)
            }
            Call::Toolbox { folder, call } => {
                let fresh = call == ToolboxCall::Fresh;
                use_toolbox(&*self.toolbox(&folder, fresh)?, call)
            }
            Call::Export(call) => {
                answer::<ExportCall>(&export(&self.judge()?, self.journal.path(), &call)?)
            }
            Call::BeginCell => {
                let models = self.models()?;
                models.begin_cell();
                answer::<method::BeginCell>(&models.meter())
            }
            Call::SetBudget(budget) => {
                self.models()?.set_budget(budget);
                answer::<method::SetBudget>(&())
            }
            Call::Meter => answer::<method::ReadMeter>(&self.models()?.meter()),
            Call::Limits => answer::<method::DefaultLimits>(&Limits::default()),
        }
    }

    fn open(&self, choice: &ModelChoice) -> Result<Value, Failure> {
        let models = Models::open(choice, &|name| std::env::var(name).ok())?;
        let mut model = models.status();
        let key = models.key();
        *self.models.lock().unpoisoned() = Some(models);
        let audit_log = match self.journal.begin() {
            Ok(path) => Some(path.to_string_lossy().into_owned()),
            Err(why) => {
                model.notes.push(format!("no audit log is kept: {why}"));
                None
            }
        };
        self.journal.hide(key);
        answer::<method::Open>(&Status {
            model,
            sandbox: sandbox(),
            limits: Limits::default(),
            audit_log,
        })
    }

    fn judge(&self) -> Result<Judge, Failure> {
        let make =
            || Judge::new().map_err(|error| failure(FailureKind::Internal, format!("{error:#}")));
        self.judge.get_or_init(make).clone()
    }

    fn toolbox(&self, folder: &str, fresh: bool) -> Result<Arc<Toolbox>, Failure> {
        let judge = self.judge()?;
        let mut open = self.toolboxes.lock().unpoisoned();
        // A toolbox that was moved away or emptied is opened again.
        if let Some(toolbox) = open.get(folder).filter(|toolbox| !fresh && toolbox.exists()) {
            return Ok(Arc::clone(toolbox));
        }
        let open_at = if fresh { Toolbox::fresh } else { Toolbox::open };
        let toolbox = Arc::new(open_at(Path::new(folder), judge, Arc::clone(&self.residents))?);
        open.insert(folder.to_owned(), Arc::clone(&toolbox));
        Ok(toolbox)
    }

    fn models(&self) -> Result<Models, Failure> {
        let models = self.models.lock().unpoisoned();
        models.clone().ok_or_else(|| {
            let message = "no model is open; start the lab first, in the setup cell";
            failure(FailureKind::BadRequest, message.to_owned())
        })
    }
}

/// Turns a panic into a failure: without an answer, the notebook would wait forever.
fn surviving(work: impl FnOnce() -> Result<Value, Failure>) -> Result<Value, Failure> {
    // A panic does not poison our locks: the data behind a lock is consistent after every statement.
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "the host has a bug (see its standard error); run the cell again";
        Err(failure(FailureKind::Internal, message.to_owned()))
    })
}

fn use_toolbox(toolbox: &Toolbox, call: ToolboxCall) -> Result<Value, Failure> {
    match call {
        // The new toolbox was already made when it was opened for this call.
        ToolboxCall::Fresh => tool_answer::<method::CreateToolbox>(&()),
        ToolboxCall::List => tool_answer::<method::ListTools>(&toolbox.list()?),
        ToolboxCall::Examine(proposal) => {
            tool_answer::<method::Examine>(&toolbox.examine(&proposal)?)
        }
        ToolboxCall::Admit { proposal, review } => {
            tool_answer::<method::Admit>(&toolbox.admit(&proposal, review)?)
        }
        ToolboxCall::Call { name, arguments } => {
            tool_answer::<method::CallTool>(&toolbox.call(&name, &arguments)?)
        }
        ToolboxCall::Rollback { name, version, by } => {
            toolbox.roll_back(&name, version, &by)?;
            tool_answer::<method::RollBack>(&())
        }
        ToolboxCall::Log => tool_answer::<method::ReadLog>(&toolbox.log()?),
        ToolboxCall::Verify => tool_answer::<method::Verify>(&toolbox.verify()?),
    }
}

fn sandbox() -> Sandbox {
    let layers = code_evolution_jail::layers();
    Sandbox {
        landlock_abi: layers.landlock_abi,
        seccomp: layers.seccomp,
        arch: layers.arch.to_owned(),
        refusal: code_evolution_jail::refusal(code_evolution_jail::Stage::Compile),
    }
}

fn answer<M: Method>(answer: &M::Answer) -> Result<Value, Failure> {
    let value = method::answer::<M>(answer);
    value.map_err(|error| failure(FailureKind::Internal, error.to_string()))
}

fn tool_answer<M: ToolboxMethod>(tool_answer: &M::Answer) -> Result<Value, Failure> {
    answer::<InToolbox<M>>(tool_answer)
}

fn failure(kind: FailureKind, message: String) -> Failure {
    Failure { kind, message }
}

impl From<JudgeError> for Failure {
    fn from(error: JudgeError) -> Self {
        let kind = match &error {
            JudgeError::BadRequest(_) => FailureKind::BadRequest,
            JudgeError::NoSandbox(_) => FailureKind::NoSandbox,
            JudgeError::Cancelled | JudgeError::Internal(_) => FailureKind::Internal,
        };
        failure(kind, error.to_string())
    }
}

impl From<ToolboxError> for Failure {
    fn from(error: ToolboxError) -> Self {
        let kind = match error {
            ToolboxError::Judge(error) => return error.into(),
            ToolboxError::NotFound(_) => FailureKind::ToolNotFound,
            ToolboxError::Failed(_) => FailureKind::ToolFailed,
            ToolboxError::Damaged(_) => FailureKind::ToolboxDamaged,
            ToolboxError::BadRequest(_) => FailureKind::BadRequest,
            ToolboxError::Internal(_) => FailureKind::Internal,
        };
        failure(kind, error.to_string())
    }
}

impl From<Missing> for Failure {
    fn from(error: Missing) -> Self {
        let kind = match error {
            Missing::Code(_) => FailureKind::NoCode,
            Missing::Other(_) => FailureKind::NotInReply,
        };
        failure(kind, error.to_string())
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        failure(error.kind(), error.to_string())
    }
}

/// Standard output, one line at a time, from any thread.
#[derive(Clone, Default)]
struct Output(Arc<Mutex<()>>);

impl Output {
    fn write(&self, message: &impl Serialize) {
        let _turn = self.0.lock().unpoisoned();
        let mut out = std::io::stdout().lock();
        let written = serde_json::to_string(message)
            .map_err(std::io::Error::from)
            .and_then(|line| writeln!(out, "{line}"))
            .and_then(|()| out.flush());
        // If nobody reads the output, the notebook is gone.
        if written.is_err() {
            stop();
        }
    }

    fn fail(&self, id: u64, kind: FailureKind, message: String) {
        self.write(&Message::Failed { id, error: failure(kind, message) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_answered() {
        let failed = surviving(|| panic!("a bug")).unwrap_err();
        assert_eq!(failed.kind, FailureKind::Internal);
        assert_eq!(surviving(|| Ok(Value::Null)), Ok(Value::Null));
    }
}
