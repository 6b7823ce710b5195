//! The future of a must-deliver publish. It must never publish: the event is in the log before the future exists.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use crate::{Event, MustDeliver, Seq, sync::Arc, topic::Core};

/// Waits until the present readers took an event, or until the deadline.
///
/// It is made by [`Topic::publish_must_deliver`](crate::Topic::publish_must_deliver), which has the rules.
///
/// # Cancel safety
///
/// The event is published already and stays so. Dropping the future ends the wait: no reader is marked lagged.
///
/// # Panics
///
/// If it is polled again after it completed.
///
/// # Examples
///
/// ```
/// # use runwright_pubsub::{Delivery, Event};
/// # struct Ended;
/// # impl Event for Ended {
/// #     type Key = ();
/// #     type Encoding = ();
/// #     fn delivery(&self) -> Delivery<()> { Delivery::Every }
/// #     fn weight(&self) -> usize { 1 }
/// # }
/// use std::future::pending;
///
/// use runwright_pubsub::{From, Topic, TopicOptions};
///
/// let topic = Topic::new(TopicOptions::default());
/// let mut reader = topic.subscribe(From::Now)?;
/// let wait = topic.publish_must_deliver(Ended, pending())?;
/// let seq = wait.seq();
/// drop(wait);
/// assert_eq!(topic.head(), seq);
/// assert!(reader.try_recv().is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the event is published, but nobody waits for its delivery"]
pub struct Confirmation<E: Event, D> {
    core: Arc<Core<E>>,
    seq: Seq,
    /// Boxed, so that it can be polled without `unsafe`; must-deliver events are rare.
    deadline: Pin<Box<D>>,
    is_over: bool,
}

impl<E: Event, D: Future<Output = ()>> Confirmation<E, D> {
    pub(crate) fn new(core: Arc<Core<E>>, seq: Seq, deadline: D) -> Self {
        Self {
            core,
            seq,
            deadline: Box::pin(deadline),
            is_over: false,
        }
    }
}

impl<E: Event, D> Confirmation<E, D> {
    /// Returns the number of the event.
    #[must_use]
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// Ends the wait if it is over, else leaves the waker for that moment.
    fn poll_readers(&mut self, cx: &mut Context<'_>) -> Poll<MustDeliver> {
        let mut state = self.core.lock();
        match state.poll_wait(self.seq, cx.waker()) {
            Ok(outcome) => {
                let waker = state.forget_wait(self.seq);
                drop(state);
                drop(waker);
                self.is_over = true;
                Poll::Ready(outcome)
            }
            Err(replaced) => {
                drop(state);
                drop(replaced);
                Poll::Pending
            }
        }
    }

    fn give_up(&mut self) -> MustDeliver {
        let mut state = self.core.lock();
        let (outcome, woken, own) = state.give_up(self.seq);
        drop(state);
        drop(own);
        for waker in woken {
            waker.wake();
        }
        self.is_over = true;
        if outcome.lagged > 0 {
            tracing::debug!(seq = %outcome.seq, outcome.delivered, outcome.lagged, "readers were behind at the deadline");
        }
        outcome
    }
}

impl<E: Event, D: Future<Output = ()>> Future for Confirmation<E, D> {
    type Output = MustDeliver;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<MustDeliver> {
        let this = self.get_mut();
        assert!(
            !this.is_over,
            "`Confirmation` was polled after it completed"
        );
        if let Poll::Ready(outcome) = this.poll_readers(cx) {
            return Poll::Ready(outcome);
        }
        // The readers come first: who took the event in time is not marked because the deadline passed as well.
        this.deadline.as_mut().poll(cx).map(|()| this.give_up())
    }
}

impl<E: Event, D> fmt::Debug for Confirmation<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmation")
            .field("seq", &self.seq)
            .field("is_over", &self.is_over)
            .finish_non_exhaustive()
    }
}

impl<E: Event, D> Drop for Confirmation<E, D> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let mut state = self.core.lock();
        let waker = state.forget_wait(self.seq);
        drop(state);
        drop(waker);
    }
}
