//! The order in which the events of a workspace are published: who has the numbers, and who waits for them. It is
//! under one lock, with which the sink is called and nothing else. Must never know the disk.

use std::time::{Duration, Instant};

use runwright_agent::{EventSink, Pace, Publication};
use runwright_proto::{Message, MessageId, Seq};

use super::StreamOutcome;
use crate::engine::now;
use crate::live::{LiveChanges, LiveMessages};
use crate::sequence::Sequence;

/// How long what was streamed is left alone on disk, so that a busy server does not add each word by itself. With the
/// time that a lazy change may wait it stays within the 250 ms of text that a crash may cost.
const FLUSH_PAUSE: Duration = Duration::from_millis(50);

/// The order of the events of one workspace.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) sequence: Sequence,
    pub(super) live: LiveMessages,
    /// What is published as soon as there are numbers for it, in this order.
    held: Vec<Held>,
    is_flush_due: bool,
    flushed: Option<Instant>,
    /// Whether what was streamed could not be stored when it was tried last.
    is_failing: bool,
    is_reserving: bool,
    pub(super) is_closed: bool,
}

#[derive(Debug)]
enum Held {
    /// The newest state of a message.
    Message(MessageId),
    Told(Box<Publication>),
}

/// What is to be done on disk, when the lock is free.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wants {
    /// What was streamed is to be stored.
    pub(super) flush: bool,
    /// Numbers up to this one are to be reserved.
    pub(super) reserve: Option<Seq>,
}

impl Story {
    pub(super) fn new(next: Seq, reserved: Seq) -> Self {
        Self {
            sequence: Sequence::new(next, reserved),
            live: LiveMessages::default(),
            held: Vec::new(),
            is_flush_due: false,
            flushed: None,
            is_failing: false,
            is_reserving: false,
            is_closed: false,
        }
    }

    pub(super) fn tell(&mut self, publication: Publication, sink: &dyn EventSink) -> Wants {
        if self.is_closed {
            tracing::debug!("an event came after the workspace was closed");
            return Wants::default();
        }
        // What waits goes first.
        if self.held.is_empty()
            && let Some(seq) = self.sequence.take()
        {
            sink.publish_at(seq, publication);
        } else {
            self.held.push(Held::Told(Box::new(publication)));
        }
        self.wants()
    }

    pub(super) fn stream(
        &mut self,
        message: Message,
        pace: Pace,
        sink: &dyn EventSink,
    ) -> (StreamOutcome, Wants) {
        if self.is_closed {
            return (StreamOutcome::Closed, Wants::default());
        }
        let id = message.id.clone();
        if let Err(message) = self.live.stream(message, pace) {
            return (StreamOutcome::NotOpen(message), Wants::default());
        }
        if self.held.is_empty()
            && let Some(seq) = self.sequence.take()
        {
            if let Some(publication) = self.live.publish(&id, seq) {
                sink.publish_at(seq, publication);
            }
        } else if self.live.hold(&id) {
            self.held.push(Held::Message(id));
        }
        (StreamOutcome::Done, self.wants())
    }

    /// A batch is on disk, and what it published is published: what waited follows.
    pub(super) fn go_on(&mut self, sink: &dyn EventSink) -> Wants {
        let mut held = std::mem::take(&mut self.held).into_iter();
        if self.is_closed {
            return Wants::default();
        }
        while let Some(next) = held.next() {
            if let Held::Message(id) = &next
                && !self.live.is_unpublished(id)
            {
                self.live.release(id);
                continue;
            }
            let Some(seq) = self.sequence.take() else {
                self.held = std::iter::once(next).chain(held).collect();
                break;
            };
            let publication = match next {
                Held::Message(id) => self.live.publish(&id, seq),
                Held::Told(publication) => Some(*publication),
            };
            if let Some(publication) = publication {
                sink.publish_at(seq, publication);
            }
        }
        self.wants()
    }

    /// A batch that changed messages is on disk.
    pub(super) fn apply(&mut self, changes: LiveChanges) {
        self.live.apply(changes);
    }

    /// Says whether what was streamed is to be added to what is on disk now; what comes later is a matter of its own.
    pub(super) fn begin_flush(&mut self) -> bool {
        let now = now();
        if self
            .flushed
            .is_some_and(|flushed| now - flushed < FLUSH_PAUSE)
        {
            return false;
        }
        self.flushed = Some(now);
        self.is_flush_due = false;
        true
    }

    /// What was streamed could not be stored; says whether that is news. It is due again with the next text.
    pub(super) fn flush_failed(&mut self) -> bool {
        self.is_flush_due = false;
        !std::mem::replace(&mut self.is_failing, true)
    }

    /// What was streamed is on disk.
    pub(super) fn flush_ended(&mut self) {
        self.is_failing = false;
    }

    /// An attempt to reserve numbers is over, well or not.
    pub(super) fn reserving_ended(&mut self) {
        self.is_reserving = false;
    }

    /// What is to be done on disk, and is not under way.
    pub(super) fn wants(&mut self) -> Wants {
        if self.is_closed {
            return Wants::default();
        }
        let flush = !self.is_flush_due && self.live.is_behind();
        self.is_flush_due |= flush;
        let reserve = self
            .sequence
            .to_reserve(self.sequence.next())
            .filter(|_| !self.is_reserving);
        self.is_reserving |= reserve.is_some();
        Wants { flush, reserve }
    }
}

#[cfg(test)]
mod tests;
