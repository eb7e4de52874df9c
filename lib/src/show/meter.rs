//! The cost of asking.

use std::ops::Deref;

use code_evolution_wire::model as wire;

use super::{Table, html, shows_itself};
use crate::cell::left;

/// The session's usage as a table: calls, tokens, waits, cost, what is left of the budget. Its fields are
/// those of the wire's [`Meter`](wire::Meter).
#[derive(Clone)]
pub struct Meter(pub wire::Meter);

impl Deref for Meter {
    type Target = wire::Meter;

    fn deref(&self) -> &wire::Meter {
        &self.0
    }
}

impl Meter {
    /// Returns the meter as HTML.
    pub fn to_html(&self) -> String {
        self.table().to_html()
    }

    /// Returns the meter as text.
    pub fn to_text(&self) -> String {
        self.table().to_text()
    }

    fn table(&self) -> Table {
        let cost = match self.cost_usd {
            Some(cost) => format!("about ${cost:.4} (prices of {})", self.prices_of),
            None if self.calls == 0 => "nothing".to_owned(),
            None => "unknown: LLM_PRICE sets the model's price".to_owned(),
        };
        let left = match left(&self.0) {
            left if left.is_empty() => "no budget is set: llm.budget(..) sets one".to_owned(),
            left => left,
        };
        let waits = format!("{} ({:.1} s)", self.waits, self.waited_ms as f64 / 1e3);
        Table::new(["this session", ""])
            .row(("answers of a model", self.calls.to_string()))
            .row(("replies of a script or a recording", self.replayed.to_string()))
            .row(("tokens of the prompts", self.usage.input_tokens.to_string()))
            .row(("tokens of the answers", self.usage.output_tokens.to_string()))
            .row(("waits", waits))
            .row(("cost", cost))
            .row(("left of the budget", left))
            .measured()
    }
}
shows_itself!(Meter);

/// The cost of the running cell: the line that stands below every panel of a cell that asked. Use it in a
/// cell that ends without a panel. [`Lab::cost`](crate::lab::Lab::cost) returns it.
#[derive(Clone)]
pub struct Cost(pub(crate) String);

impl Cost {
    /// Returns the line as HTML.
    pub fn to_html(&self) -> String {
        html::panel(&html::small(&self.0))
    }

    /// Returns the line as text.
    pub fn to_text(&self) -> String {
        self.0.clone()
    }

    /// Shows the line in the notebook, once.
    pub fn evcxr_display(&self) {
        super::emit_alone(&self.to_html(), &self.to_text());
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_meter_shows_usage_and_remaining_budget() {
        let usage = wire::Usage { input_tokens: 700, output_tokens: 200 };
        let budget = wire::Budget { calls: Some(10), tokens: None };
        let meter =
            wire::Meter { calls: 7, cost_usd: Some(0.5), usage, budget, ..Default::default() };
        let text = Meter(meter).to_text();
        for words in ["answers of a model", "700", "about $0.5000", "3 calls"] {
            assert!(text.contains(words), "{words} in {text}");
        }
        assert!(Meter(wire::Meter::default()).to_text().contains("no budget is set"));
    }
}
