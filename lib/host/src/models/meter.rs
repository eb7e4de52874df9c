//! Counts what a session has used, and enforces its budget.

use std::time::Duration;

use code_evolution_wire::model::{Ask, Budget, Meter, Usage};

use super::ModelError;
use super::environment::{Env, set};
use super::provider::LOCAL;

/// The day for which the prices below are valid, as far as their pages show.
pub const PRICES_OF: &str = "2026-10-09";

/// Prices in US dollars per million tokens: provider, model, prompt, answer. They come from the providers'
/// price lists (read 2026-11-27, as stored copies), without discounts for repeated prompts; `LLM_PRICE`
/// overrides them.
const PRICES: [(&str, &str, f64, f64); 6] = [
    // developers.openai.com/api/docs/models/gpt-6-luna; a prompt of more than 272,000 tokens costs more.
    ("openai", "gpt-6-luna", 0.10, 0.50),
    // ai.google.dev/gemini-api/docs/whats-new-gemini-3.6 and /pricing.
    ("gemini", "gemini-3.5-flash-lite", 0.30, 2.50),
    // The provider's page was not among the copies. The price is from models.dev (2026-05-27).
    ("groq", "openai/gpt-oss-20b", 0.075, 0.30),
    // platform.claude.com/docs, the model's page; a prompt of more than 100,000 tokens costs more.
    ("anthropic", "claude-haiku-5-5", 0.10, 0.50),
    // openrouter.ai/openai/gpt-oss-20b:free.
    ("openrouter", "openai/gpt-oss-20b:free", 0.0, 0.0),
    // docs.mistral.ai/inference/pricing (2026-09-29), as models.dev quotes it.
    ("mistral", "mistral-small-latest", 0.15, 0.60),
];

/// Returns the price of a model, in dollars per million tokens of prompt and answer, from the first provider
/// that has the model.
pub fn list_price(model: &str) -> Option<(f64, f64)> {
    PRICES.iter().find(|known| known.1 == model).map(|(_, _, input, output)| (*input, *output))
}

/// Estimates the tokens of a text: four bytes each. Providers' tokenisers differ; if a provider reports the
/// true number, the meter uses that.
pub(super) fn estimate_tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}

/// Estimates the tokens of a question.
pub(super) fn estimate_input(ask: &Ask) -> u64 {
    let messages = ask.messages.iter().map(|message| {
        let calls = message.tool_calls.iter().map(|call| call.arguments.to_string().len() + 20);
        // A few tokens mark each message's role and end.
        4 + estimate_tokens(&message.content) + (calls.sum::<usize>() as u64).div_ceil(4)
    });
    let tools = ask.tools.iter().map(|tool| {
        estimate_tokens(&tool.description) + estimate_tokens(&tool.parameters.to_string()) + 10
    });
    let schema = ask.schema.as_ref().map_or(0, |schema| estimate_tokens(&schema.to_string()) + 30);
    messages.sum::<u64>() + tools.sum::<u64>() + schema
}

/// Adds two usages. A server may claim any number, so the sum saturates.
pub fn add(one: Usage, other: Usage) -> Usage {
    Usage {
        input_tokens: one.input_tokens.saturating_add(other.input_tokens),
        output_tokens: one.output_tokens.saturating_add(other.output_tokens),
    }
}

/// What a call used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) waits: u64,
    pub(super) waited: Duration,
    /// The completions that arrived. Each is paid for, even if it is useless.
    pub(super) answers: u64,
    /// The tokens of these completions.
    pub(super) usage: Usage,
}

impl Spent {
    /// Counts one completion.
    pub(super) fn add_answer(&mut self, usage: Usage) {
        self.answers += 1;
        self.usage = add(self.usage, usage);
    }

    /// Counts one wait.
    pub(super) fn add_wait(&mut self, wait: Duration) {
        self.waits += 1;
        self.waited += wait;
    }
}

/// A call's part of the budget, reserved until its answer says what it used.
#[derive(Debug)]
pub(super) struct Reserved {
    tokens: u64,
}

