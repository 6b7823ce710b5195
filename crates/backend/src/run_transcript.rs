//! The history as one run sees it: open while the run goes on, closed to it afterwards. It must never know when a run is
//! over, or why.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runwright_agent::{NewSession, Pace, SessionChange, Timestamp, Transcript, TranscriptError};
use runwright_proto::{File, Finish, Message, RunId, Session, SessionId};
use tokio::time::timeout;

use crate::gate::RunGate;

/// Passes on what a run writes until the run is over. A runner that could not be aborted, or that left work behind,
/// adds no message afterwards: the terminal event is the last that is heard of a run.
pub(crate) struct RunTranscript {
    inner: Arc<dyn Transcript>,
    writes: RunGate,
}

/// Why a message was not written.
#[derive(Debug, thiserror::Error)]
#[error("the run is over")]
struct RunIsOver;

impl RunTranscript {
    pub(crate) fn new(inner: Arc<dyn Transcript>) -> Self {
        Self {
            inner,
            writes: RunGate::new(),
        }
    }

    /// Refuses messages from now on and waits for those that are being written, as long as `within`.
    pub(crate) async fn close(&self, within: Duration) {
        self.writes.close();
        if timeout(within, self.writes.drained()).await.is_err() {
            tracing::error!("a message of a run that is over is still being written");
        }
    }

    fn enter(&self) -> Result<crate::gate::RunPermit, TranscriptError> {
        let entered = self.writes.enter();
        entered.map_err(|_closed| TranscriptError::Storage(Box::new(RunIsOver)))
    }
}

#[async_trait]
impl Transcript for RunTranscript {
    async fn create_session(&self, new: NewSession) -> Result<Session, TranscriptError> {
        self.inner.create_session(new).await
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, TranscriptError> {
        self.inner.session(id).await
    }

    async fn sessions(&self) -> Result<Vec<Session>, TranscriptError> {
        self.inner.sessions().await
    }

    async fn change_session(
        &self,
        id: &SessionId,
        change: SessionChange,
    ) -> Result<Session, TranscriptError> {
        self.inner.change_session(id, change).await
    }

    async fn delete_session(&self, id: &SessionId) -> Result<(), TranscriptError> {
        self.inner.delete_session(id).await
    }

    async fn create_message(
        &self,
        run: Option<&RunId>,
        message: Message,
    ) -> Result<(), TranscriptError> {
        let _writing = self.enter()?;
        self.inner.create_message(run, message).await
    }

    async fn update_message(&self, message: Message, pace: Pace) -> Result<(), TranscriptError> {
        let _writing = self.enter()?;
        self.inner.update_message(message, pace).await
    }

    async fn messages(&self, session: &SessionId) -> Result<Vec<Message>, TranscriptError> {
        self.inner.messages(session).await
    }

    async fn user_messages(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<Message>, TranscriptError> {
        self.inner.user_messages(session).await
    }

    async fn close_run(
        &self,
        run: &RunId,
        finish: Finish,
    ) -> Result<Option<Message>, TranscriptError> {
        let _writing = self.enter()?;
        self.inner.close_run(run, finish).await
    }

    async fn files(&self, session: &SessionId) -> Result<Vec<File>, TranscriptError> {
        self.inner.files(session).await
    }

    async fn mark_read(&self, session: &SessionId, path: &str) -> Result<(), TranscriptError> {
        self.inner.mark_read(session, path).await
    }

    async fn files_read(
        &self,
        session: &SessionId,
    ) -> Result<Vec<(String, Timestamp)>, TranscriptError> {
        self.inner.files_read(session).await
    }
}
