//! A log that keeps what is published, for tests to compare.

use runwright_proto::Seq;

use crate::events::{EventSink, Publication};
use crate::sync::{Mutex, lock};

/// A log that keeps everything, numbered from one, or as those say who publish to it.
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
pub struct RecordingSink(Mutex<Vec<(Seq, Publication)>>);

impl RecordingSink {
    /// What was published after the publication of this number, in order.
    #[must_use]
    pub fn since(&self, seq: Seq) -> Vec<Publication> {
        let published = lock(&self.0);
        let later = published.iter().filter(|(number, _)| *number > seq);
        later.map(|(_, publication)| publication.clone()).collect()
    }

    /// Everything that was published, with its numbers, in order.
    #[must_use]
    pub fn numbered(&self) -> Vec<(Seq, Publication)> {
        lock(&self.0).clone()
    }
}

impl EventSink for RecordingSink {
    fn publish(&self, publication: Publication) -> Seq {
        let mut published = lock(&self.0);
        let seq = head(&published).next();
        published.push((seq, publication));
        seq
    }

    fn publish_at(&self, seq: Seq, publication: Publication) {
        let mut published = lock(&self.0);
        let head = head(&published);
        assert!(seq > head, "{seq} was published after {head}");
        published.push((seq, publication));
    }

    fn head(&self) -> Seq {
        head(&lock(&self.0))
    }
}

fn head(published: &[(Seq, Publication)]) -> Seq {
    published.last().map_or(Seq::ZERO, |(seq, _)| *seq)
}
