//! What a reader of deltas is told for a batch of the log, in its order: instead of snapshots of messages that are being
//! written, what came to them. It must never know how that is framed, nor when it is sent.

use std::collections::BTreeSet;

use runwright_proto::{Event, MessageDelta, MessageId, RunId, Seq};
use runwright_pubsub::Batch;

use super::growth::{self, Lengths};
use super::streamed::{Behind, CatchUp};
use super::{WorkspaceEvent, WorkspaceLog};

/// What a reader of deltas is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Told<'a> {
    /// An event as it is.
    Whole(Seq, &'a WorkspaceEvent),
    /// What came to a message up to the snapshot of this number. Only with the last of them the reader has come as far as
    /// that; there may be none, then nothing came.
    Grown(Seq, Vec<MessageDelta>),
    /// Events of earlier numbers, which have none themselves: the reader has come no further with them.
    Unplaced(Vec<Event>),
}

impl WorkspaceLog {
    /// What a reader of deltas is told for a batch, in order; of one run, if `run` names one.
    #[must_use]
    pub fn told<'a>(&self, batch: &'a Batch<WorkspaceEvent>, run: Option<&RunId>) -> Vec<Told<'a>> {
        let (had, catch_up) = self.known(batch, run);
        let mut catch_up = catch_up.into_iter().peekable();
        let mut told = Vec::with_capacity(batch.len());
        for ((seq, event), had) in batch.iter().zip(had) {
            let seq = Seq(seq.get());
            while let Some(next) = catch_up.next_if(|next| next.at < seq) {
                told.push(Told::Unplaced(next.events()));
            }
            if event.concerns(run) {
                told.push(told_of(seq, event, had.as_ref()));
            }
        }
        told.extend(catch_up.map(|next| Told::Unplaced(next.events())));
        told
    }

    /// What the readers of a batch have of each snapshot in it, if anything, and what they are to be told besides, because
    /// the batch ends before the snapshot that they would be shown. The texts themselves are copied without the lock.
    fn known(
        &self,
        batch: &Batch<WorkspaceEvent>,
        run: Option<&RunId>,
    ) -> (Vec<Option<Lengths>>, Vec<CatchUp>) {
        let shown = batch.iter().filter_map(|(_, event)| event.updated());
        let shown: BTreeSet<&MessageId> = shown.map(|message| &message.id).collect();
        let behind = Behind {
            run,
            but_shown: Some(&shown),
        };
        let (after, through) = (Seq(batch.after().get()), Seq(batch.last().get()));
        let streamed = self.streamed();
        let had = |event: &WorkspaceEvent| streamed.had(&event.snapshot()?.id, after);
        let had = batch.iter().map(|(_, event)| had(event)).collect();
        (had, streamed.catch_up(after, through, behind))
    }
}

fn told_of<'a>(seq: Seq, event: &'a WorkspaceEvent, had: Option<&Lengths>) -> Told<'a> {
    match (event.snapshot(), had) {
        (Some(message), Some(had)) => {
            Told::Grown(seq, growth::deltas(message, had, &Lengths::of(message)))
        }
        _ => Told::Whole(seq, event),
    }
}
