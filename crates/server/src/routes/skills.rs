//! Owns the routes of skills. No workspace has any yet.
//!
//! It must never know where skills are looked for.

use axum::extract::State;
use runwright_proto::{ErrorCode, ReadSkill, SkillContent, SkillInfo, WorkspaceId};

use super::{
    Routes,
    reply::{Answer, empty_list},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    problem::ApiError,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("skills")
        .get("/v1/workspaces/{id}/skills", empty_list, || {
            Doc::new("listSkills", "Lists the skills of a workspace.").ok_list::<SkillInfo>()
        })
        .post("/v1/workspaces/{id}/skills/read", read, || {
            Doc::new("readSkill", "Returns the text of a skill.")
                .body::<ReadSkill>()
                .ok::<SkillContent>()
                .problems(&[ErrorCode::SkillNotFound])
        })
}

async fn read(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(_): Json<ReadSkill>,
) -> Answer<Json<SkillContent>> {
    state.workspace(id).await?;
    Err(ApiError::new(ErrorCode::SkillNotFound, "skill not found"))
}
