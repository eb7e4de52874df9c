//! Who answered in the running cell, and at what cost.
//!
//! The kernel compiles every cell into a separate library, so each cell has new statics. From this, the
//! crate knows where a cell begins, without the kernel's help. (A program counts as one long cell.) The
//! record is kept per thread, and a notebook has one thread. Replies to other threads carry their own
//! stamps.

use std::cell::RefCell;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use code_evolution_wire::method::{BeginCell, Method, ReadMeter};
use code_evolution_wire::model::{Answer, Meter, Mode, Usage};

use crate::error::Result;
use crate::host::Host;
use crate::stamp::{Stamp, plural};

thread_local! {
    static CELL: RefCell<Cell> = RefCell::default();
}

#[derive(Default)]
struct Cell {
    /// The hosts that were told that the cell began, each with its usage at that moment.
    begun: Vec<(Weak<Host>, Meter)>,
    /// When the cell first used the crate; tells cells apart.
    #[cfg(feature = "prompts")]
    start: Option<Instant>,
    stamp: Stamp,
    /// Who gave the replies of earlier cells that this cell used again.
    reused: Stamp,
    /// Usage of the paid replies (paid in tokens, time or money).
    usage: Usage,
    paid: u64,
    took: Duration,
}

/// Makes a call and records its answers for the running cell. `answers` finds them in what the call
/// returns.
pub(crate) fn ask<M: Method>(
    host: &Arc<Host>,
    method: M,
    answers: impl FnOnce(&M::Answer) -> &[Answer],
) -> Result<M::Answer> {
    begin(host)?;
    let started = Instant::now();
    let answer = host.call(method)?;
    let took = started.elapsed();
    CELL.with_borrow_mut(|cell| {
        for answer in answers(&answer) {
            cell.stamp += Stamp::of(answer);
            if matches!(answer.mode, Mode::Live | Mode::Record | Mode::Local) {
                cell.paid += 1;
                cell.usage.input_tokens += answer.usage.input_tokens;
                cell.usage.output_tokens += answer.usage.output_tokens;
            }
        }
        cell.took += took;
    });
    Ok(answer)
}

/// Tells a host, once per cell, that a cell has begun.
fn begin(host: &Arc<Host>) -> Result<()> {
    let this = Arc::downgrade(host);
    let known =
        CELL.with_borrow(|cell| cell.begun.iter().any(|(begun, _)| Weak::ptr_eq(begun, &this)));
    if !known {
        let before = host.call(BeginCell)?;
        CELL.with_borrow_mut(|cell| cell.begun.push((this, before)));
    }
    Ok(())
}

/// Returns a moment that identifies this cell.
#[cfg(feature = "prompts")]
pub(crate) fn started_at() -> Instant {
    CELL.with_borrow_mut(|cell| *cell.start.get_or_insert_with(Instant::now))
}

/// Records that this cell uses replies again that were given in an earlier one. They cost nothing now.
#[cfg(feature = "prompts")]
pub(crate) fn reuse(by: &Stamp) {
    CELL.with_borrow_mut(|cell| cell.reused += by.clone());
}

/// Ends this cell; the next use of the crate is in a new one.
#[cfg(all(test, feature = "prompts"))]
pub(crate) fn end() {
    CELL.take();
}

/// Returns who gave the replies that this cell has used so far.
pub(crate) fn stamp() -> Stamp {
    CELL.with_borrow(|cell| cell.stamp.clone() + cell.reused.clone())
}

/// Returns what this cell has cost so far, as one line; `None` if it asked nothing. If nothing was paid
/// for, the line holds only the count, so it is the same in every run.
pub(crate) fn cost() -> Option<String> {
    CELL.with_borrow(|cell| {
        if cell.stamp.is_empty() {
            return None;
        }
        let asked = cell.stamp.replies() + cell.stamp.unanswered();
        let calls = plural(asked, "question", "questions");
        if cell.paid == 0 {
            return Some(format!("this cell asked {calls}; no model was paid"));
        }
        let mut text = format!(
            "this cell asked {calls}: {} tokens in, {} out, {:.1} s",
            cell.usage.input_tokens,
            cell.usage.output_tokens,
            cell.took.as_secs_f64(),
        );
        for (host, before) in &cell.begun {
            let now = host.upgrade().and_then(|host| host.call(ReadMeter).ok());
            if let Some(now) = now {
                text += &spent(before, &now);
            }
        }
        Some(text)
    })
}

/// Describes what was spent between two readings of a meter, and what is left.
fn spent(before: &Meter, now: &Meter) -> String {
    let mut text = match (before.cost_usd, now.cost_usd) {
        (before, Some(now)) => format!(", about ${:.4}", now - before.unwrap_or(0.0)),
        (_, None) => ", cost unknown".to_owned(),
    };
    let left = left(now);
    if !left.is_empty() {
        text += &format!("; left of the budget: {left}");
    }
    text
}

/// Describes what is left of a meter's budget: `93 calls, 100 tokens`; empty without a budget.
pub(crate) fn left(meter: &Meter) -> String {
    let tokens = meter.usage.input_tokens.saturating_add(meter.usage.output_tokens);
    let calls = meter.budget.calls.map(|most| (most.saturating_sub(meter.calls), "calls"));
    let tokens = meter.budget.tokens.map(|most| (most.saturating_sub(tokens), "tokens"));
    let left: Vec<String> = [calls, tokens]
        .into_iter()
        .flatten()
        .map(|(left, what)| format!("{left} {what}"))
        .collect();
    left.join(", ")
}

#[cfg(test)]
mod tests {
    use code_evolution_wire::model::Budget;

    use super::*;

    #[test]
    fn the_line_says_what_was_spent_and_what_is_left() {
        let before = Meter { calls: 2, cost_usd: Some(0.001), ..Meter::default() };
        let usage = Usage { input_tokens: 700, output_tokens: 200 };
        let budget = Budget { calls: Some(100), tokens: Some(1_000) };
        let now = Meter { calls: 7, cost_usd: Some(0.0035), usage, budget, ..Meter::default() };
        assert_eq!(
            spent(&before, &now),
            ", about $0.0025; left of the budget: 93 calls, 100 tokens"
        );
        let free = Meter { cost_usd: None, ..Meter::default() };
        assert_eq!(spent(&free, &free), ", cost unknown");
    }
}
