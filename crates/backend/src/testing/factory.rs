//! The factory of the test backend: workspaces in memory, behind the plan of faults.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use runwright_agent::{EventLog, Runner};
use runwright_proto::{Config, WorkspaceId};

use super::faults::{Call, Faults};
use super::faulty_journal::FaultyJournal;
use super::faulty_transcript::FaultyTranscript;
use super::runner::FakeRunner;
use super::stored_log::StoredLogs;
use crate::factory::{
    KnownWorkspace, LogStart, OpenError, WorkspaceFactory, WorkspaceParts, WorkspaceSpec,
};
use crate::memory::MemoryFactory;

pub(super) struct TestFactory {
    memory: MemoryFactory,
    faults: Faults,
    change: PartsChange,
    logs: StoredLogs,
}

/// What a test makes of the parts of each workspace that is opened. Clones share it.
#[derive(Clone, Default)]
pub(super) struct PartsChange(Arc<Mutex<Option<Box<ChangeParts>>>>);

type ChangeParts = dyn Fn(&WorkspaceSpec, WorkspaceParts) -> WorkspaceParts + Send + Sync;

impl TestFactory {
    /// Makes workspaces with this agent, as long as `has_agent` says that there is one.
    pub(super) fn new(
        runner: FakeRunner,
        has_agent: Arc<AtomicBool>,
        faults: Faults,
        change: PartsChange,
        logs: StoredLogs,
    ) -> Self {
        let runner: Arc<dyn Runner> = Arc::new(runner);
        let make_runner = move |_: &Path| has_agent.load(Ordering::Acquire).then(|| runner.clone());
        let data_dir = PathBuf::from("/nowhere");
        Self {
            memory: MemoryFactory::new(Box::new(make_runner), Config::default(), data_dir),
            faults,
            change,
            logs,
        }
    }

    async fn pass(&self, call: Call) -> Result<(), OpenError> {
        let passed = self.faults.pass(call).await;
        passed.map_err(|fault| OpenError::Storage(fault.into_storage_error()))
    }
}

#[async_trait]
impl WorkspaceFactory for TestFactory {
    async fn open(&self, mut spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError> {
        self.pass(Call::Open).await?;
        let stored = self.logs.of(spec.id, &self.faults);
        if let Some(stored) = &stored {
            stored.lead_to(spec.sink);
            spec.sink = stored.clone();
        }
        let parts = self.memory.open(spec.clone()).await?;
        let parts = WorkspaceParts {
            journal: Arc::new(FaultyJournal::new(parts.journal, self.faults.clone())),
            transcript: Arc::new(FaultyTranscript::new(parts.transcript, self.faults.clone())),
            events: stored.map(|stored| stored as Arc<dyn EventLog>),
            ..parts
        };
        Ok(self.change.apply(&spec, parts))
    }

    async fn log(&self, id: WorkspaceId, path: &Path) -> Result<LogStart, OpenError> {
        self.pass(Call::Log).await?;
        match self.logs.of(id, &self.faults) {
            Some(stored) => Ok(stored.start()),
            None => self.memory.log(id, path).await,
        }
    }

    async fn known(&self, id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError> {
        self.memory.known(id).await
    }

    async fn runner(&self, path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError> {
        self.pass(Call::MakeRunner).await?;
        self.memory.runner(path).await
    }
}

impl PartsChange {
    pub(super) fn set(
        &self,
        change: impl Fn(&WorkspaceSpec, WorkspaceParts) -> WorkspaceParts + Send + Sync + 'static,
    ) {
        *self.lock() = Some(Box::new(change));
    }

    fn apply(&self, spec: &WorkspaceSpec, parts: WorkspaceParts) -> WorkspaceParts {
        match self.lock().as_deref() {
            Some(change) => change(spec, parts),
            None => parts,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<ChangeParts>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PartsChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartsChange").finish_non_exhaustive()
    }
}
