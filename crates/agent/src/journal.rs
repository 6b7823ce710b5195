//! The port to the record of runs: what was accepted, how far it is, how it ended. It knows nothing of how the record
//! is stored.

use std::error::Error;
use std::sync::Arc;

use async_trait::async_trait;
use runwright_proto::{Receipt, Run, RunId, RunList, RunState, Seq, SessionId};

use crate::call::AgentCall;
use crate::events::RunEnd;

/// The record of the runs of one workspace.
///
/// A request has up to two names: its run id and its idempotency key. They stay known as long as the record has the
/// run, also when the run is over. A run need not belong to a session that any history knows, and it outlives its
/// session: a run that is deleted with its session could not end.
///
/// Newest means the order in which runs were recorded, never that of the clock.
///
/// The conformance suite `runwright_agent::testing::journal` (feature `test-util`) says what every implementation
/// must do.
#[async_trait]
pub trait RunJournal: Send + Sync {
    /// Looks for an earlier request under the names of this one, without changing anything. A caller asks before it
    /// reserves a place, so that a repeated request is answered even when its session is full.
    ///
    /// # Errors
    /// [`JournalError::Storage`].
    async fn find(&self, call: &AgentCall) -> Result<Option<Earlier>, JournalError>;

    /// Records a run, with its prompt, its names and its place in the queue, as one step: when this returns
    /// [`Acceptance::Accepted`] the run is as safe as this journal makes it, and only then does a receipt exist. The
    /// run is recorded as queued; the receipt says `running` for a run that nothing goes before, and its `seq` is the
    /// [head](crate::EventSink::head) of the log before anything of the run is published. Of several requests of one
    /// name, also at the same moment, one is recorded. No event.
    ///
    /// # Errors
    /// [`JournalError::Storage`]; nothing is recorded then.
    ///
    /// # Cancel safety
    /// A dropped future leaves a whole record or none. A caller that is dropped does not know which.
    async fn accept(&self, run: NewRun) -> Result<Acceptance, JournalError>;

    /// Notes that a queued run has started. Does nothing to a run that has started or is over. No event.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`], [`JournalError::Storage`].
    async fn start(&self, run: &RunId) -> Result<(), JournalError>;

    /// Ends a run, queued or started, by compare-and-set: of all who try, one wins, and only then is the end recorded
    /// and are [its events](RunEnd::events) published, in the same step. Returns whether this call won.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`], [`JournalError::Storage`].
    async fn finish(&self, run: &RunId, end: RunEnd) -> Result<bool, JournalError>;

    /// Finds a run. If it is over, its events were published before this returns.
    ///
    /// # Errors
    /// [`JournalError::Storage`].
    async fn run(&self, run: &RunId) -> Result<Option<Run>, JournalError>;

    /// Lists runs, the newest first, and says where the next page begins: `next_cursor` is the id of the last run of
    /// this page, and absent when nothing follows. The events of those that are over were published before.
    ///
    /// # Errors
    /// [`JournalError::UnknownRun`] when the page begins after a run that does not exist, [`JournalError::Storage`].
    async fn runs(&self, query: RunQuery) -> Result<RunList, JournalError>;
}

/// A run to be recorded.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// The prompt.
    pub call: Arc<AgentCall>,
    /// How many runs of the session go before it.
    pub position: usize,
}

impl NewRun {
    /// The receipt of the run, if it is recorded while the log of its workspace is at `head`.
    #[must_use]
    pub fn receipt(&self, head: Seq) -> Receipt {
        Receipt {
            run_id: self.call.run_id().clone(),
            session_id: self.call.session_id().clone(),
            state: if self.position == 0 {
                RunState::Running
            } else {
                RunState::Queued
            },
            position: u32::try_from(self.position).unwrap_or(u32::MAX),
            seq: head,
        }
    }
}

/// What became of a run that was to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Acceptance {
    /// It is recorded; this is its receipt.
    Accepted(Receipt),
    /// It was not recorded, because of an earlier request under one of its names.
    Known(Earlier),
}

/// An earlier request under one of the names of this one; where its names lead to two, the one of the run id counts.
#[derive(Debug, Clone, PartialEq)]
pub enum Earlier {
    /// It was [the same request](AgentCall::same_request): its receipt counts again, word for word.
    Same(Receipt),
    /// It asked for something else; this is its run.
    Different(RunId),
}

/// Which runs to list.
///
/// ```
/// use runwright_agent::RunQuery;
/// use runwright_proto::RunState;
///
/// let waiting = RunQuery {
///     state: Some(RunState::Queued),
///     limit: Some(20),
///     ..RunQuery::default()
/// };
/// assert_eq!(waiting.after, None, "the first page");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Only those of this session.
    pub session_id: Option<SessionId>,
    /// Only those in this state.
    pub state: Option<RunState>,
    /// Only those recorded before this run: the last one of the page before. It need not match the other fields.
    pub after: Option<RunId>,
    /// At most this many; 100 if not given.
    pub limit: Option<usize>,
}

/// Why the record could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no such run.
    #[error("run `{0}` not found")]
    UnknownRun(RunId),
    /// The storage failed.
    #[error("run storage failed")]
    Storage(#[source] Box<dyn Error + Send + Sync>),
}
