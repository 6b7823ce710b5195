//! Owns the routes about the agent of a workspace: what it is, that it is there, which model it takes.
//!
//! It must never know a prompt.

use axum::extract::State;
use runwright_proto::{AgentInfo, AgentInit, ErrorCode, SelectedModel, WorkspaceId};
use serde::Deserialize;

use super::{
    Routes,
    reply::{Answer, Encoded, encode},
};
use crate::{
    extract::{Json, Path, Query},
    map_error::agent_not_initialized,
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("agent")
        .get("/v1/workspaces/{id}/agent", info, || {
            Doc::new("agent", "Returns what the agent is and whether it works.").ok::<AgentInfo>()
        })
        .post("/v1/workspaces/{id}/agent/init", init, || {
            Doc::new(
                "initAgent",
                "Gives the workspace an agent if it has none. Never replaces one.",
            )
            .optional_body::<AgentInit>()
            .ok_empty()
            .problems(&[ErrorCode::AgentNotInitialized])
        })
        .post("/v1/workspaces/{id}/agent/update", update, || {
            Doc::new(
                "updateAgent",
                "Tells that the agent uses its present configuration, as it always does.",
            )
            .ok_empty()
            .problems(&[ErrorCode::AgentNotInitialized])
        })
        .get(
            "/v1/workspaces/{id}/agent/default-small-model",
            default_small_model,
            || {
                Doc::new(
                    "defaultSmallModel",
                    "Returns the small model of a provider, or else the large model.",
                )
                .query::<String>("provider_id", false, "The provider.")
                .ok::<SelectedModel>()
            },
        )
}

/// Polled several times a second by every client, so its bytes are made only when they change.
async fn info(State(state): State<AppState>, Path(id): Path<WorkspaceId>) -> Answer<Encoded> {
    let workspace = state.workspace(id).await?;
    Ok(Encoded(workspace.agent_info_bytes(encode)))
}

/// Idempotent: a second client changes nothing for the first (semantics 4), so the body only has to make sense.
async fn init(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    _: Option<Json<AgentInit>>,
) -> Answer<()> {
    let backend = state.backend().clone();
    let made = state
        .detached(async move { backend.init_agent(id).await })
        .await?;
    let is_there = made.map_err(|error| state.refused(error))?;
    is_there.then_some(()).ok_or_else(agent_not_initialized)
}

async fn update(State(state): State<AppState>, Path(id): Path<WorkspaceId>) -> Answer<()> {
    let workspace = state.workspace(id).await?;
    workspace
        .has_agent()
        .then_some(())
        .ok_or_else(agent_not_initialized)
}

#[derive(Deserialize)]
struct Provider {
    #[serde(default)]
    provider_id: String,
}

async fn default_small_model(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Query(asked): Query<Provider>,
) -> Answer<Json<SelectedModel>> {
    let workspace = state.workspace(id).await?;
    let small = workspace.view().config.models.small;
    let small = small.filter(|small| small.provider == asked.provider_id);
    Ok(Json(
        small.unwrap_or_else(|| workspace.agent_info().model_cfg),
    ))
}
