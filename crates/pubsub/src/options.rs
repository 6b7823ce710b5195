//! The bounds of a topic. It decides nothing.

use crate::Seq;

/// Bounds what a topic keeps.
///
/// # Examples
///
/// ```
/// use runwright_pubsub::{Seq, TopicOptions};
///
/// let options = TopicOptions { max_events: 256, first_seq: Seq::new(1001), ..TopicOptions::default() };
/// assert_eq!(options.max_batch_bytes, 64 * 1024);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicOptions {
    /// Bounds the number of events kept; 1,024 by default. The newest event is always kept, also at 0.
    pub max_events: usize,
    /// Bounds the bytes of the events kept, by [`Event::weight`](crate::Event::weight); 1 MiB by default. The newest
    /// event is always kept, whatever it weighs.
    pub max_bytes: usize,
    /// Bounds the bytes of one batch; 64 KiB by default. A batch always holds at least one event.
    pub max_batch_bytes: usize,
    /// Is the number of the first event; 1 by default, and 0 counts as 1. Older numbers belong to an earlier life of
    /// the topic: a cursor that lies there is told of a gap.
    pub first_seq: Seq,
}

impl Default for TopicOptions {
    fn default() -> Self {
        Self {
            max_events: 1024,
            max_bytes: 1024 * 1024,
            max_batch_bytes: 64 * 1024,
            first_seq: Seq::new(1),
        }
    }
}
