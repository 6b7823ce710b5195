//! Owns when a cancel is answered: as soon as what it stopped can never start, or, with `?wait=true&timeout=`, after the
//! last terminal event (semantics 2.3).
//!
//! It must never know what is cancelled.

use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use runwright_backend::Workspace;
use runwright_proto::{ErrorCode, RunId, SessionId};
use serde::Deserialize;

use super::reply::Answer;
use crate::{extract::Query, problem::ApiError};

/// Longer than a cancel takes with all its escalations, about 9 s (semantics 2.3).
const DEFAULT_TIMEOUT: u64 = 30;
const MAX_TIMEOUT: u64 = 600;

/// How long the caller waits, if it does.
pub(super) struct Wait(pub(super) Option<Duration>);

#[derive(Deserialize)]
struct Parameters {
    #[serde(default)]
    wait: bool,
    timeout: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Query(parameters) = Query::<Parameters>::from_request_parts(parts, state).await?;
        let seconds = parameters.timeout.unwrap_or(DEFAULT_TIMEOUT);
        if seconds > MAX_TIMEOUT {
            let message = format!("`timeout` is more than {MAX_TIMEOUT} seconds");
            return Err(ApiError::new(ErrorCode::BadRequest, message));
        }
        Ok(Self(parameters.wait.then(|| Duration::from_secs(seconds))))
    }
}

/// Waits as long as the answer to a cancel of these runs has to.
pub(super) async fn answered(
    workspace: &Workspace,
    session: &SessionId,
    runs: &[RunId],
    within: Option<Duration>,
) -> Answer<()> {
    match within {
        Some(within) => workspace.ended(session, runs, within).await?,
        None => workspace.never_start(session, runs).await?,
    }
    Ok(())
}
