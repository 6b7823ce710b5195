//! The history as one run sees it: open while the run goes on, closed to it afterwards. It must never know when a run is
//! over, or why.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use runwright_agent::{NewSession, Pace, SessionChange, Timestamp, Transcript, TranscriptError};
use runwright_proto::{File, Finish, Message, RunId, Session, SessionId};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::gate::RunGate;

/// Passes on what a run writes until the run is over. A runner that could not be aborted, or that left work behind,
/// adds no message afterwards: the terminal event is the last that is heard of a run.
pub(crate) struct RunTranscript {
    inner: Arc<dyn Transcript>,
    writes: RunGate,
    /// Nobody waits any longer for what is still being written.
    cut: CancellationToken,
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
            cut: CancellationToken::new(),
        }
    }

    /// Refuses messages from now on and waits for those that are being written, as long as `within`. Then it cuts them
    /// off: what is in the hands of the storage is ended with the run, and nothing more is begun.
    pub(crate) async fn close(&self, within: Duration) {
        self.writes.close();
        if timeout(within, self.writes.drained()).await.is_err() {
            tracing::error!(
                "a message of a run that is over was still being written: it is cut off"
            );
            self.cut.cancel();
        }
    }

    async fn write<T>(
        &self,
        write: impl Future<Output = Result<T, TranscriptError>> + Send,
    ) -> Result<T, TranscriptError> {
        let is_over = || TranscriptError::Storage(Box::new(RunIsOver));
        let _writing = self.writes.enter().map_err(|_closed| is_over())?;
        tokio::select! {
            // First, so that what waited for the storage does not go on when that answers.
            biased;
            () = self.cut.cancelled() => Err(is_over()),
            written = write => written,
        }
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
        self.write(self.inner.create_message(run, message)).await
    }

    async fn update_message(&self, message: Message, pace: Pace) -> Result<(), TranscriptError> {
        self.write(self.inner.update_message(message, pace)).await
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
        self.write(self.inner.close_run(run, finish)).await
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

#[cfg(test)]
mod tests {
    use runwright_agent::testing::RecordingSink;
    use runwright_agent::{FixedClock, MemoryTranscript};
    use runwright_proto::{MessageId, Part, Role};
    use tokio::task::JoinSet;

    use super::*;
    use crate::testing::{Call, Faults, FaultyTranscript};

    #[tokio::test(start_paused = true)]
    async fn what_a_run_has_begun_to_write_does_not_go_on_after_its_end() {
        let (sink, faults) = (Arc::new(RecordingSink::default()), Faults::default());
        let inner = MemoryTranscript::new(sink, Arc::new(FixedClock::default()));
        let inner = Arc::new(FaultyTranscript::new(Arc::new(inner), faults.clone()));
        let session = inner
            .create_session(NewSession::default())
            .await
            .unwrap()
            .id;
        let run = RunId::generate();
        let transcript = Arc::new(RunTranscript::new(inner.clone()));
        let mut message = Message::new(MessageId::generate(), session.clone(), Role::Assistant, 7);
        let created = transcript.create_message(Some(&run), message.clone());
        created.await.unwrap();

        let mut held = faults.hold(Call::UpdateMessage);
        message.parts.push(Part::text("too late"));
        let (theirs, mut left_behind) = (transcript.clone(), JoinSet::new());
        left_behind.spawn(async move { theirs.update_message(message, Pace::Streamed).await });
        held.reached().await;
        transcript.close(Duration::from_secs(2)).await;
        let answer = inner.close_run(&run, Finish::stop()).await.unwrap();
        held.release();
        let written = left_behind.join_next().await.unwrap().unwrap();
        assert!(
            matches!(&written, Err(TranscriptError::Storage(error)) if error.is::<RunIsOver>()),
            "{written:?}"
        );
        let messages = inner.messages(&session).await.unwrap();
        assert_eq!(messages, Vec::from_iter(answer));
    }
}
