//! Owns the routes that read messages.
//!
//! It must never know who wrote them, nor how.

use axum::extract::State;
use runwright_proto::{Message, SessionId, WorkspaceId};

use super::{Routes, reply::Answer};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("messages")
        .get(
            "/v1/workspaces/{id}/sessions/{session_id}/messages",
            of_session,
            || {
                Doc::new(
                    "listMessages",
                    "Lists the messages of a session in their order; none for an unknown session.",
                )
                .ok_list::<Message>()
            },
        )
        .get(
            "/v1/workspaces/{id}/sessions/{session_id}/messages/user",
            of_users_in_session,
            || {
                Doc::new(
                    "listUserMessages",
                    "Lists what people said in a session, the newest first.",
                )
                .ok_list::<Message>()
            },
        )
        .get("/v1/workspaces/{id}/messages/user", of_users, || {
            Doc::new(
                "listAllUserMessages",
                "Lists what people said in all sessions, the newest first.",
            )
            .ok_list::<Message>()
        })
}

async fn of_session(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Json<Vec<Message>>> {
    Ok(Json(state.workspace(id).await?.messages(&session).await?))
}

async fn of_users_in_session(
    State(state): State<AppState>,
    Path((id, session)): Path<(WorkspaceId, SessionId)>,
) -> Answer<Json<Vec<Message>>> {
    Ok(Json(
        state
            .workspace(id)
            .await?
            .user_messages(Some(&session))
            .await?,
    ))
}

async fn of_users(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Json<Vec<Message>>> {
    Ok(Json(state.workspace(id).await?.user_messages(None).await?))
}
