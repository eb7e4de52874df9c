//! Locks that a panic does not poison.
//!
//! What they guard is whole between any two statements, so whoever comes after a panic may go on.

use std::sync::{LockResult, PoisonError};

/// What a lock gives, also after a panic of whoever held it.
pub trait Unpoisoned<T> {
    /// The guard, or the value.
    fn unpoisoned(self) -> T;
}

impl<T> Unpoisoned<T> for LockResult<T> {
    fn unpoisoned(self) -> T {
        self.unwrap_or_else(PoisonError::into_inner)
    }
}
