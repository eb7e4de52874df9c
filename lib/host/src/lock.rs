//! Locks that a panic does not poison.
//!
//! The data behind a lock is consistent after every statement, so the next thread may continue after a panic.

use std::sync::{LockResult, PoisonError};

/// Unwraps the result of a lock, also after its holder panicked.
pub trait Unpoisoned<T> {
    /// Returns the guard, or the value.
    fn unpoisoned(self) -> T;
}

impl<T> Unpoisoned<T> for LockResult<T> {
    fn unpoisoned(self) -> T {
        self.unwrap_or_else(PoisonError::into_inner)
    }
}
