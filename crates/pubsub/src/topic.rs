//! The topic: the locked shell around its state. Each method is one step under the lock, then what is left to do after it.
//!
//! It must never wake a reader, drop an event or run code of its user while it holds the lock.

use std::fmt;

use crate::{
    Closed, Confirmation, Event, PublishAtError, Seq, SubscribeError, Subscription, TopicOptions,
    TopicStats,
    deferred::Published,
    log::Fresh,
    state::State,
    sync::{Arc, Mutex, MutexGuard, lock},
};

#[cfg(all(test, not(any(runwright_loom, runwright_shuttle))))]
mod tests;

/// Publishes events to any number of readers through one shared, ordered, bounded log.
///
/// A clone is one more handle to the same topic. When the last handle is dropped the topic shuts down, so that no
/// reader waits for a publisher that no longer exists. An idle topic takes less than 1 KiB; its ring comes with the
/// first event.
///
/// # Ordering
///
/// An event gets its number, its place in the log and its visibility in one step, under one lock. Every reader sees the
/// events in the order of their numbers.
///
/// # Examples
///
/// ```
/// # use runwright_pubsub::{Delivery, Event};
/// # #[derive(Debug, PartialEq)]
/// # struct Line(&'static str);
/// # impl Event for Line {
/// #     type Key = ();
/// #     type Encoding = ();
/// #     fn delivery(&self) -> Delivery<()> { Delivery::Every }
/// #     fn weight(&self) -> usize { self.0.len() }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use runwright_pubsub::{From, Received, Topic, TopicOptions};
///
/// let topic = Topic::new(TopicOptions::default());
/// let mut reader = topic.subscribe(From::Now)?;
/// let seq = topic.publish(Line("hello"))?;
/// topic.shutdown();
///
/// assert_eq!(reader.recv().await, Some(Received::Event { seq, event: Line("hello").into() }));
/// assert_eq!(reader.recv().await, None);
/// # Ok(())
/// # }
/// ```
pub struct Topic<E: Event> {
    owner: Arc<Owner<E>>,
}

/// Says where in the log a subscription begins.
///
/// # Examples
///
/// ```
/// # use runwright_pubsub::{Delivery, Event};
/// # struct Tick;
/// # impl Event for Tick {
/// #     type Key = ();
/// #     type Encoding = ();
/// #     fn delivery(&self) -> Delivery<()> { Delivery::Every }
/// #     fn weight(&self) -> usize { 1 }
/// # }
/// use runwright_pubsub::{From, Seq, Topic, TopicOptions};
///
/// let topic = Topic::new(TopicOptions::default());
/// topic.publish(Tick)?;
/// topic.publish(Tick)?;
/// assert_eq!(topic.subscribe(From::Start)?.cursor(), Seq::ZERO);
/// assert_eq!(topic.subscribe(From::After(Seq::new(1)))?.cursor(), Seq::new(1));
/// assert_eq!(topic.subscribe(From::Now)?.cursor(), Seq::new(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With what is published after the subscription.
    Now,
    /// With the oldest event that is kept.
    Start,
    /// With what came after this cursor; if some of it is gone, with one [`Lagged`](crate::Lagged) first.
    After(Seq),
}

/// Shuts the topic down when the last handle goes; subscriptions hold the core alone.
struct Owner<E: Event> {
    core: Arc<Core<E>>,
}

/// What handles, subscriptions and waiting publishers share.
pub(crate) struct Core<E: Event> {
    state: Mutex<State<E>>,
}

impl<E: Event> Topic<E> {
    /// Makes a topic without events.
    #[must_use]
    pub fn new(options: TopicOptions) -> Self {
        let core = Arc::new(Core {
            state: Mutex::new(State::new(&options)),
        });
        Self {
            owner: Arc::new(Owner { core }),
        }
    }

    /// Publishes an event and returns its number.
    ///
    /// Never waits for a reader. Wakes the readers that are parked and want it, each once.
    ///
    /// # Errors
    ///
    /// [`Closed`] after [`shutdown`](Self::shutdown), or when no number is left; the event is dropped.
    pub fn publish(&self, event: E) -> Result<Seq, Closed> {
        let (fresh, mut published) = (Fresh::new(event), Published::default());
        let mut state = self.lock();
        let seq = state.next_seq().ok_or(Closed)?;
        state.publish(seq, fresh, &mut published);
        drop(state);
        published.finish();
        Ok(seq)
    }

    /// Publishes an event under a number that the caller chose, for example one that is on disk already.
    ///
    /// Numbers may jump; readers see the jump and take it for no loss.
    ///
    /// # Errors
    ///
    /// [`PublishAtError::NotAhead`] if the number is not above the last one, [`PublishAtError::Closed`] after
    /// [`shutdown`](Self::shutdown); the event is dropped.
    pub fn publish_at(&self, seq: Seq, event: E) -> Result<(), PublishAtError> {
        let (fresh, mut published) = (Fresh::new(event), Published::default());
        let mut state = self.lock();
        if state.is_closed() {
            return Err(Closed.into());
        }
        let head = state.head();
        if seq <= head {
            return Err(PublishAtError::NotAhead { seq, head });
        }
        state.publish(seq, fresh, &mut published);
        drop(state);
        published.finish();
        Ok(())
    }

