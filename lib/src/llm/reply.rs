//! A model's answer, and what a cell extracts from it.

use std::ops::Deref;
use std::sync::Arc;

use code_evolution_wire::method::{
    Find, FindCode, FindJson, FindList, FindOpinion, FindPrompt, ReadReply,
};
use code_evolution_wire::model::{Answer, Ask};
use code_evolution_wire::protocol::FailureKind;
use code_evolution_wire::reading::{Code, List, Opinion, Prompt, ReplyText};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::host::Host;
use crate::inert;
use crate::show::{Quote, shows_itself};
use crate::stamp::Stamp;

/// A model's answer, with its label: who gave it, live or not. The extracting methods know the question, so
/// they do not take the question's own code or example for the answer. If there is nothing to extract, the
/// error says why, in words for a person and for the model that is asked again.
#[derive(Clone)]
pub struct Reply {
    answer: Answer,
    /// The question, for reading the reply.
    asked: Arc<Vec<String>>,
    max_tokens: u32,
    host: Arc<Host>,
}

impl Reply {
    pub(super) fn new(answer: Answer, ask: &Ask, host: &Arc<Host>) -> Self {
        let asked = ask.messages.iter().map(|message| message.content.clone()).collect();
        Reply { answer, asked: Arc::new(asked), max_tokens: ask.max_tokens, host: Arc::clone(host) }
    }

    /// Checks that there is an answer. If many questions are asked at once, some may get none.
    ///
    /// # Errors
    /// If there is no answer; the error says why.
    pub fn answered(&self) -> Result<()> {
        match &self.failure {
            Some(failure) => Err(Error::new(failure.kind, failure.message.clone())),
            None => Ok(()),
        }
    }

    /// Returns the answer's text. Use it where an empty text would look like an answer.
    ///
    /// # Errors
    /// As for [`Reply::answered`].
    pub fn answer(&self) -> Result<&str> {
        self.answered().map(|()| self.text.as_str())
    }

    /// Returns who answered, for a figure that uses this reply.
    pub fn stamp(&self) -> Stamp {
        Stamp::of(&self.answer)
    }

    /// Returns the tokens of question and answer: the provider's figures, or, without them (as for a
    /// script), a quarter of the characters, which is about right for English and code.
    pub fn tokens(&self) -> u64 {
        let usage = self.usage;
        match usage.input_tokens.saturating_add(usage.output_tokens) {
            0 => {
                let asked: usize = self.asked.iter().map(|text| text.chars().count()).sum();
                (asked + self.text.chars().count()).div_ceil(4) as u64
            }
            tokens => tokens,
        }
    }

    /// Returns the Rust code of the reply that defines `fn function`. Of several blocks, it takes the last
    /// one that is not the question's code, a stub or a counter-example. An edit is applied to the
    /// question's code. If there was a choice, a printed line says which block was taken.
    ///
    /// # Errors
    /// Of kind [`FailureKind::NoCode`] if there is no code, or it was cut off. Without an answer, the error
    /// gives the reason: [`FailureKind::NoReply`] if the script has nothing for the prompt.
    pub fn code(&self, function: &str) -> Result<String> {
        let Code { code, note } = self.code_and_note(function)?;
        if let Some(note) = note {
            println!("{function}: {}", inert::line(&note));
        }
        Ok(code)
    }

    /// Like [`Reply::code`], but returns the line instead of printing it: `block 1 of 2 is taken; ...`.
    ///
    /// # Errors
    /// As for [`Reply::code`].
    pub fn code_and_note(&self, function: &str) -> Result<Code> {
        self.read(FindCode { function: function.to_owned() })
    }

    /// Returns the items of the reply's list, without numbers, bullets and quotes, and the lines that are
    /// not items.
    ///
    /// # Errors
    /// Of kind [`FailureKind::NotInReply`] if the reply holds no item.
    pub fn list(&self) -> Result<List> {
        self.read(FindList)
    }

