//! What a topic asks of its events. It knows no event.

/// Says how an event is delivered to a reader that is slow, paced or resumed.
///
/// # Examples
///
/// ```
/// use runwright_pubsub::Delivery;
///
/// // A job that ended must be seen; of a progress report only the newest one matters.
/// let ended: Delivery<&str> = Delivery::Every;
/// let progress = Delivery::Latest("job 7");
/// assert_ne!(ended, progress);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<K> {
    /// Each such event is delivered, until retention takes it away.
    Every,
    /// The event carries a whole state: it takes the place of the older one under the same key.
    Latest(K),
}

/// Is carried by a topic.
///
/// All methods are called once per event, by the publisher, before the topic is locked. `Ord` and `Clone` of the key
/// and `Default` of the encoding run while it is locked: keep them plain data, they must not call into the topic.
///
/// # Examples
///
/// ```
/// use runwright_pubsub::{Delivery, Event};
///
/// enum JobEvent {
///     Progress { job: u32, percent: u8 },
///     Ended { job: u32 },
/// }
///
/// impl Event for JobEvent {
///     type Key = u32;
///     type Encoding = ();
///
///     fn delivery(&self) -> Delivery<u32> {
///         match self {
///             Self::Progress { job, .. } => Delivery::Latest(*job),
///             Self::Ended { .. } => Delivery::Every,
///         }
///     }
///
///     fn weight(&self) -> usize {
///         size_of::<Self>()
///     }
/// }
///
/// assert!(JobEvent::Ended { job: 7 }.is_urgent());
/// assert!(!JobEvent::Progress { job: 7, percent: 50 }.is_urgent());
/// ```
pub trait Event: Send + Sync + 'static {
    /// Tells which events replace each other.
    type Key: Ord + Clone + Send + Sync + 'static;

    /// Is a place on each batch that its first reader may fill for all of them, for example with framed bytes in a
    /// `OnceLock`; `()` if unused.
    type Encoding: Default + Send + Sync;

    /// Returns the delivery class, with the key of a *latest* event.
    fn delivery(&self) -> Delivery<Self::Key>;

    /// Tells whether the event wakes a reader that waits for urgent events only.
    fn is_urgent(&self) -> bool {
        matches!(self.delivery(), Delivery::Every)
    }

    /// Returns the size in bytes that counts against retention and the size of a batch.
    ///
    /// A weight above 4 GiB counts as 4 GiB.
    fn weight(&self) -> usize;
}
