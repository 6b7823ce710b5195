//! Owns which limit a request's body has, and the layer that puts it on: before routing, so that no route and no
//! extractor can forget it (reliability 4.1, 19).
//!
//! It must never know who asks.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    BoxError,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::future::Either;
use http::{Method, Request};
use tower::{Layer, Service};

use crate::problem::ApiError;

use super::{BodyError, LimitedBody};

/// How large request bodies may be, and how slowly they may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyLimits {
    /// Bytes of any body.
    pub body_bytes: u64,
    /// Bytes of the body of a prompt: `POST /v1/workspaces/{id}/agent`.
    pub prompt_bytes: u64,
    /// Time beyond the allowance for what arrived.
    pub timeout: Duration,
}

impl BodyLimits {
    fn limit(&self, method: &Method, path: &str) -> u64 {
        if *method == Method::POST && is_prompt(path) {
            self.prompt_bytes
        } else {
            self.body_bytes
        }
    }
}

/// Puts a [`LimitBody`] before a service.
#[derive(Debug, Clone, Copy)]
pub struct LimitBodyLayer(BodyLimits);

impl LimitBodyLayer {
    /// Makes the layer.
    #[must_use]
    pub const fn new(limits: BodyLimits) -> Self {
        Self(limits)
    }
}

impl<S> Layer<S> for LimitBodyLayer {
    type Service = LimitBody<S>;

    fn layer(&self, inner: S) -> LimitBody<S> {
        LimitBody {
            limits: self.0,
            inner,
        }
    }
}

/// Answers 413 to a body that says that it is too large, and hands on any other as a [`LimitedBody`].
#[derive(Debug, Clone)]
pub struct LimitBody<S> {
    limits: BodyLimits,
    inner: S,
}

impl<S, B> Service<Request<B>> for LimitBody<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (head, body) = request.into_parts();
        let limit = self.limits.limit(&head.method, head.uri.path());
        if body.size_hint().lower() > limit {
            let error: ApiError = BodyError::TooLarge { limit }.into();
            return Either::Right(ready(Ok(error.into_response())));
        }
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            Body::new(LimitedBody::new(body, limit, self.limits.timeout))
        };
        Either::Left(self.inner.call(Request::from_parts(head, body)))
    }
}

/// The one route whose body is larger, by its path, because no route is known yet.
fn is_prompt(path: &str) -> bool {
    path.strip_prefix("/v1/workspaces/")
        .and_then(|rest| rest.strip_suffix("/agent"))
        .is_some_and(|id| !id.is_empty() && !id.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_prompt_may_be_large() {
        let limits = BodyLimits {
            body_bytes: 1,
            prompt_bytes: 32,
            timeout: Duration::ZERO,
        };
        assert_eq!(limits.limit(&Method::POST, "/v1/workspaces/w/agent"), 32);
        for path in [
            "/v1/workspaces",
            "/v1/workspaces//agent",
            "/v1/workspaces/w/agent/init",
            "/v1/workspaces/a/b/agent",
        ] {
            assert_eq!(limits.limit(&Method::POST, path), 1, "{path}");
        }
        assert_eq!(limits.limit(&Method::PUT, "/v1/workspaces/w/agent"), 1);
    }
}
