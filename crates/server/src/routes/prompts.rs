//! Owns the route on which a prompt becomes a run (semantics 2.1).
//!
//! Until the backend has the whole prompt nothing has happened, and from then on the run belongs to the workspace: a
//! client that hangs up at any moment leaves a whole run or none.
//!
//! It must never know what a run does.

use std::{convert::Infallible, fmt::Write, sync::Arc};

use axum::{
    extract::{FromRequestParts, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use runwright_backend::Submitted;
use runwright_proto::{AgentMessage, ErrorCode, Receipt, RunId, WorkspaceId};

use super::{Routes, reply::Answer};
use crate::{
    extract::{Json, Path},
    guard::Principal,
    openapi::Doc,
    problem::ApiError,
    state::AppState,
};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key, in bytes: as long as a run id may be, which is the other name of a request.
const MAX_KEY: usize = RunId::MAX_LEN;

pub(super) fn routes() -> Routes {
    Routes::new("agent").post("/v1/workspaces/{id}/agent", send, || {
        Doc::new(
            "sendPrompt",
            "Accepts a prompt: from the 202 on it will run and end, whatever happens.",
        )
        .header(
            "Idempotency-Key",
            "A name for the request: sent again with the same body it starts nothing new.",
        )
        .body::<AgentMessage>()
        .reply::<Receipt>(
            202,
            "The prompt was accepted, now or, with `Idempotency-Replayed: true`, before.",
        )
        .reply_header("Location", "Where the run is.")
        .reply_header(
            "Idempotency-Replayed",
            "`true` if the same request was accepted before.",
        )
        .problems(&[
            ErrorCode::AgentNotInitialized,
            ErrorCode::PromptEmpty,
            ErrorCode::SessionMissing,
            ErrorCode::SessionNotFound,
            ErrorCode::SessionBusy,
            ErrorCode::QueueFull,
            ErrorCode::RateLimited,
            ErrorCode::IdempotencyMismatch,
            ErrorCode::BadRequest,
        ])
    })
}

async fn send(
    State(state): State<AppState>,
    Path(id): Path<WorkspaceId>,
    caller: Caller,
    IdempotencyKey(key): IdempotencyKey,
    Json(message): Json<AgentMessage>,
) -> Answer<Response> {
    state.prompts().check(caller.0)?;
    let sent = state.backend().send_message(id, message, key).await;
    let submitted = sent.map_err(|error| state.refused(error))?;
    Ok(accepted(id, submitted))
}

fn accepted(id: WorkspaceId, submitted: Submitted) -> Response {
    let location = location(id, &submitted.receipt.run_id);
    let mut response = (StatusCode::ACCEPTED, Json(submitted.receipt)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    if submitted.replayed {
        headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The address of a run. Its id may hold any visible ASCII, so what means something in a path is escaped.
fn location(id: WorkspaceId, run: &RunId) -> HeaderValue {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let run = run.as_str();
    let mut path = String::with_capacity(128);
    write!(path, "/v1/workspaces/{id}/runs/").expect("invariant: a text takes every write");
    if run.bytes().all(is_plain) {
        path.push_str(run);
    } else {
        for byte in run.bytes() {
            if is_plain(byte) {
                path.push(char::from(byte));
                continue;
            }
            write!(path, "%{byte:02X}").expect("invariant: a text takes every write");
        }
    }
    HeaderValue::try_from(path).expect("invariant: escaped ASCII is a header value")
}

/// Who sends, for the limit on prompts. Without a guard before the router everybody is the same.
struct Caller(Principal);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let principal = parts.extensions.get::<Principal>().copied();
        Ok(Self(principal.unwrap_or(Principal::Anonymous)))
    }
}

/// The second name of a request, if it has one.
struct IdempotencyKey(Option<Arc<str>>);

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(key) = parts.headers.get(IDEMPOTENCY_KEY) else {
            return Ok(Self(None));
        };
        match key.to_str() {
            Ok(key) if (1..=MAX_KEY).contains(&key.len()) => Ok(Self(Some(key.into()))),
            _ => Err(ApiError::new(
                ErrorCode::BadRequest,
                format!("`Idempotency-Key` is not 1 to {MAX_KEY} visible characters"),
            )),
        }
    }
}