    /// Publishes an event at once, whatever becomes of the returned future, which waits for the readers to take it.
    ///
    /// The future waits for all present readers together, until each has taken the event or is gone, or until
    /// `deadline` completes. Who is behind by then is marked lagged: the next thing it takes from the log
    /// is a [`Lagged`](crate::Lagged) up to this event, and no publisher waits for it again until it caught up. So one
    /// stalled reader costs one deadline, not one for each event.
    ///
    /// The event wakes readers as an urgent one, whatever [`Event::is_urgent`] says.
    ///
    /// # Errors
    ///
    /// [`Closed`] after [`shutdown`](Self::shutdown), or when no number is left; the event is dropped.
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
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use runwright_pubsub::{From, MustDeliver, Topic, TopicOptions};
    ///
    /// let topic = Topic::new(TopicOptions::default());
    /// let mut quick = topic.subscribe(From::Now)?;
    /// let stalled = topic.subscribe(From::Now)?;
    ///
    /// let deadline = async { /* for example `tokio::time::sleep(limit).await` */ };
    /// let wait = topic.publish_must_deliver(Ended, deadline)?;
    /// quick.recv().await;
    /// assert_eq!(wait.await, MustDeliver { seq: topic.head(), delivered: 1, lagged: 1 });
    /// # drop(stalled);
    /// # Ok(())
    /// # }
    /// ```
    pub fn publish_must_deliver<D>(
        &self,
        event: E,
        deadline: D,
    ) -> Result<Confirmation<E, D>, Closed>
    where
        D: Future<Output = ()>,
    {
        let (fresh, mut published) = (Fresh::new(event), Published::default());
        let mut state = self.lock();
        let seq = state.next_seq().ok_or(Closed)?;
        state.publish_awaited(seq, fresh, &mut published);
        drop(state);
        published.finish();
        Ok(Confirmation::new(
            Arc::clone(&self.owner.core),
            seq,
            deadline,
        ))
    }

    /// Returns the number of the newest event; before the first one, the number before it: 0, unless
    /// [`TopicOptions::first_seq`] says otherwise.
    #[must_use]
    pub fn head(&self) -> Seq {
        self.lock().head()
    }

    /// Returns the number of the oldest event that is kept.
    #[must_use]
    pub fn oldest(&self) -> Option<Seq> {
        self.lock().oldest()
    }

    /// Returns the figures of this topic.
    ///
    /// # Examples
    ///
    /// ```
    /// # use runwright_pubsub::{Delivery, Event};
    /// # struct Progress(u8);
    /// # impl Event for Progress {
    /// #     type Key = ();
    /// #     type Encoding = ();
    /// #     fn delivery(&self) -> Delivery<()> { Delivery::Latest(()) }
    /// #     fn weight(&self) -> usize { 1 }
    /// # }
    /// use runwright_pubsub::{Topic, TopicOptions, TopicStats};
    ///
    /// let topic = Topic::new(TopicOptions::default());
    /// topic.publish(Progress(20))?;
    /// topic.publish(Progress(40))?;
    /// let expected =
    ///     TopicStats { published: 2, superseded: 1, retained_events: 1, retained_bytes: 1, ..TopicStats::default() };
    /// assert_eq!(topic.stats(), expected);
    /// # Ok::<(), runwright_pubsub::Closed>(())
    /// ```
    #[must_use]
    pub fn stats(&self) -> TopicStats {
        self.lock().stats()
    }

    /// Subscribes a reader; dropping it unsubscribes.
    ///
    /// What is published after this returned reaches the reader, or it is told of the loss.
    ///
    /// # Errors
    ///
    /// [`SubscribeError::CursorAhead`] if the cursor lies after the newest event, [`SubscribeError::Closed`] after
    /// [`shutdown`](Self::shutdown).
    pub fn subscribe(&self, from: From) -> Result<Subscription<E>, SubscribeError> {
        let mut state = self.lock();
        if state.is_closed() {
            return Err(Closed.into());
        }
        let head = state.head();
        let cursor = match from {
            From::Now => head,
            From::Start => state.start(),
            From::After(cursor) if cursor <= head => cursor,
            From::After(cursor) => return Err(SubscribeError::CursorAhead { cursor, head }),
        };
        let id = state.subscribe(cursor);
        drop(state);
        Ok(Subscription::new(Arc::clone(&self.owner.core), id))
    }

    /// Shuts the topic down: it takes no more events and no more readers. Each reader ends after what it has not
    /// received yet. The first call does it, further ones change nothing.
    pub fn shutdown(&self) {
        self.owner.core.shut_down();
    }

    /// Tells whether the topic was shut down.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.lock().is_closed()
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.owner.core.lock()
    }
}

impl<E: Event> Clone for Topic<E> {
    fn clone(&self) -> Self {
        Self {
            owner: Arc::clone(&self.owner),
        }
    }
}

impl<E: Event> fmt::Debug for Topic<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Topic")
            .field("head", &self.head())
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl<E: Event> Drop for Owner<E> {
    fn drop(&mut self) {
        self.core.shut_down();
    }
}

impl<E: Event> Core<E> {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<E>> {
        lock(&self.state)
    }

    fn shut_down(&self) {
        let mut published = Published::default();
        let mut state = self.lock();
        state.shut_down(&mut published);
        drop(state);
        published.finish();
    }
}
