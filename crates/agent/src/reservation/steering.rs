//! Prompts that the active turn of their session may take in.

use std::fmt;

use runwright_proto::RunId;

use super::slot::{Slot, Ticket};
use crate::cancel_mark::AcceptSeq;
use crate::lane::Lane;

/// Lets the active turn of a session take in the prompts that asked to steer it.
///
/// ```
/// use runwright_agent::{Reservations, Start};
/// use runwright_proto::{BusyPolicy, RunId, SessionId};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let reservations = Reservations::new(64);
/// let session = SessionId::random();
/// let active = reservations.accept(&session, "active".parse()?, BusyPolicy::Queue, "hello")?;
/// active.confirm();
/// let steers = reservations.accept(&session, RunId::generate(), BusyPolicy::Steer, "be brief")?;
/// steers.confirm();
///
/// for prompt in active.steering().offered() {
///     assert_eq!(*prompt.payload(), "be brief");
///     prompt.taken();
/// }
/// assert_eq!(steers.turn().await, Start::Folded { into: "active".parse()? });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("nothing waits here")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Steering<P> {
    pub(super) ticket: Ticket<P>,
    pub(super) run: RunId,
}

impl<P: Clone> Steering<P> {
    /// The prompts that wait to be folded in, in order. Each is taken in with [`SteeredPrompt::taken`], or goes back
    /// to its place in the queue when it is dropped.
    #[must_use]
    pub fn offered(&self) -> Vec<SteeredPrompt<P>> {
        let offered = self.ticket.change(|lane, _| {
            let offered = lane.fold(self.ticket.seq).into_iter();
            offered
                .filter_map(|seq| Some(self.offer(seq, lane.entry(seq)?.item())))
                .collect()
        });
        offered.unwrap_or_default()
    }

    fn offer(&self, seq: AcceptSeq, slot: &Slot<P>) -> SteeredPrompt<P> {
        SteeredPrompt {
            ticket: Ticket {
                seq,
                ..self.ticket.clone()
            },
            into: self.ticket.seq,
            into_run: self.run.clone(),
            run: slot.run.clone(),
            payload: slot.payload.clone(),
            settled: false,
        }
    }
}

impl<P> fmt::Debug for Steering<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Steering")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// A prompt on offer to the active turn of its session.
#[must_use = "a prompt that is dropped goes back to the queue"]
pub struct SteeredPrompt<P> {
    ticket: Ticket<P>,
    into: AcceptSeq,
    into_run: RunId,
    run: RunId,
    payload: P,
    settled: bool,
}

impl<P> SteeredPrompt<P> {
    /// The run that the prompt was accepted as.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        &self.run
    }

    /// What was accepted.
    #[must_use]
    pub fn payload(&self) -> &P {
        &self.payload
    }

    /// Says that the prompt is part of the history of the active turn now: its own run is over.
    pub fn taken(mut self) {
        let into_run = self.into_run.clone();
        self.settle(|lane, seq, into| {
            lane.folded(seq, into);
            if let Some(slot) = lane.item_mut(seq) {
                slot.folded_into = Some(into_run);
            }
        });
    }

    fn settle(&mut self, change: impl FnOnce(&mut Lane<Slot<P>>, AcceptSeq, AcceptSeq)) {
        if !std::mem::replace(&mut self.settled, true) {
            self.ticket
                .change(|lane, _| change(lane, self.ticket.seq, self.into));
        }
    }
}

impl<P> Drop for SteeredPrompt<P> {
    fn drop(&mut self) {
        self.settle(|lane, seq, _| lane.unfold(seq));
    }
}

impl<P> fmt::Debug for SteeredPrompt<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SteeredPrompt")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
