//! Owns the body of a client's stream: one frame of the body for each wake, and nothing made for this reader alone.
//!
//! It must never know a socket: a reader that does not read is the connection's matter.

use std::{
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame};
use runwright_backend::{Attachment, Form, Next, Workspace};

use crate::limits::StreamSlot;

use super::{
    StreamClocks,
    frame::{Framer, unplaced_events},
    heartbeat::{BEAT, Heartbeat},
    reader::Reader,
};

/// The events of a workspace as the body of an answer. Dropping it detaches the client.
#[derive(Debug)]
pub(crate) struct EventBody {
    workspace: Arc<Workspace>,
    reader: Reader,
    framer: Framer,
    heartbeat: Heartbeat,
    _slot: StreamSlot,
}

impl EventBody {
    /// Makes the body of an attached stream.
    pub(crate) fn new(
        attachment: Attachment,
        form: Form,
        clocks: &StreamClocks,
        slot: StreamSlot,
    ) -> Self {
        let workspace = attachment.workspace().clone();
        Self {
            framer: Framer::new(workspace.log().epoch().clone(), form),
            workspace,
            reader: Reader::new(attachment, &clocks.pace),
            heartbeat: Heartbeat::new(&clocks.beat),
            _slot: slot,
        }
    }

    fn frame(&mut self, next: Next) -> Bytes {
        match next {
            Next::Batch(batch) => {
                let framed = self.framer.batch(self.workspace.log(), &batch);
                self.reader.pause_after(framed.streamed);
                framed.bytes
            }
            Next::Stored(page) => self.framer.page(&page),
            Next::Unplaced(events) => unplaced_events(&events),
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
        while let Poll::Ready(next) = self.reader.poll_next(cx) {
            let Some(next) = next else {
                return Poll::Ready(None);
            };
            let bytes = self.frame(next);
            // A snapshot to which nothing came has nothing to tell a reader of deltas.
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
        }
        ready!(self.heartbeat.poll(cx));
        Poll::Ready(Some(Ok(Frame::data(BEAT))))
    }
}
