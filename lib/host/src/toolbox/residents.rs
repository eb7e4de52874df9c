//! The processes that tools run in, kept between calls.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::judge::{CallError, Resident};
use crate::lock::Unpoisoned;

/// How many processes are kept at most; the one that was called longest ago goes first.
const KEPT: usize = 8;

/// A bounded number of resident processes, by what they were compiled from.
#[derive(Default)]
pub struct Residents {
    /// The one called last comes last.
    slots: Mutex<Vec<(String, Slot)>>,
}

/// One tool's process; `None` while there is none. Calls of one tool take turns.
type Slot = Arc<Mutex<Option<Resident>>>;

impl Residents {
    /// Calls the process of this key, which `start` starts where there is none that is fit.
    ///
    /// # Errors
    /// As [`Resident::call`], and those of `start`.
    pub fn call(
        &self,
        key: &str,
        start: impl FnOnce() -> Result<Resident, CallError>,
        arguments: &Value,
    ) -> Result<Value, CallError> {
        let slot = self.slot(key);
        let mut slot = slot.lock().unpoisoned();
        let kept = slot.take().and_then(|mut kept| kept.is_quiet().then_some(kept));
        let mut resident = match kept {
            Some(kept) => kept,
            None => start()?,
        };
        let answer = resident.call(arguments);
        *slot = resident.keep_if_healthy();
        answer
    }

    /// Keeps a process for the calls of this key.
    pub fn put(&self, key: &str, resident: Resident) {
        *self.slot(key).lock().unpoisoned() = Some(resident);
    }

    fn slot(&self, key: &str) -> Slot {
        let mut slots = self.slots.lock().unpoisoned();
        let slot = match slots.iter().position(|(known, _)| known == key) {
            Some(position) => slots.remove(position).1,
            None => Slot::default(),
        };
        slots.push((key.to_owned(), Arc::clone(&slot)));
        let surplus = slots.len().saturating_sub(KEPT);
        // A process that is being called lives until its call ends.
        slots.drain(..surplus);
        slot
    }
}
