//! The lab: one value that holds the host and gives access to models and the judge.

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

/// The settings that start a lab; [`Lab::cassette`], [`Lab::provider`] and others make them.
#[derive(Clone, Default)]
pub struct LabSetup {
    choice: ModelChoice,
    /// The key of the provider in `choice`.
    key: Option<String>,
}

impl Lab {
    /// Starts a lab with what the environment offers, and prints which model answers and what the sandbox is.
    ///
    /// # Errors
    /// If the host cannot be built or started, or the environment names an unknown provider or mode.
    pub fn start() -> Result<Lab> {
        LabSetup::default().start()
    }

    /// Sets up a lab whose scripted or recorded replies are in this file, relative to the notebook.
    pub fn cassette(path: impl AsRef<Path>) -> LabSetup {
        LabSetup::default().cassette(path)
    }

    /// Sets up a lab with this provider: `openai`, `gemini`, `groq`, `anthropic`, `openrouter`, `mistral`;
    /// `ollama`, `lmstudio` or `local` on this machine (`local` is a model that the lab runs itself); or
    /// `custom` for the server that `LLM_BASE_URL` names.
    pub fn provider(name: impl Into<String>) -> LabSetup {
        LabSetup::default().provider(name)
    }

    /// Returns the model that answers in this lab.
    pub fn llm(&self) -> Llm {
        Llm::new(Arc::clone(&self.host)).max_tokens(self.status.model.usual_max_tokens())
    }

    /// Compiles a candidate and runs the task's cases on it. Both happen in the jail.
    ///
    /// # Errors
    /// If the task is invalid (an unsupported signature, a case of another type), or the sandbox is not
    /// safe on this machine. A bad candidate is no error; its verdict says what is wrong.
    pub fn judge(&self, code: &str, task: &Task) -> Result<Verdict> {
        self.judge_all(&[code], task)?
            .0
            .pop()
            .ok_or_else(|| Error::internal("the host gave no verdict; run the setup cell again"))
    }

    /// Judges a population on every core. The verdicts come in the candidates' order.
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

    /// Applies the fixes that rustc proposes and marks as safe to apply by machine.
    ///
    /// # Errors
    /// If the verdict is about other code, so that its suggestions do not fit.
    pub fn apply_suggestions(&self, code: &str, verdict: &Verdict) -> Result<String> {
        let suggestions =
            verdict.diagnostics.iter().flat_map(|diagnostic| diagnostic.suggestions.clone());
        self.host
            .call(ApplySuggestions { code: code.to_owned(), suggestions: suggestions.collect() })
    }

    /// Exports a candidate that passes all its cases as a crate, in a new folder beside the notebook: the
    /// function, its cases as tests, and its origin. `wanted` is the crate's name, or an [`Export`] that
    /// also has a licence and an author.
    ///
    /// # Errors
    /// If the candidate does not pass, the name is not valid for a crate, or the folder holds files that
    /// were not exported or were changed since. Nothing is overwritten.
    pub fn export(&self, code: &str, task: &Task, wanted: impl Into<Export>) -> Result<Exported> {
        self.export_to(".", code, task, wanted)
    }

    /// Like [`Lab::export`], but creates the crate's folder inside `place`.
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
        // The path is absolute, since the host's current folder may differ from the notebook's.
        let absolute = std::path::absolute(place).unwrap_or_else(|_| place.to_owned());
        let call = ExportCall {
            export: wanted.into(),
            place: absolute.to_string_lossy().into_owned(),
            task: task.clone(),
            code: code.to_owned(),
        };
        self.host.call(call).map(Exported)
    }

    /// Returns who has answered in this cell so far. A later cell that shows a result of these replies
    /// needs this stamp: `.stamp(&stamp)`.
    pub fn stamp(&self) -> Stamp {
        crate::cell::stamp()
    }

    /// Returns what this cell has cost so far. Use it in a cell that asks but ends without a panel.
    pub fn cost(&self) -> Cost {
        Cost(crate::cell::cost().unwrap_or_else(|| "this cell asked nothing".to_owned()))
    }

    pub(crate) fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Returns what a candidate may use up unless its task says otherwise.
    pub fn limits(&self) -> &Limits {
        &self.status.limits
    }

    /// Returns this session's audit log: questions, answers and verdicts, one JSON object per line, each
    /// with the hash of the line before. `code_evolution_host audit verify FILE` checks it.
    pub fn audit_log(&self) -> Option<&Path> {
        self.status.audit_log.as_deref().map(Path::new)
    }

    /// Returns which model answers and which sandbox layers are in force.
    pub fn status(&self) -> &Status {
        &self.status
    }
}

/// Shown when a cell's last expression is a `LabSetup`: the kernel prints `Debug`, and this value may hold
/// a key.
impl fmt::Debug for LabSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a lab that has not been started: end the line with `.start()?`")
    }
}

impl LabSetup {
    /// See [`Lab::cassette`].
    pub fn cassette(mut self, path: impl AsRef<Path>) -> Self {
        // The path is absolute, since the host's current folder may differ from the notebook's.
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

    /// Sets the model's name at the provider.
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.choice.model = Some(name.into());
        self
    }

    /// Sets where replies come from, whatever the environment says.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.choice.mode = Some(mode);
        self
    }

    /// Asks a person for a provider's key in a password field. The lab then uses this provider live. The
    /// key stays in the host's memory until the kernel ends; it is never written to a file. If the field
    /// stays empty, nothing changes: the environment decides.
    pub fn ask_for_key(mut self, provider: impl Into<String>) -> Self {
        let provider = provider.into();
        println!(
            "key       the field waits for your {} key (in VS Code it is at the top of the window)\n\
             {:10}Enter alone goes on without one; Kernel > Interrupt takes the question back",
            inert::line(&provider),
            ""
        );
        // No colon: the kernel would take it for the end of the prompt.
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

/// Returns the text that the setup cell prints.
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
    fn a_lab_that_was_not_started_says_so_and_hides_its_key() {
        let key = Some("gsk_secret".to_owned());
        let shown = format!("{:?}", LabSetup { key, ..Lab::provider("groq") });
        assert!(shown.contains(".start()?") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_live_lab_says_who_answers_and_where_the_key_comes_from() {
        let text = describe(&status(Mode::Live, None));
        assert!(text.contains("live from groq · small") && text.contains("GROQ_API_KEY"), "{text}");
    }

    #[test]
    fn a_sandbox_that_refuses_says_why() {
        let text = describe(&status(Mode::Live, Some("no seccomp")));
        assert!(text.contains("refuses to run candidates: ") && text.contains("no seccomp"));
    }
}
