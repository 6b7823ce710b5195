//! A router over a backend in memory, and requests to it.

use std::{ops::Deref, path::Path, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use runwright_backend::{
    Backend, BackendOptions, TopicOptions,
    testing::{FakeRunner, StoredLog, TestBackend},
};
use runwright_proto::{ClientId, Epoch, SessionId, WorkspaceId};
use runwright_server::{AppState, ServerInfo, config::Limits, router};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Press, Stream};

/// The routes, and the backend that they call. It derefs to the routes.
pub(crate) struct Api {
    pub(crate) backend: TestBackend,
    pub(crate) state: AppState,
    door: Door,
}

/// The routes alone.
pub(crate) struct Door(Router);

/// One open workspace with one client that holds it.
pub(crate) struct Work<'a> {
    api: &'a Api,
    pub(crate) id: WorkspaceId,
    pub(crate) client: ClientId,
}

/// One answer, with its whole body.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A server that was started without flags.
pub(crate) fn info() -> ServerInfo {
    ServerInfo {
        version: "1.2.3".to_owned(),
        allow_remote_shutdown: false,
        model: None,
        limits: limits(),
    }
}

/// The limits of semantics 8.
fn limits() -> Limits {
    Limits {
        connections: 1024,
        streams_per_client: 64,
        body_bytes: 1 << 20,
        prompt_bytes: 32 << 20,
        header_bytes: 64 << 10,
        header_timeout: Duration::from_secs(10),
        body_timeout: Duration::from_secs(30),
        queue: 64,
        prompts_per_second: None,
    }
}

impl Api {
    pub(crate) fn new() -> Self {
        Self::with(TestBackend::roomy_figures(), |_| {})
    }

    /// Makes one with other figures of the backend, and after a change of what the server is.
    pub(crate) fn with(options: BackendOptions, change: impl FnOnce(&mut ServerInfo)) -> Self {
        let mut info = info();
        change(&mut info);
        let backend = TestBackend::with(options, FakeRunner::new());
        let state = AppState::new(Backend::clone(&backend), info);
        Self {
            door: Door::new(state.clone()),
            backend,
            state,
        }
    }

    /// Makes one whose logs are stored and keep so many events in memory.
    pub(crate) fn stored(in_memory: usize) -> Self {
        let log = TopicOptions {
            max_events: in_memory,
            ..TestBackend::roomy_figures().log
        };
        let options = BackendOptions {
            log,
            ..BackendOptions::default()
        };
        let api = Self::with(options, |_| {});
        api.backend.store_logs();
        api
    }

    /// Opens the workspace of a directory as a new client.
    pub(crate) async fn open(&self, name: &str) -> Work<'_> {
        let client = ClientId::random();
        let path = self.backend.dir(name);
        let body = json!({"path": path, "client_id": client});
        let reply = self.post("/v1/workspaces", body).await.ok();
        Work {
            api: self,
            id: serde_json::from_value(reply["id"].clone()).unwrap(),
            client,
        }
    }
}

impl Deref for Api {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Door {
    pub(crate) fn new(state: AppState) -> Self {
        Self(router(state))
    }

    /// The service itself, for a test with a socket.
    pub(crate) fn router(&self) -> Router {
        self.0.clone()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Reply {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(bare(Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(bare(Method::DELETE, path)).await
    }

    /// Sends a body-less `POST`.
    pub(crate) async fn poke(&self, path: &str) -> Reply {
        self.send(bare(Method::POST, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(with_json(Method::POST, path, &body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(with_json(Method::PUT, path, &body)).await
    }

    /// Sends a `POST` whose body need not be JSON.
    pub(crate) async fn post_text(&self, path: &str, body: &str) -> Reply {
        let request = Request::post(path).body(Body::from(body.to_owned()));
        self.send(request.unwrap()).await
    }

    /// Opens a stream.
    pub(crate) async fn stream(&self, path: &str) -> Stream {
        self.stream_of(bare(Method::GET, path)).await
    }

    pub(crate) async fn stream_of(&self, request: Request<Body>) -> Stream {
        let response = self.router().oneshot(request).await.unwrap();
        Stream::new(response)
    }
}

impl Work<'_> {
    /// The path of a route of this workspace.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/workspaces/{}{rest}", self.id)
    }

    /// The path of the event stream of its client.
    pub(crate) fn events(&self) -> String {
        self.path(&format!("/events?client_id={}", self.client))
    }

    pub(crate) async fn stream(&self) -> Stream {
        self.api.stream(&self.events()).await
    }

    /// The way into its log.
    pub(crate) async fn press(&self) -> Press {
        Press::new(self.api.backend.workspace(self.id).await.unwrap())
    }

    /// The way into its stored log.
    pub(crate) fn stored_press(&self) -> Press {
        Press::stored(self.stored_log())
    }

    pub(crate) fn stored_log(&self) -> Arc<StoredLog> {
        self.api.backend.stored_log(self.id)
    }

    /// The epoch of its log.
    pub(crate) async fn epoch(&self) -> Epoch {
        let workspace = self.api.backend.workspace(self.id).await.unwrap();
        workspace.log().epoch().clone()
    }

    /// Opens the stream of its client after a number.
    pub(crate) async fn stream_after(&self, seq: u64) -> Stream {
        let epoch = self.epoch().await;
        let path = format!("{}&after={epoch}-{seq}", self.events());
        self.api.stream(&path).await
    }

    pub(crate) async fn session(&self) -> SessionId {
        let made = self
            .api
            .post(&self.path("/sessions"), json!({"title": "t"}))
            .await
            .ok();
        serde_json::from_value(made["id"].clone()).unwrap()
    }

    /// Sends a prompt as a run of this name.
    pub(crate) async fn prompt(&self, session: &SessionId, run: &str, words: &str) -> Reply {
        let body = json!({"session_id": session, "run_id": run, "prompt": words});
        self.api.post(&self.path("/agent"), body).await
    }
}

impl Reply {
    /// The body of a 200 as JSON.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        self.is(200);
        assert_eq!(
            self.header("content-type"),
            Some("application/json"),
            "{self:?}"
        );
        assert!(self.body.ends_with('\n'), "{self:?}");
        serde_json::from_str(&self.body).unwrap()
    }

    /// Checks for a 200 without a body, as the contract's routes without a result answer.
    #[track_caller]
    pub(crate) fn void(&self) {
        self.is(200);
        assert_eq!(
            (self.body.as_str(), self.header("content-type")),
            ("", None),
            "{self:?}"
        );
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
    }

    /// Checks for a problem, and that its body is one.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        let found = (self.status.as_u16(), problem["code"].as_str());
        assert_eq!(found, (status, Some(code)), "{self:?}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:runwright:problem:{code}"));
        assert_eq!(problem["message"], problem["detail"]);
        problem
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

fn bare(method: Method, path: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap()
}

fn with_json(method: Method, path: &str, body: &Value) -> Request<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json");
    request.body(Body::from(body.to_string())).unwrap()
}

/// The id of a workspace that nobody knows.
pub(crate) fn unknown_workspace() -> WorkspaceId {
    WorkspaceId::of_path(Path::new("/nowhere"))
}
