//! The reservations of a workspace: which runs it has accepted and what each is told. The locked shell around
//! [`Lane`]; it knows no journal, no task and no clock. Model-checked (`tests/loom.rs`) with all that is below it, so
//! it must never use a primitive that does not come from `sync.rs`.

mod accepted_run;
mod slot;
mod steering;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;

use runwright_proto::{BusyPolicy, RunId, SessionId};

pub use self::accepted_run::{AcceptedRun, Start, TurnFuture};
use self::slot::{After, Slot, Ticket};
pub use self::steering::{SteeredPrompt, Steering};
use crate::busy_policy::{LaneLoad, Placement, Refusal, place};
use crate::cancel_mark::AcceptSeq;
use crate::cancel_token::{CancelReason, CancelToken};
use crate::lane::Lane;
use crate::sync::{Arc, Mutex, MutexGuard, lock};

/// Every run that a workspace has accepted and that is not over, session by session. Clones share the state.
///
/// `P` is what the owner wants to find again with a run, usually the validated call behind an `Arc`.
///
/// # Guarantees
/// - A run is counted from [`accept`](Self::accept) until its [`AcceptedRun`] is dropped, exactly once.
/// - Of each session at most one run is active, and runs become active in the order in which they were accepted.
/// - A cancel covers every run accepted before it and none accepted after it, wherever those runs are at that moment.
/// - [`cancel_all`](Self::cancel_all) is sticky: a run that is accepted after it is born cancelled.
///
/// ```
/// use runwright_agent::{CancelReason, Reservations, Start};
/// use runwright_proto::{BusyPolicy, RunId, SessionId};
///
/// # fn poll_now<F: Future>(future: F) -> Option<F::Output> {
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     match std::pin::pin!(future).poll(&mut cx) {
/// #         std::task::Poll::Ready(value) => Some(value),
/// #         std::task::Poll::Pending => None,
/// #     }
/// # }
/// let reservations = Reservations::new(64);
/// let session: SessionId = "2f4e4b5e-8f0a-4c39-9f0e-2f2c7c1f4c11".parse()?;
/// let first = reservations.accept(&session, RunId::generate(), BusyPolicy::Queue, "hello")?;
/// first.confirm();
/// assert_eq!(poll_now(first.turn()), Some(Start::Active));
///
/// let second = reservations.accept(&session, RunId::generate(), BusyPolicy::Queue, "and then?")?;
/// second.confirm();
/// assert_eq!(poll_now(second.turn()), None, "the first goes on");
/// drop(first);
/// assert_eq!(poll_now(second.turn()), Some(Start::Active), "handed over in the same step");
///
/// reservations.cancel_session(&session, CancelReason::Requested);
/// assert!(second.cancel_token().is_cancelled());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reservations<P> {
    shared: Arc<Shared<P>>,
}

struct Shared<P> {
    max_queued: usize,
    state: Mutex<State<P>>,
}

struct State<P> {
    lanes: BTreeMap<SessionId, Lane<Slot<P>>>,
    last: AcceptSeq,
    /// Set once by `cancel_all`, never cleared.
    cancelled: Option<CancelReason>,
}

impl<P: Clone> Reservations<P> {
    /// Makes the reservations of a workspace in which at most `max_queued` runs wait behind the first of a session.
    #[must_use]
    pub fn new(max_queued: usize) -> Self {
        let state = State {
            lanes: BTreeMap::new(),
            last: AcceptSeq::default(),
            cancelled: None,
        };
        Self {
            shared: Arc::new(Shared {
                max_queued,
                state: Mutex::new(state),
            }),
        }
    }

    /// Reserves a place for a run in its session. Nothing else happens yet: the caller writes the run to its journal
    /// and then calls [`AcceptedRun::confirm`], or drops the reservation and nothing has happened.
    ///
    /// # Errors
    /// [`Refusal`], when the busy policy or the bound of the queue says so.
    pub fn accept(
        &self,
        session: &SessionId,
        run: RunId,
        policy: BusyPolicy,
        payload: P,
    ) -> Result<AcceptedRun<P>, Refusal> {
        self.reserve(session, run, payload, |load| place(policy, load))
    }

