//! Owns the body of a client's stream: one frame of the body for each wake, and nothing made for this reader alone.
//!
//! It must never know a socket: a reader that does not read is the connection's matter.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use runwright_backend::Attachment;

use crate::limits::StreamSlot;

use super::{
    StreamClocks,
    frame::Framer,
    heartbeat::{BEAT, Heartbeat},
    reader::{Next, Reader},
};

/// The events of a workspace as the body of an answer. Dropping it detaches the client.
#[derive(Debug)]
pub(crate) struct EventBody {
    reader: Reader,
    framer: Framer,
    heartbeat: Heartbeat,
    _slot: StreamSlot,
}

impl EventBody {
    /// Makes the body of an attached stream; `numbered` adds `id:` lines.
    pub(crate) fn new(
        attachment: Attachment,
        numbered: bool,
        clocks: &StreamClocks,
        slot: StreamSlot,
    ) -> Self {
        let epoch = attachment.workspace().log().epoch().clone();
        Self {
            reader: Reader::new(attachment, &clocks.pace),
            framer: Framer::new(epoch, numbered),
            heartbeat: Heartbeat::new(&clocks.beat),
            _slot: slot,
        }
    }

    fn frame(&self, next: Next) -> Bytes {
        match next {
            Next::Batch(batch) => self.framer.batch(&batch),
            Next::Gap(gap) => self.framer.gap(gap),
        }
    }
}

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Poll::Ready(next) = self.reader.poll_next(cx) {
            return Poll::Ready(next.map(|next| Ok(Frame::data(self.frame(next)))));
        }
        ready!(self.heartbeat.poll(cx));
        Poll::Ready(Some(Ok(Frame::data(BEAT))))
    }
}
