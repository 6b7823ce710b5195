//! Owns the reasons for which a request is turned away at the door, and the answer to each.
//!
//! It must never know how a reason is found.

use http::{HeaderValue, header};
use runwright_proto::ErrorCode;

use crate::problem::ApiError;

/// Tells why a request was turned away before it was routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The target names a host: the form for proxies, which this server is not.
    AbsoluteForm,
    /// Both `Content-Length` and `Transfer-Encoding` say where the body ends.
    AmbiguousLength,
    /// There are too many headers.
    TooManyHeaders,
    /// There is no `Host`, more than one, or one that is none.
    BadHost,
    /// The `Host` is not one of ours.
    HostNotAllowed,
    /// The `Origin` is not one of ours.
    OriginNotAllowed,
    /// The browser says that a page of another site asks.
    CrossSite,
    /// There is no token.
    TokenMissing,
    /// There is more than one, a malformed or a wrong token.
    TokenWrong,
    /// The body is of a kind that any web page can send.
    ContentType,
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AbsoluteForm => close(Self::new(
                ErrorCode::BadRequest,
                "the request target has to be a path: this server is not a proxy",
            )),
            Refusal::AmbiguousLength => close(Self::new(
                ErrorCode::BadRequest,
                "`Content-Length` and `Transfer-Encoding` contradict each other",
            )),
            Refusal::TooManyHeaders => {
                Self::new(ErrorCode::HeaderTooLarge, "there are too many headers")
            }
            Refusal::BadHost => Self::new(
                ErrorCode::BadRequest,
                "exactly one valid `Host` header is required",
            ),
            Refusal::HostNotAllowed => Self::new(
                ErrorCode::HostNotAllowed,
                "this server does not answer to that `Host`; start it with `--allow-host` to change that",
            ),
            Refusal::OriginNotAllowed => Self::new(
                ErrorCode::OriginNotAllowed,
                "pages of that origin are not let in; start the server with `--allow-origin` to change that",
            ),
            Refusal::CrossSite => Self::new(
                ErrorCode::OriginNotAllowed,
                "requests from pages of other sites are not let in",
            ),
            Refusal::TokenMissing => challenge("a bearer token is required", "Bearer"),
            Refusal::TokenWrong => challenge(
                "the bearer token is not valid",
                "Bearer error=\"invalid_token\"",
            ),
            Refusal::ContentType => Self::new(
                ErrorCode::UnsupportedMediaType,
                "over TCP a request body has to be sent as `Content-Type: application/json`",
            ),
        }
    }
}

fn challenge(message: &'static str, scheme: &'static str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, message)
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme))
}

/// What follows such a request on the connection cannot be trusted.
fn close(error: ApiError) -> ApiError {
    error.with_header(header::CONNECTION, HeaderValue::from_static("close"))
}
