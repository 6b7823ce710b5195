//! What a caller holds of a change that it asked for.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

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

    /// Waits on this thread, whatever runs on it: a store is opened before there is anything else to do.
    pub(super) fn wait(mut self) -> Result<T, StoreError> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            match Pin::new(&mut self).poll(&mut context) {
                Poll::Ready(answer) => return answer,
                Poll::Pending => thread::park(),
            }
        }
    }
}

/// Goes on with a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
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
