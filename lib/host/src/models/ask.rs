//! Asks a provider or a cassette one question or many; the meter counts each.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use code_evolution_wire::model::{Answer, Ask, Fit, ModelStatus, Usage};
use code_evolution_wire::protocol::Failure;

use super::batch::Batch;
use super::cassette::{Kind, Player, Recorder};
use super::client::{self, Client};
use super::json::{self, Conversation};
use super::{ModelError, Models, Progress, Source, meter, reply, text};
use crate::lock::Unpoisoned;

/// How many questions of [`Models::ask_many`] run at once.
const CONCURRENCY: usize = 4;

impl Models {
    /// Asks one question. If the question has a schema and the answer does not satisfy it, the model gets one
    /// turn to repair the answer. The returned text is then only the JSON.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn ask(&self, ask: &Ask, progress: Progress) -> Result<Answer, ModelError> {
        let mut answers = self.ask_many(std::slice::from_ref(ask), progress)?;
        answers.pop().ok_or_else(|| ModelError::NoAnswer("no question was asked".to_owned()))
    }

    /// Asks many questions, a few at once, and returns the answers in the questions' order. If one question
    /// fails, the others keep their answers, and the failed one's answer says why it is empty. After an error
    /// that the next question would meet too, no further question is asked.
    ///
    /// # Errors
    /// If no question has an answer, the first error in the questions' order; also if an answer cannot be
    /// recorded.
    pub fn ask_many(&self, asks: &[Ask], progress: Progress) -> Result<Vec<Answer>, ModelError> {
        let progress: Progress = &|line| progress(&text::printable(line));
        match &self.shared.source {
            Source::Provider { client, recorder } => {
                self.ask_provider(client, recorder.as_ref(), asks, progress)
            }
            Source::Cassette(player) => {
                let ask_one = |ask: &Ask| self.ask_cassette(player, ask, progress);
                self.each(asks, None, 1, progress, &ask_one)
            }
            Source::Nothing => Err(ModelError::Config(
                "there is no key and no cassette, so nothing can answer: set a key, LLM_BASE_URL or a cassette"
                    .to_owned(),
            )),
        }
    }

    fn ask_cassette(
        &self,
        player: &Mutex<Player>,
        ask: &Ask,
        progress: Progress,
    ) -> Result<Conversation, ModelError> {
        let turn = |ask: &Ask| {
            let mut player = player.lock().unpoisoned();
            let replayed = player.play(ask)?;
            let failure = replayed.failure();
            self.shared.meter.lock().unpoisoned().replayed();
            let kind = player.cassette().kind;
            let model = match kind {
                Kind::Script => "script".to_owned(),
                Kind::Recording => {
                    let model = replayed.reply.model.or_else(|| player.model());
                    model.unwrap_or_else(|| "unknown model".to_owned())
                }
            };
            let mut answer = Answer {
                text: replayed.reply.text,
                thinking: replayed.reply.thinking,
                tool_calls: replayed.reply.tool_calls,
                model,
                mode: kind.mode(),
                note: replayed.note,
                finish_reason: replayed.reply.finish_reason,
                usage: replayed.reply.usage,
                extra: replayed.reply.extra,
                failure,
                fit: replayed.fit,
                date: player.cassette().date.clone(),
            };
            reply::receive(&mut answer, &ask.tools, ask.max_tokens);
            if ask.stream {
                answer.text.lines().for_each(progress);
            }
            Ok(answer)
        };
        json::converse(ask, turn)
    }

    fn ask_provider(
        &self,
        client: &Client,
        recorder: Option<&Mutex<Recorder>>,
        asks: &[Ask],
        progress: Progress,
    ) -> Result<Vec<Answer>, ModelError> {
        let turn = |ask: &Ask| {
            let reserved = self.shared.meter.lock().unpoisoned().reserve(ask)?;
            let again =
                |took: &meter::Spent| self.shared.meter.lock().unpoisoned().again(&reserved, took);
            let client::QuestionResult { result, took } = client.ask(ask, progress, &again);
            self.shared.meter.lock().unpoisoned().settle(reserved, took);
            Ok(Answer { mode: self.shared.status.mode, ..result? })
        };
        self.each(asks, recorder, CONCURRENCY, progress, &|ask| json::converse(ask, turn))
    }

    /// Asks each question with `ask_one`, at most this many at once.
    fn each(
        &self,
        asks: &[Ask],
        recorder: Option<&Mutex<Recorder>>,
        at_once: usize,
        progress: Progress,
        ask_one: &(dyn Fn(&Ask) -> Result<Conversation, ModelError> + Sync),
    ) -> Result<Vec<Answer>, ModelError> {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let batch = Mutex::new(Batch::new(recorder));
        let work = || {
            while !failed.load(Ordering::SeqCst)
                && let position = next.fetch_add(1, Ordering::SeqCst)
                && let Some(ask) = asks.get(position)
            {
                let conversation = ask_one(ask);
                if let (Err(error), 2..) = (&conversation, asks.len()) {
                    let (number, all) = (position + 1, asks.len());
                    progress(&format!("question {number} of {all} has no answer: {error}"));
                }
                let goes_on = batch.lock().unpoisoned().add(position, conversation);
                failed.fetch_or(!goes_on, Ordering::SeqCst);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..at_once.min(asks.len()) {
                scope.spawn(work);
            }
            work();
        });
        let batch = batch.into_inner().unpoisoned();
        batch.finish(asks.len(), |failure| self.without_answer(failure))
    }

    /// Returns a placeholder for an answer that failed.
    fn without_answer(&self, failure: Failure) -> Answer {
        let ModelStatus { model, mode, .. } = self.status();
        Answer {
            text: String::new(),
            thinking: String::new(),
            tool_calls: Vec::new(),
            model,
            mode,
            note: None,
            finish_reason: "error".to_owned(),
            usage: Usage::default(),
            extra: Default::default(),
            failure: Some(failure),
            fit: Fit::Exact,
            date: None,
        }
    }
}
