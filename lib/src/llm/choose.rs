//! Answers from a fixed set, and answers pasted from another chat.

use code_evolution_wire::method::{AskMany, Paste};
use code_evolution_wire::model::{Answer, Ask, Message};
use code_evolution_wire::protocol::FailureKind;
use serde_json::json;

use super::{Llm, Reply};
use crate::cell;
use crate::error::{Error, Result};

impl Llm {
    /// Asks for one of these answers: the reply's text is one of `options`. A server on this machine cannot
    /// say anything else. Another provider's answer is checked; if it is not an option, it is sent back
    /// once. The default temperature is 0, which gives the model's most likely answer.
    ///
    /// # Errors
    /// As for [`Llm::ask`]; also if there are no options, or the second answer is not an option either.
    pub fn choose(&self, prompt: impl AsRef<str>, options: &[impl AsRef<str>]) -> Result<Reply> {
        let mut replies = self.choose_many(&[prompt], options)?;
        replies.pop().ok_or_else(|| Error::internal("the host gave no answer; run the cell again"))
    }

    /// Like [`Llm::choose`], for many questions, a few at a time. The replies come in the questions' order.
    /// A model on this machine answers faster if the questions share their beginning, which it then reads
    /// only once.
    ///
    /// # Errors
    /// As for [`Llm::choose`], for the first question that fails.
    pub fn choose_many(
        &self,
        prompts: &[impl AsRef<str>],
        options: &[impl AsRef<str>],
    ) -> Result<Vec<Reply>> {
        let talks = prompts.iter().map(|prompt| self.question(prompt.as_ref()).messages);
        self.choose_after(talks.collect(), options)
    }

    /// Like [`Llm::choose_many`], but each question is a conversation.
    pub(crate) fn choose_after(
        &self,
        talks: Vec<Vec<Message>>,
        options: &[impl AsRef<str>],
    ) -> Result<Vec<Reply>> {
        let options: Vec<&str> = options.iter().map(AsRef::as_ref).collect();
        if options.is_empty() || options.contains(&"") {
            return Err(Error::new(
                FailureKind::BadRequest,
                "a choice needs options, and none may be empty; name the answers to choose from",
            ));
        }
        let ask = |messages| Ask {
            temperature: self.temperature.or(Some(0.0)),
            schema: Some(json!({ "enum": options })),
            stream: false,
            ..self.about(messages)
        };
        let asks: Vec<Ask> = talks.into_iter().map(ask).collect();
        let answers = cell::ask(&self.host, AskMany(asks.clone()), Vec::as_slice)?;
        let pairs = answers.into_iter().zip(&asks);
        pairs.map(|(answer, ask)| self.chosen(answer, ask, &options)).collect()
    }

    /// Returns the reply whose text is the option that the answer quotes.
    fn chosen(&self, answer: Answer, ask: &Ask, options: &[&str]) -> Result<Reply> {
        if !answer.is_answer() {
            let why = answer.failure.as_ref().map(|failure| failure.message.clone());
            let why = why.unwrap_or_else(|| answer.label());
            return Err(Error::new(
                FailureKind::Model,
                format!("{why}; a choice needs a model that answers"),
            ));
        }
        match serde_json::from_str::<String>(&answer.text) {
            Ok(text) if options.contains(&text.as_str()) => {
                Ok(self.reply(Answer { text, ..answer }, ask))
            }
            _ => Err(Error::new(
                FailureKind::Model,
                format!("the answer is not one of {}; ask again", options.join(", ")),
            )),
        }
    }

    /// Takes an answer from a chat outside the notebook: copy a prompt, ask it there, paste the answer. The
    /// answer is judged and logged like any other; its label is `pasted`.
    ///
    /// # Errors
    /// If the text is empty, or the host has ended.
    pub fn paste(&self, text: impl Into<String>) -> Result<Reply> {
        let text = text.into();
        if text.trim().is_empty() {
            let message = "nothing was pasted; put the chat's whole answer between the quotes";
            return Err(Error::new(FailureKind::BadRequest, message));
        }
        // The question was asked elsewhere, so the reply knows no question.
        let elsewhere = self.about(Vec::new());
        self.host.call(Paste(text)).map(|answer| self.reply(answer, &elsewhere))
    }
}
