//! Events of a test's own making in the log of a workspace.

use std::sync::Arc;

use runwright_agent::{EventSink, Pace, Publication};
use runwright_backend::{Workspace, testing::StoredLog};
use runwright_proto::{Change, Event, Message, MessageId, Part, Role, RunId, SessionId};

/// Writes into the log of one workspace, past all histories.
pub(crate) struct Press(Into);

enum Into {
    Memory(Arc<Workspace>),
    Stored(Arc<StoredLog>),
}

impl Press {
    pub(crate) fn new(workspace: Arc<Workspace>) -> Self {
        Self(Into::Memory(workspace))
    }

    /// Writes through the stored part of the log, also while the workspace is closed.
    pub(crate) fn stored(log: Arc<StoredLog>) -> Self {
        Self(Into::Stored(log))
    }

    /// Publishes that a message of this id came into being: an event that must arrive.
    pub(crate) fn created(&self, id: &str) -> u64 {
        self.publish(
            Event::Message(Change::created(message(id, ""))),
            None,
            Pace::Now,
        )
    }

    /// Publishes a snapshot of a message that is still being written.
    pub(crate) fn snapshot(&self, id: &str, text: &str) -> u64 {
        self.updated(message(id, text), Pace::Streamed)
    }

    /// Publishes the final state of a message.
    pub(crate) fn finished(&self, id: &str, text: &str) -> u64 {
        self.updated(message(id, text), Pace::Now)
    }

    /// Publishes a state of a message.
    pub(crate) fn updated(&self, message: Message, pace: Pace) -> u64 {
        self.publish(Event::Message(Change::updated(message)), None, pace)
    }

    /// Publishes something that a run did.
    pub(crate) fn done_by(&self, run: &str, id: &str) -> u64 {
        let event = Event::Message(Change::created(message(id, "")));
        self.publish(event, Some(run.parse().unwrap()), Pace::Now)
    }

    pub(crate) fn publish(&self, event: Event, run: Option<RunId>, pace: Pace) -> u64 {
        let publication = Publication { event, run, pace };
        match &self.0 {
            Into::Memory(workspace) => workspace.log().publish(publication).0,
            Into::Stored(log) => log.publish(publication).0,
        }
    }
}

/// A message of this id that says this, if it says anything.
pub(crate) fn message(id: &str, text: &str) -> Message {
    let session: SessionId = "s".parse().unwrap();
    let id: MessageId = id.parse().unwrap();
    let mut message = Message::new(id, session, Role::Assistant, 0);
    if !text.is_empty() {
        message.parts.push(Part::text(text));
    }
    message
}
