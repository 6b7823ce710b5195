//! Owns what comes next on a stream, and when: at once, or at the pace of this reader.
//!
//! It must never know how anything is framed.

use std::task::{Context, Poll, ready};

use runwright_backend::{Attachment, Next, ReadFailed};

use super::{
    clock::{Alarm, Clock},
    pace::ticks,
};

/// Reads a workspace's log for one stream. Dropping it detaches the stream.
#[derive(Debug)]
pub(super) struct Reader {
    attachment: Attachment,
    /// Set while a message that is still being written was just sent.
    pause: Alarm,
}

impl Reader {
    pub(super) fn new(attachment: Attachment, pace: &Clock) -> Self {
        Self {
            attachment,
            pause: pace.alarm(),
        }
    }

    /// Polls for what comes next; nothing when the log is closed and everything was read, or when the stream is cut.
    ///
    /// After something of a message that is still being written nothing comes before its tick, except what is urgent:
    /// that wakes the reader at once and brings everything before it along.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Next>> {
        if self.pause.poll(cx).is_pending() {
            ready!(self.attachment.poll_ready_urgent(cx));
            self.pause.unset();
        }
        self.attachment.poll_next(cx)
    }

    /// Polls for what comes next of what was published until now, without a pace; nothing when all of it was told.
    ///
    /// # Errors
    ///
    /// [`ReadFailed`], when the stream is cut.
    pub(super) fn poll_published(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Next>, ReadFailed>> {
        self.attachment.poll_published(cx)
    }

    /// Waits for a tick before what comes next, if what was just sent holds `streamed` bytes of whole messages that are
    /// still being written; not at all if nothing in it is.
    pub(super) fn pause_after(&mut self, streamed: Option<usize>) {
        if let Some(bytes) = streamed {
            self.pause.set_to_next_multiple(ticks(bytes));
        }
    }
}
