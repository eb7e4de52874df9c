//! Tools that models write: proposed, examined, admitted, called.
//!
//! A toolbox is a folder. It outlives the kernel, and several notebooks can share it. The person who guards
//! it writes the tests, sees what passed them, and decides.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use code_evolution_wire::method::{
    Admit, CallTool, CreateToolbox, Examine, InToolbox, ListTools, ReadLog, RollBack,
    ToolboxMethod, Verify,
};
use code_evolution_wire::model::{Tool, ToolCall};
use code_evolution_wire::protocol::FailureKind;
use code_evolution_wire::toolbox::{self as wire, Capability, Listed, Proposal, Review, ToolEntry};
use code_evolution_wire::value::Arguments;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::inert;
use crate::lab::Lab;
use crate::show::{self, Admission, Examination, Table, Verification};

/// A toolbox in a folder. Clones share it.
#[derive(Clone)]
pub struct Toolbox {
    host: Arc<Host>,
    folder: PathBuf,
    policy: Policy,
}

/// The rule that decides if nobody answers the review's question, as in a run without a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    admits: bool,
    granted: Vec<Capability>,
}

impl Policy {
    /// Admits every tool that the gate lets through, unless it asks for a capability.
    pub fn admit_tested() -> Self {
        Policy { admits: true, granted: Vec::new() }
    }

    /// Rejects every tool that no person has seen.
    pub fn reject_unseen() -> Self {
        Policy { admits: false, granted: Vec::new() }
    }

    /// Also admits tools that ask for this capability.
    pub fn granting(mut self, capability: Capability) -> Self {
        self.granted.push(capability);
        self
    }

    /// Returns the policy's decision on a tool with these capabilities.
    fn review(&self, capabilities: &[Capability]) -> Review {
        let approved =
            self.admits && capabilities.iter().all(|wanted| self.granted.contains(wanted));
        Review { approved, by: format!("policy: {self}") }
    }
}

impl std::fmt::Display for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.admits {
            return f.write_str("reject what no person has seen");
        }
        let granted: Vec<String> = self.granted.iter().map(Capability::to_string).collect();
        match granted.is_empty() {
            true => f.write_str("admit what passed the gate and only computes"),
            false => {
                write!(f, "admit what passed the gate and needs at most {}", granted.join(", "))
            }
        }
    }
}

impl Toolbox {
    /// Opens the toolbox in a folder, relative to the notebook. The folder is created if it does not exist.
    ///
    /// # Errors
    /// Of kind [`FailureKind::ToolboxDamaged`] if its manifest was changed from outside.
    pub fn open(lab: &Lab, folder: impl AsRef<Path>) -> Result<Toolbox> {
        let toolbox = Toolbox::at(lab, folder.as_ref())?;
        toolbox.list()?;
        Ok(toolbox)
    }

    /// Creates a new, empty toolbox in a folder. An existing toolbox is kept beside it as
    /// `FOLDER.previous`; an older `FOLDER.previous` is deleted.
    ///
    /// # Errors
    /// If the folder holds something other than a toolbox, or cannot be moved.
    pub fn fresh(lab: &Lab, folder: impl AsRef<Path>) -> Result<Toolbox> {
        let toolbox = Toolbox::at(lab, folder.as_ref())?;
        toolbox.ask(CreateToolbox)?;
        // `components` drops a slash at the end.
        let shown = folder.as_ref().components().as_path().display();
        println!("{shown}: a new, empty toolbox (an earlier one, if any, is now {shown}.previous)");
        Ok(toolbox)
    }

    fn at(lab: &Lab, folder: &Path) -> Result<Toolbox> {
        let folder = std::path::absolute(folder).map_err(|error| {
            let shown = folder.display();
            let message = format!("cannot use the folder {shown} ({error}); choose another");
            Error::new(FailureKind::BadRequest, message)
        })?;
        Ok(Toolbox { host: Arc::clone(lab.host()), folder, policy: Policy::admit_tested() })
    }

    /// Returns the same toolbox with another policy for reviews that nobody answers.
    pub fn policy(&self, policy: Policy) -> Self {
        Toolbox { policy, ..self.clone() }
    }

    /// Returns the toolbox's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns a table of the tools.
    ///
    /// # Errors
    /// Of kind [`FailureKind::ToolboxDamaged`] if its manifest was changed from outside.
    pub fn tools(&self) -> Result<Table> {
        let mut table = Table::new(["tool", "version", "what it does", "tests", "written by"]);
        for Listed { entry, problem, .. } in self.list()? {
            let Some(in_use) = entry.in_use() else { continue };
            let does = problem.unwrap_or_else(|| in_use.description.clone());
            let tests = in_use.task.cases.len().to_string();
            let version = entry.current.to_string();
            table.push([&in_use.task.signature, &version, &does, &tests, &in_use.author]);
        }
        Ok(table)
    }

