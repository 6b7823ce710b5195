//! Owns the routes of questions that a run puts to its user. No run asks any yet, so none is open.
//!
//! It must never know how a question is shown.

use axum::extract::State;
use runwright_proto::{AnswerQuestions, OpenQuestion, Resolved, WorkspaceId};

use super::{
    Routes,
    reply::{Answer, empty_list},
};
use crate::{
    extract::{Json, Path},
    openapi::Doc,
    state::AppState,
};

pub(super) fn routes() -> Routes {
    Routes::new("questions")
        .get("/v1/workspaces/{id}/questions", empty_list, || {
            Doc::new("listQuestions", "Lists the questions that are open.")
                .ok_list::<OpenQuestion>()
        })
        .post("/v1/workspaces/{id}/questions/answer", answer, || {
            Doc::new(
                "answerQuestions",
                "Answers the open questions; the first answer counts.",
            )
            .body::<AnswerQuestions>()
            .ok::<Resolved>()
        })
        .post("/v1/workspaces/{id}/questions/cancel", cancel, || {
            Doc::new("cancelQuestions", "Refuses to answer the open questions.").ok::<Resolved>()
        })
}

async fn answer(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    Json(_): Json<AnswerQuestions>,
) -> Answer<Json<Resolved>> {
    state.workspace(id).await?;
    Ok(Json(Resolved::default()))
}

async fn cancel(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Json<Resolved>> {
    state.workspace(id).await?;
    Ok(Json(Resolved::default()))
}
