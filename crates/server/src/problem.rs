//! Owns every answer that is not a success: the error a handler returns, the one table from code to status, the RFC 9457
//! body, and the fallbacks for unknown routes and methods (semantics 7).
//!
//! What the client reads and what the log gets are two fields: a cause never reaches the wire.
//!
//! It must never know which failure of the backend gives which code.

use std::{borrow::Cow, fmt::Display, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use runwright_proto::{ErrorCode, Problem};

/// What a handler, an extractor or a layer answers instead of a success.
#[derive(Debug)]
pub struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: ErrorCode,
    message: Cow<'static, str>,
    cause: Option<String>,
    position: Option<u32>,
    headers: HeaderMap,
}

impl ApiError {
    /// Makes an error; the code decides the status, the message is for the client.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self(Box::new(Inner {
            code,
            message,
            cause: None,
            position: None,
            headers: HeaderMap::new(),
        }))
    }

    /// Makes a 500 that tells the client nothing and the log the cause.
    #[must_use]
    pub fn internal(cause: impl Display) -> Self {
        Self::new(ErrorCode::Internal, "internal server error").with_cause(cause)
    }

    /// Adds what the log is to say; the client never sees it.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.insert(name, value);
        self
    }

    /// Says when to try again: whole seconds, at least one. Without it a 429 or 503 says one second.
    #[must_use]
    pub fn with_retry_after(self, after: Duration) -> Self {
        let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
        self.with_header(header::RETRY_AFTER, seconds.max(1).into())
    }

    /// Says how many runs are in the queue that is full.
    #[must_use]
    pub fn with_position(mut self, position: u32) -> Self {
        self.0.position = Some(position);
        self
    }

    /// Returns the code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        status_of(self.0.code)
    }

    /// Returns the client's text.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns the log's text.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Returns the body of the answer.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let mut problem = Problem::new(self.status().as_u16(), self.0.code, self.0.message.clone());
        problem.position = self.0.position;
        problem
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = problem_body(&self.problem());
        let mut response = Response::new(body);
        *response.status_mut() = status;
        response.headers_mut().extend(self.0.headers.clone());
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            headers
                .entry(header::RETRY_AFTER)
                .or_insert(HeaderValue::from_static("1"));
        }
        response.extensions_mut().insert(Failure(Arc::new(self)));
        response
    }
}

/// Rides on the response of an [`ApiError`], so that the outermost layer can log the cause and name the request.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) Arc<ApiError>);

/// Encodes a problem, with the line end that the contract's JSON bodies have.
pub(crate) fn problem_body(problem: &Problem) -> Body {
    Body::from(problem_json(problem))
}

/// As [`problem_body`], as bytes.
pub(crate) fn problem_json(problem: &Problem) -> Vec<u8> {
    let mut json =
        serde_json::to_vec(problem).expect("invariant: a problem has only strings and numbers");
    json.push(b'\n');
    json
}

/// Answers unknown routes with 404 `route_not_found` and other methods of known ones with 405 and `Allow`.
///
/// Call it after the last route was added: it gives its 405 to the routes that are there.
pub fn with_fallbacks<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                ErrorCode::MethodNotAllowed,
                "this route does not take that method",
            )
        })
        .fallback(|| async { ApiError::new(ErrorCode::RouteNotFound, "there is no such route") })
}

/// The one table from code to status.
fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::AgentNotInitialized
        | ErrorCode::PromptEmpty
        | ErrorCode::SessionMissing
        | ErrorCode::ClientIdRequired
        | ErrorCode::ClientIdInvalid
        | ErrorCode::PathRequired
        | ErrorCode::PathInvalid
        | ErrorCode::BadJson
        | ErrorCode::BadRequest
        | ErrorCode::UnknownCommand
        | ErrorCode::InvalidId
        | ErrorCode::InvalidCursor
        | ErrorCode::PermissionActionInvalid => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthorized => StatusCode::UNAUTHORIZED,
        ErrorCode::OriginNotAllowed => StatusCode::FORBIDDEN,
        ErrorCode::WorkspaceNotFound
        | ErrorCode::SessionNotFound
        | ErrorCode::RunNotFound
        | ErrorCode::MessageNotFound
        | ErrorCode::RouteNotFound
        | ErrorCode::LspNotFound
        | ErrorCode::SkillNotFound => StatusCode::NOT_FOUND,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        ErrorCode::WorkspaceClosing
        | ErrorCode::ClientRetired
        | ErrorCode::ClientNotAttached
        | ErrorCode::SessionBusy
        | ErrorCode::ServerNotIdle
        | ErrorCode::ChannelsMismatch
        | ErrorCode::RunNotQueued
        | ErrorCode::RunAlreadyEnded => StatusCode::CONFLICT,
        ErrorCode::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::HostNotAllowed => StatusCode::MISDIRECTED_REQUEST,
        ErrorCode::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::RateLimited | ErrorCode::QueueFull | ErrorCode::TooManyStreams => {
            StatusCode::TOO_MANY_REQUESTS
        }
        ErrorCode::HeaderTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        ErrorCode::ServerShuttingDown
        | ErrorCode::TooManyConnections
        | ErrorCode::StorageUnavailable
        | ErrorCode::StorageDamaged
        | ErrorCode::NotReady => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorCode::CancelTimeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::Internal | ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
        // A code that `proto` has and this table has not is our fault, and a test finds it.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_but_one_has_a_status_of_its_own_in_the_table() {
        let internal = |code: &&ErrorCode| status_of(**code) == StatusCode::INTERNAL_SERVER_ERROR;
        let found: Vec<_> = ErrorCode::ALL.iter().filter(internal).collect();
        assert_eq!(found, [&ErrorCode::Internal]);
    }

    #[test]
    fn overload_says_when_to_try_again() {
        let retry = |error: ApiError| {
            let response = error.into_response();
            response
                .headers()
                .get(header::RETRY_AFTER)
                .map(|value| value.to_str().expect("ascii").to_owned())
        };
        assert_eq!(
            retry(ApiError::new(ErrorCode::QueueFull, "full")).as_deref(),
            Some("1")
        );
        assert_eq!(
            retry(ApiError::new(ErrorCode::ServerShuttingDown, "bye")).as_deref(),
            Some("1")
        );
        let later = ApiError::new(ErrorCode::RateLimited, "slow down")
            .with_retry_after(Duration::from_millis(1200));
        assert_eq!(retry(later).as_deref(), Some("2"));
        assert_eq!(retry(ApiError::new(ErrorCode::SessionBusy, "busy")), None);
    }

    #[test]
    fn the_cause_stays_inside() {
        let error = ApiError::internal("password is hunter2").with_position(3);
        assert_eq!(error.cause(), Some("password is hunter2"));
        let json = String::from_utf8(problem_json(&error.problem())).expect("utf-8");
        assert_eq!(
            json,
            concat!(
                r#"{"type":"urn:runwright:problem:internal","title":"Internal server error","status":500,"#,
                r#""detail":"internal server error","code":"internal","message":"internal server error","position":3}"#,
                "\n",
            )
        );
    }
}
