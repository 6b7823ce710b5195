//! What the reservations keep with one run, and what has to be done when their lock is released.

use std::task::Waker;

use runwright_proto::{RunId, SessionId};

use super::{Shared, Start};
use crate::cancel_mark::AcceptSeq;
use crate::cancel_token::{CancelReason, CancelToken};
use crate::lane::{Lane, LaneEntry, Phase, Turn};
use crate::sync::Arc;

/// What is kept with one run in its lane.
pub(super) struct Slot<P> {
    pub(super) run: RunId,
    pub(super) payload: P,
    pub(super) token: CancelToken,
    /// The waker of the run's [`TurnFuture`](super::TurnFuture), while it waits.
    pub(super) waiting: Option<Waker>,
    pub(super) folded_into: Option<RunId>,
}

/// Names one run of one lane to the shared state.
pub(super) struct Ticket<P> {
    pub(super) shared: Arc<Shared<P>>,
    pub(super) session: SessionId,
    pub(super) seq: AcceptSeq,
}

/// What has to be done after the lock is released.
#[derive(Default)]
#[must_use]
pub(super) struct After {
    cancel: Vec<(CancelToken, CancelReason)>,
    wake: Vec<Waker>,
}

impl<P> Slot<P> {
    /// What the run is told, once there is something to tell.
    pub(super) fn told(&self, turn: Turn) -> Option<Start> {
        match turn {
            Turn::Active => Some(Start::Active),
            Turn::Cancelled(reason) => Some(Start::Cancelled(reason)),
            Turn::Folded(_) => self.folded_into.clone().map(|into| Start::Folded { into }),
            Turn::Wait => None,
        }
    }
}

impl<P> Lane<Slot<P>> {
    /// Every reservation under the name of this run.
    pub(super) fn held_as(&self, run: &RunId) -> Vec<AcceptSeq> {
        self.iter()
            .filter(|entry| entry.item().run == *run)
            .map(LaneEntry::seq)
            .collect()
    }

    /// Whether the run has not started and is on offer to nobody.
    pub(super) fn waits(&self, seq: AcceptSeq) -> bool {
        self.entry(seq)
            .is_some_and(|entry| matches!(entry.phase(), Phase::Accepted | Phase::Waiting))
    }
}

impl<P> Ticket<P> {
    /// Changes the lane of the run in one step, as [`Shared::change`] does.
    pub(super) fn change<R>(
        &self,
        change: impl FnOnce(&mut Lane<Slot<P>>, &mut After) -> R,
    ) -> Option<R> {
        self.shared.change(&self.session, change)
    }
}

impl<P> Clone for Ticket<P> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
            session: self.session.clone(),
            seq: self.seq,
        }
    }
}

impl After {
    /// Notes the tokens of the runs that a change cancelled.
    pub(super) fn cancel<P>(
        &mut self,
        lane: &Lane<Slot<P>>,
        cancelled: &[AcceptSeq],
        reason: CancelReason,
    ) {
        let tokens = cancelled.iter().filter_map(|seq| lane.entry(*seq));
        self.cancel
            .extend(tokens.map(|entry| (entry.item().token.clone(), reason)));
    }

    /// Takes out the wakers of all that can go on.
    pub(super) fn wake_ready<P>(&mut self, lane: &mut Lane<Slot<P>>) {
        self.wake
            .extend(lane.ready_mut().filter_map(|slot| slot.waiting.take()));
    }

    pub(super) fn perform(self) {
        for (token, reason) in self.cancel {
            token.cancel(reason);
        }
        for waker in self.wake {
            waker.wake();
        }
    }
}
