//! The table of codes: which failure of the backend is which, and that no cause reaches the client.

use std::io;

use runwright_backend::{StorageDamaged, StorageFull};
use runwright_proto::{RunId, SessionId, WorkspaceId};

use super::*;

fn workspace() -> WorkspaceId {
    WorkspaceId::of_path(std::path::Path::new("/w"))
}

fn session() -> SessionId {
    "s".parse().expect("an id")
}

fn run() -> RunId {
    "r".parse().expect("an id")
}

fn io_error() -> Box<dyn Error + Send + Sync> {
    Box::new(io::Error::other("disk on fire"))
}

#[track_caller]
fn check(error: impl Into<ApiError>, status: u16, code: ErrorCode, message: &str) {
    let error = error.into();
    let found = (error.status().as_u16(), error.code(), error.message());
    assert_eq!(found, (status, code, message));
}

#[test]
fn workspaces() {
    check(
        WorkspaceError::NotFound(workspace()),
        404,
        ErrorCode::WorkspaceNotFound,
        "workspace not found",
    );
    check(
        WorkspaceError::Closing(workspace()),
        409,
        ErrorCode::WorkspaceClosing,
        "workspace closing",
    );
    check(
        WorkspaceError::ShuttingDown,
        503,
        ErrorCode::ServerShuttingDown,
        "server is shutting down",
    );
    check(
        WorkspaceError::Open(OpenError::Failed(io_error())),
        500,
        ErrorCode::Internal,
        "workspace cannot be opened",
    );
    check(
        WorkspaceError::Open(OpenError::Storage(io_error())),
        503,
        ErrorCode::StorageUnavailable,
        "the store does not answer",
    );
    check(
        CreateError::PathRequired,
        400,
        ErrorCode::PathRequired,
        "path is required",
    );
    let invalid = CreateError::PathInvalid {
        path: "/x".into(),
        problem: "does not exist",
    };
    check(invalid, 400, ErrorCode::PathInvalid, "`/x` does not exist");
    check(
        CreateRefusal::Retired,
        409,
        ErrorCode::ClientRetired,
        "client has been retired",
    );
    check(
        CreateRefusal::ShuttingDown,
        503,
        ErrorCode::ServerShuttingDown,
        "server is shutting down",
    );
    let channels = CreateRefusal::ChannelsMismatch {
        existing: vec![],
        requested: vec!["a".to_owned()],
    };
    let text =
        "requested channels differ from the existing workspace: requested `[\"a\"]`, existing `[]`";
    check(channels, 409, ErrorCode::ChannelsMismatch, text);
    check(
        NotIdle,
        409,
        ErrorCode::ServerNotIdle,
        "server is hosting live workspaces",
    );
}

#[test]
fn prompts() {
    check(
        DispatchError::AgentNotReady,
        400,
        ErrorCode::AgentNotInitialized,
        "agent is not initialized",
    );
    check(
        CallError::EmptyPrompt,
        400,
        ErrorCode::PromptEmpty,
        "prompt is empty",
    );
    check(
        CallError::SessionMissing,
        400,
        ErrorCode::SessionMissing,
        "session id is missing",
    );
    check(
        DispatchError::SessionNotFound(session()),
        404,
        ErrorCode::SessionNotFound,
        "session `s` not found",
    );
    check(
        DispatchError::Closing(workspace()),
        409,
        ErrorCode::WorkspaceClosing,
        "workspace closing",
    );
    let busy = DispatchError::SessionBusy { runs: 2 };
    check(
        busy,
        409,
        ErrorCode::SessionBusy,
        "session is busy with 2 accepted runs",
    );
    let mismatch = "the request differs from the one that was accepted as run `r`";
    check(
        DispatchError::IdempotencyMismatch(run()),
        422,
        ErrorCode::IdempotencyMismatch,
        mismatch,
    );
    check(
        DispatchError::Lost,
        500,
        ErrorCode::Internal,
        "internal server error",
    );
    let full = ApiError::from(DispatchError::QueueFull { position: 64 });
    assert_eq!(
        (full.status().as_u16(), full.code()),
        (429, ErrorCode::QueueFull)
    );
    assert_eq!(full.problem().position, Some(64));
}

#[test]
fn streams_sessions_and_runs() {
    check(
        AttachError::Retired,
        409,
        ErrorCode::ClientRetired,
        "client has been retired",
    );
    let ahead = AttachError::CursorAhead { head: 7 };
    check(
        ahead,
        400,
        ErrorCode::InvalidCursor,
        "cursor is ahead of the newest event `7`",
    );
    check(
        AttachError::RunNotFound(run()),
        404,
        ErrorCode::RunNotFound,
        "run `r` not found",
    );
    check(
        CurrentSessionError::NotAttached,
        409,
        ErrorCode::ClientNotAttached,
        "client not attached",
    );
    check(
        RunError::NotFound(run()),
        404,
        ErrorCode::RunNotFound,
        "run `r` not found",
    );
    check(
        RunError::NotQueued(run()),
        409,
        ErrorCode::RunNotQueued,
        "run `r` is not queued",
    );
    check(
        RunError::StillEnding,
        504,
        ErrorCode::CancelTimeout,
        "the cancelled run has not ended yet",
    );
    check(
        SessionError::NotFound(session()),
        404,
        ErrorCode::SessionNotFound,
        "session `s` not found",
    );
    let busy = "session `s` still has a run that is ending";
    check(
        SessionError::StillBusy(session()),
        409,
        ErrorCode::SessionBusy,
        busy,
    );
}

#[test]
fn the_cause_of_a_failed_store_is_for_the_log_alone() {
    let error = ApiError::from(RunError::Journal(JournalError::Storage(io_error())));
    assert_eq!(
        (error.status().as_u16(), error.code()),
        (503, ErrorCode::StorageUnavailable)
    );
    assert_eq!(error.message(), "the store does not answer");
    assert_eq!(error.cause(), Some("run storage failed: disk on fire"));
    let error = ApiError::from(SessionError::Transcript(TranscriptError::Storage(
        io_error(),
    )));
    assert_eq!(error.cause(), Some("history storage failed: disk on fire"));
}

#[test]
fn a_store_without_space_says_so_whatever_was_asked_of_it() {
    let full = || -> Box<dyn Error + Send + Sync> { Box::new(StorageFull(io_error())) };
    let text = "no space is left where the server keeps its data";
    for error in [
        ApiError::from(DispatchError::Journal(JournalError::Storage(full()))),
        ApiError::from(SessionError::Transcript(TranscriptError::Storage(full()))),
        ApiError::from(CreateError::Open(OpenError::Storage(full()))),
    ] {
        check(error, 507, ErrorCode::StorageFull, text);
    }
    let error = ApiError::from(JournalError::Storage(full()));
    assert_eq!(
        error.cause(),
        Some("run storage failed: no space is left: disk on fire")
    );
}

#[test]
fn a_store_that_is_damaged_is_told_from_one_that_does_not_answer() {
    let damaged = || -> Box<dyn Error + Send + Sync> { Box::new(StorageDamaged(io_error())) };
    let text = "what the server keeps is damaged; its log says what to do";
    for error in [
        ApiError::from(DispatchError::Journal(JournalError::Storage(damaged()))),
        ApiError::from(SessionError::Transcript(
            TranscriptError::Storage(damaged()),
        )),
        ApiError::from(CreateError::Open(OpenError::Storage(damaged()))),
    ] {
        check(error, 503, ErrorCode::StorageDamaged, text);
    }
}
