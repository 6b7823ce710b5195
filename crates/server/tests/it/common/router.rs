//! Routes that do one thing each, so that a test can tell what reached them.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::State,
    response::{IntoResponse, Response},
    routing::{delete, get, post},
};
use http::{HeaderValue, Version, header};
use http_body::Frame;
use runwright_proto::WorkspaceId;
use runwright_server::{
    extract::{ClientIdQuery, Json, Path, Query, RawBody},
    guard::Principal,
    listen::Peer,
    problem::{ApiError, with_fallbacks},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// What the test sees of the handlers, and how it holds them up.
#[derive(Clone)]
pub(crate) struct Probe {
    /// Requests that reached `/v1/echo`.
    pub(crate) echoes: Arc<AtomicUsize>,
    /// Frames that were asked of `/v1/flood`.
    pub(crate) frames: Arc<AtomicUsize>,
    /// One permit for each request that entered `/v1/wait`.
    pub(crate) entered: Arc<Semaphore>,
    /// One permit for each request that may leave it.
    pub(crate) release: Arc<Semaphore>,
    /// One permit for each stream that was dropped.
    pub(crate) dropped: Arc<Semaphore>,
}

impl Default for Probe {
    fn default() -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self {
            echoes: Arc::default(),
            frames: Arc::default(),
            entered: none(),
            release: none(),
            dropped: none(),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    limit: u32,
}

pub(crate) fn router(probe: Probe) -> Router {
    let routes = Router::new()
        .route("/livez", get(|| async { "up" }))
        .route("/readyz", get(|| async { "ready" }))
        .route("/v1/health", get(|| async { "ok" }))
        .route("/v1/who", get(who))
        .route("/v1/echo", post(echo))
        .route(
            "/v1/bytes",
            post(|RawBody(body): RawBody| async move { body.len().to_string() }),
        )
        .route(
            "/v1/maybe",
            post(|body: Option<Json<Value>>| async move { Json(json!({"some": body.is_some()})) }),
        )
        .route("/v1/void", post(|| async {}))
        .route("/v1/thing", delete(|| async {}))
        .route(
            "/v1/workspaces/{id}/agent",
            post(|Json(value): Json<Value>| async move { size(&value) }),
        )
        .route(
            "/v1/workspaces/{id}",
            get(|Path(id): Path<WorkspaceId>| async move { id.to_string() }),
        )
        .route(
            "/v1/client",
            get(|ClientIdQuery(id): ClientIdQuery| async move { id.to_string() }),
        )
        .route(
            "/v1/page",
            get(|Query(page): Query<Page>| async move { page.limit.to_string() }),
        )
        .route(
            "/v1/panic",
            get(|| async { panic_with("secret of the handler") }),
        )
        .route(
            "/v1/broken",
            get(|| async { ApiError::internal("secret of the cause") }),
        )
        .route("/v1/wait", get(wait))
        .route("/v1/stream", get(stream))
        .route("/v1/flood", get(flood));
    with_fallbacks(routes).with_state(probe)
}

fn size(value: &Value) -> String {
    value["prompt"].as_str().map_or(0, str::len).to_string()
}

fn panic_with(text: &str) -> Response {
    panic!("{text}")
}

async fn who(
    Extension(peer): Extension<Peer>,
    Extension(principal): Extension<Principal>,
) -> String {
    match peer {
        Peer::Unix { uid, .. } => format!("unix {uid} {principal:?}"),
        Peer::Tcp { local, .. } => format!("tcp {local} {principal:?}"),
    }
}

async fn echo(State(probe): State<Probe>, Json(value): Json<Value>) -> Json<Value> {
    probe.echoes.fetch_add(1, Ordering::SeqCst);
    Json(value)
}

async fn wait(State(probe): State<Probe>) -> &'static str {
    probe.entered.add_permits(1);
    probe.release.acquire().await.unwrap().forget();
    "waited"
}

/// One frame, then another for each release, then the end after the second: as an event stream, on HTTP/1.0.
async fn stream(State(probe): State<Probe>) -> Response {
    let frames = Frames {
        probe: probe.clone(),
        sent: 0,
        next: None,
    };
    let mut response = Body::new(frames).into_response();
    *response.version_mut() = Version::HTTP_10;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

struct Frames {
    probe: Probe,
    sent: usize,
    next: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.sent == 2 {
            return Poll::Ready(None);
        }
        if self.sent == 1 {
            let release = Arc::clone(&self.probe.release);
            let next = self.next.get_or_insert_with(|| {
                Box::pin(async move { release.acquire().await.unwrap().forget() })
            });
            std::task::ready!(next.as_mut().poll(cx));
        }
        self.sent += 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(format!(
            "data: {}\n\n",
            self.sent
        ))))))
    }
}

impl Drop for Frames {
    fn drop(&mut self) {
        self.probe.dropped.add_permits(1);
    }
}

/// A body that always has another KiB.
async fn flood(State(probe): State<Probe>) -> Body {
    Body::new(Flood {
        frames: probe.frames,
    })
}

struct Flood {
    frames: Arc<AtomicUsize>,
}

impl http_body::Body for Flood {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        static FRAME: [u8; 1024] = [b'x'; 1024];
        self.frames.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&FRAME)))))
    }
}
