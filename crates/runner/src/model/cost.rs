//! What tokens cost, and what a turn has used so far. It must never know where prices come from.

use runwright_agent::Spent;
use runwright_proto::Usage;

use crate::provider::TokenUsage;

/// What the tokens of a model cost, in US dollars per million. Zero where nobody said, and then nothing costs anything.
///
/// ```
/// use runwright_runner::{Prices, TokenUsage};
///
/// let prices = Prices { input: 3.0, output: 15.0, ..Prices::default() };
/// let usage = TokenUsage { input: 1_000, output: 200, ..TokenUsage::default() };
/// assert_eq!(prices.cost(usage), 0.006);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Prices {
    /// Tokens that the model reads.
    pub input: f64,
    /// Tokens that it writes.
    pub output: f64,
    /// Tokens that it reads from its cache.
    pub cache_read: f64,
    /// Tokens that it puts into its cache.
    pub cache_write: f64,
}

impl Prices {
    /// What an answer costs, in US dollars (contract 5.9).
    #[must_use]
    pub fn cost(self, usage: TokenUsage) -> f64 {
        let priced = [
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
        ];
        let millionths: f64 = priced
            .iter()
            .map(|(tokens, price)| float(*tokens) * price)
            .sum();
        millionths / 1_000_000.0
    }
}

/// What a turn has used so far: all its requests, also those that failed and were made again.
#[derive(Debug, Default)]
pub(super) struct Spending {
    usage: Option<Usage>,
}

impl Spending {
    /// Adds what one request used, if its provider said so. Returns what it cost.
    pub(super) fn add(&mut self, usage: Option<TokenUsage>, prices: Prices) -> f64 {
        let Some(usage) = usage else {
            return 0.0;
        };
        let cost = prices.cost(usage);
        let total = self.usage.get_or_insert_default();
        total.input_tokens = total.input_tokens.saturating_add(usage.input);
        total.output_tokens = total.output_tokens.saturating_add(usage.output);
        total.cache_read_tokens = total.cache_read_tokens.saturating_add(usage.cache_read);
        total.cache_write_tokens = total.cache_write_tokens.saturating_add(usage.cache_write);
        total.cost += cost;
        cost
    }

    /// What the providers said in all; nothing if they said nothing.
    pub(super) fn reported(&self) -> Option<Usage> {
        self.usage
    }
}

/// What a session is told of a step: the tokens as the provider counts them, or an estimate of four bytes a token where
/// it does not (contract 5.9).
pub(super) fn spent(usage: Option<TokenUsage>, cost: f64, asked: usize, said: usize) -> Spent {
    let (prompt_tokens, completion_tokens) = match usage {
        Some(usage) => (usage.input.saturating_add(usage.cache_read), usage.output),
        None => (estimated(asked), estimated(said)),
    };
    Spent {
        prompt_tokens,
        completion_tokens,
        cost,
    }
}

fn estimated(bytes: usize) -> u64 {
    bytes.div_ceil(4) as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count beyond 2^53 is no longer exact, which is no matter for a price"
)]
fn float(tokens: u64) -> f64 {
    tokens as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_token_has_its_price() {
        let prices = Prices {
            input: 1.0,
            output: 10.0,
            cache_read: 100.0,
            cache_write: 1_000.0,
        };
        let usage = TokenUsage {
            input: 4_000_000,
            output: 3_000_000,
            cache_read: 2_000_000,
            cache_write: 1_000_000,
        };
        assert!((prices.cost(usage) - 1_234.0).abs() < 1e-9);
    }

    #[test]
    fn a_turn_adds_up_what_was_reported_and_nothing_else() {
        let prices = Prices {
            output: 1.0,
            ..Prices::default()
        };
        let mut spending = Spending::default();
        assert!(spending.add(None, prices).abs() < f64::EPSILON);
        assert_eq!(spending.reported(), None);
        let usage = TokenUsage {
            input: u64::MAX,
            output: 1_000_000,
            cache_read: 3,
            cache_write: 4,
        };
        spending.add(Some(usage), prices);
        spending.add(Some(usage), prices);
        let expected = Usage {
            input_tokens: u64::MAX,
            output_tokens: 2_000_000,
            cache_read_tokens: 6,
            cache_write_tokens: 8,
            cost: 2.0,
        };
        assert_eq!(spending.reported(), Some(expected));
    }

    #[test]
    fn a_session_is_told_an_estimate_where_the_provider_is_silent() {
        let told = spent(None, 0.0, 41, 3);
        assert_eq!((told.prompt_tokens, told.completion_tokens), (11, 1));
        let usage = TokenUsage {
            input: 5,
            output: 6,
            cache_read: 7,
            cache_write: 8,
        };
        let told = spent(Some(usage), 0.5, 41, 3);
        assert_eq!((told.prompt_tokens, told.completion_tokens), (12, 6));
    }
}
