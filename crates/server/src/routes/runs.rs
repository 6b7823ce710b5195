//! Owns the routes of runs: look, stop, follow (semantics 2.2, 2.3).
//!
//! It must never know what a run does.

use std::{fmt::Display, str::FromStr};

use axum::{body::Body, extract::State, response::Response};
use runwright_backend::RunError;
use runwright_proto::{ErrorCode, Run, RunId, RunList, RunState, SessionId, WorkspaceId};
use serde::{Deserialize, Deserializer, de::Error};

use super::{
    Routes,
    reply::Answer,
    wait::{Wait, answered},
};
use crate::{
    extract::{Json, Path, Query},
    openapi::Doc,
    problem::ApiError,
    sse::{StreamStart, event_stream, run_events},
    state::AppState,
};

/// The largest page. A larger wish gets this one.
const MAX_PAGE: usize = 1000;

pub(super) fn routes() -> Routes {
    Routes::new("runs")
        .get("/v1/workspaces/{id}/runs", list, || {
            Doc::new(
                "listRuns",
                "Lists runs, the newest first, a page at a time.",
            )
            .query::<SessionId>("session_id", false, "Only those of this session.")
            .query::<RunState>("state", false, "Only those in this state.")
            .query::<RunId>("after", false, "The `next_cursor` of the page before.")
            .query::<usize>(
                "limit",
                false,
                "At most this many: 1 to 1000, 100 if not given.",
            )
            .ok::<RunList>()
            .problems(&[ErrorCode::InvalidCursor])
        })
        .get("/v1/workspaces/{id}/runs/{run_id}", show, || {
            Doc::new("run", "Returns a run.")
                .ok::<Run>()
                .problems(&[ErrorCode::RunNotFound])
        })
        .delete("/v1/workspaces/{id}/runs/{run_id}", delete, || {
            Doc::new(
                "deleteRun",
                "Takes a run out of the queue: it ends as cancelled.",
            )
            .ok_empty()
            .problems(&[ErrorCode::RunNotFound, ErrorCode::RunNotQueued])
        })
        .post("/v1/workspaces/{id}/runs/{run_id}/cancel", cancel, || {
            Doc::new(
                "cancelRun",
                "Cancels one run; the queue stays. A run that is over stays as it is.",
            )
            .wait()
            .ok_empty()
            .problems(&[ErrorCode::RunNotFound, ErrorCode::CancelTimeout])
        })
        .get("/v1/workspaces/{id}/runs/{run_id}/events", events, || {
            Doc::new(
                "runEvents",
                "Follows one run from its beginning, as far as it is kept, to its terminal event.",
            )
            .stream_start()
            .ok_stream()
            .problems(&[ErrorCode::RunNotFound])
        })
}

#[derive(Deserialize)]
struct Page {
    #[serde(default, deserialize_with = "given")]
    session_id: Option<SessionId>,
    #[serde(default, deserialize_with = "given")]
    state: Option<RunState>,
    #[serde(default, deserialize_with = "given")]
    after: Option<RunId>,
    #[serde(default, deserialize_with = "given")]
    limit: Option<usize>,
}

async fn list(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Query(page): Query<Page>,
) -> Answer<Json<RunList>> {
    let workspace = state.workspace(id).await?;
    let limit = page.limit.map(|limit| limit.clamp(1, MAX_PAGE));
    let runs = workspace
        .runs(page.session_id, page.state, page.after, limit)
        .await;
    runs.map(Json).map_err(|error| match error {
        RunError::NotFound(_) => ApiError::new(ErrorCode::InvalidCursor, "`after` names no run"),
        RunError::NotQueued(_)
        | RunError::StillEnding
        | RunError::NotStored
        | RunError::Journal(_) => error.into(),
    })
}

async fn show(
    State(state): State<AppState>,
    Path((id, run)): Path<(WorkspaceId, RunId)>,
) -> Answer<Json<Run>> {
    Ok(Json(state.workspace(id).await?.run(&run).await?))
}

async fn delete(
    State(state): State<AppState>,
    Path((id, run)): Path<(WorkspaceId, RunId)>,
) -> Answer<()> {
    Ok(state.workspace(id).await?.cancel_queued(&run).await?)
}

async fn cancel(
    State(state): State<AppState>,
    Path((id, run)): Path<(WorkspaceId, RunId)>,
    Wait(within): Wait,
) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    let session = workspace.run(&run).await?.session_id;
    workspace.cancel_run(&run).await?;
    answered(&workspace, &session, &[run], within).await
}

async fn events(
    State(state): State<AppState>,
    Path((id, run)): Path<(WorkspaceId, RunId)>,
    start: StreamStart,
) -> Answer<Response> {
    if start.head_only {
        state.workspace(id).await?.run(&run).await?;
        return Ok(event_stream(start.version, Body::empty()));
    }
    let followed = state
        .backend()
        .follow_run(id, &run, start.cursor.as_ref())
        .await;
    let attachment = start.of(followed.map_err(|error| state.refused(error))?);
    let body = run_events(attachment, run, start.form(), state.clocks()).await?;
    Ok(event_stream(start.version, body))
}

/// Reads a parameter; an empty one is as good as none.
fn given<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}
