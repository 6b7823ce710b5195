//! Why an operation on a topic was refused: one type per operation.

use crate::Seq;

/// Says that the topic was shut down: it takes no more events.
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
/// use runwright_pubsub::{Closed, Topic, TopicOptions};
///
/// let topic = Topic::new(TopicOptions::default());
/// topic.shutdown();
/// assert_eq!(topic.publish(Tick), Err(Closed));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("topic is closed")]
pub struct Closed;

/// Says why an event was not published under a number chosen by the caller.
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
/// use runwright_pubsub::{PublishAtError, Seq, Topic, TopicOptions};
///
/// let topic = Topic::new(TopicOptions::default());
/// topic.publish_at(Seq::new(10), Tick)?;
/// let refused = topic.publish_at(Seq::new(10), Tick);
/// assert_eq!(refused, Err(PublishAtError::NotAhead { seq: Seq::new(10), head: Seq::new(10) }));
/// # Ok::<(), PublishAtError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PublishAtError {
    /// The topic was shut down.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The number is not above the last one, so readers could not see it in order.
    #[error("sequence number `{seq}` is not above the last one, `{head}`")]
    NotAhead {
        /// The number that was asked for.
        seq: Seq,
        /// The last number of the topic.
        head: Seq,
    },
}

/// Says why nobody was subscribed.
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
/// use runwright_pubsub::{From, Seq, SubscribeError, Topic, TopicOptions};
///
/// let topic = Topic::<Tick>::new(TopicOptions::default());
/// let refused = topic.subscribe(From::After(Seq::new(9))).unwrap_err();
/// assert_eq!(refused, SubscribeError::CursorAhead { cursor: Seq::new(9), head: Seq::ZERO });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The topic was shut down.
    #[error(transparent)]
    Closed(#[from] Closed),
    /// The cursor names an event that the topic has not published: it belongs to another topic or another life.
    #[error("cursor `{cursor}` is ahead of the last event, `{head}`")]
    CursorAhead {
        /// The cursor that was given.
        cursor: Seq,
        /// The last number of the topic.
        head: Seq,
    },
}

/// Says why [`Subscription::try_recv`](crate::Subscription::try_recv) has nothing to return.
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
/// use runwright_pubsub::{From, Topic, TopicOptions, TryRecvError};
///
/// let topic = Topic::<Tick>::new(TopicOptions::default());
/// let mut subscription = topic.subscribe(From::Now).unwrap();
/// assert_eq!(subscription.try_recv_batch().unwrap_err(), TryRecvError::Empty);
/// topic.shutdown();
/// assert_eq!(subscription.try_recv_batch().unwrap_err(), TryRecvError::Closed);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TryRecvError {
    /// Everything published so far was received; more may come.
    #[error("no event after the cursor")]
    Empty,
    /// Everything published was received and the topic is closed: nothing will come.
    #[error("topic is closed")]
    Closed,
}
