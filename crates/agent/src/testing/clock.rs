//! A clock that shows what the test says.

use crate::clock::{Clock, Timestamp};
use crate::sync::{Mutex, lock};

/// A clock that stands still until it is set, forwards or back.
///
/// ```
/// use runwright_agent::testing::ManualClock;
/// use runwright_agent::{Clock, Timestamp};
///
/// let clock = ManualClock::new(Timestamp(1_000));
/// clock.advance(-1);
/// assert_eq!(clock.now(), Timestamp(999));
/// ```
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// Makes a clock that shows `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Moves the clock by so many milliseconds; a negative number sets it back.
    pub fn advance(&self, millis: i64) {
        lock(&self.0).0 += millis;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}