    /// Returns the tools in the form that a model is offered.
    ///
    /// # Errors
    /// As for [`Toolbox::tools`].
    pub fn as_tools(&self) -> Result<Vec<Tool>> {
        let offered = self.list()?.into_iter().filter_map(|tool| {
            let description = tool.entry.in_use()?.description.clone();
            Some(Tool { name: tool.name, description, parameters: tool.parameters })
        });
        Ok(offered.collect())
    }

    /// Examines a proposal at the gate, without admitting it.
    ///
    /// # Errors
    /// If the proposal's task is invalid, or it uses a tool that does not exist. A bad source is no error.
    pub fn examine(&self, proposal: &Proposal) -> Result<Examination> {
        self.ask(Examine(proposal.clone())).map(Examination)
    }

    /// Puts a proposal through the gate. A proposal that passes is shown (source, change, verdict), with
    /// the question whether to admit it. If nobody answers, the policy decides, and a line says so.
    ///
    /// # Errors
    /// As for [`Toolbox::examine`].
    pub fn submit(&self, proposal: &Proposal) -> Result<Admission> {
        let examination = self.examine(proposal)?;
        let review = examination.passed().then(|| {
            show::now(&examination);
            self.review(&examination)
        });
        self.decide(proposal, review)
    }

    /// Puts a proposal through the gate with a decision that is already made.
    ///
    /// # Errors
    /// As for [`Toolbox::examine`].
    pub fn decide(&self, proposal: &Proposal, review: Option<Review>) -> Result<Admission> {
        self.ask(Admit { proposal: proposal.clone(), review }).map(Admission)
    }

    fn review(&self, examination: &Examination) -> Review {
        let (name, version) = (inert::line(&examination.name), examination.version);
        let policy = &self.policy;
        println!(
            "review: does {name}, version {version}, get in?\n\
             Answer y or n in the field (in VS Code it is at the top of the window).\n\
             Without an answer the policy decides, which is to {policy}."
        );
        // Without a colon: the kernel would take it for the prompt's end.
        match decision(|| evcxr_input::get_string("y or n?")) {
            Some(approved) => Review { approved, by: "a person".to_owned() },
            None => {
                println!("review: nobody answered, so the policy decides");
                policy.review(&examination.capabilities)
            }
        }
    }

    /// Calls a tool. The arguments are a tuple, as for a case; the signature gives the output's type.
    ///
    /// # Errors
    /// Of kind [`FailureKind::ToolNotFound`] if there is no such tool (the message lists the tools). Of
    /// kind [`FailureKind::ToolFailed`] if the tool panicked, took too long or died. Of kind
    /// [`FailureKind::ToolboxDamaged`] if the tool's source was changed after it was admitted. Of kind
    /// [`FailureKind::BadRequest`] if the arguments or the output do not have the types that you name.
    pub fn call<T: DeserializeOwned>(&self, name: &str, arguments: impl Arguments) -> Result<T> {
        let output = self.call_json(name, Value::Array(arguments.arguments()))?;
        serde_json::from_value(output).map_err(|error| {
            let message = format!(
                "the output of `{name}` has another type than you ask for ({error}); see its signature"
            );
            Error::new(FailureKind::BadRequest, message)
        })
    }

    /// Calls a tool with JSON arguments: a list, or an object by the parameters' names.
    ///
    /// # Errors
    /// As for [`Toolbox::call`].
    pub fn call_json(&self, name: &str, arguments: Value) -> Result<Value> {
        self.ask(CallTool { name: name.to_owned(), arguments })
    }

    /// Runs a tool for a model: returns its output as JSON text, or what went wrong.
    ///
    /// # Errors
    /// As for [`Toolbox::call`], as text.
    pub fn answer(&self, call: &ToolCall) -> std::result::Result<String, String> {
        let output = self.call_json(&call.name, call.arguments.clone());
        output.map(|value| value.to_string()).map_err(|error| error.to_string())
    }

