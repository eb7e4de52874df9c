//! The lab: one value that holds the host and gives access to models and judge.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use code_evolution_wire::export::{Export, ExportCall};
use code_evolution_wire::method::{ApplySuggestions, Judge, Open};
use code_evolution_wire::model::{Mode, ModelChoice, TINY_MODEL};
use code_evolution_wire::program::Program;
use code_evolution_wire::protocol::Status;
use code_evolution_wire::task::{Limits, Task};
use code_evolution_wire::verdict as wire;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::inert;
use crate::llm::Llm;
use crate::show::{Cost, Execution, Exported, Verdict, Verdicts};
use crate::stamp::Stamp;

/// A running lab. Clones share the same host.
#[derive(Clone)]
pub struct Lab {
    host: Arc<Host>,
    status: Status,
}

/// What a lab is started with; made by [`Lab::cassette`], [`Lab::provider`] and the like.
#[derive(Clone, Default)]
pub struct LabSetup {
    choice: ModelChoice,
    /// The key of the provider in `choice`.
    key: Option<String>,
}

impl Lab {
    /// Starts a lab with what the environment offers, and prints what that is.
    ///
    /// # Errors
    /// If the host cannot be built or started, or the environment names an unknown provider or mode.
    pub fn start() -> Result<Lab> {
        LabSetup::default().start()
    }

    /// A lab whose scripted or recorded replies are in this file, relative to the notebook.
    pub fn cassette(path: impl AsRef<Path>) -> LabSetup {
        LabSetup::default().cassette(path)
    }

    /// A lab with this provider: `openai`, `gemini`, `groq`, `anthropic`, `openrouter`, `mistral`; `ollama`,
    /// `lmstudio` or `local` on this machine (the last is a model that the lab runs itself); or `custom`
    /// for the server that `LLM_BASE_URL` names.
    pub fn provider(name: impl Into<String>) -> LabSetup {
        LabSetup::default().provider(name)
    }

    /// The model that answers in this lab.
    pub fn llm(&self) -> Llm {
        Llm::new(Arc::clone(&self.host)).max_tokens(self.status.model.usual_max_tokens())
    }

    /// Compiles a candidate and runs the task's cases on it, both in the jail.
    ///
    /// # Errors
    /// If the task makes no sense (a signature that cannot be served, a case of another type), or the
    /// sandbox is not safe on this machine. A bad candidate is no error: the verdict says so.
    pub fn judge(&self, code: &str, task: &Task) -> Result<Verdict> {
        self.judge_all(&[code], task)?
            .0
            .pop()
            .ok_or_else(|| Error::internal("the host gave no verdict; run the setup cell again"))
    }

    /// Judges a population, on every core. The verdicts come in the candidates' order.
    ///
    /// # Errors
    /// As for [`Lab::judge`].
    pub fn judge_all(&self, codes: &[impl AsRef<str>], task: &Task) -> Result<Verdicts> {
        let codes = codes.iter().map(|code| code.as_ref().to_owned()).collect();
        let verdicts: Vec<wire::Verdict> = self.host.call(Judge { task: task.clone(), codes })?;
        Ok(verdicts.into_iter().map(Verdict).collect())
    }

    /// Compiles and runs a whole program (`fn main`) in the jail.
    ///
    /// # Errors
    /// If the sandbox is not safe on this machine. A bad program is no error.
    pub fn run(&self, program: &Program) -> Result<Execution> {
        self.host.call(program.clone()).map(Execution)
    }

    /// Applies the repairs that rustc itself proposes and marks as safe to apply by machine.
    ///
    /// # Errors
    /// If the verdict is not about this code, so that its suggestions do not fit.
    pub fn apply_suggestions(&self, code: &str, verdict: &Verdict) -> Result<String> {
        let suggestions =
            verdict.diagnostics.iter().flat_map(|diagnostic| diagnostic.suggestions.clone());
        self.host
            .call(ApplySuggestions { code: code.to_owned(), suggestions: suggestions.collect() })
    }

    /// Makes a crate of a candidate that passes all its cases, in a folder of its own beside the notebook:
    /// the function, its cases as tests, where it came from. `wanted` is the crate's name, or an
    /// [`Export`] that also has a licence and an author.
    ///
    /// # Errors
    /// If the candidate does not pass, the name is no crate's, or the folder holds something that was not
    /// exported, or was changed since: nothing is overwritten.
    pub fn export(&self, code: &str, task: &Task, wanted: impl Into<Export>) -> Result<Exported> {
        self.export_to(".", code, task, wanted)
    }

    /// As [`Lab::export`], with the crate's folder made in another one.
    ///
    /// # Errors
    /// As [`Lab::export`].
    pub fn export_to(
        &self,
        place: impl AsRef<Path>,
        code: &str,
        task: &Task,
        wanted: impl Into<Export>,
    ) -> Result<Exported> {
        let place = place.as_ref();
        // Absolute, since the host may have another current folder than the notebook.
        let absolute = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
        let call = ExportCall {
            export: wanted.into(),
            place: absolute.to_string_lossy().into_owned(),
            task: task.clone(),
            code: code.to_owned(),
        };
        self.host.call(call).map(Exported)
    }

    /// Who answered in this cell so far. What rests on these replies in a later cell is given it:
    /// `.stamp(&stamp)`.
    pub fn stamp(&self) -> Stamp {
        crate::cell::stamp()
    }

    /// What this cell has cost so far: for a cell that asks and ends on nothing else.
    pub fn cost(&self) -> Cost {
        Cost(crate::cell::cost().unwrap_or_else(|| "this cell asked nothing".to_owned()))
    }

    pub(crate) fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// What a candidate may use up unless its task says otherwise.
    pub fn limits(&self) -> &Limits {
        &self.status.limits
    }

