//! Which accepted runs a cancel of a session covers. Pure: sequence numbers in, a decision out; it knows neither
//! runs nor locks.

use crate::cancel_token::CancelReason;

/// The place of a run in the order in which a workspace accepted its prompts: 1, 2, 3 …, never used twice.
///
/// ```
/// use runwright_agent::AcceptSeq;
///
/// let first = AcceptSeq::default().next();
/// assert_eq!(first.get(), 1);
/// assert!(first < first.next());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AcceptSeq(u64);

impl AcceptSeq {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number itself, for logs.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0
    }
}

impl From<u64> for AcceptSeq {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

/// The high-water mark of the cancels of one session: every run accepted up to the mark is covered, none after it.
///
/// Accept numbers only grow, so a mark that is left behind can never poison a later prompt.
///
/// ```
/// use runwright_agent::{AcceptSeq, CancelMark, CancelReason};
///
/// let mut mark = CancelMark::default();
/// mark.raise(AcceptSeq::from(2), CancelReason::Requested);
/// assert_eq!(mark.covers(AcceptSeq::from(2)), Some(CancelReason::Requested));
/// assert_eq!(mark.covers(AcceptSeq::from(3)), None, "accepted after the cancel");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CancelMark(Option<(AcceptSeq, CancelReason)>);

impl CancelMark {
    /// Covers every run accepted up to `through`. A mark never goes back.
    pub fn raise(&mut self, through: AcceptSeq, reason: CancelReason) {
        if self.0.is_none_or(|(mark, _)| mark < through) {
            self.0 = Some((through, reason));
        }
    }

    /// The reason why this run is cancelled, if a cancel covers it.
    #[must_use]
    pub fn covers(&self, seq: AcceptSeq) -> Option<CancelReason> {
        self.0
            .and_then(|(mark, reason)| (seq <= mark).then_some(reason))
    }
}
