//! What a step under the lock leaves to be done after it: wakers to wake, events and batches to drop.
//!
//! Both can run code of somebody else, which must never run while the topic is locked.

use std::task::Waker;

use crate::{Batch, Event, log::Removed, parking::Parked};

/// What is left to do after a publish or a shutdown.
///
/// The caller makes it and the step fills it in: nearly all of it is empty nearly always, and not worth moving around.
#[must_use]
pub(crate) struct Published<E: Event> {
    /// Readers that wait for any event.
    pub(crate) any: Vec<Parked>,
    /// Readers that wait for an urgent one.
    pub(crate) urgent: Vec<Parked>,
    /// Readers that wait for an urgent one and lost another.
    pub(crate) lagging: Vec<Waker>,
    pub(crate) removed: Removed<E>,
    /// The shared batch, which ends before the new event.
    pub(crate) stale: Option<Batch<E>>,
}

impl<E: Event> Published<E> {
    /// Wakes the readers, each once, and drops what left the log.
    pub(crate) fn finish(self) {
        self.any.into_iter().for_each(Parked::wake);
        self.urgent.into_iter().for_each(Parked::wake);
        self.lagging.into_iter().for_each(Waker::wake);
        drop((self.removed, self.stale));
    }
}

impl<E: Event> Default for Published<E> {
    fn default() -> Self {
        Self {
            any: Vec::new(),
            urgent: Vec::new(),
            lagging: Vec::new(),
            removed: Removed::default(),
            stale: None,
        }
    }
}

/// What is left to do after a reader moved or left: hardly ever anything.
#[must_use]
pub(crate) struct Settled<E: Event>(Option<Box<Rest<E>>>);

/// Boxed, because the common way of a delivery should not move it around.
struct Rest<E: Event> {
    /// Must-deliver publishers whose wait is over.
    over: Vec<Waker>,
    /// The reader's own waker, if it was parked.
    unparked: Option<Waker>,
    stale: Option<Batch<E>>,
}

impl<E: Event> Settled<E> {
    #[inline]
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    pub(crate) fn new(over: Vec<Waker>, unparked: Option<Waker>, stale: Option<Batch<E>>) -> Self {
        let is_nothing = over.is_empty() && unparked.is_none() && stale.is_none();
        Self((!is_nothing).then(|| {
            Box::new(Rest {
                over,
                unparked,
                stale,
            })
        }))
    }

    /// Wakes the publishers whose wait is over, and drops the rest.
    #[inline]
    pub(crate) fn finish(self) {
        if let Some(rest) = self.0 {
            rest.finish();
        }
    }
}

impl<E: Event> Rest<E> {
    #[cold]
    fn finish(self) {
        self.over.into_iter().for_each(Waker::wake);
        drop((self.unparked, self.stale));
    }
}
