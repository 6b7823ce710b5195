//! Owns which failure of the backend is which code: one exhaustive match for each of its enums, no wildcard, so that a new
//! failure does not compile before somebody has decided what a client is told.
//!
//! Where the contract has a text for a case, the text is the contract's.
//!
//! It must never know a status; that is the table in [`problem`](crate::problem).

use std::error::Error;

use runwright_backend::{
    AttachError, CallError, CreateError, CreateRefusal, CurrentSessionError, DispatchError,
    JournalError, NotIdle, OpenError, RunError, SessionError, TranscriptError, WorkspaceError,
    is_storage_damaged, is_storage_full,
};
use runwright_proto::ErrorCode;

use crate::problem::ApiError;

impl From<CreateError> for ApiError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::PathRequired => Self::new(ErrorCode::PathRequired, "path is required"),
            CreateError::PathInvalid { .. } => Self::new(ErrorCode::PathInvalid, error.to_string()),
            CreateError::Refused(refusal) => refusal.into(),
            CreateError::Open(error) => error.into(),
        }
    }
}

impl From<CreateRefusal> for ApiError {
    fn from(refusal: CreateRefusal) -> Self {
        match refusal {
            CreateRefusal::ShuttingDown => shutting_down(),
            CreateRefusal::Retired => retired(),
            CreateRefusal::ChannelsMismatch { .. } => {
                Self::new(ErrorCode::ChannelsMismatch, refusal.to_string())
            }
        }
    }
}

impl From<OpenError> for ApiError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Storage(_) => storage(&error),
            OpenError::Failed(_) => Self::new(ErrorCode::Internal, "workspace cannot be opened")
                .with_cause(chain(&error)),
        }
    }
}

impl From<WorkspaceError> for ApiError {
    fn from(error: WorkspaceError) -> Self {
        match error {
            WorkspaceError::NotFound(_) => {
                Self::new(ErrorCode::WorkspaceNotFound, "workspace not found")
            }
            WorkspaceError::Closing(_) => closing(),
            WorkspaceError::ShuttingDown => shutting_down(),
            WorkspaceError::Open(error) => error.into(),
        }
    }
}

impl From<DispatchError> for ApiError {
    fn from(error: DispatchError) -> Self {
        match error {
            DispatchError::Workspace(error) => error.into(),
            DispatchError::AgentNotReady => agent_not_initialized(),
            DispatchError::Invalid(error) => error.into(),
            DispatchError::SessionNotFound(_) => {
                Self::new(ErrorCode::SessionNotFound, error.to_string())
            }
            DispatchError::Closing(_) => closing(),
            DispatchError::SessionBusy { .. } => {
                Self::new(ErrorCode::SessionBusy, error.to_string())
            }
            DispatchError::QueueFull { position } => {
                Self::new(ErrorCode::QueueFull, error.to_string())
                    .with_position(u32::try_from(position).unwrap_or(u32::MAX))
            }
            DispatchError::IdempotencyMismatch(_) => {
                Self::new(ErrorCode::IdempotencyMismatch, error.to_string())
            }
            DispatchError::Journal(error) => error.into(),
            DispatchError::Transcript(error) => error.into(),
            DispatchError::Lost => Self::internal(error),
        }
    }
}

impl From<CallError> for ApiError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::EmptyPrompt => Self::new(ErrorCode::PromptEmpty, "prompt is empty"),
            CallError::SessionMissing => {
                Self::new(ErrorCode::SessionMissing, "session id is missing")
            }
        }
    }
}

impl From<AttachError> for ApiError {
    fn from(error: AttachError) -> Self {
        match error {
            AttachError::Workspace(error) => error.into(),
            AttachError::Retired => retired(),
            AttachError::CursorAhead { .. } => {
                Self::new(ErrorCode::InvalidCursor, error.to_string())
            }
            AttachError::RunNotFound(_) => Self::new(ErrorCode::RunNotFound, error.to_string()),
            AttachError::Journal(error) => error.into(),
        }
    }
}

impl From<CurrentSessionError> for ApiError {
    fn from(error: CurrentSessionError) -> Self {
        match error {
            CurrentSessionError::Workspace(error) => error.into(),
            CurrentSessionError::NotAttached => {
                Self::new(ErrorCode::ClientNotAttached, "client not attached")
            }
        }
    }
}

impl From<RunError> for ApiError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::NotFound(_) => Self::new(ErrorCode::RunNotFound, error.to_string()),
            RunError::NotQueued(_) => Self::new(ErrorCode::RunNotQueued, error.to_string()),
            RunError::StillEnding => Self::new(ErrorCode::CancelTimeout, error.to_string()),
            RunError::NotStored => Self::new(ErrorCode::StorageUnavailable, error.to_string()),
            RunError::Journal(error) => error.into(),
        }
    }
}

impl From<SessionError> for ApiError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotFound(_) => Self::new(ErrorCode::SessionNotFound, error.to_string()),
            SessionError::StillBusy(_) => Self::new(ErrorCode::SessionBusy, error.to_string()),
            SessionError::Transcript(error) => error.into(),
        }
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::UnknownRun(_) => Self::new(ErrorCode::RunNotFound, error.to_string()),
            JournalError::Storage(_) => storage(&error),
        }
    }
}

impl From<TranscriptError> for ApiError {
    fn from(error: TranscriptError) -> Self {
        match error {
            TranscriptError::UnknownSession(_) => {
                Self::new(ErrorCode::SessionNotFound, error.to_string())
            }
            TranscriptError::UnknownMessage(_) => {
                Self::new(ErrorCode::MessageNotFound, error.to_string())
            }
            TranscriptError::Storage(_) => storage(&error),
        }
    }
}

impl From<NotIdle> for ApiError {
    fn from(_: NotIdle) -> Self {
        not_idle()
    }
}

/// The server does not exit now.
pub(crate) fn not_idle() -> ApiError {
    ApiError::new(
        ErrorCode::ServerNotIdle,
        "server is hosting live workspaces",
    )
}

/// The workspace has no agent.
pub(crate) fn agent_not_initialized() -> ApiError {
    ApiError::new(ErrorCode::AgentNotInitialized, "agent is not initialized")
}

fn closing() -> ApiError {
    ApiError::new(ErrorCode::WorkspaceClosing, "workspace closing")
}

fn retired() -> ApiError {
    ApiError::new(ErrorCode::ClientRetired, "client has been retired")
}

fn shutting_down() -> ApiError {
    ApiError::new(ErrorCode::ServerShuttingDown, "server is shutting down")
}

/// What failed is asked for again: with 503 soon, with 507 when somebody has made room. What is damaged is for whoever
/// runs the server.
fn storage(error: &(dyn Error + 'static)) -> ApiError {
    let refusal = if is_storage_full(error) {
        ApiError::new(
            ErrorCode::StorageFull,
            "no space is left where the server keeps its data",
        )
    } else if is_storage_damaged(error) {
        ApiError::new(
            ErrorCode::StorageDamaged,
            "what the server keeps is damaged; its log says what to do",
        )
    } else {
        ApiError::new(ErrorCode::StorageUnavailable, "the store does not answer")
    };
    refusal.with_cause(chain(error))
}

/// An error and its causes in one line, for the log.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests;
