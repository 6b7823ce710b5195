//! A run of events that readers share. It is immutable, and knows neither the log it came from nor its readers.

use std::fmt;

use crate::{Event, Seq, run::Run, sync::Shared};

/// Holds a run of events, in order, never empty, shared by all readers that got it.
///
/// Readers in lockstep get the very same batch, so what its [`encoding`](Self::encoding) holds is made once for all of
/// them. A clone is one more reference to it.
///
/// # Examples
///
/// ```
/// use std::sync::OnceLock;
///
/// use runwright_pubsub::{Batch, Delivery, Event, From, ReceivedBatch, Seq, Topic, TopicOptions};
///
/// struct Line(&'static str);
///
/// impl Event for Line {
///     type Key = ();
///     type Encoding = OnceLock<String>;
///
///     fn delivery(&self) -> Delivery<()> {
///         Delivery::Every
///     }
///
///     fn weight(&self) -> usize {
///         self.0.len()
///     }
/// }
///
/// fn framed(batch: &Batch<Line>) -> &str {
///     batch.encoding().get_or_init(|| batch.iter().map(|(seq, line)| format!("{seq}: {}\n", line.0)).collect())
/// }
///
/// let topic = Topic::new(TopicOptions::default());
/// let mut first = topic.subscribe(From::Now)?;
/// let mut second = topic.subscribe(From::Now)?;
/// topic.publish(Line("hello"))?;
/// topic.publish(Line("world"))?;
///
/// let Ok(ReceivedBatch::Batch(one)) = first.try_recv_batch() else { panic!("two events wait") };
/// let Ok(ReceivedBatch::Batch(other)) = second.try_recv_batch() else { panic!("two events wait") };
/// assert!(one.is_same(&other));
/// assert_eq!(framed(&one), "1: hello\n2: world\n");
/// assert_eq!((one.first(), one.last(), one.len()), (Seq::new(1), Seq::new(2), 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Batch<E: Event> {
    shared: Shared<Contents<E>>,
}

struct Contents<E: Event> {
    /// The cursor whose reader gets this batch.
    after: Seq,
    run: Run<E>,
    encoding: E::Encoding,
}

impl<E: Event> Batch<E> {
    pub(crate) fn new(after: Seq, run: Run<E>) -> Self {
        Self {
            shared: Shared::new(Contents {
                after,
                run,
                encoding: E::Encoding::default(),
            }),
        }
    }

    /// Returns the cursor of the reader that took the batch, before it took it: the events are what came after it, and a
    /// reader that shares the batch had come as far. An encoding may tell only what is new since then.
    #[must_use]
    pub fn after(&self) -> Seq {
        self.shared.after
    }

    /// Returns the number of the first event.
    #[must_use]
    pub fn first(&self) -> Seq {
        self.events()
            .first()
            .map_or(self.shared.after, |(seq, _)| *seq)
    }

    /// Returns the number of the last event; it is the cursor of the reader that took the batch.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.events()
            .last()
            .map_or(self.shared.after, |(seq, _)| *seq)
    }

    /// Returns how many events there are; superseded ones between the first and the last are left out.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a batch is never empty")]
    pub fn len(&self) -> usize {
        self.events().len()
    }

    /// Returns what the events weigh together, in bytes.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.shared.run.weight()
    }

    /// Iterates over the events with their numbers, in order.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Seq, &Shared<E>)> + ExactSizeIterator {
        self.events().iter().map(|(seq, event)| (*seq, event))
    }

    /// Returns the place for what the first reader makes of the batch for all of them.
    #[must_use]
    pub fn encoding(&self) -> &E::Encoding {
        &self.shared.encoding
    }

    /// Tells whether both are the same batch in memory, encoding included.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Shared::ptr_eq(&self.shared, &other.shared)
    }

    fn events(&self) -> &[(Seq, Shared<E>)] {
        self.shared.run.events()
    }
}

impl<E: Event> Clone for Batch<E> {
    fn clone(&self) -> Self {
        Self {
            shared: Shared::clone(&self.shared),
        }
    }
}

impl<E: Event> fmt::Debug for Batch<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("first", &self.first())
            .field("last", &self.last())
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
