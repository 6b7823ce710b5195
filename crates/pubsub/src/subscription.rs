//! A reader of a topic: its futures, and its end.
//!
//! The cursor lives in the topic; all a subscription may hold is the short run that `recv` hands out event by event.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{
    Event, Received, ReceivedBatch, Seq, TryRecvError,
    ahead::Ahead,
    parking::Interest,
    readers::ReaderId,
    state::{State, Taken},
    sync::Arc,
    topic::Core,
};

/// Reads a topic from a cursor on. Dropping it unsubscribes.
///
/// A reader that does nothing costs the topic its cursor and nothing else: nothing is queued for it and nobody waits for
/// it, except a must-deliver publisher, once.
///
/// [`recv_batch`](Self::recv_batch) takes all that waits, shared with the readers in lockstep. [`recv`](Self::recv) hands out
/// single events; when several wait it takes a short run of them at once (64 at most, and 16 KiB), which it holds until it has
/// handed them out: so much it may still deliver after retention, a newer event or a deadline went past them. As a [`Stream`]
/// a subscription yields what `recv` returns.
///
/// # Ordering
///
/// Numbers rise; they may jump, which is no loss. A loss is always told, by one `Lagged` at the place of the gap.
///
/// # Examples
///
/// A reader that is paced by a clock takes all that waits at each tick, and urgent events at once:
///
/// ```
/// # use runwright_pubsub::{Delivery, Event};
/// # struct Progress(u8);
/// # impl Event for Progress {
/// #     type Key = ();
/// #     type Encoding = ();
/// #     fn delivery(&self) -> Delivery<()> {
/// #         if self.0 == 100 { Delivery::Every } else { Delivery::Latest(()) }
/// #     }
/// #     fn weight(&self) -> usize { 1 }
/// # }
/// # async fn tick() {}
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::{future::poll_fn, pin::pin, task::Poll};
///
/// use runwright_pubsub::{From, ReceivedBatch, Topic, TopicOptions, TryRecvError};
///
/// let topic = Topic::new(TopicOptions::default());
/// let mut reader = topic.subscribe(From::Now)?;
/// for percent in [20, 40, 60, 80, 100] {
///     topic.publish(Progress(percent))?;
/// }
/// topic.shutdown();
///
/// let mut seen = Vec::new();
/// loop {
///     let mut tick = pin!(tick());
///     poll_fn(|cx| if tick.as_mut().poll(cx).is_ready() { Poll::Ready(()) } else { reader.poll_ready_urgent(cx) }).await;
///     match reader.try_recv_batch() {
///         Ok(ReceivedBatch::Batch(batch)) => seen.extend(batch.iter().map(|(_, progress)| progress.0)),
///         Ok(ReceivedBatch::Lagged(gap)) => panic!("lost {gap:?}"),
///         Err(TryRecvError::Empty) => {}
///         Err(TryRecvError::Closed) => break,
///     }
/// }
/// assert_eq!(seen, [80, 100]);
/// # Ok(())
/// # }
/// ```
pub struct Subscription<E: Event> {
    core: Arc<Core<E>>,
    id: ReaderId,
    ahead: Ahead<E>,
}

impl<E: Event> Subscription<E> {
    pub(crate) fn new(core: Arc<Core<E>>, id: ReaderId) -> Self {
        Self {
            core,
            id,
            ahead: Ahead::default(),
        }
    }

    /// Receives the next event, waiting for it if need be; `None` when the topic is closed and everything was received.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: an event is taken only when it is returned. The future leaves no waker behind.
    pub async fn recv(&mut self) -> Option<Received<E>> {
        if let Some(event) = self.ahead.next() {
            return Some(event);
        }
        let mut waiting = Waiting::new(self);
        poll_fn(|cx| waiting.poll(cx, Self::poll_recv)).await
    }

    /// Receives all events that wait, up to the size of a batch, waiting for one if need be; `None` when the topic is
    /// closed and everything was received.
    ///
    /// # Cancel safety
    ///
    /// As for [`recv`](Self::recv): dropping the future loses nothing and leaves nothing behind.
    pub async fn recv_batch(&mut self) -> Option<ReceivedBatch<E>> {
        let mut waiting = Waiting::new(self);
        poll_fn(|cx| waiting.poll(cx, Self::poll_recv_batch)).await
    }

    /// Waits until something lies after the cursor that must not wait: an urgent event, a loss, or the end.
    ///
    /// Nothing is taken. Events that are not urgent do not wake the task that waits here. An urgent *latest* event
    /// counts also when a newer one that is not urgent has replaced it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing and leaves no waker behind.
    pub async fn ready_urgent(&mut self) {
        let mut waiting = Waiting::new(self);
        poll_fn(|cx| waiting.poll(cx, Self::poll_ready_urgent)).await;
    }

