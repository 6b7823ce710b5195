//! Owns the JSON body: reading it within its limits, decoding it, and encoding one.
//!
//! It must never know how large a body of which route may be; the body itself enforces that.

use axum::{
    body::Bytes,
    extract::{FromRequest, OptionalFromRequest, Request},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_body_util::{BodyExt, Collected};
use runwright_proto::ErrorCode;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;

use crate::{limits::BodyError, problem::ApiError};

use super::depth::{MAX_DEPTH, too_deep};

/// A JSON body, whatever its `Content-Type` says. As `Option<Json<T>>` it is `None` for an empty body.
///
/// As an answer it is `application/json` with a line end, as the contract's bodies are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        decode(&read_body(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Option<Self>, ApiError> {
        let bytes = read_body(request).await?;
        if bytes.is_empty() {
            Ok(None)
        } else {
            decode(&bytes).map(|value| Some(Self(value)))
        }
    }
}

/// A body as it came. axum's `Bytes` would answer in a form of its own to a body that breaks a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, _state: &S) -> Result<Self, ApiError> {
        read_body(request).await.map(Self)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        // Room for a usual answer, a receipt or a session, so that it does not grow on the way.
        let mut json = Vec::with_capacity(512);
        match serde_json::to_writer(&mut json, &self.0) {
            Ok(()) => {
                json.push(b'\n');
                (
                    [(
                        header::CONTENT_TYPE,
                        HeaderValue::from_static("application/json"),
                    )],
                    json,
                )
                    .into_response()
            }
            Err(error) => ApiError::internal(format_args!("an answer cannot be encoded: {error}"))
                .into_response(),
        }
    }
}

/// Reads a whole body.
///
/// # Errors
///
/// 413 beyond the limit of the route, 408 when it arrives too slowly, 400 when it breaks off.
///
/// # Cancel safety
///
/// What was read is lost, and with it the request: the connection is closed after the answer.
pub async fn read_body(request: Request) -> Result<Bytes, ApiError> {
    // Not axum's limited body: its limit is the same for all routes, and the body we were given has one already.
    let collected = request.into_body().collect().await;
    collected
        .map(Collected::to_bytes)
        .map_err(|error| body_error(error.into_inner()))
}

/// Decodes JSON that came from outside.
///
/// # Errors
///
/// 400 `bad_json`. The text says where the mistake is and of what kind, never what was written there.
pub fn decode<T: DeserializeOwned>(json: &[u8]) -> Result<T, ApiError> {
    if too_deep(json) {
        let message = format!("failed to decode request: nested deeper than {MAX_DEPTH} levels");
        return Err(ApiError::new(ErrorCode::BadJson, message));
    }
    serde_json::from_slice(json).map_err(|error| bad_json(&error))
}

/// The contract's text comes first, so that a client that compares its beginning still matches.
fn bad_json(error: &serde_json::Error) -> ApiError {
    let kind = match error.classify() {
        Category::Syntax | Category::Io => "not valid JSON",
        Category::Eof => "the JSON ends too early",
        Category::Data => "a value is missing or of the wrong type",
    };
    let (line, column) = (error.line(), error.column());
    let message = format!("failed to decode request: {kind} (line {line}, column {column})");
    ApiError::new(ErrorCode::BadJson, message)
}

fn body_error(error: axum::BoxError) -> ApiError {
    match error.downcast::<BodyError>() {
        Ok(error) => (*error).into(),
        Err(error) => ApiError::new(ErrorCode::BadRequest, "the body broke off").with_cause(error),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only decoded")]
    struct Prompt {
        prompt: String,
        extra: Option<Box<RawValue>>,
    }

    #[track_caller]
    fn check(json: impl AsRef<[u8]>, expect: &str) {
        let error = decode::<Prompt>(json.as_ref()).expect_err("bad");
        assert_eq!(error.code(), ErrorCode::BadJson);
        assert_eq!(
            error.message(),
            format!("failed to decode request: {expect}")
        );
    }

    #[test]
    fn mistakes_are_named_by_kind_and_place_and_never_repeated() {
        check("", "the JSON ends too early (line 1, column 0)");
        check(
            "{\n \"prompt\": hunter2}",
            "not valid JSON (line 2, column 12)",
        );
        check(
            r#"{"prompt": 1}"#,
            "a value is missing or of the wrong type (line 1, column 12)",
        );
        check(
            r#"{"prompt": "a", "prompt": "b"}"#,
            "a value is missing or of the wrong type (line 1, column 24)",
        );
        check(
            "{}",
            "a value is missing or of the wrong type (line 1, column 2)",
        );
        check(
            b"{\"prompt\": \"\xff\"}",
            "not valid JSON (line 1, column 13)",
        );
        check(
            r#"{"prompt": "\ud800"}"#,
            "not valid JSON (line 1, column 19)",
        );
        check(r#"{"prompt": "a"} x"#, "not valid JSON (line 1, column 17)");
        check(
            r#"{"prompt": "a", "extra": 1e999x}"#,
            "not valid JSON (line 1, column 31)",
        );
    }

    #[test]
    fn a_value_that_is_kept_as_it_is_has_the_same_limit_of_depth() {
        let deep = |depth: usize| {
            format!(
                r#"{{"prompt":"a","extra":{}{}}}"#,
                "[".repeat(depth),
                "]".repeat(depth)
            )
        };
        assert!(decode::<Prompt>(deep(MAX_DEPTH - 1).as_bytes()).is_ok());
        check(deep(MAX_DEPTH), "nested deeper than 128 levels");
        check(deep(100_000), "nested deeper than 128 levels");
    }
}
