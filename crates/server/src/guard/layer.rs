//! Owns the guard as a tower layer: it sits outside the router, so that no request is routed unjudged.
//!
//! It must never know the rules; those are in the policy.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::Request;
use runwright_proto::ErrorCode;
use tower::{Layer, Service};

use crate::{listen::Peer, problem::ApiError};

use super::{GuardPolicy, Principal, Refusal};

/// Puts a [`Guard`] before a service.
#[derive(Debug, Clone)]
pub struct GuardLayer(Arc<GuardPolicy>);

impl GuardLayer {
    /// Makes the layer.
    #[must_use]
    pub fn new(policy: GuardPolicy) -> Self {
        Self(Arc::new(policy))
    }
}

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard {
            policy: Arc::clone(&self.0),
            inner,
        }
    }
}

/// Judges each request before its service sees it, and leaves the [`Principal`] in its extensions.
#[derive(Debug, Clone)]
pub struct Guard<S> {
    policy: Arc<GuardPolicy>,
    inner: S,
}

impl<S, B> Service<Request<B>> for Guard<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let Some(peer) = request.extensions().get::<Peer>().copied() else {
            return Either::Right(ready(Ok(unknown_peer().into_response())));
        };
        match self.policy.judge(&request, peer) {
            Ok(principal) => {
                request.extensions_mut().insert::<Principal>(principal);
                Either::Left(self.inner.call(request))
            }
            Err(refusal) => {
                note(refusal, peer);
                Either::Right(ready(Ok(ApiError::from(refusal).into_response())))
            }
        }
    }
}

/// The accept loop names the peer of every request; a request without one did not come through it and is not trusted.
fn unknown_peer() -> ApiError {
    ApiError::new(ErrorCode::Internal, "internal server error")
        .with_cause("the request has no peer")
}

/// A wrong token is worth a line at the default level; what a missing one or a stray page sends is not.
fn note(refusal: Refusal, peer: Peer) {
    if refusal == Refusal::TokenWrong {
        tracing::warn!(%peer, "a request with a wrong token was refused");
    } else {
        tracing::debug!(%peer, ?refusal, "a request was refused");
    }
}
