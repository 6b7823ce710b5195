//! How a test looks at the present moment, and how it lets paused time pass.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use runwright_backend::{Attachment, Next, WorkspaceEvent};
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

/// What a stream tells of what was published until now; all of it is there, so nothing waits for the disk.
pub(crate) fn published(stream: &mut Attachment) -> Vec<Next> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut told = Vec::new();
    while let Poll::Ready(next) = stream.poll_published(&mut cx) {
        match next.expect("it can be read") {
            Some(next) => told.push(next),
            None => return told,
        }
    }
    panic!("the stream waits for the disk")
}

/// The events that a stream tells from memory, with their numbers; it tells nothing else.
pub(crate) fn events(stream: &mut Attachment) -> Vec<(u64, WorkspaceEvent)> {
    let mut events = Vec::new();
    for next in published(stream) {
        let Next::Batch(batch) = next else {
            panic!("not from memory: {next:?}")
        };
        let batch = batch.iter();
        events.extend(batch.map(|(seq, event)| (seq.get(), WorkspaceEvent::clone(event))));
    }
    events
}
