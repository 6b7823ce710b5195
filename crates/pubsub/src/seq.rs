//! The number of an event within its topic. It knows only how to count.

use std::fmt;

/// Numbers an event within its topic.
///
/// Numbers rise with the order of publication. They may jump, they never repeat and never go back.
///
/// # Examples
///
/// ```
/// use runwright_pubsub::Seq;
///
/// let seq = Seq::new(41);
/// assert_eq!(seq.next(), Seq::new(42));
/// assert_eq!(seq.next().get(), 42);
/// assert_eq!(seq.to_string(), "41");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Lies before the first event of a topic that counts from one.
    pub const ZERO: Self = Self(0);

    /// Makes a sequence number of a plain one.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the plain number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the number after this one; the last one of all is its own successor.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the number before this one; [`Seq::ZERO`] is its own predecessor.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// Returns how far this number lies above `earlier`, as an index into a ring.
    pub(crate) fn distance_from(self, earlier: Self) -> usize {
        usize::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u64> for Seq {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<Seq> for u64 {
    fn from(seq: Seq) -> Self {
        seq.0
    }
}
