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
    /// Must-deliver publishers wait for this reader from the number after this one on; `None` while it catches up after
    /// it kept one waiting to the deadline.
    pub(crate) awaited_after: Option<Seq>,
    spot: Option<Spot>,
}

impl Reader {
    /// Tells whether a must-deliver publisher of `seq` waits for this reader.
    pub(crate) fn owes(&self, seq: Seq) -> bool {
        self.cursor < seq && self.awaited_after.is_some_and(|after| after < seq)
    }

    /// Returns the number after which must-deliver publishers still wait for this reader.
    pub(crate) fn owes_after(&self) -> Option<Seq> {
        self.awaited_after.map(|after| after.max(self.cursor))
    }
}

/// The readers, each in its own place, and the free places.
#[derive(Default)]
pub(crate) struct Readers {
    places: Vec<Option<Reader>>,
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
            awaited_after: Some(head),
            spot: None,
        };
        match self.free.pop() {
            Some(place) => {
                self.places[place] = Some(reader);
                ReaderId(place)
            }
            None => {
                self.places.push(Some(reader));
                ReaderId(self.places.len() - 1)
            }
        }
    }

    /// Removes a reader; its waker, if it was parked, is the caller's to drop after it released its lock.
    pub(crate) fn remove(&mut self, id: ReaderId) -> (Reader, Option<Waker>) {
        let waker = self.unpark(id);
        let reader = self.places[id.0]
            .take()
            .expect("invariant: a reader is removed once, by its own drop");
        self.free.push(id.0);
        (reader, waker)
    }

    pub(crate) fn get(&self, id: ReaderId) -> &Reader {
        self.places[id.0]
            .as_ref()
            .expect("invariant: an id lives no longer than its reader")
    }

    pub(crate) fn get_mut(&mut self, id: ReaderId) -> &mut Reader {
        self.places[id.0]
            .as_mut()
            .expect("invariant: an id lives no longer than its reader")
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ReaderId, &Reader)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(place, reader)| Some((ReaderId(place), reader.as_ref()?)))
    }

    /// Parks a reader; returns the waker it replaces, the caller's to drop after it released its lock.
    pub(crate) fn park(
        &mut self,
        id: ReaderId,
        interest: Interest,
        waker: &Waker,
    ) -> Option<Waker> {
        let reader = self.get(id);
        let cursor = reader.cursor;
        if reader.spot.is_some_and(|spot| {
            self.parking.holds(spot) && self.parking.is_parked_alike(spot, interest, waker)
        }) {
            return None;
        }
        let replaced = self.unpark(id);
        self.get_mut(id).spot = Some(self.parking.park(id, cursor, interest, waker));
        replaced
    }

    /// Takes the reader's waker out, if it is parked.
    pub(crate) fn unpark(&mut self, id: ReaderId) -> Option<Waker> {
        let spot = self.get_mut(id).spot.take()?;
        if !self.parking.holds(spot) {
            return None;
        }
        let left = self.parking.leave(spot);
        if let Some(moved) = left.moved {
            self.get_mut(moved).spot = Some(spot);
        }
        Some(left.waker)
    }

    /// Takes out all readers that wait for `interest`.
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
