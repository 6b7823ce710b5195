//! The messages of a log that are just being written: their newest snapshots, and what readers of earlier numbers have
//! of them. Pure: the log holds the lock. It must never know how a reader is served.
//!
//! **Invariant**: a reader of deltas whose cursor is `n` has of each message at least what [`Marks::at`] says for `n`, or
//! it says nothing. So what readers at one place are told is the same for all of them, and a reader that comes back needs
//! no memory of its own here. Where a cursor would pass over a snapshot that nobody is shown any more, because a newer one
//! took its place, [`catch_up`](Streamed::catch_up) keeps it true.

use std::collections::{BTreeMap, BTreeSet};

use runwright_agent::{Pace, Publication};
use runwright_proto::{Change, ChangeKind, Event, Message, MessageId, RunId, Seq, SessionId};

use super::growth::{self, Lengths};
use super::marks::{Mark, Marks};

/// How many messages are followed. Every message ends at the latest with its run, so this only bounds what a runner that
/// does not keep to that leaves behind.
const MOST: usize = 1024;

/// The messages that are being written.
#[derive(Debug, Default)]
pub(super) struct Streamed(BTreeMap<MessageId, Written>);

#[derive(Debug)]
struct Written {
    newest: Message,
    seq: Seq,
    run: Option<RunId>,
    /// Of the snapshots that the newest one grew from, and of that itself.
    marks: Marks,
}

/// What an event is to the messages that are being written.
#[derive(Debug)]
pub(super) enum Step {
    /// A snapshot of one of them, or of a new one.
    Snapshot(Message, Option<RunId>),
    /// Every reader is shown it as a whole, and it may go on.
    Restated(Message),
    /// It will not grow any more.
    Ended(MessageId),
    /// Nor will any of this session.
    SessionGone(SessionId),
}

/// What a reader is told whose cursor passes over snapshots that it is not shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CatchUp {
    /// Tell it when everything up to this number was told, and before anything else is.
    pub(crate) at: Seq,
    newest: Message,
    /// What the reader has of it, if it has anything that this one grew from.
    had: Option<Lengths>,
    /// What it is to have.
    has: Lengths,
}

/// Of which messages a reader is to be brought up to date.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Behind<'a> {
    /// Only those of this run.
    pub(super) run: Option<&'a RunId>,
    /// For a reader that is shown the newest snapshots itself: only those whose newest comes later, and not these.
    pub(super) but_shown: Option<&'a BTreeSet<&'a MessageId>>,
}

impl Step {
    /// What an event is to them, if it is anything.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the other kinds are not about messages"
    )]
    pub(super) fn of(publication: &Publication) -> Option<Self> {
        match &publication.event {
            Event::Message(Change { kind, payload }) => {
                Self::of_message(*kind, payload, publication)
            }
            Event::Session(change) if change.kind == ChangeKind::Deleted => {
                Some(Self::SessionGone(change.payload.id.clone()))
            }
            _ => None,
        }
    }

    fn of_message(kind: ChangeKind, message: &Message, publication: &Publication) -> Option<Self> {
        match (kind, publication.pace) {
            (ChangeKind::Updated, Pace::Streamed) => {
                Some(Self::Snapshot(message.clone(), publication.run.clone()))
            }
            (ChangeKind::Updated, Pace::Now) if message.finish().is_none() => {
                Some(Self::Restated(message.clone()))
            }
            (ChangeKind::Updated, Pace::Now) | (ChangeKind::Deleted, _) => {
                Some(Self::Ended(message.id.clone()))
            }
            (ChangeKind::Created | ChangeKind::Unknown, _) => None,
        }
    }
}

impl Streamed {
    /// Notes what is about to be published, so that nobody who sees it takes it for more of what was before.
    pub(super) fn prepare(&mut self, step: &Step) {
        match step {
            Step::Snapshot(message, _) => {
                if let Some(written) = self.0.get_mut(&message.id)
                    && !growth::is_growth(&written.newest, message)
                {
                    written.marks.clear();
                }
            }
            Step::Restated(message) => {
                if let Some(written) = self.0.get_mut(&message.id) {
                    written.marks.clear();
                }
            }
            Step::Ended(_) | Step::SessionGone(_) => {}
        }
    }

