//! The messages of a log that are just being written: their newest snapshots, and what readers of earlier numbers have
//! of them. Pure: the log holds the lock. It must never know how a reader is served.
//!
//! **Invariant**: whoever was told a number `n` has of each message at least what [`Marks::at`] says for `n`, or it says
//! nothing. So what readers at one place are told is the same for all of them, and a reader that comes back needs no memory
//! of its own here. A snapshot that a newer one replaced is shown to nobody, and numbers go past it: before the first of
//! them a reader is told what came to the message ([`unseen`](Streamed::unseen), [`catch_up`](Streamed::catch_up)).

use std::collections::BTreeMap;

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

/// What a reader is told of a message whose snapshots it is not shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CatchUp {
    /// Tell it when everything up to this number was told, and before anything else is.
    pub(crate) at: Seq,
    message: Message,
    growth: Growth,
}

/// What a reader has of a message, if it has anything that the newest snapshot grew from, and what it is to have.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Growth {
    pub(super) had: Option<Lengths>,
    pub(super) has: Lengths,
}

/// A message of which the readers of a batch have not all.
#[derive(Debug)]
pub(super) struct Unseen {
    pub(super) id: MessageId,
    /// The first number that they lack, and before which they are told.
    pub(super) first: Seq,
    pub(super) rest: Rest,
}

/// How a batch goes on with a message.
#[derive(Debug)]
pub(super) enum Rest {
    /// It shows a snapshot, of which its readers have this, if they have anything that it grew from.
    Shown(Option<Lengths>),
    /// It shows none of its snapshots, because a newer one, behind the batch, has replaced them.
    Passed(CatchUp),
}

/// The messages whose states a batch shows, each with the number of its snapshot, if it is one.
pub(super) type Shown<'a> = BTreeMap<&'a MessageId, Option<Seq>>;

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
            (ChangeKind::Updated, Pace::Streamed | Pace::Begun) => {
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

    /// Of which messages the readers of a batch, which goes from `after` to `through`, have not all: those that it shows
    /// while they are being written, and those whose snapshots in it newer ones replaced.
    pub(super) fn unseen(
        &self,
        after: Seq,
        through: Seq,
        run: Option<&RunId>,
        shown: &Shown<'_>,
    ) -> Vec<Unseen> {
        let shown_here = shown.iter().filter_map(|(id, snapshot)| {
            let written = self.0.get(*id);
            Some(Unseen::shown(id, (*snapshot)?, after, written))
        });
        // Also one whose newest snapshot lies in the batch: it is not shown when a newer one has just replaced it, of whose
        // number nobody has been told here yet.
        let passed = (self.0.iter())
            .filter(|(id, written)| written.concerns(run) && !shown.contains_key(id));
        let passed = passed.filter_map(|(id, written)| {
            Some(Unseen {
                id: id.clone(),
                first: written.marks.after(after)?,
                rest: Rest::Passed(written.catch_up(after, through)?),
            })
        });
        shown_here.chain(passed).collect()
    }

    /// What a reader whose cursor goes from `after` to `through` is to be told, when none of the snapshots between the two
    /// is shown to it; in the order of their places.
    pub(super) fn catch_up(&self, after: Seq, through: Seq, run: Option<&RunId>) -> Vec<CatchUp> {
        let written = self.0.values().filter(|written| written.concerns(run));
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

    fn concerns(&self, run: Option<&RunId>) -> bool {
        run.is_none_or(|run| self.run.as_ref() == Some(run))
    }

    fn catch_up(&self, after: Seq, through: Seq) -> Option<CatchUp> {
        let has = self.marks.at(through).filter(|has| after < has.seq)?;
        let had = self.marks.at(after).map(|had| had.lengths.clone());
        let is_new = had.as_ref() != Some(&has.lengths);
        let before_first = Seq(self.marks.first()?.0.saturating_sub(1));
        is_new.then(|| CatchUp {
            at: if had.is_some() { after } else { before_first },
            message: self.newest.clone(),
            growth: Growth {
                had,
                has: has.lengths.clone(),
            },
        })
    }
}

impl Unseen {
    /// A message of which the batch shows a snapshot.
    fn shown(id: &MessageId, snapshot: Seq, after: Seq, written: Option<&Written>) -> Self {
        let marks = written.map(|written| &written.marks);
        let first = marks.and_then(|marks| marks.after(after));
        let had = marks.and_then(|marks| marks.at(after));
        Self {
            id: id.clone(),
            first: first.map_or(snapshot, |first| first.min(snapshot)),
            rest: Rest::Shown(had.map(|had| had.lengths.clone())),
        }
    }
}

impl CatchUp {
    /// What to tell: events without a number, for none of them is where a story goes on.
    pub(crate) fn events(self) -> Vec<Event> {
        let Growth { had, has } = self.growth;
        let Some(had) = had else {
            let whole = growth::cut(&self.message, &has);
            return vec![Event::Message(Change::updated(whole))];
        };
        let deltas = growth::deltas(&self.message, &had, &has);
        deltas.into_iter().map(Event::MessageDelta).collect()
    }

    /// One that matters only for its place.
    #[cfg(test)]
    pub(crate) fn for_test(at: Seq) -> Self {
        let session = "s".parse().expect("an id");
        let id = "m".parse().expect("an id");
        let message = Message::new(id, session, runwright_proto::Role::Assistant, 0);
        let has = Lengths::of(&message);
        let growth = Growth { had: None, has };
        Self {
            at,
            message,
            growth,
        }
    }
}

#[cfg(test)]
mod tests;
