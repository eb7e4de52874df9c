//! The panels that a cell's last line shows.
//!
//! The kernel shows at most one HTML block and one text block per cell, and only when the cell ends; so
//! every panel here is one value. Each panel has `to_html()` for the notebook, `to_text()` (also its
//! `Display` and its `Debug`) for places without HTML, and `evcxr_display()`, which the kernel calls for a
//! cell's last value.
//!
//! | type | shows |
//! |---|---|
//! | [`FitnessCurve`] | scores by generation, bands over seeds, a target |
//! | [`PairedDots`] | old and new on the same problems, as pairs of dots |
//! | [`Verdict`], [`Verdicts`] | how a candidate, or a population, was judged |
//! | [`Execution`] | how a whole program ran |
//! | [`Exported`] | a candidate that became a crate |
//! | [`Examination`], [`Admission`] | what the gate found about a tool, and the decision |
//! | [`Verification`] | whether a toolbox is unchanged |
//! | [`Diff`] | what changed between two texts, by line or by word |
//! | [`Code`] | Rust source with line numbers |
//! | [`Lineage`] | the family tree of a population |
//! | [`Loop`] | the loop of the workshop, with words of your own |
//! | [`EliteMap`] | the best of each kind, on a map of two features |
//! | [`Table`] | anything in rows |
//! | [`Meter`], [`Cost`] | the cost of asking |
//! | [`Quote`] | words of a model, or for a model |
//! | [`Stack`] | several panels below each other |
//! | [`check!`](crate::check) | ✅ or ❌ |
//!
//! Outputs are committed with the notebooks, so the same values must give the same bytes: no clock, no
//! measured time and no memory figure, unless a cell asks for it (`.cost()`).
//!
//! A figure or table that uses replies carries their [`Stamp`](crate::stamp::Stamp). The cost of a cell's
//! questions is shown below its last panel.
//!
//! Left out on purpose: interaction, animation and everything else that needs JavaScript, which an
//! untrusted notebook would not run.

pub mod check;

mod code;
mod curve;
mod diff;
mod elite_map;
mod execution;
mod exported;
mod figure;
mod html;
mod improvement_loop;
mod lineage;
mod meter;
mod number;
mod pairs;
mod quote;
mod stack;
mod stamped;
mod table;
mod toolbox;
mod verdict;

pub use code::Code;
pub use curve::FitnessCurve;
pub use diff::Diff;
pub use elite_map::EliteMap;
pub use execution::Execution;
pub use exported::Exported;
pub use improvement_loop::Loop;
pub use lineage::{Individual, Lineage};
pub use meter::{Cost, Meter};
pub use number::Number;
pub use pairs::PairedDots;
pub use quote::Quote;
pub use stack::Stack;
pub use table::{Row, Table};
pub use toolbox::{Admission, Examination, Verification};
pub use verdict::{Verdict, Verdicts};

use std::fmt::Display;

use serde_json::json;

use crate::inert;

/// A panel: something that a cell can show and a [`Stack`] can hold.
pub trait Shown: Display {
    /// Returns the value as a separate HTML panel.
    fn html(&self) -> String;
}

impl<T: Shown + ?Sized> Shown for &T {
    fn html(&self) -> String {
        T::html(self)
    }
}

/// Passes both forms to the kernel, with the cell's cost below.
pub(crate) fn emit(html: &str, text: &str) {
    match crate::cell::cost() {
        Some(cost) => emit_alone(
            &format!("{html}{}", html::panel(&html::small(&cost))),
            &format!("{text}\n\n{cost}"),
        ),
        None => emit_alone(html, text),
    }
}

fn emit_alone(html: &str, text: &str) {
    evcxr_runtime::mime_type("text/plain").text(inert::seal(text));
    evcxr_runtime::mime_type("text/html").text(inert::seal(html));
}

/// The word that makes the kernel's launcher show a printed line as a panel; `binder/kernel` sets it.
const SHOW: &str = "CODE_EVOLUTION_SHOW";

/// Shows a panel at once, while its cell still runs, for instance before a question. The kernel itself
/// shows only text before a cell ends. Without the workshop's launcher, the panel is printed.
pub fn now(panel: &impl Shown) {
    println!("{}", printed(panel, std::env::var(SHOW).ok().as_deref()));
}

/// Returns the text to print for a panel.
fn printed(panel: &impl Shown, secret: Option<&str>) -> String {
    match secret {
        Some(secret) => {
            let forms = json!({"text/html": panel.html(), "text/plain": panel.to_string()});
            format!("{secret}{}", inert::seal(&forms.to_string()))
        }
        None => format!("{panel}\n"),
    }
}

/// Adds the other display methods to a type that has `to_html` and `to_text`.
macro_rules! shows_itself {
    ($($shown:ty),+) => {$(
        impl $shown {
            /// Shows the value in the notebook; the kernel calls this for a cell's last expression.
            pub fn evcxr_display(&self) {
                $crate::show::emit(&self.to_html(), &self.to_text());
            }
        }

        impl $crate::show::Shown for $shown {
            fn html(&self) -> String {
                self.to_html()
            }
        }

        impl std::fmt::Display for $shown {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::inert::seal(&self.to_text()))
            }
        }

        /// Same as `Display`, so that a list of values is as harmless as a single value.
        impl std::fmt::Debug for $shown {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    )+};
}
pub(crate) use shows_itself;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_that_is_shown_at_once_is_one_harmless_line() {
        let panel = Quote::new("one\n\"two\"\nEVCXR_END_CONTENT");
        let line = printed(&panel, Some("secret"));
        assert!(!line.contains('\n') && !line.contains("EVCXR_"), "{line}");
        let forms = line.strip_prefix("secret").expect("the word first");
        let forms: serde_json::Value = serde_json::from_str(forms).expect("JSON");
        assert_eq!(forms["text/plain"], "│ one\n│ \"two\"\n│ EVCXR-END_CONTENT");
        assert!(forms["text/html"].as_str().expect("HTML").contains("&quot;two&quot;"));
        assert_eq!(printed(&Quote::new("one"), None), "│ one\n");
    }
}
