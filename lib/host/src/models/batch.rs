//! The answers of many questions that were asked at once.

use std::collections::BTreeMap;
use std::sync::Mutex;

use code_evolution_wire::model::Answer;

use super::cassette::Recorder;
use super::json::Conversation;
use super::{ModelError, lock};

/// Answers by their question's position. They come in any order, and are recorded in the questions'
/// order: a recording has the same bytes however fast each answer was. Each is recorded as soon as
/// those before it are there, so that an interrupted batch loses only what was still under way.
pub(super) struct Batch<'a> {
    recorder: Option<&'a Mutex<Recorder>>,
    answers: BTreeMap<usize, Result<Conversation, ModelError>>,
    recorded: usize,
    failure: Option<ModelError>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(recorder: Option<&'a Mutex<Recorder>>) -> Self {
        Batch { recorder, answers: BTreeMap::new(), recorded: 0, failure: None }
    }

    /// Keeps what became of a question. Returns whether to ask on: after an error, or an answer that
    /// cannot be recorded, more would be paid for in vain.
    pub(super) fn add(
        &mut self,
        position: usize,
        conversation: Result<Conversation, ModelError>,
    ) -> bool {
        let answered = conversation.is_ok();
        self.answers.insert(position, conversation);
        while let Some(next) = self.answers.get(&self.recorded) {
            self.recorded += 1;
            // What was paid for is kept, also beside an answer that failed or cannot be kept.
            if let (Some(recorder), Ok(conversation)) = (self.recorder, next) {
                let mut recorder = lock(recorder);
                let mut turns = conversation.turns.iter();
                if let Err(error) = turns.try_for_each(|(ask, answer)| recorder.record(ask, answer))
                {
                    self.failure.get_or_insert(error);
                }
            }
        }
        answered && self.failure.is_none()
    }

    /// The answers in the questions' order.
    ///
    /// # Errors
    /// An answer that could not be recorded, else the first error in the questions' order.
    pub(super) fn finish(self) -> Result<Vec<Answer>, ModelError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        self.answers.into_values().map(|answered| Ok(answered?.answer)).collect()
    }
}