    /// This session's audit log: what was asked, answered and judged, one JSON object a line, each
    /// with the hash of the one before. `code_evolution_host audit verify FILE` checks it.
    pub fn audit_log(&self) -> Option<&Path> {
        self.status.audit_log.as_deref().map(Path::new)
    }

    /// Which model answers and which sandbox layers are in force.
    pub fn status(&self) -> &Status {
        &self.status
    }
}

/// What a cell shows that ends on it: the kernel prints a value's `Debug`, and this one may hold a key.
impl fmt::Debug for LabSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lab that has not been started: end the line with `.start()?`")
    }
}

impl LabSetup {
    /// See [`Lab::cassette`].
    pub fn cassette(mut self, path: impl AsRef<Path>) -> Self {
        // Absolute, since the host may have another current folder than the notebook.
        let path = path.as_ref();
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.choice.cassette = Some(absolute.to_string_lossy().into_owned());
        self
    }

    /// See [`Lab::provider`].
    pub fn provider(mut self, name: impl Into<String>) -> Self {
        self.choice.provider = Some(name.into());
        self
    }

    /// The model's name at the provider.
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.choice.model = Some(name.into());
        self
    }

    /// Where replies come from, whatever the environment says.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.choice.mode = Some(mode);
        self
    }

    /// Asks for a provider's key in a password field, and asks that provider live. The key lives in
    /// the host's memory until the kernel ends and is written nowhere. Without an answer the
    /// environment decides, as before.
    pub fn ask_for_key(mut self, provider: impl Into<String>) -> Self {
        let provider = provider.into();
        println!(
            "key       the field waits for your {} key (in VS Code it is at the top of the window)\n\
             {:10}Enter alone goes on without one; Kernel > Interrupt takes the question back",
            inert::line(&provider),
            ""
        );
        // Without a colon: the kernel would take it for the prompt's end.
        let name = inert::line(&provider).replace(':', " ");
        let key = evcxr_input::get_password(&format!("{name} key (for this kernel only)"));
        if !key.is_empty() {
            self.key = Some(key);
            self.choice.mode.get_or_insert(Mode::Live);
            self.choice.provider = Some(provider);
        }
        self
    }

    /// Starts the lab and prints what it runs on.
    ///
    /// # Errors
    /// As for [`Lab::start`].
    pub fn start(self) -> Result<Lab> {
        let host = Host::start(self.key.as_deref())?;
        let status: Status = host.call(Open(self.choice))?;
        print!("{}", describe(&status));
        Ok(Lab { host: Arc::new(host), status })
    }
}

/// What the setup cell prints.
fn describe(status: &Status) -> String {
    let model = &status.model;
    let name = inert::line(&model.model);
    let mut text = format!("replies   {}", model.mode);
    match model.mode {
        Mode::Scripted => text += " (written by hand: no model is asked)\n",
        Mode::Replay => text += &format!(" (recorded from {name}: no model is asked)\n"),
        Mode::Local => {
            let tiny = if name == TINY_MODEL { " (tiny: it cannot write Rust)" } else { "" };
            text += &format!(" from {name} on this machine{tiny}\n");
        }
        // A lab never has this mode.
        Mode::Pasted => text += "\n",
        Mode::Live | Mode::Record => {
            text += &format!(" from {} · {name}\n", model.provider);
            text += &format!("key       from {}\n", model.key_from);
        }
    }
    let sandbox = &status.sandbox;
    text += "sandbox   ";
    text += &match (&sandbox.refusal, sandbox.landlock_abi, sandbox.seccomp) {
        (Some(refusal), ..) => format!("refuses to run candidates: {}\n", inert::line(refusal)),
        (None, 0, _) => "seccomp, resource limits (no Landlock here)\n".to_owned(),
        (None, ..) => "Landlock, seccomp, resource limits\n".to_owned(),
    };
    for note in &model.notes {
        text += &format!("note      {}\n", inert::line(note));
    }
    text
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::ModelStatus;
    use code_evolution_wire::protocol::Sandbox;

    use super::*;

    fn status(mode: Mode, refusal: Option<&str>) -> Status {
        Status {
            model: ModelStatus {
                provider: "groq".into(),
                model: "small".into(),
                mode,
                key_from: "GROQ_API_KEY".into(),
                cassette: None,
                notes: vec!["no key was found".into()],
            },
            sandbox: Sandbox {
                landlock_abi: 7,
                seccomp: true,
                arch: "x86_64".into(),
                refusal: refusal.map(str::to_owned),
            },
            limits: Limits::default(),
            audit_log: None,
        }
    }

    #[test]
    fn a_script_is_never_called_a_model() {
        let text = describe(&status(Mode::Scripted, None));
        assert!(text.contains("scripted") && text.contains("no model is asked"), "{text}");
        assert!(!text.contains("groq") && !text.contains("small"), "{text}");
        assert!(text.contains("no key was found"), "{text}");
    }

    #[test]
    fn a_lab_that_was_not_started_says_so_and_keeps_its_key() {
        let key = Some("gsk_secret".to_owned());
        let shown = format!("{:?}", LabSetup { key, ..Lab::provider("groq") });
        assert!(shown.contains(".start()?") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_live_lab_says_who_answers_and_whence_the_key_came() {
        let text = describe(&status(Mode::Live, None));
        assert!(text.contains("live from groq · small") && text.contains("GROQ_API_KEY"), "{text}");
    }

    #[test]
    fn a_sandbox_that_refuses_says_why() {
        let text = describe(&status(Mode::Live, Some("no seccomp")));
        assert!(text.contains("refuses to run candidates: ") && text.contains("no seccomp"));
    }
}
