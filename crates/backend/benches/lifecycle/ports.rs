//! Ports that do as little as they may, so that what is measured is what lies between them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{
    Acceptance, AgentCall, Earlier, JournalError, NewRun, NewSession, Pace, RunContext, RunEnd,
    RunError, RunJournal, RunOutcome, RunQuery, Runner, RunnerModel, SessionChange, Timestamp,
    Transcript, TranscriptError,
};
use runwright_backend::{
    KnownWorkspace, LogStart, OpenError, Recovered, WorkspaceFactory, WorkspaceParts, WorkspaceSpec,
};
use runwright_proto::{
    Config, Epoch, File, Finish, Message, Receipt, Run, RunId, RunList, RunState, Seq, Session,
    SessionId, WorkspaceId,
};

/// Gives every workspace the same ports.
pub(crate) struct SharedPorts {
    pub(crate) history: Arc<Nothing>,
    config: Arc<Config>,
    epoch: Epoch,
}

/// A record and a history that keep nothing, and an agent that does nothing.
pub(crate) struct Nothing;

impl SharedPorts {
    pub(crate) fn new() -> Self {
        Self {
            history: Arc::new(Nothing),
            config: Arc::default(),
            epoch: Epoch::generate(),
        }
    }
}

#[async_trait]
impl WorkspaceFactory for SharedPorts {
    async fn open(&self, _spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError> {
        Ok(WorkspaceParts {
            journal: self.history.clone(),
            transcript: self.history.clone(),
            runner: Some(self.history.clone()),
            data_dir: PathBuf::new(),
            config: self.config.clone(),
            events: None,
            recovered: Recovered::default(),
        })
    }

    async fn log(&self, _id: WorkspaceId, _path: &Path) -> Result<LogStart, OpenError> {
        Ok(LogStart {
            epoch: self.epoch.clone(),
            next: Seq(1),
        })
    }

    /// Every workspace is known: it can be opened without asking the file system.
    async fn known(&self, _id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError> {
        Ok(Some(KnownWorkspace {
            path: PathBuf::from("/nowhere"),
            ..KnownWorkspace::default()
        }))
    }

    async fn runner(&self, _path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError> {
        Ok(None)
    }
}

#[async_trait]
impl RunJournal for Nothing {
    async fn find(&self, _call: &AgentCall) -> Result<Option<Earlier>, JournalError> {
        Ok(None)
    }

    async fn accept(&self, new: NewRun) -> Result<Acceptance, JournalError> {
        Ok(Acceptance::Accepted(Receipt {
            run_id: new.call.run_id().clone(),
            session_id: new.call.session_id().clone(),
            state: RunState::Running,
            position: 0,
            seq: runwright_proto::Seq::ZERO,
        }))
    }

    async fn start(&self, _run: &RunId) -> Result<(), JournalError> {
        Ok(())
    }

    async fn finish(&self, _run: &RunId, _end: RunEnd) -> Result<bool, JournalError> {
        Ok(true)
    }

    async fn run(&self, _run: &RunId) -> Result<Option<Run>, JournalError> {
        Ok(None)
    }

    async fn runs(&self, _query: RunQuery) -> Result<RunList, JournalError> {
        Ok(RunList::default())
    }
}

#[async_trait]
impl Transcript for Nothing {
    async fn create_session(&self, new: NewSession) -> Result<Session, TranscriptError> {
        Ok(Session::new(SessionId::random(), new.title, 0))
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, TranscriptError> {
        Ok(Some(Session::new(id.clone(), String::new(), 0)))
    }

    async fn sessions(&self) -> Result<Vec<Session>, TranscriptError> {
        Ok(Vec::new())
    }

    async fn change_session(
        &self,
        id: &SessionId,
        _change: SessionChange,
    ) -> Result<Session, TranscriptError> {
        Ok(Session::new(id.clone(), String::new(), 0))
    }

    async fn delete_session(&self, _id: &SessionId) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn create_message(
        &self,
        _run: Option<&RunId>,
        _message: Message,
    ) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn update_message(&self, _message: Message, _pace: Pace) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn messages(&self, _session: &SessionId) -> Result<Vec<Message>, TranscriptError> {
        Ok(Vec::new())
    }

    async fn user_messages(
        &self,
        _session: Option<&SessionId>,
    ) -> Result<Vec<Message>, TranscriptError> {
        Ok(Vec::new())
    }

    async fn close_run(
        &self,
        _run: &RunId,
        _finish: Finish,
    ) -> Result<Option<Message>, TranscriptError> {
        Ok(None)
    }

    async fn files(&self, _session: &SessionId) -> Result<Vec<File>, TranscriptError> {
        Ok(Vec::new())
    }

    async fn mark_read(&self, _session: &SessionId, _path: &str) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn files_read(
        &self,
        _session: &SessionId,
    ) -> Result<Vec<(String, Timestamp)>, TranscriptError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Runner for Nothing {
    fn model(&self) -> RunnerModel {
        RunnerModel::default()
    }

    async fn run(&self, _cx: RunContext) -> Result<RunOutcome, RunError> {
        Ok(RunOutcome::default())
    }
}
