//! Owns the query parameter `client_id`, with the texts that existing clients know (contract 2.0).
//!
//! It must never know whether a client is attached.

use axum::extract::FromRequestParts;
use http::request::Parts;
use runwright_proto::{ClientId, ErrorCode};
use serde::Deserialize;

use crate::problem::ApiError;

/// The client that the query names. It is checked before any workspace is looked up, as the contract has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientIdQuery(pub ClientId);

#[derive(Deserialize)]
struct Named {
    client_id: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ClientIdQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query =
            axum::extract::Query::<Named>::try_from_uri(&parts.uri).map_err(|_| invalid())?;
        match query.0.client_id.filter(|id| !id.is_empty()) {
            None => Err(ApiError::new(
                ErrorCode::ClientIdRequired,
                "client_id is required",
            )),
            Some(id) => id.parse().map(Self).map_err(|_| invalid()),
        }
    }
}

fn invalid() -> ApiError {
    ApiError::new(ErrorCode::ClientIdInvalid, "client_id is not a valid UUID")
}
