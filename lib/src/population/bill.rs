//! The cost of a search's steps, so that a curve can be drawn over calls and tokens.

use crate::llm::Reply;
use crate::show::{FitnessCurve, Number, Stack};
use crate::stamp::Stamp;

/// The cost of a search, added up step by step. Five children from five questions cost five calls; five
/// children from one question for a list cost one. A curve over tries hides this difference; a curve over
/// calls shows it.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    /// Calls and tokens so far, after each step.
    steps: Vec<(u64, u64)>,
    stamp: Stamp,
}

impl Bill {
    /// Creates an empty bill.
    pub fn new() -> Self {
        Bill::default()
    }

    /// Creates a bill whose first step is this reply.
    pub fn of(reply: &Reply) -> Self {
        let mut bill = Bill::new();
        bill.add([reply]);
        bill
    }

    /// Adds a step with all its replies, answered or not.
    pub fn add<'a>(&mut self, replies: impl IntoIterator<Item = &'a Reply>) {
        for (n, reply) in replies.into_iter().enumerate() {
            if n == 0 {
                self.begin();
            }
            self.charge(reply.tokens());
            self.stamp += reply.stamp();
        }
    }

    fn begin(&mut self) {
        self.steps.push((self.calls(), self.tokens()));
    }

    fn charge(&mut self, tokens: u64) {
        if let Some(step) = self.steps.last_mut() {
            *step = (step.0 + 1, step.1 + tokens);
        }
    }

    /// Returns who answered.
    pub fn stamp(&self) -> Stamp {
        self.stamp.clone()
    }

    /// Returns how many questions were asked.
    pub fn calls(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.0)
    }

    /// Returns how many tokens went in and out; see [`Reply::tokens`].
    pub fn tokens(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.1)
    }

    /// Pairs the value after each step with the calls made until then: points for
    /// [`FitnessCurve::points_by`](crate::show::FitnessCurve::points_by).
    pub fn by_calls<T: Copy>(&self, values: &[T]) -> Vec<(u64, T)> {
        self.steps.iter().map(|step| step.0).zip(values.iter().copied()).collect()
    }

    /// Like [`Bill::by_calls`], with tokens.
    pub fn by_tokens<T: Copy>(&self, values: &[T]) -> Vec<(u64, T)> {
        self.steps.iter().map(|step| step.1).zip(values.iter().copied()).collect()
    }
}

/// Values over their cost.
type Points<T> = Vec<(u64, T)>;

/// Draws two figures of the same searches, over calls and over tokens. Each search is given by its bill,
/// its name, and its best value after each step.
pub fn by_cost<T: Number>(value: &str, searches: &[(&Bill, &str, Vec<T>)]) -> Stack {
    let figure = |x: &str, points: fn(&Bill, &[T]) -> Points<T>| {
        let empty = FitnessCurve::new(format!("The same searches, by {x}")).x(x).y(value);
        searches.iter().fold(empty, |figure, (bill, name, values)| {
            figure.points_by(&bill.stamp(), name, &points(bill, values))
        })
    };
    Stack::new()
        .add("By calls", figure("calls", Bill::by_calls))
        .add("By tokens", figure("tokens, in and out", Bill::by_tokens))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_add_up() {
        let mut bill = Bill::new();
        for step in [&[100][..], &[50, 60], &[]] {
            for (n, tokens) in step.iter().enumerate() {
                if n == 0 {
                    bill.begin();
                }
                bill.charge(*tokens);
            }
        }
        assert_eq!(bill.by_calls(&[7, 8, 9]), [(1, 7), (3, 8)]);
        assert_eq!(bill.by_tokens(&[7, 8]), [(100, 7), (210, 8)]);
        assert_eq!((bill.calls(), bill.tokens()), (3, 210));
        let figures = by_cost("score", &[(&bill, "bred", vec![7, 8])]).to_text();
        assert!(
            figures.contains("calls 1 to 3") && figures.contains("out 100 to 210"),
            "{figures}"
        );
    }
}