    /// Takes back a run that was accepted before, in another life of the workspace: behind those that are there already,
    /// also where the queue is full. It is accepted, so nothing refuses it.
    pub fn readmit(&self, session: &SessionId, run: RunId, payload: P) -> AcceptedRun<P> {
        let behind_all = |_| Ok::<_, Infallible>(Placement::Last);
        match self.reserve(session, run, payload, behind_all) {
            Ok(run) => run,
            Err(never) => match never {},
        }
    }

    /// Cancels the active run of a session and every run of it accepted so far, and none accepted later. An idle
    /// session remembers nothing. Returns the runs that this cancelled.
    #[expect(
        clippy::must_use_candidate,
        reason = "a cancel is made for its effect; whom it hit is for those who ask"
    )]
    pub fn cancel_session(&self, session: &SessionId, reason: CancelReason) -> Vec<RunId> {
        self.cancel_in(session, reason, |lane| lane.cancel_all(reason))
    }

    /// Cancels the runs of a session that have not started; the active one goes on. Returns the runs that this
    /// cancelled.
    #[expect(
        clippy::must_use_candidate,
        reason = "a cancel is made for its effect; whom it hit is for those who ask"
    )]
    pub fn cancel_waiting(&self, session: &SessionId, reason: CancelReason) -> Vec<RunId> {
        self.cancel_in(session, reason, |lane| lane.cancel_waiting(reason))
    }

    /// Cancels one run, wherever it is; the rest of the queue stays. Returns whether this cancelled it: not when it
    /// is over, unknown, or already cancelled. A run on offer to the active turn may still be taken in by it.
    ///
    /// While a request and its repetition are on their way to the journal, the run has two reservations, and nobody
    /// knows yet which of them comes to nothing: the cancel covers both.
    #[expect(
        clippy::must_use_candidate,
        reason = "a cancel is made for its effect; whom it hit is for those who ask"
    )]
    pub fn cancel_run(&self, session: &SessionId, run: &RunId, reason: CancelReason) -> bool {
        let hit = self.cancel_in(session, reason, |lane| {
            let mut held = lane.held_as(run);
            held.retain(|seq| lane.cancel_one(*seq, reason));
            held
        });
        !hit.is_empty()
    }

    /// Cancels the run only if it has not started and is not on offer to the active turn. Returns whether this
    /// cancelled it.
    #[expect(
        clippy::must_use_candidate,
        reason = "a cancel is made for its effect; whom it hit is for those who ask"
    )]
    pub fn cancel_if_waiting(
        &self,
        session: &SessionId,
        run: &RunId,
        reason: CancelReason,
    ) -> bool {
        let hit = self.cancel_in(session, reason, |lane| {
            let mut held = lane.held_as(run);
            if held.iter().any(|seq| !lane.waits(*seq)) {
                return Vec::new();
            }
            held.retain(|seq| lane.cancel_one(*seq, reason));
            held
        });
        !hit.is_empty()
    }

    /// Cancels every run of the workspace, and every run that is accepted from now on. There is no way back.
    pub fn cancel_all(&self, reason: CancelReason) {
        let after = {
            let mut state = self.shared.lock();
            state.cancelled.get_or_insert(reason);
            state.cancel_present(reason)
        };
        after.perform();
    }

    /// Cancels every run of the workspace that is accepted so far; later ones run.
    pub fn cancel_present(&self, reason: CancelReason) {
        let after = self.shared.lock().cancel_present(reason);
        after.perform();
    }

    /// Whether a run of this session is accepted and not over.
    #[must_use]
    pub fn is_busy(&self, session: &SessionId) -> bool {
        self.shared.lock().lanes.contains_key(session)
    }

    /// Whether this run is accepted and not over.
    #[must_use]
    pub fn holds(&self, session: &SessionId, run: &RunId) -> bool {
        let state = self.shared.lock();
        let lane = state.lanes.get(session);
        lane.is_some_and(|lane| lane.iter().any(|entry| entry.item().run == *run))
    }

    /// The runs of a session that are cancelled and not over, in order. After a cancel returned, every run that it
    /// covers is among them or over.
    #[must_use]
    pub fn cancelled(&self, session: &SessionId) -> Vec<RunId> {
        let state = self.shared.lock();
        state.lanes.get(session).map_or_else(Vec::new, |lane| {
            lane.cancelled()
                .map(|entry| entry.item().run.clone())
                .collect()
        })
    }

    /// How many runs of the workspace are accepted and not over.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().lanes.values().map(Lane::len).sum()
    }

    /// Whether no run of the workspace is accepted and not over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.lock().lanes.is_empty()
    }

    /// How many runs of the workspace are active.
    #[must_use]
    pub fn active(&self) -> usize {
        let state = self.shared.lock();
        state
            .lanes
            .values()
            .filter(|lane| lane.active().is_some())
            .count()
    }

    /// What waits behind the first run of a session, in order.
    #[must_use]
    pub fn queued(&self, session: &SessionId) -> Vec<P> {
        let state = self.shared.lock();
        state.lanes.get(session).map_or_else(Vec::new, |lane| {
            lane.queued()
                .map(|entry| entry.item().payload.clone())
                .collect()
        })
    }

    /// How many runs wait behind the first run of a session.
    #[must_use]
    pub fn queue_len(&self, session: &SessionId) -> usize {
        let state = self.shared.lock();
        state
            .lanes
            .get(session)
            .map_or(0, |lane| lane.queued().count())
    }

    /// The sessions with runs that are not over, each with how many.
    #[must_use]
    pub fn busy_sessions(&self) -> Vec<(SessionId, usize)> {
        let state = self.shared.lock();
        state
            .lanes
            .iter()
            .map(|(session, lane)| (session.clone(), lane.len()))
            .collect()
    }

    fn reserve<E>(
        &self,
        session: &SessionId,
        run: RunId,
        payload: P,
        place: impl FnOnce(LaneLoad) -> Result<Placement, E>,
    ) -> Result<AcceptedRun<P>, E> {
        let token = CancelToken::new();
        let mut state = self.shared.lock();
        let load = LaneLoad {
            runs: state.lanes.get(session).map_or(0, Lane::live),
            max_queued: self.shared.max_queued,
        };
        let placement = place(load)?;
        let seq = state.last.next();
        state.last = seq;
        let born = state.cancelled;
        let slot = Slot {
            run: run.clone(),
            payload,
            token: token.clone(),
            waiting: None,
            folded_into: None,
        };
        let lane = state.lanes.entry(session.clone()).or_default();
        let position = lane.accept(seq, placement, born, slot);
        drop(state);
        if let Some(reason) = born {
            token.cancel(reason);
        }
        Ok(AcceptedRun {
            ticket: Ticket {
                shared: self.shared.clone(),
                session: session.clone(),
                seq,
            },
            run,
            token,
            position,
        })
    }

    fn cancel_in(
        &self,
        session: &SessionId,
        reason: CancelReason,
        cancel: impl FnOnce(&mut Lane<Slot<P>>) -> Vec<AcceptSeq>,
    ) -> Vec<RunId> {
        let runs = self.shared.change(session, |lane, after| {
            let hit = cancel(lane);
            after.cancel(lane, &hit, reason);
            let of = |seq: &AcceptSeq| lane.entry(*seq).map(|entry| entry.item().run.clone());
            hit.iter().filter_map(of).collect()
        });
        runs.unwrap_or_default()
    }
}

