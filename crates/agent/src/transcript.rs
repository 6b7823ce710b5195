//! The port to the history of a workspace: its sessions, their messages, the files they touched. It knows nothing of
//! how a history is stored.

use std::error::Error;

use async_trait::async_trait;
use runwright_proto::{File, Finish, Message, MessageId, RunId, Session, SessionId, Todo};

use crate::clock::Timestamp;
use crate::events::Pace;

/// The history of one workspace. Every change is an event on the workspace's log, published in the order of the
/// changes: an implementation publishes through the [`EventSink`](crate::EventSink) it was opened with.
///
/// Newest, last and latest mean the order of the changes, never that of the clock: what happens within a second, and
/// what happens after a clock was set back, has its order all the same. A run that a message belongs to need not be
/// known here: the history and the [record of runs](crate::RunJournal) are kept apart.
///
/// The conformance suite `runwright_agent::testing::transcript` (feature `test-util`) says what every implementation
/// must do.
#[async_trait]
pub trait Transcript: Send + Sync {
    /// Makes a session. Where the new session has an id and there is one of that id already, returns that one as it
    /// is. Event: session created, if one was made.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn create_session(&self, new: NewSession) -> Result<Session, TranscriptError>;

    /// Finds a session.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn session(&self, id: &SessionId) -> Result<Option<Session>, TranscriptError>;

    /// The sessions that have no parent, the most recently changed first. A session changes when it is made, when one
    /// of its fields is changed, and when a message is added to it.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn sessions(&self) -> Result<Vec<Session>, TranscriptError>;

    /// Changes the named fields of a session and no other, so that two who change different fields lose nothing.
    /// Returns the session after the change. Event: session updated.
    ///
    /// # Errors
    /// [`TranscriptError::UnknownSession`], [`TranscriptError::Storage`].
    async fn change_session(
        &self,
        id: &SessionId,
        change: SessionChange,
    ) -> Result<Session, TranscriptError>;

    /// Deletes a session with its messages and files. Event: session deleted.
    ///
    /// # Errors
    /// [`TranscriptError::UnknownSession`], [`TranscriptError::Storage`].
    async fn delete_session(&self, id: &SessionId) -> Result<(), TranscriptError>;

    /// Adds a message to the end of its session, as part of a run where there is one. The message is kept as it is
    /// given; its id must be new. Event: message created, as an event of the run.
    ///
    /// # Errors
    /// [`TranscriptError::UnknownSession`], [`TranscriptError::Storage`].
    async fn create_message(
        &self,
        run: Option<&RunId>,
        message: Message,
    ) -> Result<(), TranscriptError>;

    /// Replaces a message, all of it but its place, its run, and `updated_at`, which becomes the time of the change.
    /// A message that is being streamed is replaced again and again, each time by a snapshot that shares its text
    /// with the one before ([`Text`](runwright_proto::Text)); with [`Pace::Streamed`] readers of the log may be shown
    /// only some of them, while [`messages`](Self::messages) has the newest at once. Event: message updated, at this
    /// pace, as an event of the run that the message was created in.
    ///
    /// # Errors
    /// [`TranscriptError::UnknownMessage`], [`TranscriptError::Storage`].
    async fn update_message(&self, message: Message, pace: Pace) -> Result<(), TranscriptError>;

    /// The messages of a session in their order; none for an unknown session.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn messages(&self, session: &SessionId) -> Result<Vec<Message>, TranscriptError>;

    /// What people said (messages of the role `user`), the last added first, in one session or in all; none for an
    /// unknown session.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn user_messages(
        &self,
        session: Option<&SessionId>,
    ) -> Result<Vec<Message>, TranscriptError>;

    /// Ends what a run wrote, so that the history is one that a provider accepts (contract 5.6):
    ///
    /// - reasoning that goes on ends now;
    /// - a tool call whose arguments are incomplete gets the arguments `{}`;
    /// - an assistant message without a finish part gets this one, with the time of now;
    /// - a tool call that no later message of the run answers gets an error result: a message of the role `tool` at
    ///   the end of its session, with that result and the finish part `stop`, as part of the run.
    ///
    /// That is so of every message whose writing was begun before, also if whoever began it has gone away and it is
    /// still on its way to the disk. Does nothing to what is finished, so it may be called after any run, and again.
    /// Returns the last assistant message, as it is now, of the session in which the run began: what sub-agents wrote as
    /// part of the run is ended too, but is not the answer. Events: message updated, message created, as events of the
    /// run; each assistant message before the results of its calls.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn close_run(
        &self,
        run: &RunId,
        finish: Finish,
    ) -> Result<Option<Message>, TranscriptError>;

    /// The versions of the files that a session changed, oldest first; none for an unknown session.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn files(&self, session: &SessionId) -> Result<Vec<File>, TranscriptError>;

    /// Notes that a session has read a file now. No event.
    ///
    /// # Errors
    /// [`TranscriptError::UnknownSession`], [`TranscriptError::Storage`].
    async fn mark_read(&self, session: &SessionId, path: &str) -> Result<(), TranscriptError>;

    /// The files that a session has read, the last read first, each once, with when; none for an unknown session.
    ///
    /// # Errors
    /// [`TranscriptError::Storage`].
    async fn files_read(
        &self,
        session: &SessionId,
    ) -> Result<Vec<(String, Timestamp)>, TranscriptError>;
}

/// A session to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewSession {
    /// Its title.
    pub title: String,
    /// The session it works for, if it is a sub-agent's.
    pub parent: Option<SessionId>,
    /// Its id, where the caller has one; otherwise a new one is made.
    pub id: Option<SessionId>,
}

/// The fields of a session to change.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionChange {
    /// The new title.
    pub title: Option<String>,
    /// The new to-do list.
    pub todos: Option<Vec<Todo>>,
    /// The message from which the history starts since the last summary.
    pub summary_message_id: Option<MessageId>,
    /// Tokens of the last step, and what it cost.
    pub spent: Option<Spent>,
}

impl SessionChange {
    /// Makes the change in a session, but for the time of it.
    pub fn apply_to(self, session: &mut Session) {
        if let Some(title) = self.title {
            session.title = title;
        }
        if let Some(todos) = self.todos {
            session.todos = todos;
        }
        if let Some(message) = self.summary_message_id {
            session.summary_message_id = Some(message);
        }
        if let Some(spent) = self.spent {
            if spent.prompt_tokens > 0 || spent.completion_tokens > 0 {
                session.prompt_tokens = spent.prompt_tokens;
                session.completion_tokens = spent.completion_tokens;
            }
            session.cost += spent.cost;
        }
    }
}

/// What one model step used. One that used no tokens leaves the session's last values as they are (contract 5.9), so
/// that what is only a cost, a title's for example, can be added at any time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spent {
    /// Tokens sent, replacing the session's last value.
    pub prompt_tokens: u64,
    /// Tokens received, replacing the session's last value.
    pub completion_tokens: u64,
    /// Cost in US dollars, added to the session's cost.
    pub cost: f64,
}

/// Why a history could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// There is no such session.
    #[error("session `{0}` not found")]
    UnknownSession(SessionId),
    /// There is no such message.
    #[error("message `{0}` not found")]
    UnknownMessage(MessageId),
    /// The storage failed.
    #[error("history storage failed")]
    Storage(#[source] Box<dyn Error + Send + Sync>),
}
