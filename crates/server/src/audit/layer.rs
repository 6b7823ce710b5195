//! Owns the audit log as a tower layer: behind the guard, which says who it is, and before the routes.
//!
//! It must never know how a line is written.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::response::Response;
use futures_util::future::Either;
use tower::{Layer, Service};

use super::{entry, writer::AuditLog};

/// Puts an [`Audit`] before a service.
#[derive(Debug, Clone)]
pub struct AuditLayer(AuditLog);

impl AuditLayer {
    /// Makes the layer.
    #[must_use]
    pub const fn new(log: AuditLog) -> Self {
        Self(log)
    }
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audit<S>;

    fn layer(&self, inner: S) -> Audit<S> {
        Audit {
            log: self.0.clone(),
            inner,
        }
    }
}

/// Notes each request that may have changed something, with its answer.
#[derive(Debug, Clone)]
pub struct Audit<S> {
    log: AuditLog,
    inner: S,
}

type Noted = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl<S, B> Service<http::Request<B>> for Audit<S>
where
    S: Service<http::Request<B>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Noted>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let kept = self.log.is_on().then(|| entry::Request::of(&request));
        let answered = self.inner.call(request);
        let Some(Some(kept)) = kept else {
            return Either::Left(answered);
        };
        let log = self.log.clone();
        Either::Right(Box::pin(async move {
            let response = answered.await?;
            log.note(kept, &response);
            Ok(response)
        }))
    }
}
