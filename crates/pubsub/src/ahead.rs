//! The short run of events that a reader of single events took out of the log at once, to hand out one by one.
//!
//! Taking the topic's lock for each event would cost more than the event (performance 10, P3). The run is bounded, and
//! it never reaches an event that a publisher waits for.

use std::collections::VecDeque;

use crate::{Batch, Event, Received, Seq, log::Limits, run::Run, sync::Shared};

/// At this many events the lock no longer shows in the cost of one, and the bytes are little enough to lie with a stalled
/// reader.
pub(crate) const LIMITS: Limits = Limits {
    events: 64,
    bytes: 16 * 1024,
};

/// What is left of the run.
pub(crate) struct Ahead<E: Event> {
    events: VecDeque<(Seq, Shared<E>)>,
    /// The number of the event that was handed out last.
    cursor: Seq,
}

impl<E: Event> Ahead<E> {
    /// Takes what follows the event `handed_out`; returns the number of the last one, if there is any.
    pub(crate) fn refill(
        &mut self,
        handed_out: Seq,
        events: impl Iterator<Item = (Seq, Shared<E>)>,
    ) -> Option<Seq> {
        self.events.extend(events);
        self.cursor = handed_out;
        self.events.back().map(|(seq, _)| *seq)
    }

    /// Hands out the next event.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Received<E>> {
        let (seq, event) = self.events.pop_front()?;
        self.cursor = seq;
        Some(Received::Event { seq, event })
    }

    /// Hands out all events that are left, as a batch that is shared with nobody.
    #[inline]
    pub(crate) fn take_batch(&mut self) -> Option<Batch<E>> {
        if self.events.is_empty() {
            None
        } else {
            Some(self.take_rest())
        }
    }

    #[cold]
    fn take_rest(&mut self) -> Batch<E> {
        let events: Box<[_]> = self.events.drain(..).collect();
        let weight = events.iter().map(|(_, event)| event.weight()).sum();
        Batch::new(self.cursor, Run::many(events, weight))
    }

    /// Returns the number of the event that was handed out last, while there are more to hand out.
    pub(crate) fn cursor(&self) -> Option<Seq> {
        (!self.events.is_empty()).then_some(self.cursor)
    }
}

impl<E: Event> Default for Ahead<E> {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            cursor: Seq::ZERO,
        }
    }
}