impl<P> Clone for Reservations<P> {
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<P> fmt::Debug for Reservations<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("Reservations")
            .field("sessions", &state.lanes.len())
            .field("last", &state.last)
            .finish_non_exhaustive()
    }
}

impl<P> Shared<P> {
    fn lock(&self) -> MutexGuard<'_, State<P>> {
        lock(&self.state)
    }

    /// Changes the lane of a session, if it has one, in one step. Those whom the change cancels are told, and all that
    /// can go on after it are woken, when the lock is released; the result is for the caller to drop.
    fn change<R>(
        &self,
        session: &SessionId,
        change: impl FnOnce(&mut Lane<Slot<P>>, &mut After) -> R,
    ) -> Option<R> {
        let mut after = After::default();
        let result = {
            let mut state = self.lock();
            let lane = state.lanes.get_mut(session)?;
            let result = change(lane, &mut after);
            after.wake_ready(lane);
            if lane.is_empty() {
                state.lanes.remove(session);
            }
            result
        };
        after.perform();
        Some(result)
    }
}

impl<P> State<P> {
    fn cancel_present(&mut self, reason: CancelReason) -> After {
        let mut after = After::default();
        for lane in self.lanes.values_mut() {
            let hit = lane.cancel_all(reason);
            after.cancel(lane, &hit, reason);
            after.wake_ready(lane);
        }
        after
    }
}