    /// Takes the step, once its number is known.
    pub(super) fn take(&mut self, seq: Seq, step: Step) {
        match step {
            Step::Snapshot(message, run) => {
                self.make_room(&message.id);
                let written = self.0.entry(message.id.clone());
                let written = written.or_insert_with(|| Written::new(message.clone(), run));
                written.show(seq, message);
            }
            Step::Restated(message) => {
                if let Some(written) = self.0.get_mut(&message.id) {
                    written.show(seq, message);
                }
            }
            Step::Ended(message) => drop(self.0.remove(&message)),
            Step::SessionGone(session) => {
                self.0
                    .retain(|_, written| written.newest.session_id != session);
            }
        }
    }

    /// What a reader at a number has of a message, of which it is shown a later snapshot; `None` when only the whole
    /// message tells.
    pub(super) fn had(&self, message: &MessageId, at: Seq) -> Option<Lengths> {
        let written = self.0.get(message)?;
        written.marks.at(at).map(|mark| mark.lengths.clone())
    }

    /// What a reader whose cursor goes from `after` to `through` is to be told of messages whose snapshots between the two
    /// it is not shown; in the order of their places.
    pub(super) fn catch_up(&self, after: Seq, through: Seq, behind: Behind<'_>) -> Vec<CatchUp> {
        let written = self.0.values().filter(|written| {
            let is_shown = behind
                .but_shown
                .is_some_and(|shown| written.seq <= through || shown.contains(&written.newest.id));
            !is_shown
                && behind
                    .run
                    .is_none_or(|run| written.run.as_ref() == Some(run))
        });
        let catch_up = written.filter_map(|written| written.catch_up(after, through));
        let mut in_order: Vec<CatchUp> = catch_up.collect();
        in_order.sort_by_key(|catch_up| catch_up.at);
        in_order
    }

    fn make_room(&mut self, message: &MessageId) {
        if self.0.len() < MOST || self.0.contains_key(message) {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, written)| written.seq);
        if let Some(oldest) = oldest.map(|(id, _)| id.clone()) {
            self.0.remove(&oldest);
        }
    }
}

impl Written {
    fn new(message: Message, run: Option<RunId>) -> Self {
        Self {
            newest: message,
            seq: Seq::ZERO,
            run,
            marks: Marks::default(),
        }
    }

    fn show(&mut self, seq: Seq, message: Message) {
        let lengths = Lengths::of(&message);
        self.marks.push(Mark { seq, lengths });
        self.seq = seq;
        self.newest = message;
    }

    fn catch_up(&self, after: Seq, through: Seq) -> Option<CatchUp> {
        let has = self.marks.at(through).filter(|has| after < has.seq)?;
        let had = self.marks.at(after).map(|had| had.lengths.clone());
        let is_new = had.as_ref() != Some(&has.lengths);
        let before_first = Seq(self.marks.first()?.0.saturating_sub(1));
        is_new.then(|| CatchUp {
            at: if had.is_some() { after } else { before_first },
            newest: self.newest.clone(),
            had,
            has: has.lengths.clone(),
        })
    }
}

impl CatchUp {
    /// One that matters only for its place.
    #[cfg(test)]
    pub(crate) fn for_test(at: Seq) -> Self {
        let session = "s".parse().expect("an id");
        let id = "m".parse().expect("an id");
        let newest = Message::new(id, session, runwright_proto::Role::Assistant, 0);
        Self {
            at,
            had: None,
            has: Lengths::of(&newest),
            newest,
        }
    }

    /// What to tell: events without a number, for none of them is where a story goes on.
    pub(crate) fn events(self) -> Vec<Event> {
        let Some(had) = self.had else {
            let whole = growth::cut(&self.newest, &self.has);
            return vec![Event::Message(Change::updated(whole))];
        };
        let deltas = growth::deltas(&self.newest, &had, &self.has);
        deltas.into_iter().map(Event::MessageDelta).collect()
    }
}

#[cfg(test)]
mod tests;
