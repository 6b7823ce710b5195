//! The event log of a workspace: what its events are to the broker, and how those who store changes publish to it.
//! It must never know how an event is framed for a reader or who reads.

use std::sync::OnceLock;

use bytes::Bytes;
use runwright_agent::{EventSink, Pace, Publication};
use runwright_proto::{ChangeKind, Epoch, Event, Message, MessageId, Part, RunId, Seq, SessionId};
use runwright_pubsub::{
    Closed, Delivery, From, PublishAtError, SubscribeError, Subscription, Topic, TopicOptions,
};

/// What an event costs besides its texts, for retention by size.
const EVENT_OVERHEAD: usize = 256;

/// One event of a workspace.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkspaceEvent {
    event: Event,
    run: Option<RunId>,
    pace: Pace,
}

/// Which events carry the state of the same thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKey {
    /// A message.
    Message(MessageId),
    /// A session.
    Session(SessionId),
    /// The configuration of the workspace.
    Config,
}

/// The bytes of one batch, made by its first reader for all of them. The transport says what is in them.
#[derive(Debug, Default)]
pub struct Frames {
    plain: OnceLock<Bytes>,
    numbered: OnceLock<Bytes>,
}

/// The log of one workspace.
#[derive(Debug)]
pub struct WorkspaceLog {
    topic: Topic<WorkspaceEvent>,
    epoch: Epoch,
}

impl WorkspaceEvent {
    /// What happened.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// The run it belongs to, if it belongs to one.
    #[must_use]
    pub fn run(&self) -> Option<&RunId> {
        self.run.as_ref()
    }

    /// The number of bytes of the message that is being streamed, if this is a snapshot of one that goes on: what a
    /// reader's pace depends on (semantics 3).
    #[must_use]
    pub fn streamed_bytes(&self) -> Option<usize> {
        if let (Event::Message(change), Pace::Streamed) = (&self.event, self.pace) {
            Some(message_weight(&change.payload))
        } else {
            None
        }
    }
}

impl runwright_pubsub::Event for WorkspaceEvent {
    type Key = EventKey;
    type Encoding = Frames;

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not known to carry a whole state must arrive"
    )]
    fn delivery(&self) -> Delivery<EventKey> {
        match &self.event {
            Event::Message(change) if change.kind == ChangeKind::Updated => {
                Delivery::Latest(EventKey::Message(change.payload.id.clone()))
            }
            Event::Session(change) if change.kind == ChangeKind::Updated => {
                Delivery::Latest(EventKey::Session(change.payload.id.clone()))
            }
            Event::ConfigChanged(_) => Delivery::Latest(EventKey::Config),
            _ => Delivery::Every,
        }
    }

    fn is_urgent(&self) -> bool {
        self.pace == Pace::Now
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds have no long texts"
    )]
    fn weight(&self) -> usize {
        match &self.event {
            Event::Message(change) => EVENT_OVERHEAD + message_weight(&change.payload),
            Event::File(change) => EVENT_OVERHEAD + change.payload.content.len(),
            Event::RunComplete(change) => EVENT_OVERHEAD + change.payload.text.len(),
            _ => EVENT_OVERHEAD,
        }
    }
}

impl Frames {
    /// The bytes without numbers on the outside, made by `frame` if this is the first reader.
    pub fn plain(&self, frame: impl FnOnce() -> Bytes) -> Bytes {
        self.plain.get_or_init(frame).clone()
    }

    /// The bytes with an id line for each event, made by `frame` if this is the first reader.
    pub fn numbered(&self, frame: impl FnOnce() -> Bytes) -> Bytes {
        self.numbered.get_or_init(frame).clone()
    }
}

impl WorkspaceLog {
    /// Makes an empty log.
    #[must_use]
    pub fn new(epoch: Epoch, options: TopicOptions) -> Self {
        Self {
            topic: Topic::new(options),
            epoch,
        }
    }

    /// The life of the log: a number means something only together with it.
    #[must_use]
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Begins to read.
    ///
    /// # Errors
    /// [`SubscribeError`], when the place does not exist yet.
    pub fn subscribe(&self, from: From) -> Result<Subscription<WorkspaceEvent>, SubscribeError> {
        self.topic.subscribe(from)
    }

    /// The topic itself, for counters.
    #[must_use]
    pub fn topic(&self) -> &Topic<WorkspaceEvent> {
        &self.topic
    }

    /// Announces something that is not part of the stored history.
    pub fn announce(&self, event: Event) {
        self.publish(Publication {
            event,
            run: None,
            pace: Pace::Now,
        });
    }

    /// Ends every stream after what it has not received yet. Later events go nowhere.
    pub fn shutdown(&self) {
        self.topic.shutdown();
    }
}

impl EventSink for WorkspaceLog {
    fn publish(&self, publication: Publication) -> Seq {
        let Publication { event, run, pace } = publication;
        match self.topic.publish(WorkspaceEvent { event, run, pace }) {
            Ok(seq) => Seq(seq.get()),
            Err(Closed) => {
                tracing::debug!("an event came after the log was closed");
                self.head()
            }
        }
    }

    fn publish_at(&self, seq: Seq, publication: Publication) {
        let Publication { event, run, pace } = publication;
        let seq = runwright_pubsub::Seq::new(seq.0);
        match self
            .topic
            .publish_at(seq, WorkspaceEvent { event, run, pace })
        {
            Ok(()) => {}
            Err(PublishAtError::Closed(_)) => {
                tracing::debug!("an event came after the log was closed");
            }
            Err(error @ PublishAtError::NotAhead { .. }) => {
                tracing::error!(%error, "an event was numbered twice");
            }
        }
    }

    fn head(&self) -> Seq {
        Seq(self.topic.head().get())
    }
}

fn message_weight(message: &Message) -> usize {
    message.parts.iter().map(part_weight).sum()
}

fn part_weight(part: &Part) -> usize {
    match part {
        Part::Text(part) => part.text.len(),
        Part::Reasoning(part) => part.thinking.len(),
        Part::ToolCall(part) => part.input.len(),
        Part::ToolResult(part) => part.content.len() + part.metadata.len() + part.data.len(),
        Part::Binary(part) => part.data.len(),
        Part::ShellCommand(part) => part.output.len(),
        Part::Finish(part) => part.message.len() + part.details.len(),
        Part::ImageUrl(part) => part.url.len(),
        Part::Unknown(_) => EVENT_OVERHEAD,
    }
}
