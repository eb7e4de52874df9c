//! Asking a model: one question, many, a conversation, a conversation with tools, JSON.

use std::sync::Arc;

pub use reply::Reply;

mod choose;
mod proposal;
mod reply;

use code_evolution_wire::method::{AskMany, ReadMeter, SetBudget};
use code_evolution_wire::model::{
    Answer, Ask, Budget, DEFAULT_MAX_TOKENS, Message, Role, Tool, ToolCall,
};
use code_evolution_wire::protocol::FailureKind;
use serde_json::Value;

use crate::cell;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::show::Meter;

/// A model and how to ask it. Each setting returns a changed copy:
/// `llm.system("You are terse.").temperature(0.9).ask(&prompt)?`.
#[derive(Clone)]
pub struct Llm {
    host: Arc<Host>,
    system: Option<String>,
    temperature: Option<f64>,
    max_tokens: u32,
    stream: bool,
}

impl Llm {
    pub(crate) fn new(host: Arc<Host>) -> Self {
        let max_tokens = DEFAULT_MAX_TOKENS;
        Llm { host, system: None, temperature: None, max_tokens, stream: false }
    }

    /// Returns the same model with this system prompt.
    pub fn system(&self, prompt: impl Into<String>) -> Self {
        Llm { system: Some(prompt.into()), ..self.clone() }
    }

    /// Returns the same model with this temperature, 0 to 2. It is not sent to providers that accept none.
    pub fn temperature(&self, temperature: f64) -> Self {
        Llm { temperature: Some(temperature), ..self.clone() }
    }

    /// Returns the same model with answers of at most this many tokens. The default is 1,000; for the tiny
    /// model on this machine it is 300, since that model rarely stops by itself.
    pub fn max_tokens(&self, max_tokens: u32) -> Self {
        Llm { max_tokens, ..self.clone() }
    }

    /// Returns the same model, which prints each line of its answer as soon as the line is complete.
    pub fn streaming(&self) -> Self {
        Llm { stream: true, ..self.clone() }
    }

    /// Asks one question.
    ///
    /// # Errors
    /// If no usable answer came (the message says why and what to do), or the budget is spent.
    pub fn ask(&self, prompt: impl AsRef<str>) -> Result<Reply> {
        self.send(self.question(prompt.as_ref()))
    }

    /// Asks many questions, a few at a time. The replies come in the questions' order. If only some
    /// questions fail, the other answers are kept, since they were paid for. The reply to a failed question
    /// is empty; its label and [`Reply::code`] say why.
    ///
    /// # Errors
    /// As for [`Llm::ask`], if no question has an answer.
    pub fn ask_many(&self, prompts: &[impl AsRef<str>]) -> Result<Vec<Reply>> {
        let asks: Vec<Ask> = prompts.iter().map(|prompt| self.question(prompt.as_ref())).collect();
        let answers = cell::ask(&self.host, AskMany(asks.clone()), Vec::as_slice)?;
        Ok(answers.into_iter().zip(&asks).map(|(answer, ask)| self.reply(answer, ask)).collect())
    }

    /// Asks for JSON that satisfies this JSON schema; a wrong answer is sent back once for repair. Read the
    /// answer with [`Reply::json`].
    ///
    /// # Errors
    /// As for [`Llm::ask`]; also if the repaired answer still does not satisfy the schema.
    pub fn ask_json(&self, prompt: impl AsRef<str>, schema: Value) -> Result<Reply> {
        self.send(Ask { schema: Some(schema), ..self.question(prompt.as_ref()) })
    }

    /// Starts a conversation.
    pub fn chat(&self) -> Chat {
        let messages = self.system_message().into_iter().collect();
        Chat { llm: self.clone(), messages }
    }

    /// Returns what this session has used, all models together.
    ///
    /// # Errors
    /// If the host has ended.
    pub fn meter(&self) -> Result<Meter> {
        self.host.call(ReadMeter).map(Meter)
    }

    /// Sets the session's budget. A call that would exceed it is not made.
    ///
    /// # Errors
    /// If the host has ended.
    pub fn budget(&self, budget: Budget) -> Result<()> {
        self.host.call(SetBudget(budget))
    }

    fn system_message(&self) -> Option<Message> {
        self.system.as_ref().map(|prompt| Message::new(Role::System, prompt))
    }

    fn question(&self, prompt: &str) -> Ask {
        let question = Message::new(Role::User, prompt);
        self.about(self.system_message().into_iter().chain([question]).collect())
    }

    fn about(&self, messages: Vec<Message>) -> Ask {
        Ask {
            messages,
            temperature: self.temperature,
            max_tokens: self.max_tokens,
            tools: Vec::new(),
            schema: None,
            stream: self.stream,
        }
    }

    fn send(&self, ask: Ask) -> Result<Reply> {
        let answer = cell::ask(&self.host, ask.clone(), std::slice::from_ref)?;
        Ok(self.reply(answer, &ask))
    }

