//! The readers of one topic: a cursor each, where it is parked, and from where on a must-deliver publisher counts it.
//!
//! It must never know an event, and never wake anybody.

use std::task::Waker;

use crate::{
    Seq,
    parking::{Interest, Parked, Parking, Spot},
};

/// Names a reader of this topic, as long as it is subscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReaderId(usize);

/// All that a topic keeps for one reader.
pub(crate) struct Reader {
    /// The last number this reader took or was told to be lost.
    pub(crate) cursor: Seq,
    /// It must not get anything up to this number: a must-deliver deadline passed.
    pub(crate) skipped: Seq,
    /// Must-deliver publishers wait for this reader from the number after this one on; `NOT_AWAITED` while it catches up
    /// after it kept one waiting to the deadline.
    awaited_after: Seq,
    spot: Spot,
    is_free: bool,
}

/// No event has a number above this one.
const NOT_AWAITED: Seq = Seq::new(u64::MAX);

impl Reader {
    /// Tells whether a must-deliver publisher of `seq` waits for this reader.
    pub(crate) fn owes(&self, seq: Seq) -> bool {
        self.owes_after() < seq
    }

    /// Returns the number after which must-deliver publishers still wait for this reader.
    pub(crate) fn owes_after(&self) -> Seq {
        self.cursor.max(self.awaited_after)
    }

    /// Makes the reader skip everything up to `seq`; no publisher waits for it until it has caught up.
    pub(crate) fn skip(&mut self, seq: Seq) {
        self.skipped = seq;
        self.awaited_after = NOT_AWAITED;
    }

    /// Moves the cursor; a reader that reaches the head is waited for again from the next event on.
    #[inline]
    pub(crate) fn move_to(&mut self, to: Seq, head: Seq) {
        self.cursor = to;
        if self.awaited_after == NOT_AWAITED && to == head {
            self.awaited_after = head;
        }
    }
}

/// The readers, each in its own place, and the free places.
#[derive(Default)]
pub(crate) struct Readers {
    places: Vec<Reader>,
    free: Vec<usize>,
    parking: Parking,
}

impl Readers {
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Adds a reader. Must-deliver publishers wait for it from the next event on.
    pub(crate) fn add(&mut self, cursor: Seq, head: Seq) -> ReaderId {
        let reader = Reader {
            cursor,
            skipped: Seq::ZERO,
            awaited_after: head,
            spot: Spot::default(),
            is_free: false,
        };
        match self.free.pop() {
            Some(place) => {
                self.places[place] = reader;
                ReaderId(place)
            }
            None => {
                self.places.push(reader);
                ReaderId(self.places.len() - 1)
            }
        }
    }

    /// Removes a reader; its waker, if it was parked, is the caller's to drop after it released its lock.
    pub(crate) fn remove(&mut self, id: ReaderId) -> Option<Waker> {
        let waker = self.unpark(id);
        self.get_mut(id).is_free = true;
        self.free.push(id.0);
        waker
    }

    #[cfg(all(test, not(any(runwright_loom, runwright_shuttle))))]
    pub(crate) fn reserved(&self) -> usize {
        self.places.capacity()
    }

    #[inline]
    pub(crate) fn get(&self, id: ReaderId) -> &Reader {
        &self.places[id.0]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ReaderId) -> &mut Reader {
        &mut self.places[id.0]
    }

    /// Returns the readers that a must-deliver publisher of `seq` waits for.
    pub(crate) fn owing(&self, seq: Seq) -> impl Iterator<Item = ReaderId> {
        let owing = self
            .places
            .iter()
            .enumerate()
            .filter(move |(_, reader)| !reader.is_free && reader.owes(seq));
        owing.map(|(place, _)| ReaderId(place))
    }

    #[inline]
    pub(crate) fn is_parked(&self, id: ReaderId) -> bool {
        self.parking.holds(self.places[id.0].spot)
    }

    /// Parks a reader; returns the waker it replaces, the caller's to drop after it released its lock.
    #[inline]
    pub(crate) fn park(
        &mut self,
        id: ReaderId,
        interest: Interest,
        waker: &Waker,
    ) -> Option<Waker> {
        let Reader { cursor, spot, .. } = self.places[id.0];
        let is_parked = self.parking.holds(spot);
        if is_parked && self.parking.is_parked_alike(spot, interest, waker) {
            return None;
        }
        let replaced = if is_parked { self.unpark(id) } else { None };
        self.places[id.0].spot = self.parking.park(id, cursor, interest, waker);
        replaced
    }

    /// Takes the reader's waker out, if it is parked.
    #[inline]
    pub(crate) fn unpark(&mut self, id: ReaderId) -> Option<Waker> {
        let spot = self.places[id.0].spot;
        if !self.parking.holds(spot) {
            return None;
        }
        let left = self.parking.leave(spot);
        if let Some(moved) = left.moved {
            self.places[moved.0].spot = spot;
        }
        self.places[id.0].spot = Spot::default();
        Some(left.waker)
    }

    /// Takes out all readers that wait for `interest`.
    #[inline]
    pub(crate) fn take_parked(&mut self, interest: Interest) -> Vec<Parked> {
        self.parking.take(interest)
    }

    /// Takes out the readers that wait for an urgent event and have just lost some other one.
    pub(crate) fn take_lagging(&mut self, lost: Seq) -> Vec<Waker> {
        if !self.parking.urgent_may_lag(lost) {
            return Vec::new();
        }
        let behind = self.parking.urgent_behind(lost);
        behind
            .into_iter()
            .filter_map(|id| self.unpark(id))
            .collect()
    }
}
