//! The messages of a workspace that may still grow: their newest states, and how much of them is on disk and has been
//! published. Must never know how either is done.

pub(crate) mod growth;

use std::collections::HashMap;

use runwright_agent::{Pace, Publication};
use runwright_proto::{Change, Event, Message, MessageId, RunId, Seq, SessionId};

/// The messages that may be streamed, and those that are.
#[derive(Debug, Default)]
pub(crate) struct LiveMessages {
    messages: HashMap<MessageId, Live>,
}

/// A message as it is on disk.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stored {
    /// `messages.id`.
    pub(crate) row: i64,
    pub(crate) run: Option<RunId>,
    /// The number of its last update in its row.
    pub(crate) seq: Option<Seq>,
    pub(crate) message: Message,
}

#[derive(Debug)]
struct Live {
    stored: Stored,
    /// How many pieces have been added on disk since the row was written.
    chunks: i64,
    /// The state that is being streamed, if one has been since the row was written.
    newest: Option<Message>,
    /// Counts the states that were streamed.
    version: u64,
    flushed: u64,
    published: u64,
    /// The number under which a streamed state was published last.
    seq: Option<Seq>,
    /// Whether it waits for a number.
    is_held: bool,
    /// Whether readers are to be shown at once what was not published yet.
    is_begun: bool,
}

/// What a batch adds on disk to a message that grew.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Growth {
    pub(crate) row: i64,
    /// The place of the piece.
    pub(crate) n: i64,
    /// [`growth`]; empty if the state is the one on disk.
    pub(crate) steps: Vec<u8>,
    message: Message,
    version: u64,
}

/// What a batch has done to messages; it counts when the batch is on disk.
#[derive(Debug, Default)]
pub(crate) struct LiveChanges {
    list: Vec<LiveChange>,
    /// What was added on disk, by message.
    grown: HashMap<MessageId, Growth>,
    /// Whose rows were written, each with the version of the live state that this replaced.
    settled: HashMap<MessageId, u64>,
}

#[derive(Debug)]
enum LiveChange {
    Opened(Stored),
    Grown(MessageId),
    Settled(Stored, u64),
    Forgotten(SessionId),
}

/// A message as it is being streamed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Streaming {
    pub(crate) row: i64,
    pub(crate) run: Option<RunId>,
    /// The number of its row's last update, under the streamed state.
    pub(crate) stored_seq: Option<Seq>,
    /// The number under which it was published.
    pub(crate) seq: Option<Seq>,
    pub(crate) message: Message,
}

impl LiveMessages {
    /// Takes in a new state.
    ///
    /// # Errors
    /// The state, if the message is not one that may be streamed.
    pub(crate) fn stream(&mut self, message: Message, pace: Pace) -> Result<(), Message> {
        let Some(live) = self.messages.get_mut(&message.id) else {
            return Err(message);
        };
        live.newest = Some(message);
        live.version += 1;
        live.is_begun |= pace == Pace::Begun;
        Ok(())
    }

    /// Publishes the newest state under a number, if it has not been published.
    pub(crate) fn publish(&mut self, id: &MessageId, seq: Seq) -> Option<Publication> {
        let live = self.messages.get_mut(id)?;
        live.is_held = false;
        let message = live.unpublished()?.clone();
        live.published = live.version;
        live.seq = Some(seq);
        let begun = std::mem::take(&mut live.is_begun);
        Some(Publication {
            event: Event::Message(Change::updated(message)),
            run: live.stored.run.clone(),
            pace: if begun { Pace::Begun } else { Pace::Streamed },
        })
    }

    /// Whether there is a state to publish.
    pub(crate) fn is_unpublished(&self, id: &MessageId) -> bool {
        self.messages
            .get(id)
            .is_some_and(|live| live.unpublished().is_some())
    }

    /// Notes that the message waits for a number; says whether it did not before.
    pub(crate) fn hold(&mut self, id: &MessageId) -> bool {
        self.messages
            .get_mut(id)
            .is_some_and(|live| !std::mem::replace(&mut live.is_held, true))
    }

    /// Notes that the message does not wait for a number any more.
    pub(crate) fn release(&mut self, id: &MessageId) {
        if let Some(live) = self.messages.get_mut(id) {
            live.is_held = false;
        }
    }

    /// Whether a state is not on disk.
    pub(crate) fn is_behind(&self) -> bool {
        self.messages.values().any(Live::is_behind)
    }

    /// What is to be added on disk, after what the batch has done already.
    pub(crate) fn grow(&self, changes: &LiveChanges) -> Vec<(MessageId, Growth)> {
        let behind = self.messages.iter().filter(|(_, live)| live.is_behind());
        behind
            .filter_map(|(id, live)| Some((id.clone(), live.growth(id, changes)?)))
            .collect()
    }

    /// The version of the state that is being streamed.
    pub(crate) fn version(&self, id: &MessageId) -> u64 {
        self.messages.get(id).map_or(0, |live| live.version)
    }

