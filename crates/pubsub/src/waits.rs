//! The must-deliver publishers that wait, each with the count of readers it still waits for.
//!
//! It must never know which readers these are; the state tells it what each one did.

use std::task::Waker;

use crate::Seq;

/// What a must-deliver publish came to.
///
/// Readers that unsubscribed meanwhile are in neither count.
///
/// # Examples
///
/// See [`Topic::publish_must_deliver`](crate::Topic::publish_must_deliver).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MustDeliver {
    /// The number of the event.
    pub seq: Seq,
    /// How many readers took the event in time.
    pub delivered: usize,
    /// How many did not: those behind at the deadline, those that lost it to retention, and those not waited for,
    /// because they have not caught up since an earlier deadline.
    pub lagged: usize,
}

/// What became of a reader that was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Took,
    Lagged,
    Left,
}

/// The waiting publishers, in the order of their events.
#[derive(Default)]
pub(crate) struct Waits {
    waits: Vec<Wait>,
}

struct Wait {
    outcome: MustDeliver,
    pending: usize,
    waker: Option<Waker>,
}

impl Waits {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// Starts to wait for `pending` readers to take the event `seq`; `lagged` others are not waited for.
    pub(crate) fn open(&mut self, seq: Seq, pending: usize, lagged: usize) {
        let outcome = MustDeliver {
            seq,
            delivered: 0,
            lagged,
        };
        self.waits.push(Wait {
            outcome,
            pending,
            waker: None,
        });
    }

    /// Notes what one reader did with the events after `after`, up to `to`; returns the wakers of waits that are over.
    pub(crate) fn settle(&mut self, after: Seq, to: Seq, fate: Fate) -> Vec<Waker> {
        let passed = self
            .waits
            .iter_mut()
            .filter(|wait| after < wait.outcome.seq && wait.outcome.seq <= to);
        passed.filter_map(|wait| wait.settle(fate)).collect()
    }

    /// Returns the outcome if nobody is waited for any more; otherwise keeps the waker for that moment. The second
    /// value is the waker it replaces, the caller's to drop after it released its lock.
    pub(crate) fn poll(&mut self, seq: Seq, waker: &Waker) -> Result<MustDeliver, Option<Waker>> {
        let wait = self.get_mut(seq);
        if wait.pending == 0 {
            return Ok(wait.outcome);
        }
        let is_same = wait
            .waker
            .as_ref()
            .is_some_and(|kept| kept.will_wake(waker));
        Err(if is_same {
            None
        } else {
            wait.waker.replace(waker.clone())
        })
    }

    /// Ends a wait; returns its outcome so far and its waker, the caller's to drop after it released its lock.
    pub(crate) fn close(&mut self, seq: Seq) -> (MustDeliver, Option<Waker>) {
        let place = self.place(seq);
        let wait = self.waits.remove(place);
        (wait.outcome, wait.waker)
    }

    fn get_mut(&mut self, seq: Seq) -> &mut Wait {
        let place = self.place(seq);
        &mut self.waits[place]
    }

    fn place(&self, seq: Seq) -> usize {
        let place = self
            .waits
            .binary_search_by_key(&seq, |wait| wait.outcome.seq);
        place.expect("invariant: a wait is closed once, by its own future")
    }
}

impl Wait {
    fn settle(&mut self, fate: Fate) -> Option<Waker> {
        match fate {
            Fate::Took => self.outcome.delivered += 1,
            Fate::Lagged => self.outcome.lagged += 1,
            Fate::Left => {}
        }
        self.pending -= 1;
        if self.pending == 0 {
            self.waker.take()
        } else {
            None
        }
    }
}
