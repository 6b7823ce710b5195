//! Owns ports behind which a prompt is on disk before it is accepted: the store as the binary uses it, with an agent that
//! has nothing to say, or another. It must never know the server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use runwright_agent::{
    Acceptance, AgentCall, Earlier, JournalError, NewRun, NewSession, RunEnd, RunJournal, RunQuery,
    Runner, Transcript,
};
use runwright_backend::{
    KnownWorkspace, LogStart, OpenError, Recovered, WorkspaceFactory, WorkspaceParts, WorkspaceSpec,
};
use runwright_proto::{Config, Run, RunId, RunList, WorkspaceId};
use runwright_store::{Store, StoreError, StoreOptions, WorkspaceSettings};

use crate::{Result, accept::session};

use super::ports::{Accepts, Minimal};

/// The most clients that there are, each with a session of its own.
const SESSIONS: usize = 256;

/// Opens workspaces whose record, history and log are in a store.
pub(crate) struct StoredFactory {
    store: Store,
    agent: Agent,
}

/// Who answers prompts.
pub(crate) enum Agent {
    /// One that says nothing, in sessions that are there from the beginning.
    Silent(Accepts),
    /// One that does.
    Speaking(Arc<dyn Runner>),
}

/// Records a run and says that it was there before, so that nothing follows.
struct Stopping(Arc<dyn RunJournal>);

impl StoredFactory {
    /// Opens the store in the directory that the role was started in.
    pub(crate) fn open(agent: Agent) -> Result<Self> {
        let store = Store::open(Path::new("data"), StoreOptions::default())?;
        Ok(Self { store, agent })
    }
}

#[async_trait]
impl WorkspaceFactory for StoredFactory {
    async fn open(&self, spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError> {
        let known = KnownWorkspace::of(&spec);
        let settings = WorkspaceSettings {
            path: known.path,
            channels: known.channels,
            on_last_detach: known.on_last_detach,
        };
        let opening = self.store.open_workspace(spec.id, settings, spec.sink);
        let stored = opening.await.map_err(failed)?;
        let runner: Arc<dyn Runner> = match &self.agent {
            Agent::Silent(accepts) => {
                open_sessions(&*stored.transcript).await?;
                Arc::new(Minimal(*accepts))
            }
            Agent::Speaking(runner) => runner.clone(),
        };
        let journal = match self.agent {
            Agent::Silent(Accepts::AndStops) => Arc::new(Stopping(stored.journal)),
            Agent::Silent(Accepts::AndRuns) | Agent::Speaking(_) => stored.journal,
        };
        Ok(WorkspaceParts {
            journal,
            transcript: stored.transcript,
            runner: Some(runner),
            data_dir: PathBuf::new(),
            config: Config::default().into(),
            events: Some(stored.events),
            recovered: Recovered::default(),
        })
    }

    async fn log(&self, id: WorkspaceId, path: &Path) -> Result<LogStart, OpenError> {
        let (epoch, next) = self.store.log_start(id, path).await.map_err(failed)?;
        Ok(LogStart { epoch, next })
    }

    async fn known(&self, _id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError> {
        Ok(None)
    }

    async fn runner(&self, _path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError> {
        Ok(None)
    }
}

/// Makes the sessions of the clients.
async fn open_sessions(transcript: &dyn Transcript) -> Result<(), OpenError> {
    for client in 0..SESSIONS {
        let id = session(client).parse();
        let new = NewSession {
            id: Some(id.map_err(|error| OpenError::Failed(Box::new(error)))?),
            ..NewSession::default()
        };
        let made = transcript.create_session(new).await;
        made.map_err(|error| OpenError::Storage(Box::new(error)))?;
    }
    Ok(())
}

fn failed(error: StoreError) -> OpenError {
    OpenError::Storage(Box::new(error))
}

#[async_trait]
impl RunJournal for Stopping {
    async fn find(&self, call: &AgentCall) -> Result<Option<Earlier>, JournalError> {
        self.0.find(call).await
    }

    async fn accept(&self, run: NewRun) -> Result<Acceptance, JournalError> {
        Ok(match self.0.accept(run).await? {
            Acceptance::Accepted(receipt) => Acceptance::Known(Earlier::Same(receipt)),
            known @ Acceptance::Known(_) => known,
        })
    }

    async fn start(&self, run: &RunId) -> Result<(), JournalError> {
        self.0.start(run).await
    }

    async fn finish(&self, run: &RunId, end: RunEnd) -> Result<bool, JournalError> {
        self.0.finish(run, end).await
    }

    async fn run(&self, run: &RunId) -> Result<Option<Run>, JournalError> {
        self.0.run(run).await
    }

    async fn runs(&self, query: RunQuery) -> Result<RunList, JournalError> {
        self.0.runs(query).await
    }
}
