//! Owns the routes of the prompts that wait in a session.
//!
//! It must never know when a prompt's turn comes.

use axum::extract::State;
use runwright_proto::{SessionId, WorkspaceId};

use super::{
    Routes,
    reply::{Answer, Encoded, encode},
    wait::answered,
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("agent")
        .get(
            "/v1/workspaces/{id}/agent/sessions/{session_id}/prompts/queued",
            queued,
            || {
                Doc::new(
                    "countQueuedPrompts",
                    "Returns how many prompts wait for their turn.",
                )
                .ok_number()
            },
        )
        .get(
            "/v1/workspaces/{id}/agent/sessions/{session_id}/prompts/list",
            list,
            || {
                Doc::new(
                    "listQueuedPrompts",
                    "Lists the prompts that wait for their turn, in order; `null` for none.",
                )
                .ok_texts_or_null()
            },
        )
        .post(
            "/v1/workspaces/{id}/agent/sessions/{session_id}/prompts/clear",
            clear,
            || {
                Doc::new(
                    "clearQueue",
                    "Cancels the prompts that wait; the active run goes on.",
                )
                .ok_empty()
            },
        )
}

async fn queued(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Json<usize>> {
    Ok(Json(state.workspace(id).await?.queue_len(&session)))
}

/// Polled every two seconds by every client, and nearly always for nothing.
async fn list(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Encoded> {
    let prompts = state.workspace(id).await?.queued_prompts(&session);
    if prompts.is_empty() {
        return Ok(Encoded::NULL);
    }
    Ok(Encoded(encode(&prompts)))
}

async fn clear(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    workspace.clear_queue(&session);
    answered(&workspace, &session, &workspace.stopping(&session), None).await
}
