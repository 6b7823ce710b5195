//! What a caller holds of a change that it asked for.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::{StoreError, StoreErrorKind};

/// Completes when the change is on disk, or when it is certain that it is not. Dropping it undoes nothing.
#[must_use = "a change may fail"]
pub(crate) struct Answer<T>(State<T>);

enum State<T> {
    Waiting {
        reply: oneshot::Receiver<Result<T, StoreError>>,
        file: Arc<Path>,
    },
    Refused(Option<StoreError>),
}

impl<T> Answer<T> {
    pub(super) fn waiting(
        reply: oneshot::Receiver<Result<T, StoreError>>,
        file: Arc<Path>,
    ) -> Self {
        Self(State::Waiting { reply, file })
    }

    pub(super) fn refused(error: StoreError) -> Self {
        Self(State::Refused(Some(error)))
    }

    /// Waits on this thread.
    pub(super) fn wait(self) -> Result<T, StoreError> {
        match self.0 {
            State::Waiting { reply, file } => {
                let answered = reply.blocking_recv();
                answered.unwrap_or_else(|_| Err(closed(&file)))
            }
            State::Refused(error) => Err(error.expect("invariant: nobody polled it")),
        }
    }
}

impl<T> Future for Answer<T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Waiting { reply, file } => Pin::new(reply)
                .poll(context)
                .map(|answered| answered.unwrap_or_else(|_| Err(closed(file)))),
            State::Refused(error) => {
                let error = error.take();
                Poll::Ready(Err(
                    error.expect("invariant: a future is polled once when ready")
                ))
            }
        }
    }
}

/// The writer ended without an answer.
fn closed(file: &Arc<Path>) -> StoreError {
    StoreError::new(StoreErrorKind::Closed, file, None)
}
