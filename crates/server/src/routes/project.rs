//! Owns the routes about introducing a project to the agent.
//!
//! It must never know the project.

use axum::extract::State;
use runwright_proto::{NeedsInit, PromptReply, WorkspaceId};

use super::{
    Routes,
    reply::{Answer, nothing},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

/// What a client sends as a prompt when its user wants the project introduced.
const PROMPT: &str = "Look around in this project and write what a new colleague has to know into the file AGENTS.md: \
    what it is, how it is built, tested and run, how its code is laid out, and which conventions it keeps. If the file \
    exists already, bring it up to date. Write only what you have seen in the project.";

pub(super) fn routes() -> Routes {
    Routes::new("project")
        .get("/v1/workspaces/{id}/project/needs-init", needs_init, || {
            Doc::new(
                "projectNeedsInit",
                "Tells whether the user should be asked to introduce the project: never.",
            )
            .ok::<NeedsInit>()
        })
        .post("/v1/workspaces/{id}/project/init", nothing, || {
            Doc::new(
                "initProject",
                "Notes that the project is introduced. There is nothing to note.",
            )
            .ok_empty()
        })
        .get(
            "/v1/workspaces/{id}/project/init-prompt",
            init_prompt,
            || {
                Doc::new(
                    "projectInitPrompt",
                    "Returns the prompt that introduces a project.",
                )
                .ok::<PromptReply>()
            },
        )
}

/// Never: the agent reads what it needs when it needs it, and a client that asks its user at every start would only be in
/// the way. Whoever wants an introduction asks for the prompt.
async fn needs_init(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Json<NeedsInit>> {
    state.workspace(id).await?;
    Ok(Json(NeedsInit { needs_init: false }))
}

async fn init_prompt(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Json<PromptReply>> {
    state.workspace(id).await?;
    Ok(Json(PromptReply {
        prompt: PROMPT.to_owned(),
    }))
}
