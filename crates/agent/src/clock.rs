//! Wall-clock time as the house sees it: read in one place, injected everywhere else.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment, in milliseconds since 1970-01-01 UTC. Only for what people read: no rule of the house depends on it, so
/// a clock that jumps changes no deadline and no order.
///
/// ```
/// use runwright_agent::Timestamp;
///
/// let moment = Timestamp(1_795_357_488_999);
/// assert_eq!((moment.millis(), moment.seconds()), (1_795_357_488_999, 1_795_357_488));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole seconds, as the contract writes times.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds.
    #[must_use]
    pub fn millis(self) -> i64 {
        self.0
    }
}

/// Tells the time.
///
/// ```
/// use runwright_agent::{Clock, FixedClock, SystemClock, Timestamp};
///
/// let clocks: [Box<dyn Clock>; 2] = [Box::new(SystemClock), Box::new(FixedClock(Timestamp(7)))];
/// assert!(clocks[0].now() > clocks[1].now());
/// ```
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the machine's clock is read"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

/// A clock that stands still, for tests and for reproducible output.
#[derive(Debug, Clone, Copy, Default)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
