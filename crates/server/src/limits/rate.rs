//! Owns how many prompts per second a principal may send: one token bucket for each.
//!
//! It must never know what a prompt says.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use runwright_proto::ErrorCode;
use tokio::time::Instant;

use crate::{guard::Principal, problem::ApiError};

/// Lets each principal send so many prompts per second, and as many at once after a pause of a second.
///
/// A prompt carries no client id, so the limit is by token or user id (semantics 8). Off unless set.
#[derive(Debug)]
pub struct PromptRate {
    per_second: Option<u32>,
    /// There are as many principals as tokens and user ids that the guard lets in: a handful.
    buckets: Mutex<HashMap<Principal, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// Prompts left, in billionths: what a second of waiting adds is then a whole number for any rate.
    left: u64,
    refilled: Instant,
}

const PROMPT: u64 = 1_000_000_000;

impl PromptRate {
    /// Makes the limit; `None` lets everything pass.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        Self {
            per_second,
            buckets: Mutex::default(),
        }
    }

    /// Takes one prompt from the principal's bucket.
    ///
    /// # Errors
    ///
    /// 429 `rate_limited`, with the time until the next prompt would pass in `Retry-After`.
    pub fn check(&self, principal: Principal) -> Result<(), ApiError> {
        let Some(per_second) = self.per_second else {
            return Ok(());
        };
        let now = Instant::now();
        let full = Bucket {
            left: u64::from(per_second) * PROMPT,
            refilled: now,
        };
        let mut buckets = self.lock();
        let bucket = buckets.entry(principal).or_insert(full);
        bucket.take(per_second, now).map_err(|wait| {
            ApiError::new(
                ErrorCode::RateLimited,
                format!("at most {per_second} prompts per second"),
            )
            .with_retry_after(wait)
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Principal, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn take(&mut self, per_second: u32, now: Instant) -> Result<(), Duration> {
        let rate = u64::from(per_second);
        let nanos = u64::try_from((now - self.refilled).as_nanos()).unwrap_or(u64::MAX);
        self.left = self
            .left
            .saturating_add(nanos.saturating_mul(rate))
            .min(rate * PROMPT);
        self.refilled = now;
        match self.left.checked_sub(PROMPT) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Duration::from_nanos((PROMPT - self.left).div_ceil(rate))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_of_a_second_passes_and_then_one_after_the_other() {
        let rate = PromptRate::new(Some(4));
        for _ in 0..4 {
            rate.check(Principal::Token).expect("within the burst");
        }
        let refused = rate.check(Principal::Token).expect_err("beyond it");
        assert_eq!(refused.code(), ErrorCode::RateLimited);
        tokio::time::advance(Duration::from_millis(249)).await;
        assert!(rate.check(Principal::Token).is_err());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(rate.check(Principal::Token).is_ok());
        assert!(rate.check(Principal::Token).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn principals_do_not_share_a_bucket() {
        let rate = PromptRate::new(Some(1));
        rate.check(Principal::Uid(1)).expect("first");
        assert!(rate.check(Principal::Uid(1)).is_err());
        assert!(rate.check(Principal::Uid(2)).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_pause_fills_the_bucket_once() {
        let rate = PromptRate::new(Some(2));
        rate.check(Principal::Token).expect("first");
        tokio::time::advance(Duration::from_secs(1_000_000)).await;
        assert_eq!(
            (0..5)
                .filter(|_| rate.check(Principal::Token).is_ok())
                .count(),
            2
        );
    }

    #[test]
    fn without_a_rate_everything_passes() {
        let rate = PromptRate::new(None);
        assert!((0..1000).all(|_| rate.check(Principal::Anonymous).is_ok()));
    }
}
