//! Collects the answers of many questions that were asked at once.

use std::collections::BTreeMap;
use std::sync::Mutex;

use code_evolution_wire::model::Answer;
use code_evolution_wire::protocol::Failure;

use super::ModelError;
use super::cassette::Recorder;
use super::json::Conversation;
use crate::lock::Unpoisoned;

/// Answers by their question's position. They arrive in any order but are recorded in the questions' order,
/// so the speed of an answer does not change the recording. An answer is recorded as soon as all earlier
/// answers are there, so an interrupted batch loses few answers.
pub(super) struct Batch<'a> {
    recorder: Option<&'a Mutex<Recorder>>,
    answers: BTreeMap<usize, Result<Conversation, ModelError>>,
    recorded: usize,
    /// Why an answer could not be recorded.
    failure: Option<ModelError>,
}

impl<'a> Batch<'a> {
    pub(super) fn new(recorder: Option<&'a Mutex<Recorder>>) -> Self {
        Batch { recorder, answers: BTreeMap::new(), recorded: 0, failure: None }
    }

    /// Keeps the result of a question. Returns whether to ask more questions. It is `false` after an error
    /// that the next question would meet too, and after an answer that cannot be recorded. Further answers
    /// would then cost money for nothing.
    pub(super) fn add(
        &mut self,
        position: usize,
        conversation: Result<Conversation, ModelError>,
    ) -> bool {
        let goes_on = match &conversation {
            Ok(_) => true,
            Err(error) => error.is_of_the_question(),
        };
        self.answers.insert(position, conversation);
        while let Some(next) = self.answers.get(&self.recorded) {
            self.recorded += 1;
            // Keep what was paid for, even if another answer failed or cannot be recorded.
            if let (Some(recorder), Ok(conversation)) = (self.recorder, next) {
                let mut recorder = recorder.lock().unpoisoned();
                let mut turns = conversation.turns.iter();
                if let Err(error) = turns.try_for_each(|(ask, answer)| recorder.record(ask, answer))
                {
                    self.failure.get_or_insert(error);
                }
            }
        }
        goes_on && self.failure.is_none()
    }

    /// Returns an answer for each of `count` questions, in their order. If one is missing, `without` makes a
    /// placeholder that says why.
    ///
    /// # Errors
    /// If an answer could not be recorded; if no question has an answer, the first error.
    pub(super) fn finish(
        mut self,
        count: usize,
        without: impl Fn(Failure) -> Answer,
    ) -> Result<Vec<Answer>, ModelError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let first = self
            .answers
            .iter()
            .find_map(|(position, answered)| Some((*position, answered.as_ref().err()?.clone())));
        if let Some((_, error)) = &first
            && self.answers.values().all(Result::is_err)
        {
            return Err(error.clone());
        }
        let answer = |position| match (self.answers.remove(&position), &first) {
            (Some(Ok(conversation)), _) => conversation.answer,
            (Some(Err(error)), _) => {
                without(Failure { kind: error.kind(), message: error.to_string() })
            }
            (None, first) => {
                let (kind, why) = match first {
                    Some((failed, error)) => {
                        (error.kind(), format!("question {} failed: {error}", failed + 1))
                    }
                    // Only a thread that died leaves a question without an answer and without an error.
                    None => return without(lost()),
                };
                without(Failure { kind, message: format!("not asked, because {why}") })
            }
        };
        Ok((0..count).map(answer).collect())
    }
}

fn lost() -> Failure {
    let message = "not asked, because of a bug of the host; ask again".to_owned();
    Failure { kind: code_evolution_wire::protocol::FailureKind::Internal, message }
}
