//! The body of an answer on its way to the library: whole frames that somebody has looked at, and no more than the
//! limits allow. It must never fail: it ends, and the course of the request says why.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};

use super::course::Course;
use super::failure;
use super::framing::{Framer, TooLong};
use super::upstream::Upstream;
use super::watch::Look;
use crate::provider::ProviderError;

/// A body that passes an answer on.
///
/// It ends in good order even when the provider does not: what came before is then delivered first, which a broken
/// connection would not promise.
pub(super) struct Flow {
    upstream: Arc<Upstream>,
    course: Course,
    /// What is still to come; `None` when it is over.
    source: Option<reqwest::Body>,
    framer: Framer,
    /// How many bytes have come.
    wire_bytes: u64,
}

impl Flow {
    pub(super) fn new(
        upstream: Arc<Upstream>,
        course: Course,
        source: Option<reqwest::Body>,
    ) -> Self {
        let framing = course.watching(|watch| watch.framing());
        Self {
            framer: Framer::new(framing, upstream.limits.frame_bytes),
            upstream,
            course,
            source,
            wire_bytes: 0,
        }
    }

    /// Takes bytes, and gives back the frames that are complete and good. After a failure they are the last ones.
    fn take(&mut self, bytes: &[u8]) -> Bytes {
        let mut good = BytesMut::new();
        if let Err(error) = self.sift(bytes, &mut good) {
            self.course.fail(error);
            self.source = None;
        }
        good.freeze()
    }

    fn sift(&mut self, bytes: &[u8], good: &mut BytesMut) -> Result<(), ProviderError> {
        let limits = self.upstream.limits;
        self.wire_bytes = self.wire_bytes.saturating_add(bytes.len() as u64);
        if self.wire_bytes > limits.wire_bytes {
            return Err(failure::too_much("an answer", limits.wire_bytes));
        }
        self.framer.push(bytes);
        loop {
            let frame = match self.framer.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return Ok(()),
                Err(TooLong) => {
                    return Err(failure::too_much("a frame", limits.frame_bytes as u64));
                }
            };
            match self.course.watching(|watch| watch.look(&frame))? {
                Look::Pass => good.extend_from_slice(&frame),
                Look::Skip => {}
                Look::Mended(frame) => good.extend_from_slice(&frame),
            }
        }
    }

    /// Gives back what is left at the end, if it is a whole frame.
    fn rest(&mut self) -> Bytes {
        self.source = None;
        let rest = self.framer.rest();
        match self.course.watching(|watch| watch.look_at_rest(&rest)) {
            Ok(Look::Pass) => rest,
            Ok(Look::Mended(frame)) => frame,
            Ok(Look::Skip) => Bytes::new(),
            Err(error) => {
                self.course.fail(error);
                Bytes::new()
            }
        }
    }
}

impl Body for Flow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            let Some(source) = &mut self.source else {
                return Poll::Ready(None);
            };
            let good = match ready!(Pin::new(source).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => self.take(&bytes),
                    // Trailers say nothing that anybody reads.
                    Err(_) => continue,
                },
                Some(Err(error)) => {
                    let broken = self.upstream.broken(&error);
                    self.course.fail(broken);
                    self.source = None;
                    return Poll::Ready(None);
                }
                None => self.rest(),
            };
            if !good.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(good))));
            }
        }
    }
}
