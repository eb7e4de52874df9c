//! What a figure or table says about who answered what it rests on.

use crate::cell;
use crate::stamp::Stamp;

/// The stamp of something that a cell shows.
#[derive(Clone, Default)]
pub(super) enum Stamped {
    /// Nobody said: the replies of the cell that shows it.
    #[default]
    ByCell,
    /// These replies.
    By(Stamp),
    /// It rests on none.
    Measured,
}

impl Stamped {
    /// Adds what it rests on.
    pub(super) fn add(&mut self, stamp: &Stamp) {
        match self {
            Stamped::By(known) => *known += stamp,
            Stamped::ByCell | Stamped::Measured => *self = Stamped::By(stamp.clone()),
        }
    }

    /// What is written on it; empty for nothing.
    pub(super) fn text(&self) -> String {
        match self {
            Stamped::ByCell => cell::stamp().to_string(),
            Stamped::By(stamp) => stamp.to_string(),
            Stamped::Measured => String::new(),
        }
    }
}
