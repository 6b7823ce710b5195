//! The factory of the test backend: workspaces in memory, behind the plan of faults.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use runwright_agent::Runner;
use runwright_proto::{Config, WorkspaceId};

use super::faults::{Call, Faults};
use super::faulty_journal::FaultyJournal;
use super::faulty_transcript::FaultyTranscript;
use super::runner::FakeRunner;
use crate::factory::{
    KnownWorkspace, LogStart, OpenError, WorkspaceFactory, WorkspaceParts, WorkspaceSpec,
};
use crate::memory::MemoryFactory;

pub(super) struct TestFactory {
    memory: MemoryFactory,
    faults: Faults,
}

impl TestFactory {
    /// Makes workspaces with this agent, as long as `has_agent` says that there is one.
    pub(super) fn new(runner: FakeRunner, has_agent: Arc<AtomicBool>, faults: Faults) -> Self {
        let runner: Arc<dyn Runner> = Arc::new(runner);
        let make_runner = move |_: &Path| has_agent.load(Ordering::Acquire).then(|| runner.clone());
        let data_dir = PathBuf::from("/nowhere");
        Self {
            memory: MemoryFactory::new(Box::new(make_runner), Config::default(), data_dir),
            faults,
        }
    }

    async fn pass(&self, call: Call) -> Result<(), OpenError> {
        let passed = self.faults.pass(call).await;
        passed.map_err(|fault| OpenError(Box::new(fault)))
    }
}

#[async_trait]
impl WorkspaceFactory for TestFactory {
    async fn open(&self, spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError> {
        self.pass(Call::Open).await?;
        let parts = self.memory.open(spec).await?;
        Ok(WorkspaceParts {
            journal: Arc::new(FaultyJournal::new(parts.journal, self.faults.clone())),
            transcript: Arc::new(FaultyTranscript::new(parts.transcript, self.faults.clone())),
            ..parts
        })
    }

    async fn log(&self, id: WorkspaceId, path: &Path) -> Result<LogStart, OpenError> {
        self.pass(Call::Log).await?;
        self.memory.log(id, path).await
    }

    async fn known(&self, id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError> {
        self.memory.known(id).await
    }

    async fn runner(&self, path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError> {
        self.pass(Call::MakeRunner).await?;
        self.memory.runner(path).await
    }
}
