//! Where parked readers leave their wakers: one list for those that wait for any event, one for urgent events only.
//!
//! It must never wake anybody: wakers are taken out here and woken by the caller, after it released its lock.

use std::{mem, task::Waker};

use crate::{Seq, readers::ReaderId};

/// What a parked reader waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Interest {
    #[default]
    Any,
    Urgent,
}

/// Where a reader parked. It says nothing any more once its list was taken; the default one never says anything.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Spot {
    round: u64,
    index: usize,
    interest: Interest,
}

/// A reader that waits, with the cursor it cannot move while it does.
pub(crate) struct Parked {
    reader: ReaderId,
    cursor: Seq,
    waker: Waker,
}

impl Parked {
    pub(crate) fn wake(self) {
        self.waker.wake();
    }
}

/// A waiting reader that left its list, and the one that now stands in its place.
pub(crate) struct Left {
    pub(crate) waker: Waker,
    pub(crate) moved: Option<ReaderId>,
}

#[derive(Default)]
pub(crate) struct Parking {
    any: List,
    urgent: List,
    /// No reader in the urgent list has a cursor below this; it may be lower than needed after one left.
    urgent_floor: Seq,
}

struct List {
    /// Counts from 1 how often the list was taken, so that all its spots end at once.
    round: u64,
    parked: Vec<Parked>,
}

impl Default for List {
    fn default() -> Self {
        Self {
            round: 1,
            parked: Vec::new(),
        }
    }
}

impl Parking {
    /// Tells whether the spot still stands for a parked reader.
    #[inline]
    pub(crate) fn holds(&self, spot: Spot) -> bool {
        self.list(spot.interest).round == spot.round
    }

    #[inline]
    pub(crate) fn park(
        &mut self,
        reader: ReaderId,
        cursor: Seq,
        interest: Interest,
        waker: &Waker,
    ) -> Spot {
        if interest == Interest::Urgent
            && (self.urgent.parked.is_empty() || cursor < self.urgent_floor)
        {
            self.urgent_floor = cursor;
        }
        let list = self.list_mut(interest);
        // The one call out under the lock: the clone of a waker is a counter, in every executor there is, and looking and
        // parking must be one step.
        list.parked.push(Parked {
            reader,
            cursor,
            waker: waker.clone(),
        });
        Spot {
            interest,
            round: list.round,
            index: list.parked.len() - 1,
        }
    }

    /// Tells whether the reader in this spot waits for the same, with the same waker.
    #[inline]
    pub(crate) fn is_parked_alike(&self, spot: Spot, interest: Interest, waker: &Waker) -> bool {
        spot.interest == interest
            && self.list(interest).parked[spot.index]
                .waker
                .will_wake(waker)
    }

    /// Takes one reader out; `spot` must hold. The caller gives the moved reader the same spot.
    pub(crate) fn leave(&mut self, spot: Spot) -> Left {
        let list = self.list_mut(spot.interest);
        let left = list.parked.swap_remove(spot.index);
        Left {
            waker: left.waker,
            moved: list.parked.get(spot.index).map(|parked| parked.reader),
        }
    }

    /// Takes out all readers of one list.
    #[inline]
    pub(crate) fn take(&mut self, interest: Interest) -> Vec<Parked> {
        let list = self.list_mut(interest);
        if list.parked.is_empty() {
            return Vec::new();
        }
        list.round += 1;
        // They will be back: one allocation here is cheaper than a list that grows again under each of them.
        let room = Vec::with_capacity(list.parked.len());
        mem::replace(&mut list.parked, room)
    }

    /// Tells whether a reader in the urgent list may have lost events, when all up to `lost` are gone.
    pub(crate) fn urgent_may_lag(&self, lost: Seq) -> bool {
        self.urgent_floor < lost && !self.urgent.parked.is_empty()
    }

    /// Returns the readers of the urgent list that lost events, and raises the floor to those that did not.
    pub(crate) fn urgent_behind(&mut self, lost: Seq) -> Vec<ReaderId> {
        let parked = &self.urgent.parked;
        self.urgent_floor = parked
            .iter()
            .map(|parked| parked.cursor)
            .filter(|&cursor| cursor >= lost)
            .min()
            .unwrap_or(lost);
        parked
            .iter()
            .filter(|parked| parked.cursor < lost)
            .map(|parked| parked.reader)
            .collect()
    }

    #[inline]
    fn list(&self, interest: Interest) -> &List {
        match interest {
            Interest::Any => &self.any,
            Interest::Urgent => &self.urgent,
        }
    }

    #[inline]
    fn list_mut(&mut self, interest: Interest) -> &mut List {
        match interest {
            Interest::Any => &mut self.any,
            Interest::Urgent => &mut self.urgent,
        }
    }
}
