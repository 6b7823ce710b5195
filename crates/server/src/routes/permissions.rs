//! Owns the routes of approvals. No tool asks for one yet, so none is open; whether tools may skip asking is kept.
//!
//! It must never know what is allowed without asking.

use axum::extract::State;
use runwright_proto::{
    ErrorCode, GrantPermission, OpenPermission, PermissionAction, Resolved, SkipPermissions,
    WorkspaceId,
};

use super::{
    Routes,
    reply::{Answer, Encoded, empty_list},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    problem::ApiError,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("permissions")
        .get("/v1/workspaces/{id}/permissions", empty_list, || {
            Doc::new(
                "listPermissions",
                "Lists the requests for approval that are open.",
            )
            .ok_list::<OpenPermission>()
        })
        .get("/v1/workspaces/{id}/permissions/skip", skips, || {
            Doc::new(
                "skipsPermissions",
                "Tells whether tools run without approval.",
            )
            .ok::<SkipPermissions>()
        })
        .post("/v1/workspaces/{id}/permissions/skip", set_skip, || {
            Doc::new(
                "setSkipPermissions",
                "Sets whether tools run without approval.",
            )
            .body::<SkipPermissions>()
            .ok_empty()
        })
        .post("/v1/workspaces/{id}/permissions/grant", grant, || {
            Doc::new(
                "grantPermission",
                "Answers a request for approval; the first answer counts.",
            )
            .body::<GrantPermission>()
            .ok::<Resolved>()
            .problems(&[ErrorCode::PermissionActionInvalid])
        })
}

/// Polled twice a second by every client.
async fn skips(State(state): State<AppState>, Path(id): Path<WorkspaceId>) -> Answer<Encoded> {
    Ok(if state.workspace(id).await?.skips_permissions() {
        Encoded::fixed("{\"skip\":true}\n")
    } else {
        Encoded::fixed("{\"skip\":false}\n")
    })
}

async fn set_skip(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(request): Json<SkipPermissions>,
) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    tracing::info!(workspace = %id, skip = request.skip, "skipping of permissions set");
    workspace.set_skip_permissions(request.skip);
    Ok(())
}

async fn grant(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(request): Json<GrantPermission>,
) -> Answer<Json<Resolved>> {
    state.workspace(id).await?;
    if request.action == PermissionAction::Unknown {
        return Err(ApiError::new(
            ErrorCode::PermissionActionInvalid,
            "invalid permission action",
        ));
    }
    Ok(Json(Resolved::default()))
}
