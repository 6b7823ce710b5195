//! A record of runs that fails, panics or hangs when the test says so.

use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{
    Acceptance, AgentCall, Earlier, JournalError, NewRun, RunEnd, RunJournal, RunQuery,
};
use runwright_proto::{Run, RunId, RunList};

use super::faults::{Call, Faults, InjectedFault};

/// Puts [`Faults`] before a record of runs: a call that fails here never reaches it.
pub struct FaultyJournal {
    inner: Arc<dyn RunJournal>,
    faults: Faults,
}

impl FaultyJournal {
    /// Puts the faults before `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn RunJournal>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    async fn pass(&self, call: Call) -> Result<(), JournalError> {
        self.faults.pass(call).await.map_err(storage)
    }
}

#[async_trait]
impl RunJournal for FaultyJournal {
    async fn find(&self, call: &AgentCall) -> Result<Option<Earlier>, JournalError> {
        self.pass(Call::Find).await?;
        self.inner.find(call).await
    }

    async fn accept(&self, run: NewRun) -> Result<Acceptance, JournalError> {
        self.pass(Call::Accept).await?;
        self.inner.accept(run).await
    }

    async fn start(&self, run: &RunId) -> Result<(), JournalError> {
        self.pass(Call::Start).await?;
        self.inner.start(run).await
    }

    async fn finish(&self, run: &RunId, end: RunEnd) -> Result<bool, JournalError> {
        self.pass(Call::Finish).await?;
        let won = self.inner.finish(run, end).await;
        self.pass(Call::FinishAnswer).await?;
        won
    }

    async fn run(&self, run: &RunId) -> Result<Option<Run>, JournalError> {
        self.pass(Call::ReadRuns).await?;
        self.inner.run(run).await
    }

    async fn runs(&self, query: RunQuery) -> Result<RunList, JournalError> {
        self.pass(Call::ReadRuns).await?;
        self.inner.runs(query).await
    }
}

impl std::fmt::Debug for FaultyJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultyJournal").finish_non_exhaustive()
    }
}

fn storage(fault: InjectedFault) -> JournalError {
    JournalError::Storage(fault.into_storage_error())
}
