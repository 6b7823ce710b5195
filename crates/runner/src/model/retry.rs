//! Decides whether and when a failed request is made again. It must never know what was asked.

use std::time::Duration;

use crate::provider::ProviderError;

/// How often and when a failed request is made again.
///
/// The pauses double from the first to the longest, each shortened by chance to between a half and all of it, so that
/// many who failed together do not come back together. Where the provider says how long to wait, that is waited,
/// unless it is longer than the longest pause: then the run fails, because nobody should look at a silent run for so
/// long.
///
/// ```
/// use std::time::Duration;
///
/// use runwright_runner::{ProviderError, ProviderErrorKind, RetryPolicy};
///
/// let policy = RetryPolicy::default();
/// let busy = ProviderError::new(ProviderErrorKind::RateLimit, "slow down");
/// assert_eq!(policy.pause(1, &busy, 1.0), Some(Duration::from_millis(500)));
/// assert_eq!(policy.pause(4, &busy, 1.0), None, "the fourth try was the last");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How often a request is made at most; at least once.
    pub attempts: u32,
    /// The pause after the first failure.
    pub first_pause: Duration,
    /// The longest pause, also where the provider asks for one.
    pub longest_pause: Duration,
}

impl Default for RetryPolicy {
    /// Four tries within some four seconds, and up to a minute where the provider asks for it.
    fn default() -> Self {
        Self {
            attempts: 4,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// How long to wait before the request is made again that has failed `failures` times now; nothing if it has
    /// failed for good. `chance` is between 0 and 1.
    #[must_use]
    pub fn pause(&self, failures: u32, error: &ProviderError, chance: f64) -> Option<Duration> {
        if failures >= self.attempts || !error.kind.is_worth_another_try() {
            return None;
        }
        if let Some(asked) = error.retry_after {
            return (asked <= self.longest_pause).then_some(asked);
        }
        let doublings = failures.saturating_sub(1).min(31);
        let pause = self.first_pause.saturating_mul(1 << doublings);
        let pause = pause.min(self.longest_pause);
        Some(pause.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ProviderErrorKind;

    fn failed(kind: ProviderErrorKind) -> ProviderError {
        ProviderError::new(kind, "it failed")
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy {
            attempts: 100,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(5),
        };
        let error = failed(ProviderErrorKind::Network);
        let seconds = |failures| policy.pause(failures, &error, 1.0).unwrap().as_secs();
        assert_eq!([1, 2, 3, 4, 99].map(seconds), [1, 2, 4, 5, 5]);
    }

    #[test]
    fn chance_shortens_a_pause_by_up_to_a_half() {
        let policy = RetryPolicy::default();
        let error = failed(ProviderErrorKind::Provider);
        let pause = |chance| policy.pause(1, &error, chance).unwrap().as_millis();
        assert_eq!(
            [-7.0, 0.0, 0.5, 1.0, 7.0].map(pause),
            [250, 250, 375, 500, 500]
        );
    }

    #[test]
    fn what_the_provider_asks_for_is_waited_unless_it_is_too_long() {
        let policy = RetryPolicy::default();
        let asked = |seconds| {
            let wait = Some(Duration::from_secs(seconds));
            let error = failed(ProviderErrorKind::RateLimit).with_retry_after(wait);
            policy.pause(1, &error, 0.0)
        };
        assert_eq!(asked(0), Some(Duration::ZERO));
        assert_eq!(asked(60), Some(Duration::from_secs(60)));
        assert_eq!(asked(61), None);
    }

    #[test]
    fn what_would_fail_again_is_not_tried_again() {
        use ProviderErrorKind::{
            Auth, ContextLength, Network, Provider, RateLimit, Refused, TooMuch,
        };
        let policy = RetryPolicy::default();
        let tried_again = |kind| policy.pause(1, &failed(kind), 0.0).is_some();
        let kinds = [
            Auth,
            RateLimit,
            ContextLength,
            Refused,
            Network,
            Provider,
            TooMuch,
        ];
        assert_eq!(
            kinds.map(tried_again),
            [false, true, false, false, true, true, false]
        );
    }
}
