//! Owns what all handlers share: the backend, what the server is, and what outlives a request.
//!
//! It must never know a route.

use std::{future::Future, sync::Arc};

use runwright_backend::{Backend, Workspace};
use runwright_proto::{ErrorCode, ModelStatus, WorkspaceId};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Limits,
    limits::{PromptRate, StreamSlots},
    problem::ApiError,
    sse::StreamClocks,
};

/// What the handlers share. A clone is one more reference to it.
#[derive(Debug, Clone)]
pub struct AppState(Arc<Shared>);

/// What the server is, as it was configured and built.
#[derive(Debug, Clone)]
pub struct ServerInfo {
    /// The version of the server.
    pub version: String,
    /// Whether clients may stop the server (`--allow-remote-shutdown`).
    pub allow_remote_shutdown: bool,
    /// Which model answers, as `GET /v1/status` shows it.
    pub model: Option<ModelStatus>,
    /// The limits; those of connections and bodies are enforced before a route is known.
    pub limits: Limits,
}

#[derive(Debug)]
struct Shared {
    backend: Backend,
    info: ServerInfo,
    prompts: PromptRate,
    streams: StreamSlots,
    clocks: StreamClocks,
    started: Instant,
    /// Cancelled when the server begins to shut down.
    closing: CancellationToken,
    /// What a request has begun and must be finished without it.
    tasks: TaskTracker,
}

impl AppState {
    /// Makes the state of a server. Needs a tokio runtime.
    #[must_use]
    pub fn new(backend: Backend, info: ServerInfo) -> Self {
        let tasks = TaskTracker::new();
        Self(Arc::new(Shared {
            backend,
            prompts: PromptRate::new(info.limits.prompts_per_second),
            streams: StreamSlots::new(info.limits.streams_per_client),
            // Not among what must be finished: a clock may sleep for a heartbeat after its last stream has ended.
            clocks: StreamClocks::new(&TaskTracker::new()),
            started: Instant::now(),
            closing: CancellationToken::new(),
            info,
            tasks,
        }))
    }

    /// Returns the backend.
    #[must_use]
    pub fn backend(&self) -> &Backend {
        &self.0.backend
    }

    /// Notes that the server begins to shut down: `/readyz` says so from now on, and what is refused because a workspace
    /// closes is refused because the server does. Call it before [`Backend::shutdown`].
    pub fn begin_shutdown(&self) {
        self.0.closing.cancel();
    }

    /// Tells whether the server shuts down.
    #[must_use]
    pub fn is_shutting_down(&self) -> bool {
        self.0.closing.is_cancelled()
    }

    /// Waits until everything that requests have begun is done. Call it after the last connection has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn finished(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    pub(crate) fn info(&self) -> &ServerInfo {
        &self.0.info
    }

    pub(crate) fn prompts(&self) -> &PromptRate {
        &self.0.prompts
    }

    pub(crate) fn streams(&self) -> &StreamSlots {
        &self.0.streams
    }

    pub(crate) fn clocks(&self) -> &StreamClocks {
        &self.0.clocks
    }

    pub(crate) fn uptime_ms(&self) -> u64 {
        u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Finds a workspace.
    pub(crate) async fn workspace(&self, id: WorkspaceId) -> Result<Arc<Workspace>, ApiError> {
        self.backend()
            .workspace(id)
            .await
            .map_err(|error| self.refused(error))
    }

    /// Turns a refusal into an answer. While the server shuts down a workspace that closes or is gone is the server's
    /// doing: 503 with `Retry-After` (semantics 5), so that a client comes back with the same id.
    pub(crate) fn refused(&self, error: impl Into<ApiError>) -> ApiError {
        let error = error.into();
        let by_closing = matches!(
            error.code(),
            ErrorCode::WorkspaceClosing | ErrorCode::WorkspaceNotFound
        );
        if by_closing && self.is_shutting_down() {
            return ApiError::new(ErrorCode::ServerShuttingDown, "server is shutting down");
        }
        error
    }

    /// Runs what must not stop half way when the client hangs up.
    pub(crate) async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.0.tasks.spawn(work).await.map_err(ApiError::internal)
    }
}
