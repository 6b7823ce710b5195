//! The log of one topic: the ring of events, the index of *latest* keys, retention, and what a cursor sees next.
//!
//! It is pure: state and input give a decision. It must never know a lock, a waker or a subscription.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
};

use crate::{Delivery, Event, Lagged, Seq, TopicOptions, run::Run, sync::Shared};

/// How many empty slots are kept before it is worth looking for them, so that a short ring is never compacted.
const COMPACTION_SLACK: usize = 32;

/// A published event with what the log needs to know of it, asked from the event once.
pub(crate) struct Fresh<E: Event> {
    event: Shared<E>,
    key: Option<E::Key>,
    weight: u32,
    pub(crate) is_urgent: bool,
}

impl<E: Event> Fresh<E> {
    pub(crate) fn new(event: E) -> Self {
        let key = match event.delivery() {
            Delivery::Every => None,
            Delivery::Latest(key) => Some(key),
        };
        Self {
            key,
            weight: u32::try_from(event.weight()).unwrap_or(u32::MAX),
            is_urgent: event.is_urgent(),
            event: Shared::new(event),
        }
    }
}

/// What lies after a cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    CaughtUp,
    Lagged(Lagged),
    Ready,
}

/// The events that an append took out of the log. They are the caller's to drop, after it released its lock.
pub(crate) struct Removed<E> {
    /// Nearly always there is one at most: it needs no allocation.
    first: Option<Shared<E>>,
    others: Vec<Shared<E>>,
}

impl<E> Default for Removed<E> {
    fn default() -> Self {
        Self {
            first: None,
            others: Vec::new(),
        }
    }
}

impl<E> Removed<E> {
    fn push(&mut self, event: Shared<E>) {
        if self.first.is_none() {
            self.first = Some(event);
        } else {
            self.others.push(event);
        }
    }
}

/// Bounds what is read at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
}

impl Limits {
    pub(crate) const ONE: Self = Self {
        events: 1,
        bytes: 0,
    };

    pub(crate) fn bytes(bytes: usize) -> Self {
        Self {
            events: usize::MAX,
            bytes,
        }
    }
}

/// The events kept, in the order of their numbers.
pub(crate) struct Log<E: Event> {
    /// Numbers rise from slot to slot. The first slot and the last one are never empty.
    slots: VecDeque<Slot<E>>,
    /// Where the newest event under each key is.
    index: BTreeMap<E::Key, Seq>,
    retained: usize,
    bytes: usize,
    /// The number of the newest event; before the first one, the number before it.
    head: Seq,
    /// The number of the newest event that retention took away, and nothing replaced.
    lost: Seq,
    /// How many events were superseded and how many were evicted.
    counts: Counts,
    bounds: Limits,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) published: u64,
    pub(crate) superseded: u64,
    pub(crate) evicted: u64,
}

/// A place in the ring. It is empty when a newer event under the same key took over.
struct Slot<E: Event> {
    seq: Seq,
    kept: Option<Kept<E>>,
}

struct Kept<E: Event> {
    event: Shared<E>,
    key: Option<E::Key>,
    weight: u32,
}

impl<E: Event> Log<E> {
    pub(crate) fn new(options: &TopicOptions) -> Self {
        let before_first = options.first_seq.previous();
        Self {
            slots: VecDeque::new(),
            index: BTreeMap::new(),
            retained: 0,
            bytes: 0,
            head: before_first,
            lost: before_first,
            counts: Counts::default(),
            bounds: Limits {
                events: options.max_events.max(1),
                bytes: options.max_bytes,
            },
        }
    }

    pub(crate) fn head(&self) -> Seq {
        self.head
    }

    /// Returns the newest number that a reader can no longer get.
    pub(crate) fn lost(&self) -> Seq {
        self.lost
    }

    pub(crate) fn oldest(&self) -> Option<Seq> {
        self.slots.front().map(|slot| slot.seq)
    }

