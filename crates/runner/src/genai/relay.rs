//! The relay: one connection of one request, on a socket that only this process gets through. The library speaks to it
//! instead of to the provider, because it would keep a frame or an error of any length, and would say of a failure
//! only what it makes of it.
//!
//! The relay belongs to the request: it is polled with the answer and dropped with it, has no task and no thread of its
//! own, and outlives nothing. It must never know what the library makes of a frame.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::sync::Arc;

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, TRANSFER_ENCODING,
    USER_AGENT,
};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use super::course::Course;
use super::door::Door;
use super::flow::Flow;
use super::upstream::Upstream;
use crate::provider::{ProviderError, ProviderErrorKind};

/// A socket on which the library is waited for.
#[derive(Debug)]
pub(super) struct Relay {
    door: Door,
}

impl Relay {
    /// Opens a socket.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            door: Door::open()?,
        })
    }

    /// Where the library finds it.
    pub(super) fn path(&self) -> &Path {
        self.door.path()
    }

    /// Passes one request on and its answer back. Never fails: what goes wrong is in the course.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection to the provider, in every phase.
    pub(super) async fn pass(self, upstream: Arc<Upstream>, course: Course, model: Arc<str>) {
        let Ok(socket) = self.door.enter().await else {
            return course.fail(lost("nobody came"));
        };
        let service = service_fn(|request| {
            let (upstream, course) = (Arc::clone(&upstream), course.clone());
            let model = Arc::clone(&model);
            async move { Ok::<_, Infallible>(forward(request, upstream, course, &model).await) }
        });
        let served = http1::Builder::new()
            .keep_alive(false)
            .serve_connection(TokioIo::new(socket), service)
            .await;
        if served.is_err() {
            course.fail(lost("its connection broke"));
        }
    }
}

async fn forward(
    request: Request<Incoming>,
    upstream: Arc<Upstream>,
    course: Course,
    model: &str,
) -> Response<Flow> {
    let source = match ask(request, &upstream, model).await {
        Ok(source) => Some(source),
        Err(error) => {
            course.fail(error);
            None
        }
    };
    Response::new(Flow::new(upstream, course, source))
}

async fn ask(
    request: Request<Incoming>,
    upstream: &Upstream,
    model: &str,
) -> Result<reqwest::Body, ProviderError> {
    let (head, body) = request.into_parts();
    // It is our own request, as large as the conversation is.
    let body = body
        .collect()
        .await
        .map_err(|_| lost("its request broke off"))?
        .to_bytes();
    let url = upstream.place.answers(model);
    let response = upstream
        .open(Method::POST, url, kept(head.headers), Some(body))
        .await?;
    Ok(response.into())
}

/// The headers that are for the provider: not those of the connection, and none of the keys that the library made up.
fn kept(mut headers: HeaderMap) -> HeaderMap {
    for name in [
        HOST,
        CONNECTION,
        CONTENT_LENGTH,
        TRANSFER_ENCODING,
        USER_AGENT,
        AUTHORIZATION,
        HeaderName::from_static("x-api-key"),
        HeaderName::from_static("x-goog-api-key"),
    ] {
        headers.remove(name);
    }
    headers
}

/// The error for a relay that did not do its work.
pub(super) fn lost(why: &str) -> ProviderError {
    ProviderError::new(
        ProviderErrorKind::Network,
        format!("the request was lost inside of this process: {why}"),
    )
}
