//! What a reader of deltas is told for a batch of the log, in its order: instead of snapshots of messages that are being
//! written, what came to them. It must never know how that is framed, nor when it is sent.

use runwright_proto::{Change, Event, MessageDelta, RunId, Seq};
use runwright_pubsub::Batch;

use super::growth::{self, Lengths};
use super::streamed::{Rest, Shown, Unseen};
use super::{WorkspaceEvent, WorkspaceLog};

/// What a reader of deltas is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told<'a> {
    /// An event as it is.
    Whole(Seq, &'a WorkspaceEvent),
    /// What came to a message up to the snapshot of this number. Only with the last of them the reader has come as far as
    /// that; there may be none, then nothing came.
    Grown(Seq, Vec<MessageDelta>),
    /// Events that bring the reader up to date, without a number: it has come no further with them.
    Unplaced(Vec<Event>),
}

impl WorkspaceLog {
    /// What a reader of deltas is told for a batch, in order; of one run, if `run` names one.
    ///
    /// What came to a message is told with its snapshot, under the number of that. When something else lies between the
    /// snapshots that the reader lacks, it is told before that, so that whoever has a number has everything before it.
    #[must_use]
    pub fn told<'a>(&self, batch: &'a Batch<WorkspaceEvent>, run: Option<&RunId>) -> Vec<Told<'a>> {
        let mut unseen = self.unseen(batch, run);
        let mut told = Vec::with_capacity(batch.len());
        let events = batch.iter().filter(|(_, event)| event.concerns(run));
        for (seq, event) in events {
            let seq = Seq(seq.get());
            let own = event.snapshot().map(|message| &message.id);
            let before =
                unseen.extract_if(.., |unseen| unseen.first <= seq && Some(&unseen.id) != own);
            told.extend(before.map(|unseen| Told::Unplaced(unseen.early(batch))));
            let own = own.map(|own| unseen.iter().position(|unseen| unseen.id == *own));
            match own {
                None => told.push(Told::Whole(seq, event)),
                Some(Some(at)) => told.push(unseen.swap_remove(at).shown_at(seq, event)),
                // It was told before something else.
                Some(None) => {}
            }
        }
        told.extend(
            unseen
                .into_iter()
                .map(|unseen| Told::Unplaced(unseen.early(batch))),
        );
        told
    }

    /// The messages of which the readers of a batch have not all. The texts are copied later, without the lock.
    fn unseen(&self, batch: &Batch<WorkspaceEvent>, run: Option<&RunId>) -> Vec<Unseen> {
        let states = batch.iter().filter(|(_, event)| event.concerns(run));
        let shown: Shown<'_> = states
            .filter_map(|(seq, event)| {
                let snapshot = event.snapshot().map(|_| Seq(seq.get()));
                Some((&event.updated()?.id, snapshot))
            })
            .collect();
        let (after, through) = (Seq(batch.after().get()), Seq(batch.last().get()));
        self.streamed().unseen(after, through, run, &shown)
    }
}

impl Unseen {
    /// What is told with the snapshot that a batch shows.
    fn shown_at(self, seq: Seq, event: &WorkspaceEvent) -> Told<'_> {
        match (event.snapshot(), self.rest) {
            (Some(message), Rest::Shown(Some(had))) => {
                Told::Grown(seq, growth::deltas(message, &had, &Lengths::of(message)))
            }
            _ => Told::Whole(seq, event),
        }
    }

    /// What is told before the snapshot, or without one.
    fn early(self, batch: &Batch<WorkspaceEvent>) -> Vec<Event> {
        let had = match self.rest {
            Rest::Passed(passed) => return passed.events(),
            Rest::Shown(had) => had,
        };
        let mut snapshots = batch.iter().filter_map(|(_, event)| event.snapshot());
        let Some(message) = snapshots.find(|message| message.id == self.id) else {
            return Vec::new();
        };
        let Some(had) = had else {
            return vec![Event::Message(Change::updated(message.clone()))];
        };
        let deltas = growth::deltas(message, &had, &Lengths::of(message));
        deltas.into_iter().map(Event::MessageDelta).collect()
    }
}
