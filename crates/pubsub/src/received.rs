//! What a reader is given. It decides nothing.

use std::fmt;

use crate::{Batch, Event, Seq, sync::Shared};

/// Tells a reader that it lost events: retention, or a must-deliver deadline, went past its cursor.
///
/// The reader goes on after `to`; events between the two that are of no use to it (superseded ones, numbers that were
/// never used) are part of the range too.
///
/// # Examples
///
/// ```
/// # use runwright_pubsub::{Delivery, Event};
/// # #[derive(Debug, PartialEq)]
/// # struct Tick;
/// # impl Event for Tick {
/// #     type Key = ();
/// #     type Encoding = ();
/// #     fn delivery(&self) -> Delivery<()> { Delivery::Every }
/// #     fn weight(&self) -> usize { 1 }
/// # }
/// use runwright_pubsub::{From, Lagged, Received, Seq, Topic, TopicOptions};
///
/// let topic = Topic::new(TopicOptions { max_events: 1, ..TopicOptions::default() });
/// let mut slow = topic.subscribe(From::Now)?;
/// for _ in 0..3 {
///     topic.publish(Tick)?;
/// }
/// assert_eq!(slow.try_recv()?, Received::Lagged(Lagged { from: Seq::new(1), to: Seq::new(2) }));
/// assert_eq!(slow.try_recv()?, Received::Event { seq: Seq::new(3), event: Tick.into() });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lagged {
    /// The first number that the reader did not get.
    pub from: Seq,
    /// The last number that it did not get.
    pub to: Seq,
}

/// Is what [`Subscription::recv`](crate::Subscription::recv) returns: one event, or word of a loss.
///
/// # Examples
///
/// See [`Lagged`] and [`Subscription`](crate::Subscription).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received<E> {
    /// The next event.
    Event {
        /// Its number, which is the reader's cursor now.
        seq: Seq,
        /// The event, shared with the log and with other readers.
        event: Shared<E>,
    },
    /// Events are lost to this reader.
    Lagged(Lagged),
}

/// Is what [`Subscription::recv_batch`](crate::Subscription::recv_batch) returns: all that waits, or word of a loss.
///
/// # Examples
///
/// See [`Batch`] and [`Subscription`](crate::Subscription).
pub enum ReceivedBatch<E: Event> {
    /// The events after the cursor, as many as a batch may hold.
    Batch(Batch<E>),
    /// Events are lost to this reader.
    Lagged(Lagged),
}

impl<E> From<Lagged> for Received<E> {
    fn from(lagged: Lagged) -> Self {
        Self::Lagged(lagged)
    }
}

impl<E: Event> From<Lagged> for ReceivedBatch<E> {
    fn from(lagged: Lagged) -> Self {
        Self::Lagged(lagged)
    }
}

impl<E: Event> Clone for ReceivedBatch<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Batch(batch) => Self::Batch(batch.clone()),
            Self::Lagged(lagged) => Self::Lagged(*lagged),
        }
    }
}

impl<E: Event> fmt::Debug for ReceivedBatch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch(batch) => batch.fmt(f),
            Self::Lagged(lagged) => lagged.fmt(f),
        }
    }
}