    /// Polls for the next event; for hand-written futures, see [`recv`](Self::recv).
    ///
    /// While it is pending the reader stays parked, until it is woken, polled for something else, or dropped.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Received<E>>> {
        if let Some(event) = self.ahead.next() {
            return Poll::Ready(Some(event));
        }
        let ahead = &mut self.ahead;
        poll_take(&self.core, cx, self.id, |state, id| {
            state.take_event(id, ahead)
        })
    }

    /// Polls for the events that wait; for hand-written futures, see [`recv_batch`](Self::recv_batch).
    ///
    /// While it is pending the reader stays parked, until it is woken, polled for something else, or dropped.
    pub fn poll_recv_batch(&mut self, cx: &mut Context<'_>) -> Poll<Option<ReceivedBatch<E>>> {
        if let Some(batch) = self.ahead.take_batch() {
            return Poll::Ready(Some(ReceivedBatch::Batch(batch)));
        }
        poll_take(&self.core, cx, self.id, State::take_batch)
    }

    /// Polls for something that must not wait; for hand-written futures, see [`ready_urgent`](Self::ready_urgent).
    ///
    /// While it is pending the reader stays parked, until it is woken, polled for something else, or dropped.
    pub fn poll_ready_urgent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let handed_out = self.ahead.cursor();
        let mut state = self.core.lock();
        let is_pressing = state.is_pressing(self.id, handed_out);
        let replaced = if is_pressing {
            state.unpark(self.id)
        } else {
            state.park(self.id, Interest::Urgent, cx.waker())
        };
        drop(state);
        drop(replaced);
        if is_pressing {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Receives the next event if there is one, without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if none waits, [`TryRecvError::Closed`] if none will ever come.
    pub fn try_recv(&mut self) -> Result<Received<E>, TryRecvError> {
        if let Some(event) = self.ahead.next() {
            return Ok(event);
        }
        let ahead = &mut self.ahead;
        try_take(&self.core, self.id, |state, id| state.take_event(id, ahead))
    }

    /// Receives the events that wait, if there are any, without waiting.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if none waits, [`TryRecvError::Closed`] if none will ever come.
    pub fn try_recv_batch(&mut self) -> Result<ReceivedBatch<E>, TryRecvError> {
        if let Some(batch) = self.ahead.take_batch() {
            return Ok(ReceivedBatch::Batch(batch));
        }
        try_take(&self.core, self.id, State::take_batch)
    }

    /// Returns the number of the last event that was received, or told to be lost: where to resume.
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.ahead
            .cursor()
            .unwrap_or_else(|| self.core.lock().cursor(self.id))
    }

    #[cold]
    fn unpark(&self) {
        let mut state = self.core.lock();
        let waker = state.unpark(self.id);
        drop(state);
        drop(waker);
    }
}

impl<E: Event> Stream for Subscription<E> {
    type Item = Received<E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Received<E>>> {
        self.get_mut().poll_recv(cx)
    }
}

impl<E: Event> fmt::Debug for Subscription<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("cursor", &self.cursor())
            .finish_non_exhaustive()
    }
}

impl<E: Event> Drop for Subscription<E> {
    fn drop(&mut self) {
        let mut state = self.core.lock();
        let settled = state.unsubscribe(self.id);
        drop(state);
        settled.finish();
    }
}

/// Takes the waker of a subscription back when the future that left it there is dropped.
struct Waiting<'a, E: Event> {
    subscription: &'a mut Subscription<E>,
    is_pending: bool,
}

impl<'a, E: Event> Waiting<'a, E> {
    fn new(subscription: &'a mut Subscription<E>) -> Self {
        Self {
            subscription,
            is_pending: false,
        }
    }

    fn poll<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: fn(&mut Subscription<E>, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let polled = poll(self.subscription, cx);
        self.is_pending = polled.is_pending();
        polled
    }
}

impl<E: Event> Drop for Waiting<'_, E> {
    #[inline]
    fn drop(&mut self) {
        if self.is_pending {
            self.subscription.unpark();
        }
    }
}

#[inline]
fn poll_take<R, E: Event>(
    core: &Core<E>,
    cx: &mut Context<'_>,
    id: ReaderId,
    take: impl FnOnce(&mut State<E>, ReaderId) -> Taken<R, E>,
) -> Poll<Option<R>> {
    let mut state = core.lock();
    match take(&mut state, id) {
        Taken::Moved(received, settled) => {
            drop(state);
            settled.finish();
            Poll::Ready(Some(received))
        }
        Taken::Empty => {
            // Looking and parking are one critical section: what is published next finds the waker.
            let replaced = state.park(id, Interest::Any, cx.waker());
            drop(state);
            drop(replaced);
            Poll::Pending
        }
        Taken::End => Poll::Ready(None),
    }
}

fn try_take<R, E: Event>(
    core: &Core<E>,
    id: ReaderId,
    take: impl FnOnce(&mut State<E>, ReaderId) -> Taken<R, E>,
) -> Result<R, TryRecvError> {
    let mut state = core.lock();
    match take(&mut state, id) {
        Taken::Moved(received, settled) => {
            drop(state);
            settled.finish();
            Ok(received)
        }
        Taken::Empty => Err(TryRecvError::Empty),
        Taken::End => Err(TryRecvError::Closed),
    }
}
