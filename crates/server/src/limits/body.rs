//! Owns the limits of one request body: how large it may get and how slowly it may come.
//!
//! It must never know which route the body is for.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::BoxError;
use bytes::{Buf, Bytes};
use http::{HeaderValue, header};
use http_body::{Body, Frame, SizeHint};
use runwright_proto::ErrorCode;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::problem::ApiError;

/// A body that comes at least this fast may take as long as it is large.
pub const MIN_BYTES_PER_SECOND: u64 = 64 * 1024;

/// Tells why a body was not taken.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the limit.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// It came too slowly.
    #[error("the body came too slowly")]
    TooSlow,
    /// The connection broke, or the chunks made no sense.
    #[error("the body broke off")]
    Broken(#[source] BoxError),
}

impl From<BodyError> for ApiError {
    /// The connection is closed after each of these: the rest of the body would be in the way of the next request.
    fn from(error: BodyError) -> Self {
        let code = match &error {
            BodyError::TooLarge { .. } => ErrorCode::BodyTooLarge,
            BodyError::TooSlow => ErrorCode::RequestTimeout,
            BodyError::Broken(_) => ErrorCode::BadRequest,
        };
        Self::new(code, error.to_string())
            .with_header(header::CONNECTION, HeaderValue::from_static("close"))
    }
}

/// A request body that ends in an error when it gets too large or falls behind its pace.
///
/// The deadline is the first wait plus `timeout` plus one second for each [`MIN_BYTES_PER_SECOND`] that arrived: a trickle
/// gains nothing, a large body over a slow link gets its time, and the whole is bounded by the size limit.
#[derive(Debug)]
pub struct LimitedBody<B> {
    inner: B,
    seen: u64,
    limit: u64,
    timeout: Duration,
    /// Set at the first wait: most bodies arrive with their headers.
    alarm: Option<Alarm>,
}

#[derive(Debug)]
struct Alarm {
    started: Instant,
    sleep: Pin<Box<Sleep>>,
}

impl Alarm {
    fn new(time: Duration) -> Self {
        let started = Instant::now();
        Self {
            started,
            sleep: Box::pin(sleep_until(started + time)),
        }
    }
}

impl<B> LimitedBody<B> {
    /// Wraps a body whose time starts when it is first waited for.
    pub fn new(inner: B, limit: u64, timeout: Duration) -> Self {
        Self {
            inner,
            seen: 0,
            limit,
            timeout,
            alarm: None,
        }
    }

    /// Polls the deadline, which moves with what has arrived.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let time = self.timeout + allowance(self.seen);
        let alarm = self.alarm.get_or_insert_with(|| Alarm::new(time));
        let deadline = alarm.started + time;
        if alarm.sleep.deadline() != deadline {
            alarm.sleep.as_mut().reset(deadline);
        }
        alarm.sleep.as_mut().poll(cx)
    }

    fn count(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, BodyError> {
        let len = frame.data_ref().map_or(0, Buf::remaining);
        self.seen = self
            .seen
            .saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
        if self.seen > self.limit {
            Err(BodyError::TooLarge { limit: self.limit })
        } else {
            Ok(frame)
        }
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(self.count(frame))),
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(BodyError::Broken(error.into()))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.poll_late(cx));
                Poll::Ready(Some(Err(BodyError::TooSlow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn allowance(seen: u64) -> Duration {
    let (seconds, rest) = (seen / MIN_BYTES_PER_SECOND, seen % MIN_BYTES_PER_SECOND);
    Duration::from_secs(seconds) + Duration::from_nanos(rest * 1_000_000_000 / MIN_BYTES_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::{BodyExt, Channel, channel::Sender};

    use super::*;

    fn body(
        limit: u64,
    ) -> (
        Sender<Bytes, Infallible>,
        LimitedBody<Channel<Bytes, Infallible>>,
    ) {
        let (sender, channel) = Channel::new(64);
        (
            sender,
            LimitedBody::new(channel, limit, Duration::from_secs(30)),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_the_limit_passes_and_one_byte_more_does_not() {
        for (len, passes) in [(8, true), (9, false)] {
            let (mut sender, body) = body(8);
            sender
                .send_data(Bytes::from(vec![0; len]))
                .await
                .expect("room");
            drop(sender);
            let result = body.collect().await;
            assert_eq!(result.is_ok(), passes, "{len}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_cut_at_the_timeout() {
        let started = Instant::now();
        let (mut sender, body) = body(1 << 20);
        let trickle = async {
            while sender.send_data(Bytes::from_static(b"x")).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let cut = async { (body.collect().await, started.elapsed().as_secs()) };
        let ((result, seconds), ()) = tokio::join!(cut, trickle);
        assert!(matches!(result, Err(BodyError::TooSlow)));
        assert_eq!(seconds, 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_the_pace_gets_its_time() {
        let (mut sender, body) = body(64 << 20);
        let steady = async {
            for _ in 0..100 {
                sender
                    .send_data(Bytes::from(vec![0; 64 << 10]))
                    .await
                    .expect("room");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            drop(sender);
        };
        let (result, ()) = tokio::join!(body.collect(), steady);
        assert_eq!(result.expect("in time").to_bytes().len(), 100 * (64 << 10));
    }
}
