//! The reservations of a workspace: which runs it has accepted and what each is told. The locked shell around
//! [`Lane`]; it knows no journal, no task and no clock. Model-checked (`tests/loom.rs`), so it must never use a
//! primitive that does not come from `sync.rs`.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use runwright_proto::{BusyPolicy, RunId, SessionId};

use crate::busy_policy::{LaneLoad, Refusal, place};
use crate::cancel_mark::AcceptSeq;
use crate::cancel_token::{CancelReason, CancelToken};
use crate::lane::{Lane, LaneEntry, Phase, Turn};
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

/// What is kept with one run in its lane.
struct Slot<P> {
    run: RunId,
    payload: P,
    token: CancelToken,
    /// The waker of the run's [`TurnFuture`], while it waits.
    waiting: Option<Waker>,
    folded_into: Option<RunId>,
}

/// What has to be done after the lock is released.
#[derive(Default)]
#[must_use]
struct After {
    cancel: Vec<(CancelToken, CancelReason)>,
    wake: Vec<Waker>,
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
        let token = CancelToken::new();
        let mut state = self.shared.lock();
        let load = LaneLoad {
            runs: state.lanes.get(session).map_or(0, Lane::live),
            max_queued: self.shared.max_queued,
        };
        let placement = place(policy, load)?;
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
            let mut after = After::default();
            for lane in state.lanes.values_mut() {
                let hit = lane.cancel_all(reason);
                after.collect(lane, &hit, reason);
            }
            after
        };
        after.perform();
    }

    /// Cancels every run of the workspace that is accepted so far; later ones run.
    pub fn cancel_present(&self, reason: CancelReason) {
        let after = {
            let mut state = self.shared.lock();
            let mut after = After::default();
            for lane in state.lanes.values_mut() {
                let hit = lane.cancel_all(reason);
                after.collect(lane, &hit, reason);
            }
            after
        };
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

    fn cancel_in(
        &self,
        session: &SessionId,
        reason: CancelReason,
        cancel: impl FnOnce(&mut Lane<Slot<P>>) -> Vec<AcceptSeq>,
    ) -> Vec<RunId> {
        let mut after = After::default();
        let runs = {
            let mut state = self.shared.lock();
            let Some(lane) = state.lanes.get_mut(session) else {
                return Vec::new();
            };
            let hit = cancel(lane);
            after.collect(lane, &hit, reason);
            let of = |seq: &AcceptSeq| lane.entry(*seq).map(|entry| entry.item().run.clone());
            hit.iter().filter_map(of).collect()
        };
        after.perform();
        runs
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

/// What a run is told when its turn is decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Run now. The session belongs to this run until its reservation is dropped.
    Active,
    /// A cancel covers the run and it must not start.
    Cancelled(CancelReason),
    /// The prompt became part of the turn of another run.
    Folded {
        /// The run whose turn took the prompt in.
        into: RunId,
    },
}

/// One accepted run: a place in the order of its session, held until it is dropped.
///
/// Whoever holds it owes the run its end. Dropping it hands the session to the next run in the same step.
#[must_use = "dropping the reservation ends the run"]
pub struct AcceptedRun<P> {
    ticket: Ticket<P>,
    run: RunId,
    token: CancelToken,
    position: usize,
}

/// Names one run of one lane to the shared state.
struct Ticket<P> {
    shared: Arc<Shared<P>>,
    session: SessionId,
    seq: AcceptSeq,
}

impl<P: Clone> AcceptedRun<P> {
    /// The run's id.
    #[must_use]
    pub fn run_id(&self) -> &RunId {
        &self.run
    }

    /// The session it belongs to.
    #[must_use]
    pub fn session_id(&self) -> &SessionId {
        &self.ticket.session
    }

    /// Its place in the order in which the workspace accepted its prompts.
    #[must_use]
    pub fn seq(&self) -> AcceptSeq {
        self.ticket.seq
    }

    /// How many runs of the session went before it when it was accepted; 0 starts at once.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// Tells the run to stop, once a cancel covers it.
    #[must_use]
    pub fn cancel_token(&self) -> &CancelToken {
        &self.token
    }

    /// Says that the journal has the run: it takes its place among those that wait for their turn, and a run that
    /// interrupts cancels the one before it.
    pub fn confirm(&self) {
        let after = {
            let mut state = self.ticket.shared.lock();
            let mut after = After::default();
            if let Some(lane) = state.lanes.get_mut(&self.ticket.session) {
                let hit = lane.confirm(self.ticket.seq);
                after.collect(lane, &hit, CancelReason::Superseded);
            }
            after
        };
        after.perform();
    }

    /// Waits for the decision about this run: its turn, a cancel, or that another turn took the prompt in. One task
    /// waits for it: of two futures of the same run only the one that was polled last is woken.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the place in the order belongs to the reservation.
    pub fn turn(&self) -> TurnFuture<'_, P> {
        TurnFuture { run: self }
    }

    /// The way of the active turn to prompts that want to be folded into it.
    #[must_use]
    pub fn steering(&self) -> Steering<P> {
        Steering {
            ticket: self.ticket.clone(),
            run: self.run.clone(),
        }
    }
}

