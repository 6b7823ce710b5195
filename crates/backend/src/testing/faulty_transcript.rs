//! A history that fails, panics or hangs when the test says so.

use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{NewSession, Pace, SessionChange, Timestamp, Transcript, TranscriptError};
use runwright_proto::{File, Finish, Message, RunId, Session, SessionId};

use super::faults::{Call, Faults, InjectedFault};

/// Puts [`Faults`] before a history: a call that fails here never reaches it.
pub struct FaultyTranscript {
    inner: Arc<dyn Transcript>,
    faults: Faults,
}

impl FaultyTranscript {
    /// Puts the faults before `inner`.
    #[must_use]
    pub fn new(inner: Arc<dyn Transcript>, faults: Faults) -> Self {
        Self { inner, faults }
    }

    async fn pass(&self, call: Call) -> Result<(), TranscriptError> {
        self.faults.pass(call).await.map_err(storage)
    }
}

#[async_trait]
impl Transcript for FaultyTranscript {
    async fn create_session(&self, new: NewSession) -> Result<Session, TranscriptError> {
        self.pass(Call::ChangeSession).await?;
        self.inner.create_session(new).await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, TranscriptError> {
        self.pass(Call::ReadHistory).await?;
        self.inner.session(id).await
    }

    async fn sessions(&self) -> Result<Vec<Session>, TranscriptError> {
        self.pass(Call::ReadHistory).await?;
        self.inner.sessions().await
    }

    async fn change_session(
        &self,
        id: &SessionId,
        change: SessionChange,
    ) -> Result<Session, TranscriptError> {
        self.pass(Call::ChangeSession).await?;
        self.inner.change_session(id, change).await
    }

    async fn delete_session(&self, id: &SessionId) -> Result<(), TranscriptError> {
        self.pass(Call::ChangeSession).await?;
        self.inner.delete_session(id).await
    }

    async fn create_message(
        &self,
        run: Option<&RunId>,
        message: Message,
    ) -> Result<(), TranscriptError> {
        self.pass(Call::CreateMessage).await?;
        self.inner.create_message(run, message).await
    }

    async fn update_message(&self, message: Message, pace: Pace) -> Result<(), TranscriptError> {
        self.pass(Call::UpdateMessage).await?;
        self.inner.update_message(message, pace).await
    }

    async fn messages(&self, session: &SessionId) -> Result<Vec<Message>, TranscriptError> {
        self.pass(Call::ReadHistory).await?;
        self.inner.messages(session).await
    }

    async fn user_messages(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<Message>, TranscriptError> {
        self.pass(Call::ReadHistory).await?;
        self.inner.user_messages(session).await
    }

    async fn close_run(
        &self,
        run: &RunId,
        finish: Finish,
    ) -> Result<Option<Message>, TranscriptError> {
        self.pass(Call::CloseRun).await?;
        self.inner.close_run(run, finish).await
    }

    async fn files(&self, session: &SessionId) -> Result<Vec<File>, TranscriptError> {
        self.pass(Call::ReadHistory).await?;
        self.inner.files(session).await
    }

    async fn mark_read(&self, session: &SessionId, path: &str) -> Result<(), TranscriptError> {
        self.pass(Call::ChangeSession).await?;
        self.inner.mark_read(session, path).await
    }

    async fn files_read(
        &self,
        session: &SessionId,
    ) -> Result<Vec<(String, Timestamp)>, TranscriptError> {
        self.pass(Call::ReadHistory).await?;
        self.inner.files_read(session).await
    }
}

impl std::fmt::Debug for FaultyTranscript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultyTranscript").finish_non_exhaustive()
    }
}

fn storage(fault: InjectedFault) -> TranscriptError {
    TranscriptError::Storage(fault.into_storage_error())
}
