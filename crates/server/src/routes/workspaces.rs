//! Owns the routes that open, show and leave workspaces.
//!
//! It must never know when a workspace closes.

use axum::extract::State;
use runwright_backend::Workspace;
use runwright_proto::{
    CreateWorkspace, CurrentSession, ErrorCode, ParseIdError, Workspace as View, WorkspaceId,
};

use super::{Routes, reply::Answer};
use crate::{
    extract::{ClientIdQuery, Json, Path},
    openapi::Doc,
    problem::ApiError,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("workspaces")
        .get("/v1/workspaces", list, || {
            Doc::new("listWorkspaces", "Lists the open workspaces.").ok_list::<View>()
        })
        .post("/v1/workspaces", create, || {
            Doc::new(
                "createWorkspace",
                "Opens a workspace, or joins it if it is open, and holds it for the client.",
            )
            .body::<CreateWorkspace>()
            .ok::<View>()
            .problems(&[
                ErrorCode::PathRequired,
                ErrorCode::PathInvalid,
                ErrorCode::ClientIdRequired,
                ErrorCode::ClientIdInvalid,
                ErrorCode::ClientRetired,
                ErrorCode::ChannelsMismatch,
                ErrorCode::ServerShuttingDown,
            ])
        })
        .get("/v1/workspaces/{id}", show, || {
            Doc::new("workspace", "Returns a workspace, without secrets.").ok::<View>()
        })
        .delete("/v1/workspaces/{id}", release, || {
            Doc::new(
                "releaseWorkspace",
                "Releases the client's claim; deletes nothing. Idempotent.",
            )
            .client_id()
            .forgiving()
            .ok_empty()
        })
        .post(
            "/v1/workspaces/{id}/current-session",
            set_current_session,
            || {
                Doc::new(
                    "setCurrentSession",
                    "Notes which session the client looks at; an empty id clears it.",
                )
                .client_id()
                .body::<CurrentSession>()
                .ok_empty()
                .problems(&[ErrorCode::ClientNotAttached])
            },
        )
}

async fn list(State(state): State<AppState>) -> Json<Vec<View>> {
    let open = state.backend().workspaces();
    Json(
        open.iter()
            .map(|workspace| view(&state, workspace))
            .collect(),
    )
}

async fn create(
    State(state): State<AppState>,
    Json(request): Json<CreateWorkspace>,
) -> Answer<Json<View>> {
    let client = request.client_id().map_err(|error| bad_client_id(&error))?;
    let workspace = state.backend().create(client, request).await?;
    Ok(Json(view(&state, &workspace)))
}

async fn show(State(state): State<AppState>, Path(id): Path<WorkspaceId>) -> Answer<Json<View>> {
    let workspace = state.workspace(id).await?;
    Ok(Json(view(&state, &workspace)))
}

async fn release(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    ClientIdQuery(client): ClientIdQuery,
) {
    state.backend().release(id, client);
}

async fn set_current_session(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    ClientIdQuery(client): ClientIdQuery,
    Json(current): Json<CurrentSession>,
) -> Answer<()> {
    let set = state
        .backend()
        .set_current_session(id, client, current.session_id);
    set.await.map_err(|error| state.refused(error))
}

fn view(state: &AppState, workspace: &Workspace) -> View {
    View {
        version: state.info().version.clone(),
        ..workspace.view()
    }
}

fn bad_client_id(error: &ParseIdError) -> ApiError {
    if matches!(error, ParseIdError::Empty { .. }) {
        ApiError::new(ErrorCode::ClientIdRequired, "client_id is required")
    } else {
        ApiError::new(ErrorCode::ClientIdInvalid, "client_id is not a valid UUID")
    }
}
