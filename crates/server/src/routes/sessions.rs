//! Owns the routes of sessions.
//!
//! It must never know the messages in them.

use axum::extract::State;
use runwright_proto::{CreateSession, ErrorCode, Session, SessionId, UpdateSession, WorkspaceId};

use super::{Routes, reply::Answer};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("sessions")
        .get("/v1/workspaces/{id}/sessions", list, || {
            Doc::new(
                "listSessions",
                "Lists the sessions without a parent, the most recently changed first.",
            )
            .ok_list::<Session>()
        })
        .post("/v1/workspaces/{id}/sessions", create, || {
            Doc::new(
                "createSession",
                "Makes a session. Only its title is taken from the body.",
            )
            .body::<CreateSession>()
            .ok::<Session>()
        })
        .get("/v1/workspaces/{id}/sessions/{session_id}", show, || {
            Doc::new("session", "Returns a session.")
                .ok::<Session>()
                .problems(&[ErrorCode::SessionNotFound])
        })
        .put("/v1/workspaces/{id}/sessions/{session_id}", update, || {
            Doc::new(
                "updateSession",
                "Changes the title and the to-do list of a session, and nothing else of it.",
            )
            .body::<UpdateSession>()
            .ok::<Session>()
            .problems(&[ErrorCode::SessionNotFound])
        })
        .delete("/v1/workspaces/{id}/sessions/{session_id}", delete, || {
            Doc::new(
                "deleteSession",
                "Cancels the runs of a session, waits for their end, and deletes the session.",
            )
            .ok_empty()
            .problems(&[ErrorCode::SessionNotFound, ErrorCode::SessionBusy])
        })
}

async fn list(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Json<Vec<Session>>> {
    let sessions = state.workspace(id).await?.sessions().await?;
    let seen = sessions
        .into_iter()
        .map(|session| with_clients(&state, id, session));
    Ok(Json(seen.collect()))
}

async fn create(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(request): Json<CreateSession>,
) -> Answer<Json<Session>> {
    let session = state
        .workspace(id)
        .await?
        .create_session(request.title)
        .await?;
    Ok(Json(session))
}

async fn show(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Json<Session>> {
    let session = state.workspace(id).await?.session(&session).await?;
    Ok(Json(with_clients(&state, id, session)))
}

async fn update(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
    Json(request): Json<UpdateSession>,
) -> Answer<Json<Session>> {
    let session = state
        .workspace(id)
        .await?
        .update_session(&session, request)
        .await?;
    Ok(Json(with_clients(&state, id, session)))
}

/// Detached: a client that hangs up while runs are ending must not leave a session whose runs were cancelled for nothing.
async fn delete(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    let deleted = state.detached(async move { workspace.delete_session(&session).await });
    Ok(deleted.await??)
}

/// Adds what only the backend knows: how many clients look at the session.
pub(super) fn with_clients(state: &AppState, id: WorkspaceId, session: Session) -> Session {
    let attached_clients = state.backend().attached_clients(id, &session.id) as u64;
    Session {
        attached_clients,
        ..session
    }
}
