//! Owns the routes about files: the versions a session wrote, and those it has read.
//!
//! It must never know what is on disk.

use axum::extract::State;
use runwright_proto::{ErrorCode, File, FileRead, SessionId, Timestamp, WorkspaceId};

use super::{Routes, reply::Answer};
use crate::{
    extract::{Json, Path, Query},
    openapi::Doc,
    problem::ApiError,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("files")
        .get(
            "/v1/workspaces/{id}/sessions/{session_id}/history",
            history,
            || {
                Doc::new(
                    "history",
                    "Lists the versions of the files that a session wrote, the oldest first.",
                )
                .ok_list::<File>()
            },
        )
        .get(
            "/v1/workspaces/{id}/sessions/{session_id}/filetracker/files",
            files_read,
            || {
                Doc::new(
                    "listFilesRead",
                    "Lists the files that a session has read, the newest read first.",
                )
                .ok_list_of_texts()
            },
        )
        .post("/v1/workspaces/{id}/filetracker/read", mark_read, || {
            Doc::new("markFileRead", "Notes that a session has read a file.")
                .body::<FileRead>()
                .ok_empty()
                .problems(&[ErrorCode::SessionMissing, ErrorCode::SessionNotFound])
        })
        .get(
            "/v1/workspaces/{id}/filetracker/lastread",
            last_read,
            || {
                Doc::new(
                    "lastRead",
                    "Returns when a session last read a file; year 1 for never.",
                )
                .query::<SessionId>("session_id", true, "The session.")
                .query::<String>("path", true, "The file, as it was named when it was read.")
                .ok::<Timestamp>()
                .problems(&[ErrorCode::SessionMissing])
            },
        )
}

async fn history(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Json<Vec<File>>> {
    Ok(Json(state.workspace(id).await?.files(&session).await?))
}

async fn files_read(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Json<Vec<String>>> {
    let read = state.workspace(id).await?.files_read(&session).await?;
    Ok(Json(read.into_iter().map(|(path, _)| path).collect()))
}

async fn mark_read(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(read): Json<FileRead>,
) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    let session = named(read.session_id)?;
    Ok(workspace.mark_read(&session, &read.path).await?)
}

async fn last_read(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Query(asked): Query<FileRead>,
) -> Answer<Json<Timestamp>> {
    let workspace = state.workspace(id).await?;
    let read = workspace.files_read(&named(asked.session_id)?).await?;
    let found = read.iter().find(|(path, _)| *path == asked.path);
    Ok(Json(found.map_or(Timestamp::NEVER, |(_, at_ms)| {
        Timestamp::from_unix_seconds(at_ms.div_euclid(1000))
    })))
}

fn named(session: Option<SessionId>) -> Result<SessionId, ApiError> {
    session.ok_or_else(|| ApiError::new(ErrorCode::SessionMissing, "session id is missing"))
}