    pub(crate) fn retained(&self) -> usize {
        self.retained
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    #[cfg(all(test, not(any(runwright_loom, runwright_shuttle))))]
    pub(crate) fn reserved(&self) -> usize {
        self.slots.capacity()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Appends an event under a number above the head; what it supersedes and what no longer fits goes into `removed`.
    pub(crate) fn append(&mut self, seq: Seq, fresh: Fresh<E>, removed: &mut Removed<E>) {
        debug_assert!(seq > self.head, "numbers must rise");
        removed.first = fresh.key.as_ref().and_then(|key| self.supersede(key, seq));
        self.push(seq, fresh);
        self.evict(removed);
        self.compact();
    }

    /// Tells what a reader at `cursor` gets next, when it must not get anything up to `skipped`.
    pub(crate) fn step(&self, cursor: Seq, skipped: Seq) -> Step {
        let lost = self.lost.max(skipped);
        if cursor < lost {
            Step::Lagged(Lagged {
                from: cursor.next(),
                to: lost,
            })
        } else if cursor < self.head {
            Step::Ready
        } else {
            Step::CaughtUp
        }
    }

    /// Returns the newest event, if it is the only one after the cursor: the common case, without a search.
    #[inline]
    pub(crate) fn only_after(&self, cursor: Seq) -> Option<(Seq, Shared<E>)> {
        let (seq, kept) = self.only_kept_after(cursor)?;
        Some((seq, Shared::clone(&kept.event)))
    }

    #[inline]
    fn only_kept_after(&self, cursor: Seq) -> Option<(Seq, &Kept<E>)> {
        let newest = self.slots.back()?;
        let is_only = match self.slots.len() {
            1 => true,
            slots => self.slots[slots - 2].seq <= cursor,
        };
        newest
            .kept
            .as_ref()
            .filter(|_| is_only)
            .map(|kept| (newest.seq, kept))
    }

    /// Returns the events after the cursor, up to the limits but at least one, if there is any.
    pub(crate) fn events_after(
        &self,
        cursor: Seq,
        limits: Limits,
    ) -> impl Iterator<Item = (Seq, Shared<E>)> {
        self.within(cursor, limits)
            .map(|(seq, kept)| (seq, Shared::clone(&kept.event)))
    }

    /// Returns the same events as one run.
    pub(crate) fn run_after(&self, cursor: Seq, limits: Limits) -> Run<E> {
        if let Some((seq, kept)) = self.only_kept_after(cursor) {
            return Run::one(seq, Shared::clone(&kept.event), kept.weight as usize);
        }
        let measure = |(count, weight), (_, kept): (Seq, &Kept<E>)| {
            (count + 1, weight + kept.weight as usize)
        };
        let (count, weight) = self.within(cursor, limits).fold((0, 0), measure);
        let mut events = Vec::with_capacity(count);
        events.extend(
            self.kept_after(cursor)
                .take(count)
                .map(|(seq, kept)| (seq, Shared::clone(&kept.event))),
        );
        Run::many(events.into_boxed_slice(), weight)
    }

    fn within(&self, cursor: Seq, limits: Limits) -> impl Iterator<Item = (Seq, &Kept<E>)> {
        let mut weight = 0_usize;
        let mut is_first = true;
        self.kept_after(cursor)
            .take(limits.events)
            .take_while(move |(_, kept)| {
                weight = weight.saturating_add(kept.weight as usize);
                mem::take(&mut is_first) || weight <= limits.bytes
            })
    }

    fn kept_after(&self, cursor: Seq) -> impl Iterator<Item = (Seq, &Kept<E>)> {
        self.slots
            .range(self.position(cursor.next())..)
            .filter_map(|slot| slot.kept.as_ref().map(|kept| (slot.seq, kept)))
    }

    /// Makes `by` the newest number under the key and takes out the event it replaces, if that is still kept.
    fn supersede(&mut self, key: &E::Key, by: Seq) -> Option<Shared<E>> {
        let Some(newest) = self.index.get_mut(key) else {
            self.index.insert(key.clone(), by);
            return None;
        };
        let old = mem::replace(newest, by);
        let position = self.position(old);
        let kept = self.slots[position].kept.take()?;
        self.forget(&kept);
        self.counts.superseded += 1;
        Some(kept.event)
    }

    fn push(&mut self, seq: Seq, fresh: Fresh<E>) {
        self.head = seq;
        self.retained += 1;
        self.bytes += fresh.weight as usize;
        self.counts.published += 1;
        let kept = Kept {
            event: fresh.event,
            key: fresh.key,
            weight: fresh.weight,
        };
        self.slots.push_back(Slot {
            seq,
            kept: Some(kept),
        });
    }

    /// Takes out the oldest events until the rest fits; the newest one always stays.
    fn evict(&mut self, removed: &mut Removed<E>) {
        self.trim();
        while self.retained > 1
            && (self.retained > self.bounds.events || self.bytes > self.bounds.bytes)
        {
            let Some(Slot {
                seq,
                kept: Some(kept),
            }) = self.slots.pop_front()
            else {
                break;
            };
            self.forget(&kept);
            self.lost = seq;
            self.counts.evicted += 1;
            if let Some(key) = &kept.key {
                self.index.remove(key);
            }
            removed.push(kept.event);
            self.trim();
        }
    }

    fn forget(&mut self, kept: &Kept<E>) {
        self.retained -= 1;
        self.bytes -= kept.weight as usize;
    }

    /// Drops the empty slots at the front.
    fn trim(&mut self) {
        while self.slots.front().is_some_and(|slot| slot.kept.is_none()) {
            self.slots.pop_front();
        }
    }

    /// Drops all empty slots when they are more than half of the ring, so that each costs a constant in the long run.
    fn compact(&mut self) {
        if self.slots.len() > 2 * self.retained + COMPACTION_SLACK {
            self.slots.retain(|slot| slot.kept.is_some());
        }
    }

    /// Returns the index of the first slot numbered `seq` or later.
    ///
    /// Numbers rise by one at least from slot to slot, so both ends bound the place; with no number missing in between
    /// the bounds meet and there is nothing to search.
    fn position(&self, seq: Seq) -> usize {
        let (Some(front), Some(back)) = (self.slots.front(), self.slots.back()) else {
            return 0;
        };
        if seq > back.seq {
            return self.slots.len();
        }
        let last = self.slots.len() - 1;
        let mut high = seq.distance_from(front.seq).min(last);
        let mut low = last.saturating_sub(back.seq.distance_from(seq));
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.slots[middle].seq < seq {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}