impl<P> Drop for AcceptedRun<P> {
    fn drop(&mut self) {
        let (after, _slot) = {
            let mut state = self.ticket.shared.lock();
            let mut after = After::default();
            let mut slot = None;
            if let Some(lane) = state.lanes.get_mut(&self.ticket.session) {
                slot = lane.remove(self.ticket.seq);
                after.collect(lane, &[], CancelReason::Requested);
                if lane.is_empty() {
                    state.lanes.remove(&self.ticket.session);
                }
            }
            (after, slot)
        };
        after.perform();
    }
}

impl<P> fmt::Debug for AcceptedRun<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptedRun")
            .field("run", &self.run)
            .field("session", &self.ticket.session)
            .field("seq", &self.ticket.seq)
            .finish_non_exhaustive()
    }
}

/// The future of [`AcceptedRun::turn`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct TurnFuture<'a, P> {
    run: &'a AcceptedRun<P>,
}

impl<P> Future for TurnFuture<'_, P> {
    type Output = Start;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Start> {
        let ticket = &self.run.ticket;
        let waker = cx.waker().clone();
        let (decision, replaced, after) = {
            let mut state = ticket.shared.lock();
            let mut after = After::default();
            let Some(lane) = state.lanes.get_mut(&ticket.session) else {
                return Poll::Pending;
            };
            let turn = lane.turn(ticket.seq);
            let Some(slot) = lane.item_mut(ticket.seq) else {
                return Poll::Pending;
            };
            let decision = slot.told(turn);
            let replaced = match decision {
                None => slot.waiting.replace(waker),
                Some(_) => slot.waiting.take(),
            };
            after.collect(lane, &[], CancelReason::Requested);
            (decision, replaced, after)
        };
        drop(replaced);
        after.perform();
        decision.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<P> fmt::Debug for TurnFuture<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnFuture").field("run", self.run).finish()
    }
}

/// Lets the active turn of a session take in the prompts that asked to steer it.
pub struct Steering<P> {
    ticket: Ticket<P>,
    run: RunId,
}

impl<P: Clone> Steering<P> {
    /// The prompts that wait to be folded in, in order. Each is taken in with [`SteeredPrompt::taken`], or goes back
    /// to its place in the queue when it is dropped.
    #[must_use]
    pub fn offered(&self) -> Vec<SteeredPrompt<P>> {
        let mut state = self.ticket.shared.lock();
        let Some(lane) = state.lanes.get_mut(&self.ticket.session) else {
            return Vec::new();
        };
        let offered = lane.fold(self.ticket.seq);
        offered
            .into_iter()
            .filter_map(|seq| {
                let slot = lane.item_mut(seq)?;
                Some(SteeredPrompt {
                    ticket: Ticket {
                        shared: self.ticket.shared.clone(),
                        session: self.ticket.session.clone(),
                        seq,
                    },
                    into: self.ticket.seq,
                    into_run: self.run.clone(),
                    run: slot.run.clone(),
                    payload: slot.payload.clone(),
                    settled: false,
                })
            })
            .collect()
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
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let after = {
            let mut state = self.ticket.shared.lock();
            let mut after = After::default();
            if let Some(lane) = state.lanes.get_mut(&self.ticket.session) {
                change(lane, self.ticket.seq, self.into);
                after.collect(lane, &[], CancelReason::Requested);
            }
            after
        };
        after.perform();
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

impl<P> Shared<P> {
    fn lock(&self) -> MutexGuard<'_, State<P>> {
        lock(&self.state)
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

impl<P> Slot<P> {
    /// What the run is told, once there is something to tell.
    fn told(&self, turn: Turn) -> Option<Start> {
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
    fn held_as(&self, run: &RunId) -> Vec<AcceptSeq> {
        self.iter()
            .filter(|entry| entry.item().run == *run)
            .map(LaneEntry::seq)
            .collect()
    }

    /// Whether the run has not started and is on offer to nobody.
    fn waits(&self, seq: AcceptSeq) -> bool {
        self.entry(seq)
            .is_some_and(|entry| matches!(entry.phase(), Phase::Accepted | Phase::Waiting))
    }
}

impl After {
    /// Notes the tokens of the runs that a change cancelled, and the wakers of all that can go on after it.
    fn collect<P>(
        &mut self,
        lane: &mut Lane<Slot<P>>,
        cancelled: &[AcceptSeq],
        reason: CancelReason,
    ) {
        for seq in cancelled {
            self.cancel.extend(
                lane.entry(*seq)
                    .map(|entry| (entry.item().token.clone(), reason)),
            );
        }
        self.wake
            .extend(lane.ready_mut().filter_map(|slot| slot.waiting.take()));
    }

    fn perform(self) {
        for (token, reason) in self.cancel {
            token.cancel(reason);
        }
        for waker in self.wake {
            waker.wake();
        }
    }
}
