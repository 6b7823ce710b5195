//! Opens workspaces: for a client that creates or joins one, and for a route that names one whose history is kept.
//! Once begun, an opening goes on without whoever asked for it.

use std::path::PathBuf;
use std::sync::Arc;

use runwright_agent::WorkspaceContext;
use runwright_proto::{ClientId, CreateWorkspace, WorkspaceId};
use runwright_pubsub::{Seq, TopicOptions};
use tokio::sync::watch;

use crate::backend::{Backend, Shared};
use crate::error::{CreateError, WorkspaceError};
use crate::factory::{OpenError, WorkspaceSpec};
use crate::log::WorkspaceLog;
use crate::path::resolve;
use crate::registry::{CreateDecision, CreateRefusal, Decided, OpenTicket, Profile};
use crate::workspace::Workspace;

type Decision = Decided<Arc<Workspace>, CreateDecision<Arc<Workspace>>>;

/// What is needed to open a workspace, whoever asks for it.
#[derive(Clone)]
struct Opening {
    id: WorkspaceId,
    path: PathBuf,
    request: CreateWorkspace,
}

impl Backend {
    pub(crate) async fn open_for_client(
        &self,
        client: ClientId,
        request: CreateWorkspace,
    ) -> Result<Arc<Workspace>, CreateError> {
        let shared = self.shared.clone();
        let opening = async move {
            let path = shared.resolved(request.path.clone()).await?;
            let id = WorkspaceId::of_path(&path);
            let profile = Profile {
                channels: request.channels.clone(),
                on_last_detach: request.on_last_detach.unwrap_or_default(),
            };
            let decide = |shared: &Shared| {
                let now = shared.now();
                shared.registry().create(id, client, profile, now)
            };
            shared.open(Opening { id, path, request }, decide).await
        };
        self.shared.detached(opening).await
    }

    pub(crate) async fn open_known(
        &self,
        id: WorkspaceId,
    ) -> Result<Arc<Workspace>, WorkspaceError> {
        let known = self.shared.factory.known(id).await;
        let Some(known) = known.map_err(WorkspaceError::Open)? else {
            return self.open_without_history(id).await;
        };
        let request = CreateWorkspace {
            path: known.path.to_string_lossy().into_owned(),
            channels: known.channels.clone(),
            on_last_detach: Some(known.on_last_detach),
            ..CreateWorkspace::default()
        };
        let path = known.path;
        let opening = Opening { id, path, request };
        let profile = Profile {
            channels: known.channels,
            on_last_detach: known.on_last_detach,
        };
        let decide = move |shared: &Shared| shared.registry().open_known(id, profile);
        let opening = self.shared.clone().open(opening, decide);
        let opened = self.shared.detached(opening).await;
        opened.map_err(|error| match error {
            CreateError::Open(error) => WorkspaceError::Open(error),
            CreateError::Refused(CreateRefusal::ShuttingDown) => WorkspaceError::ShuttingDown,
            CreateError::PathRequired
            | CreateError::PathInvalid { .. }
            | CreateError::Refused(_) => WorkspaceError::NotFound(id),
        })
    }

    /// The workspace has no history: it exists only if somebody is just opening it, and then it is waited for.
    async fn open_without_history(
        &self,
        id: WorkspaceId,
    ) -> Result<Arc<Workspace>, WorkspaceError> {
        use crate::registry::Lookup;
        let mut changes = self.shared.changes();
        loop {
            let found = self.shared.registry().get(id);
            match found {
                Lookup::Open(workspace) => return Ok(workspace),
                Lookup::Closing => return Err(WorkspaceError::Closing(id)),
                Lookup::Unknown => return Err(WorkspaceError::NotFound(id)),
                Lookup::Opening => wait(&mut changes).await,
            }
        }
    }
}

impl Shared {
    /// Runs an opening in a task of its own and waits for it: the tickets of the registry are given back whatever
    /// becomes of the caller.
    async fn detached<F>(&self, opening: F) -> Result<Arc<Workspace>, CreateError>
    where
        F: Future<Output = Result<Arc<Workspace>, CreateError>> + Send + 'static,
    {
        let opened = self.tracker.spawn(opening).await;
        opened.unwrap_or_else(|error| Err(OpenError::Failed(Box::new(error)).into()))
    }

    /// The directory that a request names. The file system may be slow, so it is asked elsewhere.
    async fn resolved(&self, asked: String) -> Result<PathBuf, CreateError> {
        let resolving = self.tracker.spawn_blocking(move || resolve(&asked));
        resolving
            .await
            .map_err(|error| OpenError::Failed(Box::new(error)))?
    }

    async fn open(
        self: Arc<Self>,
        opening: Opening,
        decide: impl FnOnce(&Self) -> Decision,
    ) -> Result<Arc<Workspace>, CreateError> {
        // Before the decision, so that no change after it is missed.
        let mut changes = self.changes();
        let mut decided = decide(&self);
        loop {
            self.perform(decided.effects);
            match decided.outcome {
                CreateDecision::Join(workspace) => return Ok(workspace),
                CreateDecision::Refuse(refusal) => {
                    // One create less: a shutdown may wait for it.
                    self.changed();
                    return Err(refusal.into());
                }
                CreateDecision::Open(ticket) => return self.open_now(opening, ticket).await,
                CreateDecision::Wait(ticket) => {
                    wait(&mut changes).await;
                    decided = self.registry().retry(ticket);
                }
            }
        }
    }

    async fn open_now(
        self: &Arc<Self>,
        opening: Opening,
        ticket: OpenTicket,
    ) -> Result<Arc<Workspace>, CreateError> {
        // In a task of its own: a factory that panics must not take the ticket with it, or nobody could ever open the
        // workspace again.
        let building = self.tracker.spawn(self.clone().build(opening)).await;
        let built = building.unwrap_or_else(|error| Err(OpenError::Failed(Box::new(error))));
        let result = match built {
            Ok(workspace) => {
                let opened = self.registry().opened(ticket, workspace);
                self.perform(opened.effects);
                opened.outcome.map_err(CreateError::from)
            }
            Err(error) => {
                let effects = self.registry().open_failed(ticket);
                self.perform(effects);
                Err(error.into())
            }
        };
        self.changed();
        result
    }

    async fn build(self: Arc<Self>, opening: Opening) -> Result<Arc<Workspace>, OpenError> {
        let Opening { id, path, request } = opening;
        let start = self.factory.log(id, &path).await?;
        let options = TopicOptions {
            first_seq: Seq::new(start.next.0),
            ..self.options.log
        };
        let log = Arc::new(WorkspaceLog::new(start.epoch, options));
        let context = WorkspaceContext {
            path: path.clone(),
            env: request.env.clone(),
        };
        let spec = WorkspaceSpec {
            id,
            path,
            request: request.clone(),
            sink: log.clone(),
        };
        let mut parts = self.factory.open(spec).await?;
        let queued = std::mem::take(&mut parts.recovered.queued);
        let shared = Arc::downgrade(&self);
        let on_idle = Box::new(move || {
            if let Some(shared) = shared.upgrade() {
                shared.runs_ended(id);
            }
        });
        let runs = self.options.runs;
        let workspace = Workspace::new(id, request, context, parts, log, runs, on_idle);
        let workspace = Arc::new(workspace);
        // Nobody has the workspace yet, so nothing new is accepted before these.
        workspace.resume(queued);
        Ok(workspace)
    }
}

/// Waits until a workspace is opened or closed. The sender lives as long as the backend.
async fn wait(changes: &mut watch::Receiver<u64>) {
    let _closed = changes.changed().await;
}
