//! A log that keeps what is published, for tests to compare.

use runwright_proto::Seq;

use crate::events::{EventSink, Publication};
use crate::sync::{Mutex, lock};

/// A log that keeps everything, numbered from one.
///
/// ```
/// use runwright_agent::testing::RecordingSink;
/// use runwright_agent::{EventSink, Pace, Publication};
/// use runwright_proto::{AgentEvent, Change, Event, Seq, SessionId};
///
/// let sink = RecordingSink::default();
/// let finished = AgentEvent::finished(SessionId::random(), "title");
/// let publication = Publication {
///     event: Event::AgentEvent(Change::created(finished)),
///     run: None,
///     pace: Pace::Now,
/// };
/// assert_eq!(sink.publish(publication.clone()), Seq(1));
/// assert_eq!(sink.since(Seq(0)), [publication]);
/// assert_eq!(sink.since(sink.head()), []);
/// ```
#[derive(Debug, Default)]
pub struct RecordingSink(Mutex<Vec<Publication>>);

impl RecordingSink {
    /// What was published after the publication of this number, in order.
    #[must_use]
    pub fn since(&self, seq: Seq) -> Vec<Publication> {
        let published = lock(&self.0);
        let known = usize::try_from(seq.0).unwrap_or(usize::MAX);
        published.get(known..).unwrap_or_default().to_vec()
    }
}

impl EventSink for RecordingSink {
    fn publish(&self, publication: Publication) -> Seq {
        let mut published = lock(&self.0);
        published.push(publication);
        number(published.len())
    }

    fn head(&self) -> Seq {
        number(lock(&self.0).len())
    }
}

fn number(published: usize) -> Seq {
    Seq(u64::try_from(published).unwrap_or(u64::MAX))
}