    fn reply(&self, answer: Answer, ask: &Ask) -> Reply {
        Reply::new(answer, ask, &self.host)
    }
}

/// A conversation that remembers what was said.
#[derive(Clone)]
pub struct Chat {
    llm: Llm,
    messages: Vec<Message>,
}

impl Chat {
    /// Says something and waits for the answer. Both are remembered, unless no answer comes.
    ///
    /// # Errors
    /// As for [`Llm::ask`].
    pub fn say(&mut self, text: impl Into<String>) -> Result<Reply> {
        self.say_with(text, &[], 2, |call| {
            Err(format!("there is no tool {}; answer in words", call.name))
        })
    }

    /// Says something to a model that may call tools. `run` runs a tool; its result or its error goes back
    /// to the model. The model gives at most `max_answers` answers in all (at least one). A call with
    /// unreadable arguments is not run; the model is told how to write them.
    ///
    /// # Errors
    /// As for [`Llm::ask`]; also if the last allowed answer still calls tools, which are then not run.
    pub fn say_with(
        &mut self,
        text: impl Into<String>,
        tools: &[Tool],
        max_answers: usize,
        mut run: impl FnMut(&ToolCall) -> std::result::Result<String, String>,
    ) -> Result<Reply> {
        let max_answers = max_answers.max(1);
        let mut messages = self.messages.clone();
        messages.push(Message::new(Role::User, text));
        for answer in 1..=max_answers {
            let mut ask = self.llm.about(messages.clone());
            ask.tools = tools.to_vec();
            let reply = self.llm.send(ask)?;
            messages.push(Message::from(&*reply));
            if !reply.is_answer() {
                return Ok(reply);
            }
            if reply.tool_calls.is_empty() {
                self.messages = messages;
                return Ok(reply);
            }
            if answer == max_answers {
                break;
            }
            for call in &reply.tool_calls {
                let result = match call.unreadable(tools) {
                    Some(why) => Err(why),
                    None => run(call),
                };
                let result = result.unwrap_or_else(|error| format!("error: {error}"));
                messages.push(Message {
                    tool_call_id: Some(call.id.clone()),
                    ..Message::new(Role::Tool, result)
                });
            }
        }
        Err(Error::new(
            FailureKind::Model,
            format!(
                "the model still calls tools in its answer number {max_answers}; allow more answers, or say in the prompt when to stop"
            ),
        ))
    }

    /// Returns what was said so far.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::{self as wire, Fit, Mode, Usage};
    use code_evolution_wire::protocol::Failure;
    use serde_json::json;

    use super::*;

    /// The first line of a host that answers nothing.
    const HELLO: &str = r#"echo '{"protocol":1,"version":"0"}'"#;

    /// Makes a model that gives these answers in order. Each answer calls the tools in its list.
    fn model(answers: &[(&str, &[&str])]) -> Llm {
        let calls = |names: &[&str]| {
            names.iter().map(|name| ToolCall::new("1", *name, json!({}))).collect()
        };
        answering(answers.iter().map(|(text, names)| (*text, calls(names))).collect())
    }

    /// Makes a model that gives these answers with these calls.
    fn answering(answers: Vec<(&str, Vec<ToolCall>)>) -> Llm {
        let mut script = format!("{HELLO}; ");
        // The first call says that a cell begins.
        let begun = json!({"done": {"id": 1, "value": wire::Meter::default()}});
        script += &format!("read line; printf '%s\\n' '{begun}'; ");
        for (number, (text, tool_calls)) in answers.into_iter().enumerate() {
            let value = Answer {
                text: text.to_owned(),
                thinking: String::new(),
                tool_calls,
                model: "small".to_owned(),
                mode: Mode::Live,
                note: None,
                finish_reason: "stop".to_owned(),
                usage: Usage::default(),
                extra: Default::default(),
                failure: None,
                fit: Fit::Exact,
                date: None,
            };
            let done = json!({"done": {"id": number + 2, "value": value}});
            script += &format!("read line; printf '%s\\n' '{done}'; ");
        }
        Llm::new(Arc::new(Host::script(&script).expect("a host")))
    }

    #[test]
    fn a_call_of_an_unknown_tool_gets_an_error() {
        let mut chat = model(&[("", &["search"]), ("in words", &[])]).chat();
        assert_eq!(chat.say("well?").expect("an answer").text, "in words");
        let told = chat.messages().iter().find(|message| message.role == Role::Tool);
        let told = &told.expect("a result for the model").content;
        assert!(told.contains("no tool search") && told.contains("in words"), "{told}");
    }

    #[test]
    fn a_call_whose_arguments_cannot_be_read_is_not_run() {
        let parameters = json!({"type": "object", "properties": {"a": {"type": "number"}}});
        let tool = Tool { name: "add".to_owned(), description: String::new(), parameters };
        let call = ToolCall::new("1", "add", json!("{\"a\": 30, "));
        let mut chat = answering(vec![("", vec![call]), ("I could not.", Vec::new())]).chat();
        let reply = chat.say_with("add", &[tool], 2, |_| panic!("it is not run"));
        assert_eq!(reply.expect("an answer").text, "I could not.");
        let told = &chat.messages()[2].content;
        assert!(
            told.contains("not a JSON object ({\"a\": 30, )") && told.contains("like {\"a\":1.5}"),
            "{told}"
        );
    }

