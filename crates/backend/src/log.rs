//! The event log of a workspace: what its events are to the broker, and how those who store changes publish to it.
//! It must never know how an event is framed for a reader or who reads.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use runwright_agent::{EventSink, Pace, Publication};
use runwright_proto::{ChangeKind, Epoch, Event, Message, MessageId, Part, RunId, Seq, SessionId};
use runwright_pubsub::{
    Closed, Delivery, From, PublishAtError, SubscribeError, Subscription, Topic, TopicOptions,
};

mod growth;
mod marks;
mod streamed;
mod told;

pub use self::told::Told;

pub(crate) use self::streamed::CatchUp;

use self::streamed::{Step, Streamed};
use crate::attachment::Pages;

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

/// The bytes of one batch in each form, made by its first reader in that form for all others. The transport says what is
/// in them.
#[derive(Debug, Default)]
pub struct Frames([OnceLock<Framed>; 4]);

/// In which form a reader is given events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Form {
    /// With an id for each event, for a reader that resumes.
    pub numbered: bool,
    /// With what came to a message that is being written, instead of its snapshots.
    pub deltas: bool,
}

/// Bytes for a reader.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Framed {
    /// The bytes; none when the reader is shown nothing.
    pub bytes: Bytes,
    /// How many bytes of them are whole messages that are still being written, which is what a reader's pace depends on
    /// (semantics 3); `None` when nothing in them is still being written.
    pub streamed: Option<usize>,
}

/// The log of one workspace.
#[derive(Debug)]
pub struct WorkspaceLog {
    topic: Topic<WorkspaceEvent>,
    epoch: Epoch,
    streamed: Mutex<Streamed>,
    /// Of the stored part, where there is one.
    pages: Pages,
}

impl WorkspaceEvent {
    fn new(Publication { event, run, pace }: Publication) -> Self {
        Self { event, run, pace }
    }

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
        self.snapshot().map(message_weight)
    }

    /// Whether it belongs to the run; without one, every event does. The end of everything is also the end of a run's
    /// story.
    #[must_use]
    pub fn concerns(&self, run: Option<&RunId>) -> bool {
        run.is_none_or(|run| self.run.as_ref() == Some(run) || matches!(self.event, Event::End(_)))
    }

    /// The message, if the event is a snapshot of one that is still being written.
    fn snapshot(&self) -> Option<&Message> {
        self.updated().filter(|_| self.pace != Pace::Now)
    }

    /// The message, if the event is its newest state.
    fn updated(&self) -> Option<&Message> {
        if let Event::Message(change) = &self.event
            && change.kind == ChangeKind::Updated
        {
            Some(&change.payload)
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
        self.pace != Pace::Streamed
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
    /// The bytes in one form, made by `frame` if this is the first reader.
    pub fn get(&self, form: Form, frame: impl FnOnce() -> Framed) -> &Framed {
        let place = usize::from(form.numbered) + 2 * usize::from(form.deltas);
        self.0[place].get_or_init(frame)
    }
}

impl WorkspaceLog {
    /// Makes an empty log.
    #[must_use]
    pub fn new(epoch: Epoch, options: TopicOptions) -> Self {
        Self {
            topic: Topic::new(options),
            epoch,
            streamed: Mutex::default(),
            pages: Pages::default(),
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

    /// Ends every stream after what it has not received yet. Later events go nowhere.
    pub fn shutdown(&self) {
        self.topic.shutdown();
    }

    /// What a reader of deltas is to be told whose cursor goes from `after` to `through` without being shown the events
    /// between the two; of one run, if `run` names one. In the order of their places.
    pub(crate) fn catch_up(&self, after: Seq, through: Seq, run: Option<&RunId>) -> Vec<CatchUp> {
        self.streamed().catch_up(after, through, run)
    }

    /// The pages of the stored part that are on their way to readers.
    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    fn streamed(&self) -> MutexGuard<'_, Streamed> {
        self.streamed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what is about to be published.
    fn prepare(&self, publication: &Publication) -> Option<Step> {
        let step = Step::of(publication)?;
        self.streamed().prepare(&step);
        Some(step)
    }

    /// Notes the number of what is published.
    fn take(&self, seq: Seq, step: Option<Step>) {
        if let Some(step) = step {
            self.streamed().take(seq, step);
        }
    }
}

impl EventSink for WorkspaceLog {
    fn publish(&self, publication: Publication) -> Seq {
        let step = self.prepare(&publication);
        match self.topic.publish(WorkspaceEvent::new(publication)) {
            Ok(seq) => {
                let seq = Seq(seq.get());
                self.take(seq, step);
                seq
            }
            Err(Closed) => {
                tracing::debug!("an event came after the log was closed");
                self.head()
            }
        }
    }

    fn publish_at(&self, seq: Seq, publication: Publication) {
        // The number is known: a reader that loses the event at once is brought up to date all the same.
        let step = self.prepare(&publication);
        self.take(seq, step);
        let seq = runwright_pubsub::Seq::new(seq.0);
        match self.topic.publish_at(seq, WorkspaceEvent::new(publication)) {
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
