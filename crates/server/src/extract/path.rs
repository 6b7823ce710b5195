//! Owns the parameters in a path.
//!
//! It must never know what an id refers to.

use axum::extract::{FromRequestParts, path::ErrorKind, rejection::PathRejection};
use http::request::Parts;
use runwright_proto::ErrorCode;
use serde::de::DeserializeOwned;

use crate::problem::ApiError;

/// The parameters of the matched path, as axum's `Path`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let extracted = axum::extract::Path::from_request_parts(parts, state).await;
        extracted
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(rejection)
    }
}

fn rejection(rejection: PathRejection) -> ApiError {
    match rejection {
        PathRejection::FailedToDeserializePathParams(failed) => bad_parameter(failed.into_kind()),
        other @ (PathRejection::MissingPathParams(_) | _) => ApiError::internal(other.body_text()),
    }
}

/// The parameter is named, its value is not repeated.
fn bad_parameter(kind: ErrorKind) -> ApiError {
    match kind {
        ErrorKind::ParseErrorAtKey { key, .. }
        | ErrorKind::DeserializeError { key, .. }
        | ErrorKind::InvalidUtf8InPathParam { key } => ApiError::new(
            ErrorCode::InvalidId,
            format!("`{key}` in the path is not a valid id"),
        ),
        ErrorKind::ParseErrorAtIndex { .. }
        | ErrorKind::ParseError { .. }
        | ErrorKind::Message(_) => {
            ApiError::new(ErrorCode::InvalidId, "an id in the path is not valid")
        }
        // The handler asks for what its route does not have.
        other @ (ErrorKind::WrongNumberOfParameters { .. }
        | ErrorKind::UnsupportedType { .. }
        | _) => ApiError::internal(other),
    }
}
