//! Owns the outermost layer: the request's id and span, a panic caught, a failure logged once.
//!
//! One small layer instead of three ready-made ones: the body of an answer stays as it is (an event stream is sent
//! without a wrapper), and a client cannot write what it likes into the log by way of its own request id.
//!
//! It must never know which failure is whose.

use std::{
    any::Any,
    convert::Infallible,
    future::Future,
    panic::AssertUnwindSafe,
    pin::Pin,
    task::{Context, Poll},
};

use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{Method, Request, StatusCode, Uri, header};
use tower::{Layer, Service};
use tracing::Instrument;

use crate::problem::{ApiError, Failure, problem_body};

use super::request_id::{RequestId, X_REQUEST_ID};

/// Puts an [`Observe`] before a service.
#[derive(Debug, Clone, Copy)]
pub struct ObserveLayer;

impl<S> Layer<S> for ObserveLayer {
    type Service = Observe<S>;

    fn layer(&self, inner: S) -> Observe<S> {
        Observe { inner }
    }
}

/// Names each request, catches its panic, and logs it if it fails.
#[derive(Debug, Clone)]
pub struct Observe<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Observe<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let seen = Seen::new(&request);
        // At the level debug, because a span costs about as much as everything else we do for a request (performance 1);
        // what has to be found at the default level names the id itself. The path is quoted: it is foreign text.
        let span = tracing::debug_span!("request", id = %seen.id, method = %seen.method, path = ?seen.uri.path());
        let handled = AssertUnwindSafe(span.in_scope(|| self.inner.call(request))).catch_unwind();
        Box::pin(
            async move {
                let response = match handled.await {
                    Ok(Ok(response)) => response,
                    Err(panic) => panicked(panic.as_ref()).into_response(),
                };
                Ok(seen.finish(response))
            }
            .instrument(span),
        )
    }
}

/// What is left to say about a request once its service has it.
struct Seen {
    id: RequestId,
    method: Method,
    uri: Uri,
}

impl Seen {
    fn new<B>(request: &Request<B>) -> Self {
        Self {
            id: RequestId::of(request.headers()),
            method: request.method().clone(),
            uri: request.uri().clone(),
        }
    }

    fn finish(self, mut response: Response) -> Response {
        let failure = response.extensions_mut().remove::<Failure>();
        if let Some(Failure(error)) = &failure {
            let mut problem = error.problem();
            problem.instance = Some(format!("urn:runwright:request:{}", self.id));
            *response.body_mut() = problem_body(&problem);
            // The router has counted the body that was there before.
            response.headers_mut().remove(header::CONTENT_LENGTH);
        }
        self.log(
            response.status(),
            failure.as_ref().and_then(|Failure(error)| error.cause()),
        );
        response
            .headers_mut()
            .insert(X_REQUEST_ID, self.id.into_header());
        response
    }

    /// The one place that logs a 5xx. A refusal during a shutdown, or by a route that this version does not have, is no
    /// failure (style 3.8).
    fn log(&self, status: StatusCode, cause: Option<&str>) {
        let Self { id, method, uri } = self;
        // Without the query, which may carry what is nobody's business.
        let path = uri.path();
        let status = status.as_u16();
        match (status, cause) {
            (501 | 503, None) | (..500, _) => {
                tracing::debug!(%id, %method, ?path, status, cause, "request answered")
            }
            (500.., _) => tracing::error!(%id, %method, ?path, status, cause, "request failed"),
        }
    }
}

fn panicked(panic: &(dyn Any + Send)) -> ApiError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    ApiError::internal(format_args!(
        "a handler panicked: {}",
        text.unwrap_or("without a text")
    ))
}