    #[test]
    fn the_last_answers_tools_are_not_run_and_the_conversation_is_as_before() {
        let mut chat = model(&[("", &["add"]), ("", &["add"])]).chat();
        let mut runs = 0;
        let error = chat
            .say_with("add", &[], 2, |_| {
                runs += 1;
                Ok("3".to_owned())
            })
            .expect_err("no answer in words");
        assert!(error.to_string().contains("allow more answers"), "{error}");
        assert_eq!((runs, chat.messages().len()), (1, 0));
    }

    #[test]
    fn text_hidden_in_quoted_json_cannot_control_the_kernel() {
        let text = r#"{"name": "EVCXR\u005fEND_CONTENT"}"#;
        let reply = model(&[(text, &[])]).ask_json("who?", json!({})).expect("a reply");
        assert_eq!(reply.json::<Value>().expect("JSON"), json!({"name": "EVCXR-END_CONTENT"}));
        let error = reply.json::<u32>().expect_err("no number");
        assert!(error.to_string().contains("make schema and type agree"), "{error}");
    }

    #[test]
    fn a_missing_reply_is_never_taken_for_an_answer() {
        let none = Answer {
            failure: Some(Failure {
                kind: FailureKind::NoReply,
                message: "the script has nothing for this prompt; ask a model".to_owned(),
            }),
            ..crate::stamp::tests::answer(Mode::Scripted, Fit::Nothing)
        };
        let host = Arc::new(Host::script(HELLO).expect("a host"));
        let reply = Reply::new(none, &Ask::new("?"), &host);
        let errors = [
            reply.code("f").err(),
            reply.json::<Value>().err(),
            reply.answer().map(str::to_owned).err(),
        ];
        for error in errors {
            let error = error.expect("no answer");
            assert_eq!(error.kind(), FailureKind::NoReply);
            assert!(error.to_string().starts_with("the script has nothing for this prompt"));
        }
        let shown = reply.to_text();
        assert!(shown.starts_with("[scripted · no reply]\n│ the script has nothing"), "{shown}");
        assert_eq!(reply.stamp().to_string(), "1 prompt without a reply");
    }

    #[test]
    fn a_model_proposes_a_tool_with_examples() {
        let proposes = |json: Value| {
            let reply = model(&[(&json.to_string(), &[])]).ask("what do you lack?");
            reply.expect("a reply").proposal()
        };
        let wish = json!({
            "signature": "fn total(numbers: Vec<i64>, start: i64) -> i64 {}", "description": "adds up",
            "examples": [{"input": [[1, 2], 0.0], "output": 3}], "uses": ["add"], "name": "total",
        });
        let proposal = proposes(wish.clone()).expect("a proposal");
        assert_eq!((proposal.name(), proposal.description.as_str()), ("total", "adds up"));
        assert_eq!((proposal.code.as_str(), &proposal.uses[..]), ("", &["add".to_owned()][..]));
        let [case] = &proposal.task.cases[..] else { panic!("{proposal:?}") };
        assert_eq!((&case.input, case.hidden), (&vec![json!([1, 2]), json!(0)], false));
        assert!(proposal.task.signature.ends_with("-> i64"), "{proposal:?}");
        for (field, value, says) in [
            ("examples", json!([]), "at least one"),
            ("examples", json!([{"input": 3, "output": 3}]), "no JSON"),
            ("signature", json!("total of numbers"), "write it as"),
        ] {
            let mut wish = wish.clone();
            wish[field] = value;
            let error = proposes(wish).expect_err(says);
            assert_eq!(error.kind(), FailureKind::NotInReply);
            let says = if says == "no JSON" { "is not the JSON" } else { says };
            assert!(error.to_string().contains(says), "{error}");
        }
    }

    #[test]
    fn a_figure_in_a_cell_that_asked_carries_the_cells_stamp() {
        use crate::show::{FitnessCurve, Table};
        let llm = model(&[("in words", &[]), ("again", &[])]);
        llm.ask("one").expect("an answer");
        llm.ask("two").expect("an answer");
        let said = "live · small (2 replies)";
        let table = Table::new(["n"]).row([1]);
        for shown in [table.to_text(), table.to_html()] {
            assert!(shown.contains(said), "{shown}");
        }
        let curve = FitnessCurve::new("c").series("s", &[1, 2]);
        for shown in [curve.alt(), curve.to_text(), curve.to_svg().expect("a picture")] {
            assert!(shown.contains(said), "{shown}");
        }
        assert!(!table.measured().to_text().contains("live"));
        assert!(cell::cost().expect("a cost").starts_with("this cell asked 2 questions: 0 tokens"));
    }
}
