//! How a test looks at the present moment, and how it lets paused time pass.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::time::Duration;

/// Polls a future once: to see that it waits, without waiting.
pub(crate) fn poll_once<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
}

/// Lets paused time pass. Unlike `advance` it lets everything run first that is ready, and then each timer at its time:
/// a deadline that is about to be armed counts from now and not from later.
pub(crate) async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Waits for what must not be waited for in vain: a test that would hang panics instead.
pub(crate) async fn soon<T>(coming: impl Future<Output = T>) -> T {
    let came = tokio::time::timeout(Duration::from_secs(600), coming).await;
    came.expect("it comes within ten minutes")
}