/// The account of a session.
#[derive(Debug, Default)]
pub(super) struct Account {
    meter: Meter,
    /// Dollars per million tokens of prompt and answer.
    price: Option<(f64, f64)>,
    /// Requests that were sent or are about to be sent.
    requests: u64,
    tokens_under_way: u64,
}

impl Account {
    /// Opens the account with a model's price, or with the price in `LLM_PRICE` (`0.10/0.40`: dollars per
    /// million tokens of the prompt and of the answer).
    pub(super) fn new(provider: &str, model: &str, env: Env) -> Result<Self, ModelError> {
        let known = PRICES.iter().find(|known| (known.0, known.1) == (provider, model));
        let mut price = known.map(|(_, _, input, output)| (*input, *output));
        if provider == LOCAL {
            price = Some((0.0, 0.0));
        }
        let mut prices_of = PRICES_OF.to_owned();
        if let Some(text) = set(env, "LLM_PRICE") {
            let parsed = text.split_once('/').and_then(|(input, output)| {
                let amount = |part: &str| {
                    part.trim().parse().ok().filter(|n: &f64| n.is_finite() && *n >= 0.0)
                };
                Some((amount(input)?, amount(output)?))
            });
            let Some(parsed) = parsed else {
                return Err(ModelError::Config(format!(
                    "LLM_PRICE is `{text}`: set it to dollars for a million tokens of prompt and answer, like 0.10/0.40"
                )));
            };
            price = Some(parsed);
            prices_of = "LLM_PRICE".to_owned();
        }
        let meter = Meter { prices_of, ..Meter::default() };
        Ok(Account { meter, price, ..Account::default() })
    }

    pub(super) fn meter(&self) -> Meter {
        let mut meter = self.meter.clone();
        let million = |tokens: u64| tokens as f64 / 1e6;
        meter.cost_usd = self.price.map(|(input, output)| {
            million(meter.usage.input_tokens) * input + million(meter.usage.output_tokens) * output
        });
        meter
    }

    pub(super) fn set_budget(&mut self, budget: Budget) {
        self.meter.budget = budget;
    }

    pub(super) fn replayed(&mut self) {
        self.meter.replayed += 1;
    }

    /// Reserves a call's worst case, so that simultaneous calls together cannot exceed the budget.
    pub(super) fn reserve(&mut self, ask: &Ask) -> Result<Reserved, ModelError> {
        self.allow_request()?;
        let tokens = estimate_input(ask) + u64::from(ask.max_tokens);
        let usage = self.meter.usage;
        let used = usage.input_tokens.saturating_add(usage.output_tokens);
        if let Some(most) = self.meter.budget.tokens
            && used.saturating_add(self.tokens_under_way + tokens) > most
        {
            return Err(ModelError::Budget(format!(
                "this call could take {tokens} tokens, and {used} of the budget of {most} are used{}: raise the budget, or lower max_tokens",
                match self.tokens_under_way {
                    0 => String::new(),
                    n => format!(", {n} held for calls under way"),
                },
            )));
        }
        self.requests += 1;
        self.tokens_under_way += tokens;
        Ok(Reserved { tokens })
    }

    /// Reserves another request of the same question, given what the question has used so far.
    pub(super) fn again(&mut self, reserved: &Reserved, took: &Spent) -> Result<(), ModelError> {
        self.allow_request()?;
        let usage = add(self.meter.usage, took.usage);
        let used = usage.input_tokens.saturating_add(usage.output_tokens);
        if let Some(most) = self.meter.budget.tokens
            && used.saturating_add(self.tokens_under_way) > most
        {
            let tokens = reserved.tokens;
            return Err(ModelError::Budget(format!(
                "asking again could take {tokens} tokens, and {used} of the budget of {most} are used: raise the budget, or lower max_tokens"
            )));
        }
        self.requests += 1;
        self.meter.retries += 1;
        Ok(())
    }

    fn allow_request(&self) -> Result<(), ModelError> {
        match self.meter.budget.calls {
            Some(most) if self.requests >= most => {
                let again = match self.meter.retries {
                    0 => String::new(),
                    n => format!(" ({n} of them asked again)"),
                };
                Err(ModelError::Budget(format!(
                    "the budget of {most} calls is spent{again}: raise it, or continue with a script"
                )))
            }
            _ => Ok(()),
        }
    }

