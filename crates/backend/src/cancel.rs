//! Stops runs that were accepted: one, those of a session, those that wait. What happens to a run that is told to
//! stop is in `supervise.rs`.

use std::sync::Arc;
use std::time::Duration;

use runwright_agent::{CancelReason, RunQuery};
use runwright_proto::{Run, RunId, RunList, RunState, SessionId};
use tokio::time::timeout;

use crate::error::RunError;
use crate::workspace::Workspace;

impl Workspace {
    /// Cancels the active run of a session, every accepted run of it that has not started and every queued one, and
    /// nothing that is accepted later. An idle session remembers nothing. Returns what this cancelled.
    pub fn cancel_session(&self, session: &SessionId) -> Vec<RunId> {
        let cancelled = self
            .reservations
            .cancel_session(session, CancelReason::Requested);
        tracing::info!(%session, runs = cancelled.len(), "session cancelled");
        cancelled
    }

    /// Cancels the runs of a session that wait for their turn; the active one goes on.
    pub fn clear_queue(&self, session: &SessionId) -> Vec<RunId> {
        self.reservations
            .cancel_waiting(session, CancelReason::Requested)
    }

    /// Cancels one run; the queue stays. A run that is over stays as it is. Returns whether this cancelled it.
    ///
    /// # Errors
    /// [`RunError::NotFound`], [`RunError::Journal`].
    ///
    /// # Cancel safety
    /// The run is cancelled or not; there is nothing in between.
    pub async fn cancel_run(&self, run: &RunId) -> Result<bool, RunError> {
        let session = self.run(run).await?.session_id;
        let cancelled = self
            .reservations
            .cancel_run(&session, run, CancelReason::Requested);
        tracing::info!(%run, %session, cancelled, "run cancelled");
        Ok(cancelled)
    }

    /// Takes a run out of the queue, and waits until no process will start it.
    ///
    /// # Errors
    /// [`RunError::NotFound`]; [`RunError::NotQueued`] when it has started or is over; [`RunError::NotStored`];
    /// [`RunError::Journal`].
    ///
    /// # Cancel safety
    /// The run is cancelled or not; there is nothing in between.
    pub async fn cancel_queued(&self, run: &RunId) -> Result<(), RunError> {
        let session = self.run(run).await?.session_id;
        let waiting = self
            .reservations
            .cancel_if_waiting(&session, run, CancelReason::Requested);
        // One that was taken out before, and that the storage has not taken yet, is waited for like one that this takes.
        if !waiting && (self.started.contains(run) || !self.stopping(&session).contains(run)) {
            return Err(RunError::NotQueued(run.clone()));
        }
        self.never_start(&session, std::slice::from_ref(run)).await
    }

    /// The runs of a session that are cancelled and not over: after a cancel, all that it covers.
    #[must_use]
    pub fn stopping(&self, session: &SessionId) -> Vec<RunId> {
        self.reservations.cancelled(session)
    }

    /// Waits until no process will start these runs, which are cancelled: those that had not started are over. A run that
    /// has started is not waited for; if the process dies, the next one ends it.
    ///
    /// # Errors
    /// [`RunError::NotStored`], when the storage does not take that in time. The runs are stopped all the same, as long as
    /// the process lives.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn never_start(&self, session: &SessionId, runs: &[RunId]) -> Result<(), RunError> {
        let mut changes = self.tasks.ended.subscribe();
        // In this order: a run is forgotten as started after it has left the reservations.
        let may_start =
            |run: &RunId| !self.started.contains(run) && self.reservations.holds(session, run);
        if !runs.iter().any(may_start) {
            return Ok(());
        }
        let stopped = async {
            while runs.iter().any(may_start) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        let in_time = timeout(self.opened.options.store_within, stopped).await;
        // The end of a run that is aborted with its workspace may not have been taken by the storage.
        if in_time.is_err() || self.tasks.abort.is_cancelled() {
            return Err(RunError::NotStored);
        }
        Ok(())
    }

    /// Waits until these runs are over: their terminal events are published.
    ///
    /// # Errors
    /// [`RunError::StillEnding`], when they are not over in time.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn ended(
        &self,
        session: &SessionId,
        runs: &[RunId],
        within: Duration,
    ) -> Result<(), RunError> {
        let mut changes = self.tasks.ended.subscribe();
        let over = async {
            while runs.iter().any(|run| self.reservations.holds(session, run)) {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        timeout(within, over)
            .await
            .map_err(|_| RunError::StillEnding)
    }

    /// Finds a run.
    ///
    /// # Errors
    /// [`RunError::NotFound`], [`RunError::Journal`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn run(&self, run: &RunId) -> Result<Run, RunError> {
        let found = self.opened.journal.run(run).await?;
        found.ok_or_else(|| RunError::NotFound(run.clone()))
    }

    /// Lists runs, the newest first: of one session or all, in one state or any, a page at a time.
    ///
    /// # Errors
    /// [`RunError::NotFound`] when the page begins after an unknown run, [`RunError::Journal`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn runs(
        &self,
        session_id: Option<SessionId>,
        state: Option<RunState>,
        after: Option<RunId>,
        limit: Option<usize>,
    ) -> Result<RunList, RunError> {
        let query = RunQuery {
            session_id,
            state,
            after,
            limit,
        };
        self.opened
            .journal
            .runs(query)
            .await
            .map_err(|error| match error {
                runwright_agent::JournalError::UnknownRun(run) => RunError::NotFound(run),
                other @ runwright_agent::JournalError::Storage(_) => RunError::Journal(other),
            })
    }

    /// The prompts of a session that wait for their turn, in order.
    #[must_use]
    pub fn queued_prompts(&self, session: &SessionId) -> Vec<String> {
        let queued = self.reservations.queued(session);
        queued.iter().map(|call| call.prompt().to_owned()).collect()
    }

    /// How many prompts of a session wait for their turn.
    #[must_use]
    pub fn queue_len(&self, session: &SessionId) -> usize {
        self.reservations.queue_len(session)
    }

    /// Whether a run of this session is accepted and not over.
    #[must_use]
    pub fn is_busy(&self, session: &SessionId) -> bool {
        self.reservations.is_busy(session)
    }
}

/// Cancels every run of a workspace whose last client left under the policy `cancel`.
pub(crate) fn abandon(workspace: &Arc<Workspace>) {
    tracing::info!(workspace = %workspace.id, "last client left: cancelling the runs");
    workspace
        .reservations
        .cancel_present(CancelReason::Abandoned);
}
