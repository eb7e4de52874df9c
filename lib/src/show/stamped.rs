//! Records which replies a figure or table uses.

use crate::cell;
use crate::stamp::Stamp;

/// The stamp of something that a cell shows.
#[derive(Clone, Default)]
pub(super) enum Stamped {
    /// Not stated: the figure or table uses the replies of the cell that shows it.
    #[default]
    ByCell,
    /// These replies.
    By(Stamp),
    /// The figure or table uses no replies.
    Measured,
}

impl Stamped {
    /// Adds the stamp of some replies.
    pub(super) fn add(&mut self, stamp: &Stamp) {
        match self {
            Stamped::By(known) => *known += stamp,
            Stamped::ByCell | Stamped::Measured => *self = Stamped::By(stamp.clone()),
        }
    }

    /// Returns the text of the stamp; empty for none.
    pub(super) fn text(&self) -> String {
        match self {
            Stamped::ByCell => cell::stamp().to_string(),
            Stamped::By(stamp) => stamp.to_string(),
            Stamped::Measured => String::new(),
        }
    }

    /// Returns the stamp as the last sentence of a description; `None` without text.
    pub(super) fn sentence(&self) -> Option<String> {
        let text = self.text();
        (!text.is_empty()).then(|| format!("Who answered: {text}."))
    }

    /// Returns whether scripts gave all the replies.
    pub(super) fn is_scripted(&self) -> bool {
        match self {
            Stamped::ByCell => cell::stamp().is_scripted(),
            Stamped::By(stamp) => stamp.is_scripted(),
            Stamped::Measured => false,
        }
    }
}

/// Gives a type with a field `stamped` two methods that say which replies it uses.
macro_rules! rests_on_replies {
    ($shown:ty) => {
        impl $shown {
            /// Adds these replies to the replies that this uses. Without this call, a figure in a cell that
            /// asked counts as using all replies of that cell.
            pub fn stamp(mut self, stamp: &$crate::stamp::Stamp) -> Self {
                self.stamped.add(stamp);
                self
            }

            /// Says that this uses no reply, although the cell asked.
            pub fn measured(mut self) -> Self {
                self.stamped = $crate::show::stamped::Stamped::Measured;
                self
            }
        }
    };
}
pub(super) use rests_on_replies;
