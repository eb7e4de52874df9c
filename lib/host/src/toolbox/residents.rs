//! Keeps the processes of tools between calls.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::judge::{CallError, Resident};
use crate::lock::Unpoisoned;

/// The highest number of processes that stay alive. The least recently called one ends first.
const KEPT: usize = 8;

/// A bounded number of resident processes, by the source that they were compiled from.
#[derive(Default)]
pub struct Residents {
    /// The most recently called process is last.
    slots: Mutex<Vec<(String, Slot)>>,
}

/// One tool's process; `None` while there is no process. Calls of one tool take turns.
type Slot = Arc<Mutex<Option<Resident>>>;

impl Residents {
    /// Calls the process of this key; `start` starts one if none is healthy.
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

    /// Keeps a process for calls with this key.
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
        // A process with a running call lives until the call ends.
        slots.drain(..surplus);
        slot
    }
}