    /// Returns the items of the reply's list that are single words, without prose. If there are none, a
    /// printed line says why. [`Reply::list`] also returns what was left out.
    pub fn words(&self) -> Vec<String> {
        match self.list() {
            Ok(list) => {
                let list = list.words();
                if list.items.is_empty() {
                    println!("no single word in this reply: {}", inert::line(&self.text));
                }
                list.items
            }
            Err(why) => {
                println!("no list in this reply: {}", inert::line(&why.to_string()));
                Vec::new()
            }
        }
    }

    /// Returns the prompt that the model wrote, without the talk, the fence or the heading around it.
    ///
    /// # Errors
    /// Of kind [`FailureKind::NotInReply`] if there is no prompt, or the reply was cut off: half a prompt
    /// is useless.
    pub fn prompt(&self) -> Result<Prompt> {
        self.read(FindPrompt)
    }

    /// Returns the opinion in the reply: JSON with `points` (0 to 20) and `reason`. Points are never
    /// guessed.
    ///
    /// # Errors
    /// Of kind [`FailureKind::NotInReply`] if there is no opinion, or if two opinions differ.
    pub fn opinion(&self) -> Result<Opinion> {
        self.read(FindOpinion)
    }

    /// Reads the reply's JSON as a `T`: either its whole text, or the one value in it that is a `T` and is
    /// not quoted from the question.
    ///
    /// # Errors
    /// Of kind [`FailureKind::NotInReply`] if there is no such JSON, or if two values differ.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.answered()?;
        let values = match serde_json::from_str::<Value>(&self.text) {
            Ok(whole) => vec![inert::value(whole)],
            Err(_) => self.read(FindJson)?,
        };
        let mut why = "it holds no JSON of its own".to_owned();
        let mut found: Option<(Value, T)> = None;
        for value in values.iter().rev().map(whole_numbers) {
            match serde_json::from_value(value.clone()) {
                Ok(read) => match &found {
                    None => found = Some((value, read)),
                    Some((known, _)) if *known == value => {}
                    Some(_) => return Err(self.no_json("it holds two that differ")),
                },
                Err(error) => why = error.to_string(),
            }
        }
        found.map(|(_, read)| read).ok_or_else(|| self.no_json(&why))
    }

    fn no_json(&self, why: &str) -> Error {
        let cut = if self.ending().is_whole() { "" } else { "; it was cut" };
        let message = format!(
            "the reply is not the JSON that you ask for ({why}{cut}); make schema and type agree, or use `ask_json`"
        );
        Error::new(FailureKind::NotInReply, message)
    }

    fn read<F: Find>(&self, find: F) -> Result<F::Answer> {
        self.answered()?;
        let reply = ReplyText {
            text: self.text.clone(),
            finish_reason: self.finish_reason.clone(),
            max_tokens: self.max_tokens,
            asked: self.asked.to_vec(),
        };
        self.host.call(ReadReply { reply, find })
    }

    /// Returns the reply as HTML: its label, its text, the tools it calls, and its thinking, folded.
    pub fn to_html(&self) -> String {
        self.quote().to_html()
    }

    /// Returns the reply as text.
    pub fn to_text(&self) -> String {
        self.quote().to_text()
    }

    fn quote(&self) -> Quote {
        if let Err(nobody) = self.answer() {
            return Quote::new(nobody.to_string()).label(self.label());
        }
        let calls =
            self.tool_calls.iter().map(|call| format!("calls {}({})", call.name, call.arguments));
        let text: Vec<String> = [self.text.clone()].into_iter().chain(calls).collect();
        Quote::new(text.join("\n")).label(self.label()).folded("thinking", &self.thinking)
    }
}
shows_itself!(Reply);

impl Deref for Reply {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.answer
    }
}

/// Turns 3.0 into 3, since neither models nor JSON distinguish the two.
fn whole_numbers(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(n)
                if !number.is_i64() && !number.is_u64() && n.fract() == 0.0 && n.abs() < 9e15 =>
            {
                Value::from(n as i64)
            }
            _ => value.clone(),
        },
        Value::Array(list) => list.iter().map(whole_numbers).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), whole_numbers(value))).collect()
        }
        other => other.clone(),
    }
}
