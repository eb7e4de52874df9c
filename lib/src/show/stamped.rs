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

    /// The same as the last sentence of a description; none where nothing is written.
    pub(super) fn sentence(&self) -> Option<String> {
        let text = self.text();
        (!text.is_empty()).then(|| format!("Who answered: {text}."))
    }

    /// Whether scripts gave all that it rests on.
    pub(super) fn is_scripted(&self) -> bool {
        match self {
            Stamped::ByCell => cell::stamp().is_scripted(),
            Stamped::By(stamp) => stamp.is_scripted(),
            Stamped::Measured => false,
        }
    }
}

/// Gives a type with a field `stamped` the two ways to say what it rests on.
macro_rules! rests_on_replies {
    ($shown:ty) => {
        impl $shown {
            /// Says which replies it rests on, in addition to those that are known. Without it, in a
            /// cell that asked, these are the cell's.
            pub fn stamp(mut self, stamp: &$crate::stamp::Stamp) -> Self {
                self.stamped.add(stamp);
                self
            }

            /// Says that it rests on no reply, although the cell asked.
            pub fn measured(mut self) -> Self {
                self.stamped = $crate::show::stamped::Stamped::Measured;
                self
            }
        }
    };
}
pub(super) use rests_on_replies;
