//! Owns answers whose bytes are there already: constants, and what is kept for those who poll.
//!
//! It must never know what the bytes say.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, header};
use runwright_proto::{ErrorCode, WorkspaceId};
use serde::Serialize;

use crate::{extract::Path, problem::ApiError, state::AppState};

use axum::extract::State;

/// What a handler answers.
pub(super) type Answer<T> = Result<T, ApiError>;

/// JSON that is already encoded, with its line end.
pub(super) struct Encoded(pub(super) Bytes);

impl Encoded {
    pub(super) const NULL: Self = Self::fixed("null\n");
    pub(super) const EMPTY_LIST: Self = Self::fixed("[]\n");
    pub(super) const EMPTY_OBJECT: Self = Self::fixed("{}\n");

    pub(super) const fn fixed(json: &'static str) -> Self {
        Self(Bytes::from_static(json.as_bytes()))
    }
}

impl IntoResponse for Encoded {
    fn into_response(self) -> Response {
        (
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )],
            self.0,
        )
            .into_response()
    }
}

/// Encodes a value for [`Encoded`].
pub(super) fn encode<T: Serialize>(value: &T) -> Bytes {
    let mut json = serde_json::to_vec(value)
        .expect("invariant: a wire type has string keys and writes to memory");
    json.push(b'\n');
    json.into()
}

/// Answers what a workspace without the feature in question truthfully has: none.
pub(super) async fn nothing(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<()> {
    state.workspace(id).await.map(drop)
}

/// As [`nothing`], as a list.
pub(super) async fn empty_list(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Encoded> {
    state.workspace(id).await.map(|_| Encoded::EMPTY_LIST)
}

/// As [`nothing`], as an object.
pub(super) async fn empty_object(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<Encoded> {
    state.workspace(id).await.map(|_| Encoded::EMPTY_OBJECT)
}

/// Refuses what this version cannot do, once it is clear that the workspace exists.
pub(super) async fn not_implemented(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
) -> Answer<()> {
    state.workspace(id).await?;
    Err(cannot_yet())
}

/// The refusal of what this version cannot do.
pub(super) fn cannot_yet() -> ApiError {
    ApiError::new(ErrorCode::NotImplemented, "this server cannot do that yet")
}
