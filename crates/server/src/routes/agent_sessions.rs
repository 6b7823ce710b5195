//! Owns the routes about a session as the agent sees it: whether it works in it, and cancel.
//!
//! It must never know what a run does.

use axum::extract::State;
use runwright_proto::{AgentSession, ErrorCode, SessionId, ShellReply, ShellRequest, WorkspaceId};

use super::{
    Routes,
    reply::{Answer, cannot_yet},
    sessions::with_clients,
    wait::{Wait, answered},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("agent")
        .get(
            "/v1/workspaces/{id}/agent/sessions/{session_id}",
            show,
            || {
                Doc::new(
                    "agentSession",
                    "Returns a session and whether the agent works in it.",
                )
                .ok::<AgentSession>()
                .problems(&[ErrorCode::SessionNotFound])
            },
        )
        .post(
            "/v1/workspaces/{id}/agent/sessions/{session_id}/cancel",
            cancel,
            || {
                Doc::new(
                    "cancelSession",
                    "Cancels the active run, every accepted one and the queue, and nothing later.",
                )
                .wait()
                .ok_empty()
                .problems(&[ErrorCode::CancelTimeout])
            },
        )
        .post(
            "/v1/workspaces/{id}/agent/sessions/{session_id}/summarize",
            later,
            || {
                Doc::new("summarize", "Replaces the history by a summary.")
                    .ok_empty()
                    .problems(&[ErrorCode::NotImplemented])
            },
        )
        .post(
            "/v1/workspaces/{id}/agent/sessions/{session_id}/shell",
            later,
            || {
                Doc::new("shell", "Runs a command in the workspace.")
                    .body::<ShellRequest>()
                    .ok::<ShellReply>()
                    .problems(&[ErrorCode::NotImplemented])
            },
        )
}

async fn show(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Json<AgentSession>> {
    let session = state.workspace(id).await?.session(&session).await?;
    Ok(Json(with_clients(&state, id, session).into()))
}

async fn cancel(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
    Wait(within): Wait,
) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    workspace.cancel_session(&session);
    // Those that an earlier cancel has hit are waited for as well.
    answered(&workspace, &session, &workspace.stopping(&session), within).await
}

async fn later(
    State(state): State<AppState>,
    Path((id, _)): Path<(WorkspaceId, SessionId)>,
) -> Answer<()> {
    state.workspace(id).await?;
    Err(cannot_yet())
}