    /// Records what a call used, and ends its reservation.
    pub(super) fn settle(&mut self, reserved: Reserved, took: Spent) {
        self.tokens_under_way -= reserved.tokens;
        self.meter.waits += took.waits;
        self.meter.waited_ms += u64::try_from(took.waited.as_millis()).unwrap_or(u64::MAX);
        self.meter.calls += took.answers;
        self.meter.usage = add(self.meter.usage, took.usage);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::provider::PROVIDERS;

    fn account(budget: Budget) -> Account {
        let mut account = Account::new("groq", "openai/gpt-oss-20b", &|_| None).unwrap();
        account.set_budget(budget);
        account
    }

    #[test]
    fn calls_under_way_count_too() {
        let mut account = account(Budget { calls: Some(2), tokens: None });
        let first = account.reserve(&Ask::new("a")).unwrap();
        let _second = account.reserve(&Ask::new("b")).unwrap();
        let error = account.reserve(&Ask::new("c")).unwrap_err();
        assert!(error.message().contains("budget of 2 calls is spent"), "{error}");
        // A request that was refused still counts as a request.
        account.settle(first, Spent::default());
        assert!(account.reserve(&Ask::new("c")).is_err());
    }

    #[test]
    fn asking_again_counts() {
        let mut account = account(Budget { calls: Some(3), tokens: Some(2_500) });
        let first = account.reserve(&Ask::new("a")).unwrap();
        account.again(&first, &Spent::default()).unwrap();
        // The tokens of a slip are used, and the next request may take as much as the first.
        let usage = Usage { input_tokens: 1_000, output_tokens: 1_000 };
        let slip = Spent { answers: 1, usage, ..Spent::default() };
        let error = account.again(&first, &slip).unwrap_err();
        assert!(error.message().contains("asking again could take"), "{error}");
        account.again(&first, &Spent::default()).unwrap();
        let error = account.again(&first, &Spent::default()).unwrap_err();
        assert!(
            error.message().contains("budget of 3 calls is spent (2 of them asked again)"),
            "{error}"
        );
        account.settle(first, slip);
        let meter = account.meter();
        assert_eq!((meter.calls, meter.retries, meter.usage), (1, 2, usage));
    }

    #[test]
    fn a_call_that_could_pass_the_token_budget_is_not_made() {
        let mut account = account(Budget { calls: None, tokens: Some(2_500) });
        let first = account.reserve(&Ask::new("a")).unwrap();
        let second = account.reserve(&Ask::new("b")).unwrap();
        let error = account.reserve(&Ask::new("c")).unwrap_err();
        assert!(
            matches!(&error, ModelError::Budget(text) if text.contains("held for calls under way")),
            "{error}"
        );
        let usage = Usage { input_tokens: 5, output_tokens: 20 };
        account.settle(first, Spent { answers: 1, usage, ..Spent::default() });
        account.settle(second, Spent { answers: 1, usage, ..Spent::default() });
        assert!(account.reserve(&Ask::new("c")).is_ok());
    }

    #[test]
    fn cost_follows_the_price_table_or_the_environment() {
        let usage = Usage { input_tokens: 1_000_000, output_tokens: 2_000_000 };
        let cost = |model: &str, price: Option<&str>| {
            let mut account = Account::new("groq", model, &|_| price.map(str::to_owned)).unwrap();
            let reserved = account.reserve(&Ask::new("a")).unwrap();
            account.settle(reserved, Spent { answers: 1, usage, ..Spent::default() });
            account.meter().cost_usd
        };
        let known = cost("openai/gpt-oss-20b", None).unwrap();
        assert!((known - 0.675).abs() < 1e-9, "{known}");
        assert_eq!(cost("unknown", None), None);
        assert_eq!(cost("unknown", Some("1/0.5")), Some(2.0));
        for provider in PROVIDERS.iter().filter(|provider| !provider.model.is_empty()) {
            let account = Account::new(provider.name, provider.model, &|_| None).unwrap();
            assert!(account.meter().cost_usd.is_some(), "{} has no price", provider.name);
        }
        assert!(Account::new("groq", "m", &|_| Some("cheap".to_owned())).is_err());
    }
}
