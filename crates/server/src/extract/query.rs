//! Owns the parameters after the question mark.
//!
//! It must never know what a parameter means.

use axum::extract::FromRequestParts;
use http::request::Parts;
use runwright_proto::ErrorCode;
use serde::de::DeserializeOwned;

use crate::problem::ApiError;

/// The query parameters, as axum's `Query`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match axum::extract::Query::try_from_uri(&parts.uri) {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            // Its text repeats what was sent.
            Err(_) => Err(ApiError::new(
                ErrorCode::BadRequest,
                "a query parameter is missing or not valid",
            )),
        }
    }
}
