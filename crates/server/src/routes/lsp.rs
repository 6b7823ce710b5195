//! Owns the routes of language servers. No workspace has any yet.
//!
//! It must never know their protocol.

use axum::extract::State;
use runwright_proto::{ErrorCode, LspClientInfo, StartLsp, WorkspaceId};

use super::{
    Routes,
    reply::{Answer, empty_object, nothing},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    problem::ApiError,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("lsp")
        .get("/v1/workspaces/{id}/lsps", empty_object, || {
            Doc::new(
                "listLsps",
                "Returns the language servers of a workspace by name.",
            )
            .ok_map::<LspClientInfo>()
        })
        .get(
            "/v1/workspaces/{id}/lsps/{lsp}/diagnostics",
            diagnostics,
            || {
                Doc::new(
                    "lspDiagnostics",
                    "Returns what a language server has found, by file.",
                )
                .ok_object()
                .problems(&[ErrorCode::LspNotFound])
            },
        )
        .post("/v1/workspaces/{id}/lsps/start", start, || {
            Doc::new(
                "startLsps",
                "Starts the language servers that a file needs: none so far.",
            )
            .body::<StartLsp>()
            .ok_empty()
        })
        .post("/v1/workspaces/{id}/lsps/stop", nothing, || {
            Doc::new("stopLsps", "Stops all language servers.").ok_empty()
        })
}

async fn diagnostics(
    State(state): State<AppState>,
    Path((id, _)): Path<(WorkspaceId, String)>,
) -> Answer<()> {
    state.workspace(id).await?;
    Err(ApiError::new(
        ErrorCode::LspNotFound,
        "LSP client not found",
    ))
}

async fn start(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(_): Json<StartLsp>,
) -> Answer<()> {
    state.workspace(id).await.map(drop)
}
