//! Owns the routes of a workspace's configuration: it can be read, and not yet changed.
//!
//! It must never know where a configuration is kept.

use axum::extract::State;
use runwright_proto::{
    CatwalkProvider, Config, CopilotImport, ErrorCode, ModelType, ProviderConfig, RefreshOauth,
    RemoveConfig, SelectedModel, SetCompactMode, SetConfig, SetModel, SetProviderKey, WorkspaceId,
};

use super::{
    Routes,
    reply::{Answer, cannot_yet, not_implemented},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("config")
        .get("/v1/workspaces/{id}/config", show, || {
            Doc::new(
                "config",
                "Returns the configuration of a workspace, without secrets.",
            )
            .ok::<Config>()
        })
        .get("/v1/workspaces/{id}/providers", providers, || {
            Doc::new("listProviders", "Lists the model providers of a workspace.")
                .ok_list::<CatwalkProvider>()
        })
        .post("/v1/workspaces/{id}/config/model", set_model, || {
            Doc::new(
                "setModel",
                "Selects a model: so far only the one that is selected already.",
            )
            .body::<SetModel>()
            .ok_empty()
            .problems(&[ErrorCode::NotImplemented])
        })
        .post("/v1/workspaces/{id}/config/set", not_implemented, || {
            change("setConfig", "Sets a value.").body::<SetConfig>()
        })
        .post("/v1/workspaces/{id}/config/remove", not_implemented, || {
            change("removeConfig", "Removes a value.").body::<RemoveConfig>()
        })
        .post(
            "/v1/workspaces/{id}/config/compact",
            not_implemented,
            || change("setCompactMode", "Sets the compact mode.").body::<SetCompactMode>(),
        )
        .post(
            "/v1/workspaces/{id}/config/provider-key",
            not_implemented,
            || change("setProviderKey", "Sets the key of a provider.").body::<SetProviderKey>(),
        )
        .post(
            "/v1/workspaces/{id}/config/import-copilot",
            not_implemented,
            || {
                Doc::new("importCopilot", "Takes over another program's token.")
                    .ok::<CopilotImport>()
                    .problems(&[ErrorCode::NotImplemented])
            },
        )
        .post(
            "/v1/workspaces/{id}/config/refresh-oauth",
            not_implemented,
            || change("refreshOauth", "Renews the token of a provider.").body::<RefreshOauth>(),
        )
}

fn change(id: &'static str, summary: &'static str) -> Doc {
    Doc::new(id, summary)
        .ok_empty()
        .problems(&[ErrorCode::NotImplemented])
}

async fn show(State(state): State<AppState>, Path(id): Path<WorkspaceId>) -> Answer<Json<Config>> {
    Ok(Json(state.workspace(id).await?.view().config))
}

async fn providers(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Json<Vec<CatwalkProvider>>> {
    let config = state.workspace(id).await?.view().config;
    Ok(Json(config.providers.into_iter().map(as_catalog).collect()))
}

/// A terminal client that opens a session selects the model that wrote it, which nearly always is selected already: that
/// is answered truthfully, and everything else is not done yet.
async fn set_model(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(request): Json<SetModel>,
) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    let models = workspace.view().config.models;
    let selected = match request.model_type {
        ModelType::Large => models
            .large
            .or_else(|| Some(workspace.agent_info().model_cfg)),
        ModelType::Small => models.small,
    };
    let same = |selected: SelectedModel| selected == request.model;
    selected
        .is_some_and(same)
        .then_some(())
        .ok_or_else(cannot_yet)
}

/// A configured provider in the form of the catalog of providers.
fn as_catalog((id, provider): (String, ProviderConfig)) -> CatwalkProvider {
    CatwalkProvider {
        name: provider.name,
        id,
        api_endpoint: provider.base_url,
        kind: provider.kind,
        models: provider.models,
        ..CatwalkProvider::default()
    }
}
