//! What can go wrong, one enum per operation. A transport maps each to an answer; none of them knows one.

use std::path::PathBuf;

use runwright_agent::{CallError, JournalError, TranscriptError};
use runwright_proto::{RunId, SessionId, WorkspaceId};

use crate::factory::OpenError;
use crate::registry::CreateRefusal;

/// Why a workspace was not created or joined.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// No directory is named.
    #[error("path is required")]
    PathRequired,
    /// The directory cannot be a workspace.
    #[error("`{path}` {problem}")]
    PathInvalid {
        /// What was asked for.
        path: PathBuf,
        /// What is wrong with it, to be read after the path.
        problem: &'static str,
    },
    /// The rules of the lifecycle refuse it.
    #[error(transparent)]
    Refused(#[from] CreateRefusal),
    /// Its parts could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Why there is no workspace to work with.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Nobody knows the id.
    #[error("workspace `{0}` not found")]
    NotFound(WorkspaceId),
    /// It is being torn down.
    #[error("workspace `{0}` is closing")]
    Closing(WorkspaceId),
    /// The server is shutting down.
    #[error("server is shutting down")]
    ShuttingDown,
    /// Its parts could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Why a prompt was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// There is no workspace to run it in.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The workspace has no agent.
    #[error("agent is not initialized")]
    AgentNotReady,
    /// The prompt is not valid.
    #[error(transparent)]
    Invalid(#[from] CallError),
    /// There is no such session.
    #[error("session `{0}` not found")]
    SessionNotFound(SessionId),
    /// The workspace is closing.
    #[error("workspace `{0}` is closing")]
    Closing(WorkspaceId),
    /// The session is busy, and the prompt asked to be refused then.
    #[error("session is busy with {runs} accepted runs")]
    SessionBusy {
        /// Runs accepted and not over.
        runs: usize,
    },
    /// The queue of the session is full.
    #[error("queue of the session is full: the prompt would be number {position}")]
    QueueFull {
        /// The position the prompt would have had.
        position: usize,
    },
    /// Another request was made under the same name.
    #[error("the request differs from the one that was accepted as run `{0}`")]
    IdempotencyMismatch(RunId),
    /// The run could not be recorded; nothing has happened.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The history could not be read.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// The task that was to accept the prompt died.
    #[error("the prompt could not be taken on")]
    Lost,
}

/// Why a client was not attached.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// There is no workspace to attach to.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The client was retired.
    #[error("client has been retired")]
    Retired,
    /// The cursor names an event that does not exist yet.
    #[error("cursor is ahead of the newest event `{head}`")]
    CursorAhead {
        /// The number of the newest event.
        head: u64,
    },
    /// The run whose story was asked for is unknown.
    #[error("run `{0}` not found")]
    RunNotFound(RunId),
    /// The record of runs could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why a client's session was not noted.
#[derive(Debug, thiserror::Error)]
pub enum CurrentSessionError {
    /// There is no such workspace.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The client has no event stream on it.
    #[error("client not attached")]
    NotAttached,
}

/// Why something about a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such run.
    #[error("run `{0}` not found")]
    NotFound(RunId),
    /// The run has started or is over, so it can no longer be taken out of the queue.
    #[error("run `{0}` is not queued")]
    NotQueued(RunId),
    /// The run did not end within the time that the caller wanted to wait. It is cancelled all the same.
    #[error("the cancelled run has not ended yet")]
    StillEnding,
    /// The runs are stopped, and the storage has not taken that within its time: those that had not started would start
    /// again if the process died now.
    #[error("the runs are stopped, and that is not stored yet")]
    NotStored,
    /// The record of runs could not be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// Why something about a session failed.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// There is no such session.
    #[error("session `{0}` not found")]
    NotFound(SessionId),
    /// A run of the session was cancelled and has not ended in time.
    #[error("session `{0}` still has a run that is ending")]
    StillBusy(SessionId),
    /// The history could not be read or changed.
    #[error(transparent)]
    Transcript(TranscriptError),
}

impl From<TranscriptError> for SessionError {
    fn from(error: TranscriptError) -> Self {
        match error {
            TranscriptError::UnknownSession(id) => Self::NotFound(id),
            TranscriptError::UnknownMessage(_) | TranscriptError::Storage(_) => {
                Self::Transcript(error)
            }
        }
    }
}
