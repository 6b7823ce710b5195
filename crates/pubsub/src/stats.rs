//! The figures of a topic. They are for logs and metrics; nothing decides by them.

/// Counts what a topic did and what it holds.
///
/// # Examples
///
/// See [`Topic::stats`](crate::Topic::stats).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TopicStats {
    /// How many events were published.
    pub published: u64,
    /// How many *latest* events a newer one under the same key replaced.
    pub superseded: u64,
    /// How many events retention took away.
    pub evicted: u64,
    /// How many times a reader was told of a loss.
    pub lagged: u64,
    /// How many subscriptions there are now.
    pub subscribers: usize,
    /// How many events are kept now.
    pub retained_events: usize,
    /// What the events kept now weigh, in bytes.
    pub retained_bytes: usize,
}
