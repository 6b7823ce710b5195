//! Owns ports that do the minimum: a record and a history that keep nothing, and an agent that has nothing to say. It
//! must never know the server.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

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

/// What becomes of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    /// It is reserved, a task is started for it, and then the record says that it was there before: the whole way of an
    /// accept, and no run.
    AndStops,
    /// It runs; the agent has nothing to say.
    AndRuns,
}

/// Opens workspaces with these ports.
#[derive(Debug)]
pub(crate) struct MinimalFactory(pub(crate) Accepts);

/// All ports of a workspace.
pub(super) struct Minimal(pub(super) Accepts);

#[async_trait]
impl WorkspaceFactory for MinimalFactory {
    async fn open(&self, _spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError> {
        let minimal = Arc::new(Minimal(self.0));
        Ok(WorkspaceParts {
            journal: minimal.clone(),
            transcript: minimal.clone(),
            runner: Some(minimal),
            data_dir: PathBuf::new(),
            config: Config::default().into(),
            events: None,
            recovered: Recovered::default(),
        })
    }

    async fn log(&self, _id: WorkspaceId, _path: &Path) -> Result<LogStart, OpenError> {
        Ok(LogStart {
            epoch: Epoch::generate(),
            next: Seq(1),
        })
    }

    async fn known(&self, _id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError> {
        Ok(None)
    }

    async fn runner(&self, _path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError> {
        Ok(None)
    }
}

#[async_trait]
impl RunJournal for Minimal {
    async fn find(&self, _call: &AgentCall) -> Result<Option<Earlier>, JournalError> {
        Ok(None)
    }

    async fn accept(&self, run: NewRun) -> Result<Acceptance, JournalError> {
        let receipt = Receipt {
            run_id: run.call.run_id().clone(),
            session_id: run.call.session_id().clone(),
            state: RunState::Running,
            position: 0,
            seq: Seq(0),
        };
        Ok(match self.0 {
            Accepts::AndStops => Acceptance::Known(Earlier::Same(receipt)),
            Accepts::AndRuns => Acceptance::Accepted(receipt),
        })
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
        Err(JournalError::Storage("nothing is kept".into()))
    }
}

#[async_trait]
impl Runner for Minimal {
    fn model(&self) -> RunnerModel {
        RunnerModel::default()
    }

    async fn run(&self, _cx: RunContext) -> Result<RunOutcome, RunError> {
        Ok(RunOutcome::default())
    }
}

/// Every session is known, and nothing is in it.
#[async_trait]
impl Transcript for Minimal {
    async fn create_session(&self, new: NewSession) -> Result<Session, TranscriptError> {
        Ok(Session::new(
            new.id.unwrap_or_else(SessionId::random),
            new.title,
            0,
        ))
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
        _: SessionChange,
    ) -> Result<Session, TranscriptError> {
        Ok(Session::new(id.clone(), String::new(), 0))
    }

    async fn delete_session(&self, _id: &SessionId) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn create_message(&self, _: Option<&RunId>, _: Message) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn update_message(&self, _message: Message, _pace: Pace) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn messages(&self, _session: &SessionId) -> Result<Vec<Message>, TranscriptError> {
        Ok(Vec::new())
    }

    async fn user_messages(&self, _: Option<&SessionId>) -> Result<Vec<Message>, TranscriptError> {
        Ok(Vec::new())
    }

    async fn close_run(&self, _run: &RunId, _: Finish) -> Result<Option<Message>, TranscriptError> {
        Ok(None)
    }

    async fn files(&self, _session: &SessionId) -> Result<Vec<File>, TranscriptError> {
        Ok(Vec::new())
    }

    async fn mark_read(&self, _session: &SessionId, _path: &str) -> Result<(), TranscriptError> {
        Ok(())
    }

    async fn files_read(&self, _: &SessionId) -> Result<Vec<(String, Timestamp)>, TranscriptError> {
        Ok(Vec::new())
    }
}
