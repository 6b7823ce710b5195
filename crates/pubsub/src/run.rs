//! The events of one batch. It knows only that there is at least one.

use crate::{Seq, sync::Shared};

/// The events that one batch holds, at least one, and what they weigh.
pub(crate) struct Run<E> {
    events: Events<E>,
    weight: usize,
}

/// A run of one is the common one when readers keep up: it needs no place of its own.
enum Events<E> {
    One([(Seq, Shared<E>); 1]),
    Many(Box<[(Seq, Shared<E>)]>),
}

impl<E> Run<E> {
    pub(crate) fn one(seq: Seq, event: Shared<E>, weight: usize) -> Self {
        Self {
            events: Events::One([(seq, event)]),
            weight,
        }
    }

    pub(crate) fn many(events: Box<[(Seq, Shared<E>)]>, weight: usize) -> Self {
        debug_assert!(!events.is_empty(), "a run holds at least one event");
        Self {
            events: Events::Many(events),
            weight,
        }
    }

    #[inline]
    pub(crate) fn events(&self) -> &[(Seq, Shared<E>)] {
        match &self.events {
            Events::One(events) => events,
            Events::Many(events) => events,
        }
    }

    pub(crate) fn weight(&self) -> usize {
        self.weight
    }
}
