//! Rate limits, which all questions of a session share.
//!
//! Each answer of a provider says how many requests and tokens are left, and when the allowance is full
//! again. The next question waits for that moment, in order, instead of being refused: thirty questions
//! against thirty requests a minute all get an answer.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;
use tokio::sync::{Mutex as Turn, Notify};

use super::clock::Clock;
use super::waits::until;
use crate::lock::Unpoisoned;

/// The longest reasonable wait; if it is longer, the participant should do something else.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// One allowance: how much is left, and when it is full again.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Allowance {
    remaining: u64,
    limit: Option<u64>,
    /// The time of the next refill, on the session's clock.
    whole_at: Duration,
}

impl Allowance {
    /// Reads `x-ratelimit-{limit,remaining,reset}-{what}`.
    fn read(headers: &HeaderMap, what: &str, now: Duration) -> Option<Self> {
        let text = |part: &str| headers.get(format!("x-ratelimit-{part}-{what}"))?.to_str().ok();
        let number = |part: &str| text(part)?.trim().parse().ok();
        let remaining = number("remaining")?;
        let whole_at = now.saturating_add(until(text("reset")?, SystemTime::now())?);
        Some(Allowance { remaining, limit: number("limit"), whole_at })
    }

    /// Returns how long to wait until `need` more can be taken, in addition to what is under way.
    fn wait(&self, need: u64, under_way: u64, now: Duration) -> Duration {
        // A request larger than the whole allowance can only be tried when the allowance is full.
        let need = self.limit.map_or(need, |limit| need.min(limit));
        if now >= self.whole_at || self.remaining >= need.saturating_add(under_way) {
            Duration::ZERO
        } else {
            self.whole_at - now
        }
    }
}

#[derive(Debug, Default)]
struct State {
    requests: Option<Allowance>,
    tokens: Option<Allowance>,
    requests_under_way: u64,
    tokens_under_way: u64,
    /// No question is asked before this time: a server set it in a refusal.
    not_before: Duration,
}

impl State {
    fn wait(&self, tokens: u64, now: Duration) -> Duration {
        let requests = self.requests.map(|known| known.wait(1, self.requests_under_way, now));
        let tokens = self.tokens.map(|known| known.wait(tokens, self.tokens_under_way, now));
        let refused = self.not_before.saturating_sub(now);
        refused.max(requests.unwrap_or_default()).max(tokens.unwrap_or_default())
    }
}

/// What a session knows about its rate limits.
#[derive(Debug)]
pub(super) struct Pace {
    clock: Clock,
    /// Held by the next question, so that questions go in the order in which they came.
    turn: Turn<()>,
    state: Mutex<State>,
    /// Signals that an answer came, so the allowances may have changed.
    news: Notify,
}

/// A question that is under way; it counts against the allowances until it is dropped.
pub(super) struct UnderWay<'a> {
    pace: &'a Pace,
    tokens: u64,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.pace.state.lock().unpoisoned();
        state.requests_under_way -= 1;
        state.tokens_under_way -= self.tokens;
        drop(state);
        self.pace.news.notify_one();
    }
}

/// The allowance requires a wait that is too long.
pub(super) struct TooLong(pub(super) Duration);

impl Pace {
    pub(super) fn new(clock: Clock) -> Self {
        Pace { clock, turn: Turn::new(()), state: Mutex::default(), news: Notify::new() }
    }

    /// Waits until a question of this many tokens may be asked. Calls `tell` once with the expected wait.
    /// Also returns how long it waited.
    pub(super) async fn admit(
        &self,
        tokens: u64,
        tell: impl Fn(Duration),
    ) -> Result<(UnderWay<'_>, Duration), TooLong> {
        let _turn = self.turn.lock().await;
        let start = self.clock.now();
        let mut told = false;
        loop {
            let now = self.clock.now();
            let wait = {
                let mut state = self.state.lock().unpoisoned();
                let wait = state.wait(tokens, now);
                if wait.is_zero() {
                    state.requests_under_way += 1;
                    state.tokens_under_way += tokens;
                    let waited = if told { now - start } else { Duration::ZERO };
                    return Ok((UnderWay { pace: self, tokens }, waited));
                }
                wait
            };
            // Allow one more second, because the server's minute and ours do not begin at the same moment.
            if wait > LONGEST_WAIT + Duration::from_secs(1) {
                return Err(TooLong(wait));
            }
            if !told {
                tell(wait);
                told = true;
            }
            // Check again when the time is over or an answer came.
            let _ =
                tokio::time::timeout(self.clock.real_duration(wait), self.news.notified()).await;
        }
    }

    /// Learns the allowances from an answer's headers.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        let now = self.clock.now();
        let mut state = self.state.lock().unpoisoned();
        if let Some(requests) = Allowance::read(headers, "requests", now) {
            state.requests = Some(requests);
        }
        if let Some(tokens) = Allowance::read(headers, "tokens", now) {
            state.tokens = Some(tokens);
        }
    }

    /// Records that the server will answer nothing for a while.
    pub(super) fn refused_for(&self, wait: Duration) {
        let mut state = self.state.lock().unpoisoned();
        state.not_before = state.not_before.max(self.clock.now().saturating_add(wait));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn allowances_are_read_from_headers() {
        let groq = headers(&[
            ("x-ratelimit-limit-tokens", "8000"),
            ("x-ratelimit-remaining-tokens", "120"),
            ("x-ratelimit-reset-tokens", "59.1s"),
        ]);
        let read = Allowance::read(&groq, "tokens", SECOND).unwrap();
        assert_eq!((read.remaining, read.limit), (120, Some(8_000)));
        assert_eq!(read.whole_at, Duration::from_millis(60_100));
        assert_eq!(Allowance::read(&groq, "requests", SECOND), None);
        let odd = headers(&[
            ("x-ratelimit-remaining-tokens", "-1"),
            ("x-ratelimit-reset-tokens", "later"),
        ]);
        assert_eq!(Allowance::read(&odd, "tokens", SECOND), None);
    }

    #[test]
    fn questions_under_way_count() {
        let known = Allowance { remaining: 1_000, limit: Some(8_000), whole_at: 60 * SECOND };
        assert_eq!(known.wait(600, 0, SECOND), Duration::ZERO);
        assert_eq!(known.wait(600, 500, SECOND), 59 * SECOND);
        assert_eq!(known.wait(600, 500, 60 * SECOND), Duration::ZERO);
        let whole = Allowance { remaining: 8_000, ..known };
        assert_eq!(whole.wait(20_000, 0, SECOND), Duration::ZERO);
    }
}
