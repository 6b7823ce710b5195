//! Owns what comes next on a stream, and when: the gap it begins with, then the log, at the pace of this reader.
//!
//! It must never know how anything is framed.

use std::task::{Context, Poll, ready};

use runwright_backend::{Attachment, Batch, ReceivedBatch, TryRecvError, WorkspaceEvent};
use runwright_proto::Gap;

use super::{
    clock::{Alarm, Clock},
    pace::ticks_after,
};

/// Reads a workspace's log for one stream. Dropping it detaches the stream.
#[derive(Debug)]
pub(super) struct Reader {
    attachment: Attachment,
    /// Set while a message that is still being written was just sent.
    pause: Alarm,
}

/// What comes next on a stream.
#[derive(Debug)]
pub(super) enum Next {
    /// Events, shared with all readers that are as far as this one.
    Batch(Batch<WorkspaceEvent>),
    /// A part of the story is lost.
    Gap(Gap),
}

impl Reader {
    pub(super) fn new(attachment: Attachment, pace: &Clock) -> Self {
        Self {
            attachment,
            pause: pace.alarm(),
        }
    }

    /// Polls for what comes next; nothing when the log is closed and everything was read.
    ///
    /// After a snapshot of a message that is still being written nothing comes before its tick, except what is urgent:
    /// that wakes the reader at once and brings everything before it along.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        if let Some(gap) = self.attachment.take_gap() {
            return Poll::Ready(Some(Next::Gap(gap)));
        }
        if self.pause.poll(cx).is_pending() {
            ready!(self.attachment.subscription().poll_ready_urgent(cx));
            self.pause.unset();
        }
        let received = ready!(self.attachment.subscription().poll_recv_batch(cx));
        Poll::Ready(received.map(|received| self.next(received)))
    }

    /// Returns what is there, without waiting and without a pace.
    ///
    /// # Errors
    ///
    /// [`TryRecvError`].
    pub(super) fn try_next(&mut self) -> Result<Next, TryRecvError> {
        if let Some(gap) = self.attachment.take_gap() {
            return Ok(Next::Gap(gap));
        }
        let received = self.attachment.subscription().try_recv_batch()?;
        Ok(self.next(received))
    }

    fn next(&mut self, received: ReceivedBatch<WorkspaceEvent>) -> Next {
        match received {
            ReceivedBatch::Batch(batch) => {
                if let Some(ticks) = ticks_after(&batch) {
                    self.pause.set_to_next_multiple(ticks);
                }
                Next::Batch(batch)
            }
            ReceivedBatch::Lagged(lagged) => Next::Gap(self.attachment.gap(lagged)),
        }
    }
}