    /// Whether pieces of the message may be on disk.
    pub(crate) fn has_chunks(&self, id: &MessageId) -> bool {
        self.messages.get(id).is_some_and(|live| live.chunks > 0)
    }

    /// The state that is being streamed, unless the batch has replaced it.
    pub(crate) fn newest(&self, id: &MessageId, changes: &LiveChanges) -> Option<&Message> {
        let live = self.messages.get(id)?;
        if changes.settled.get(id) == Some(&live.version) {
            return None;
        }
        live.newest.as_ref()
    }

    /// What is being streamed, as far as it is wanted.
    pub(crate) fn streaming(&self, wanted: impl Fn(&Message) -> bool) -> Vec<Streaming> {
        let states = self.messages.values().filter_map(Live::streaming);
        states.filter(|live| wanted(&live.message)).collect()
    }

    /// A batch is on disk.
    pub(crate) fn apply(&mut self, changes: LiveChanges) {
        let LiveChanges {
            list, mut grown, ..
        } = changes;
        for change in list {
            match change {
                LiveChange::Opened(stored) => {
                    let id = stored.message.id.clone();
                    self.messages.entry(id).or_insert_with(|| Live::new(stored));
                }
                LiveChange::Grown(id) => {
                    if let (Some(live), Some(grown)) =
                        (self.messages.get_mut(&id), grown.remove(&id))
                    {
                        live.grown(grown);
                    }
                }
                LiveChange::Settled(stored, version) => self.settle(stored, version),
                LiveChange::Forgotten(session) => {
                    self.messages
                        .retain(|_, live| live.stored.message.session_id != session);
                }
            }
        }
    }

    /// A message that is finished is not expected to grow; one that was streamed on since the row was written goes on.
    fn settle(&mut self, stored: Stored, version: u64) {
        let id = &stored.message.id;
        let Some(live) = self.messages.get_mut(id) else {
            return;
        };
        let is_newer = live.version != version;
        if !is_newer && stored.message.finish().is_some() {
            self.messages.remove(id);
            return;
        }
        live.newest.take_if(|_| !is_newer);
        live.flushed = version;
        live.chunks = 0;
        live.stored = stored;
    }
}

impl LiveChanges {
    /// A message was written that may be streamed from now on.
    pub(crate) fn opened(&mut self, stored: Stored) {
        self.list.push(LiveChange::Opened(stored));
    }

    /// A piece was added on disk.
    pub(crate) fn grown(&mut self, id: MessageId, growth: Growth) {
        self.list.push(LiveChange::Grown(id.clone()));
        self.grown.insert(id, growth);
    }

    /// The row of a message was written, all of it, in place of this version of its live state.
    pub(crate) fn settled(&mut self, stored: Stored, version: u64) {
        self.grown.remove(&stored.message.id);
        self.settled.insert(stored.message.id.clone(), version);
        self.list.push(LiveChange::Settled(stored, version));
    }

    /// A session was deleted.
    pub(crate) fn forgotten(&mut self, session: SessionId) {
        self.list.push(LiveChange::Forgotten(session));
    }

    /// Whether pieces of the message were added on disk.
    pub(crate) fn has_chunks(&self, id: &MessageId) -> bool {
        self.grown.contains_key(id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

impl Live {
    fn new(stored: Stored) -> Self {
        Self {
            stored,
            chunks: 0,
            newest: None,
            version: 0,
            flushed: 0,
            published: 0,
            seq: None,
            is_held: false,
            is_begun: false,
        }
    }

    fn unpublished(&self) -> Option<&Message> {
        self.newest
            .as_ref()
            .filter(|_| self.published < self.version)
    }

    fn is_behind(&self) -> bool {
        self.newest.is_some() && self.flushed < self.version
    }

    fn growth(&self, id: &MessageId, changes: &LiveChanges) -> Option<Growth> {
        if changes.settled.contains_key(id) {
            // What came after is told when the batch is over.
            return None;
        }
        let newest = self.newest.as_ref()?;
        let (base, n) = match changes.grown.get(id) {
            Some(grown) if grown.version == self.version => return None,
            Some(grown) => (&grown.message, grown.next_n()),
            None => (&self.stored.message, self.chunks),
        };
        Some(Growth {
            row: self.stored.row,
            n,
            steps: growth::between(base, newest),
            message: newest.clone(),
            version: self.version,
        })
    }

    fn grown(&mut self, growth: Growth) {
        self.chunks = growth.next_n();
        self.flushed = growth.version;
        self.stored.message = growth.message;
    }

    fn streaming(&self) -> Option<Streaming> {
        Some(Streaming {
            row: self.stored.row,
            run: self.stored.run.clone(),
            stored_seq: self.stored.seq,
            seq: self.seq,
            message: self.newest.clone()?,
        })
    }
}

impl Growth {
    fn next_n(&self) -> i64 {
        self.n + i64::from(!self.steps.is_empty())
    }
}
