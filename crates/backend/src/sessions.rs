//! The sessions of a workspace as clients see them: what the history holds, and what only the living workspace knows,
//! whether a session is busy.

use runwright_agent::{NewSession, SessionChange};
use runwright_proto::{File, Message, Session, SessionId, UpdateSession};
use tokio::time::timeout;

use crate::error::SessionError;
use crate::workspace::Workspace;

impl Workspace {
    /// The sessions that have no parent, the most recently changed first.
    ///
    /// # Errors
    /// [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn sessions(&self) -> Result<Vec<Session>, SessionError> {
        let sessions = self.opened.transcript.sessions().await?;
        Ok(sessions
            .into_iter()
            .map(|session| self.with_busy(session))
            .collect())
    }

    /// Finds a session.
    ///
    /// # Errors
    /// [`SessionError::NotFound`], [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn session(&self, id: &SessionId) -> Result<Session, SessionError> {
        let found = self.opened.transcript.session(id).await?;
        let session = found.ok_or_else(|| SessionError::NotFound(id.clone()))?;
        Ok(self.with_busy(session))
    }

    /// Makes a session.
    ///
    /// # Errors
    /// [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// The change is made or not; the future does not know which.
    pub async fn create_session(&self, title: String) -> Result<Session, SessionError> {
        let new = NewSession {
            title,
            ..NewSession::default()
        };
        Ok(self.opened.transcript.create_session(new).await?)
    }

    /// Changes what a client may change of a session, its title and its to-do list, and nothing else: counters belong
    /// to the runs.
    ///
    /// # Errors
    /// [`SessionError::NotFound`], [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// The change is made or not; the future does not know which.
    pub async fn update_session(
        &self,
        id: &SessionId,
        update: UpdateSession,
    ) -> Result<Session, SessionError> {
        let change = SessionChange {
            title: update.title,
            todos: update.todos,
            ..SessionChange::default()
        };
        let session = self.opened.transcript.change_session(id, change).await?;
        Ok(self.with_busy(session))
    }

    /// Deletes a session, after its runs have ended: they are cancelled first, those that are accepted meanwhile as well.
    ///
    /// # Errors
    /// [`SessionError::NotFound`]; [`SessionError::StillBusy`] when a run did not end in time;
    /// [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// The runs stay cancelled; the session is deleted or not.
    pub async fn delete_session(&self, id: &SessionId) -> Result<(), SessionError> {
        self.session(id).await?;
        let options = self.opened.options;
        let within = 2 * (options.cancel_grace + options.abort_grace);
        timeout(within, self.cancel_until_idle(id))
            .await
            .map_err(|_late| SessionError::StillBusy(id.clone()))?;
        Ok(self.opened.transcript.delete_session(id).await?)
    }

    /// A run that is ending because of an earlier cancel is waited for like one that this cancels.
    async fn cancel_until_idle(&self, id: &SessionId) {
        let mut changes = self.tasks.ended.subscribe();
        while self.is_busy(id) {
            self.cancel_session(id);
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The messages of a session in their order; none for an unknown session.
    ///
    /// # Errors
    /// [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn messages(&self, session: &SessionId) -> Result<Vec<Message>, SessionError> {
        Ok(self.opened.transcript.messages(session).await?)
    }

    /// What people said, the newest first, in one session or in all.
    ///
    /// # Errors
    /// [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn user_messages(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<Message>, SessionError> {
        Ok(self.opened.transcript.user_messages(session).await?)
    }

    /// The versions of the files that a session changed, oldest first.
    ///
    /// # Errors
    /// [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn files(&self, session: &SessionId) -> Result<Vec<File>, SessionError> {
        Ok(self.opened.transcript.files(session).await?)
    }

    /// The files that a session has read, the newest read first, each with when, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn files_read(
        &self,
        session: &SessionId,
    ) -> Result<Vec<(String, i64)>, SessionError> {
        let read = self.opened.transcript.files_read(session).await?;
        Ok(read
            .into_iter()
            .map(|(path, at)| (path, at.millis()))
            .collect())
    }

    /// Notes that a session has read a file.
    ///
    /// # Errors
    /// [`SessionError::NotFound`], [`SessionError::Transcript`].
    ///
    /// # Cancel safety
    /// The change is made or not; the future does not know which.
    pub async fn mark_read(&self, session: &SessionId, path: &str) -> Result<(), SessionError> {
        Ok(self.opened.transcript.mark_read(session, path).await?)
    }

    fn with_busy(&self, mut session: Session) -> Session {
        session.is_busy = self.is_busy(&session.id);
        session
    }
}
