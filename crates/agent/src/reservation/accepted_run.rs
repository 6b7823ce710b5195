//! One accepted run as its task holds it: from its reservation to its end, and what it is told in between.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use runwright_proto::{RunId, SessionId};

use super::slot::Ticket;
use super::steering::Steering;
use crate::cancel_mark::AcceptSeq;
use crate::cancel_token::{CancelReason, CancelToken};

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
///
/// ```
/// use runwright_agent::{AcceptedRun, CancelReason, Reservations, Start};
/// use runwright_proto::{BusyPolicy, RunId, SessionId};
///
/// /// The task of a run.
/// async fn carry(run: AcceptedRun<&str>) -> &'static str {
///     match run.turn().await {
///         Start::Active => "carried out, until it ends or its token is cancelled",
///         Start::Cancelled(_) => "must not start",
///         Start::Folded { .. } => "part of another turn",
///     }
/// }
///
/// # futures_util::FutureExt::now_or_never(async {
/// let reservations = Reservations::new(64);
/// let session = SessionId::random();
/// let run = reservations.accept(&session, RunId::generate(), BusyPolicy::Queue, "hello")?;
/// reservations.cancel_session(&session, CancelReason::Requested);
/// run.confirm();
/// assert_eq!(carry(run).await, "must not start");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("nothing waits here")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping the reservation ends the run"]
pub struct AcceptedRun<P> {
    pub(super) ticket: Ticket<P>,
    pub(super) run: RunId,
    pub(super) token: CancelToken,
    pub(super) position: usize,
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

    /// Tells the run to stop, once a cancel covers it: at the latest when that cancel returns, which may be a moment
    /// after the run itself was told [`Start::Cancelled`].
    #[must_use]
    pub fn cancel_token(&self) -> &CancelToken {
        &self.token
    }

    /// Says that the journal has the run: it takes its place among those that wait for their turn, and a run that
    /// interrupts cancels the one before it.
    pub fn confirm(&self) {
        self.ticket.change(|lane, after| {
            let hit = lane.confirm(self.ticket.seq);
            after.cancel(lane, &hit, CancelReason::Superseded);
        });
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
        let slot = self.ticket.change(|lane, _| lane.remove(self.ticket.seq));
        drop(slot);
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
        let (decision, replaced) = ticket
            .change(|lane, _| {
                let turn = lane.turn(ticket.seq);
                let slot = lane
                    .item_mut(ticket.seq)
                    .expect("invariant: a run is in its lane until it is dropped");
                let decision = slot.told(turn);
                let replaced = match decision {
                    None => slot.waiting.replace(waker),
                    Some(_) => slot.waiting.take(),
                };
                (decision, replaced)
            })
            .expect("invariant: a session has a lane as long as a run is in it");
        drop(replaced);
        decision.map_or(Poll::Pending, Poll::Ready)
    }
}

impl<P> fmt::Debug for TurnFuture<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TurnFuture").field("run", self.run).finish()
    }
}