    /// Returns the versions of a tool.
    ///
    /// # Errors
    /// Of kind [`FailureKind::ToolNotFound`] if there is no such tool.
    pub fn versions(&self, name: &str) -> Result<Table> {
        let entry = self.entry(name)?;
        let mut table = Table::new(["version", "in use", "tests", "written by", "approved by"]);
        for (number, version) in &entry.versions {
            let in_use = if *number == entry.current { "yes" } else { "" };
            let (number, tests) = (number.to_string(), version.task.cases.len().to_string());
            table.push([&number, in_use, &tests, &version.author, &version.reviewer]);
        }
        Ok(table)
    }

    /// Returns a tool with all its versions.
    ///
    /// # Errors
    /// Of kind [`FailureKind::ToolNotFound`] if there is no such tool.
    pub fn entry(&self, name: &str) -> Result<ToolEntry> {
        let listed = self.list()?;
        let found = listed.iter().find(|tool| tool.name == name);
        found.map(|tool| tool.entry.clone()).ok_or_else(|| {
            let names: Vec<&str> = listed.iter().map(|tool| tool.name.as_str()).collect();
            let advice = match names.is_empty() {
                true => "the toolbox is empty: submit a proposal first".to_owned(),
                false => format!("choose from {}", names.join(", ")),
            };
            let message = format!("there is no tool `{name}`; {advice}");
            Error::new(FailureKind::ToolNotFound, message)
        })
    }

    /// Puts another version of a tool into use.
    ///
    /// # Errors
    /// Of kind [`FailureKind::ToolNotFound`] if there is no such tool or version.
    pub fn roll_back(&self, name: &str, version: u32) -> Result<()> {
        let (name, by) = (name.to_owned(), "a person".to_owned());
        self.ask(RollBack { name, version, by })
    }

    /// Returns the audit log, without its times and hashes.
    ///
    /// # Errors
    /// Of kind [`FailureKind::ToolboxDamaged`] if a line is not a log entry.
    pub fn log(&self) -> Result<Table> {
        let lines = self.ask(ReadLog)?;
        let mut table = Table::new(["line", "event", "tool", "version", "decided by", "why"]);
        for (index, line) in lines.iter().enumerate() {
            let field = |name: &str| match line.summary.get(name) {
                Some(Value::String(text)) => inert::short(text, 80),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            let number = (index + 1).to_string();
            let [tool, version, by, why] = ["tool", "version", "by", "why"].map(field);
            table.push([number, line.event.clone(), tool, version, by, why]);
        }
        Ok(table)
    }

    /// Returns the path of the audit log.
    pub fn log_path(&self) -> PathBuf {
        self.folder.join(wire::AUDIT_LOG)
    }

    /// Checks the audit log, and the toolbox against it.
    ///
    /// # Errors
    /// If a file cannot be read. A problem inside a file is a result, not an error.
    pub fn verify(&self) -> Result<Verification> {
        self.ask(Verify).map(Verification)
    }

    fn list(&self) -> Result<Vec<Listed>> {
        self.ask(ListTools)
    }

    fn ask<M: ToolboxMethod>(&self, method: M) -> Result<M::Answer> {
        let folder = self.folder.to_string_lossy().into_owned();
        self.host.call(InToolbox { folder, method })
    }
}

/// Asks a person until the answer is clear, and returns the decision; `None` if nobody answers.
fn decision(mut ask: impl FnMut() -> String) -> Option<bool> {
    loop {
        let answer = ask();
        match answer.trim().to_lowercase().as_str() {
            "" => return None,
            "y" | "yes" => return Some(true),
            "n" | "no" => return Some(false),
            _ => println!("review: neither y nor n ({}), so once more", inert::short(&answer, 40)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unclear_answer_is_asked_again() {
        let decided = |answers: &[&str]| {
            let mut answers = answers.iter();
            let decided = decision(|| answers.next().expect("no more questions").to_string());
            (decided, answers.count())
        };
        assert_eq!(decided(&[" Y", "n"]), (Some(true), 1));
        assert_eq!(decided(&["No ", "y"]), (Some(false), 1));
        assert_eq!(decided(&["maybe", "j", "q", "yes", "n"]), (Some(true), 1));
        assert_eq!(decided(&["what?", " ", "y"]), (None, 1));
    }

    #[test]
    fn a_policy_grants_what_it_says_and_says_what_it_grants() {
        let plain = Policy::admit_tested();
        assert!(plain.review(&[]).approved && !plain.review(&[Capability::Clock]).approved);
        let granting = plain.granting(Capability::Clock);
        assert!(granting.review(&[Capability::Clock]).approved);
        assert!(!granting.review(&[Capability::Clock, Capability::State]).approved);
        assert!(granting.review(&[]).by.contains("clock"));
        assert!(!Policy::reject_unseen().review(&[]).approved);
    }
}
