//! Each call together with the type of its answer, so that a wrong answer type does not compile.
//!
//! [`Call`] crosses the pipe, and the host branches on it. A [`Method`] is the same call as the notebook
//! writes it. The host converts its answer with [`answer`] and names the method there:
//!
//! ```compile_fail,E0308
//! use code_evolution_wire::method::{ReadMeter, answer};
//! answer::<ReadMeter>(&"a text is no meter".to_owned());
//! ```

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::export::{ExportCall, Exported};
use crate::model::{Answer, Ask, Budget, Meter, ModelChoice};
use crate::program::{Execution, Program};
use crate::protocol::{Call, Status};
use crate::reading::{Code, List, Opinion, Prompt, ReplyText, Wanted};
use crate::task::{Limits, Task};
use crate::toolbox::{
    Admission, Examination, Listed, LogLine, Proposal, Review, ToolboxCall, Verification,
};
use crate::verdict::{Suggestion, Verdict};

/// A call whose answer has a type.
pub trait Method: Into<Call> {
    /// What the host answers.
    type Answer: Serialize + DeserializeOwned;
}

/// Converts the answer to a method into the value that crosses the pipe.
///
/// # Errors
/// If it cannot be written as JSON, such as a map whose keys are not text.
pub fn answer<M: Method>(answer: &M::Answer) -> serde_json::Result<Value> {
    serde_json::to_value(answer)
}

/// One line for each method: its type, the type of its answer, and its call.
macro_rules! methods {
    ($trait:ident for $call_type:ident; $($method:ty => $answer:ty, $pattern:pat => $call:expr;)*) => {$(
        impl From<$method> for $call_type {
            fn from($pattern: $method) -> $call_type {
                $call
            }
        }

        impl $trait for $method {
            type Answer = $answer;
        }
    )*};
}

/// The method for [`Call::Open`].
pub struct Open(pub ModelChoice);

/// The method for [`Call::Judge`].
pub struct Judge {
    /// The task.
    pub task: Task,
    /// The candidates' sources.
    pub codes: Vec<String>,
}

/// The method for [`Call::AskMany`].
pub struct AskMany(pub Vec<Ask>);

/// The method for [`Call::Paste`].
pub struct Paste(pub String);

/// The method for [`Call::ApplySuggestions`].
pub struct ApplySuggestions {
    /// The source.
    pub code: String,
    /// The suggestions in the source's verdict.
    pub suggestions: Vec<Suggestion>,
}

/// The method for [`Call::BeginCell`].
pub struct BeginCell;

/// The method for [`Call::SetBudget`].
pub struct SetBudget(pub Budget);

/// The method for [`Call::Meter`].
pub struct ReadMeter;

/// The method for [`Call::Limits`].
pub struct DefaultLimits;

methods! {
    Method for Call;
    Open => Status, Open(choice) => Call::Open(choice);
    Judge => Vec<Verdict>, Judge { task, codes } => Call::Judge { task, codes };
    Program => Execution, program => Call::Exec(program);
    Ask => Answer, ask => Call::Ask(ask);
    AskMany => Vec<Answer>, AskMany(asks) => Call::AskMany(asks);
    Paste => Answer, Paste(text) => Call::Paste(text);
    ApplySuggestions => String, ApplySuggestions { code, suggestions } =>
        Call::ApplySuggestions { code, suggestions };
    ExportCall => Exported, call => Call::Export(call);
    BeginCell => Meter, BeginCell => Call::BeginCell;
    SetBudget => (), SetBudget(budget) => Call::SetBudget(budget);
    ReadMeter => Meter, ReadMeter => Call::Meter;
    DefaultLimits => Limits, DefaultLimits => Call::Limits;
}

/// Something that a reply can be searched for.
pub trait Find: Into<Wanted> {
    /// The type of the result.
    type Answer: Serialize + DeserializeOwned;
}

/// The method for [`Call::Read`].
pub struct ReadReply<F> {
    /// The reply.
    pub reply: ReplyText,
    /// What to find.
    pub find: F,
}

impl<F: Find> From<ReadReply<F>> for Call {
    fn from(ReadReply { reply, find }: ReadReply<F>) -> Call {
        Call::Read { reply, wanted: find.into() }
    }
}

impl<F: Find> Method for ReadReply<F> {
    type Answer = F::Answer;
}

/// The search for [`Wanted::Code`].
pub struct FindCode {
    /// The function's name.
    pub function: String,
}

/// The search for [`Wanted::List`].
pub struct FindList;

/// The search for [`Wanted::Prompt`].
pub struct FindPrompt;

/// The search for [`Wanted::Json`].
pub struct FindJson;

/// The search for [`Wanted::Opinion`].
pub struct FindOpinion;

methods! {
    Find for Wanted;
    FindCode => Code, FindCode { function } => Wanted::Code { function };
    FindList => List, FindList => Wanted::List;
    FindPrompt => Prompt, FindPrompt => Wanted::Prompt;
    FindJson => Vec<Value>, FindJson => Wanted::Json;
    FindOpinion => Opinion, FindOpinion => Wanted::Opinion;
}

/// An action in a toolbox.
pub trait ToolboxMethod: Into<ToolboxCall> {
    /// What the host answers.
    type Answer: Serialize + DeserializeOwned;
}

/// The method for [`Call::Toolbox`].
pub struct InToolbox<M> {
    /// The toolbox's folder: an absolute path.
    pub folder: String,
    /// What to do.
    pub method: M,
}

impl<M: ToolboxMethod> From<InToolbox<M>> for Call {
    fn from(InToolbox { folder, method }: InToolbox<M>) -> Call {
        Call::Toolbox { folder, call: method.into() }
    }
}

impl<M: ToolboxMethod> Method for InToolbox<M> {
    type Answer = M::Answer;
}

/// The method for [`ToolboxCall::Fresh`].
pub struct CreateToolbox;

/// The method for [`ToolboxCall::List`].
pub struct ListTools;

/// The method for [`ToolboxCall::Examine`].
pub struct Examine(pub Proposal);

/// The method for [`ToolboxCall::Admit`].
pub struct Admit {
    /// The proposal.
    pub proposal: Proposal,
    /// The review; `None` if the gate has already refused the proposal.
    pub review: Option<Review>,
}

/// The method for [`ToolboxCall::Call`].
pub struct CallTool {
    /// The tool.
    pub name: String,
    /// The tool's arguments: a list in the parameters' order, or an object by their names.
    pub arguments: Value,
}

/// The method for [`ToolboxCall::Rollback`].
pub struct RollBack {
    /// The tool.
    pub name: String,
    /// The version.
    pub version: u32,
    /// Who asks for the change.
    pub by: String,
}

/// The method for [`ToolboxCall::Log`].
pub struct ReadLog;

/// The method for [`ToolboxCall::Verify`].
pub struct Verify;

methods! {
    ToolboxMethod for ToolboxCall;
    CreateToolbox => (), CreateToolbox => ToolboxCall::Fresh;
    ListTools => Vec<Listed>, ListTools => ToolboxCall::List;
    Examine => Examination, Examine(proposal) => ToolboxCall::Examine(proposal);
    Admit => Admission, Admit { proposal, review } => ToolboxCall::Admit { proposal, review };
    CallTool => Value, CallTool { name, arguments } => ToolboxCall::Call { name, arguments };
    RollBack => (), RollBack { name, version, by } => ToolboxCall::Rollback { name, version, by };
    ReadLog => Vec<LogLine>, ReadLog => ToolboxCall::Log;
    Verify => Verification, Verify => ToolboxCall::Verify;
}
