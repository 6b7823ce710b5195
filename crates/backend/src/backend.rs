//! The door of the crate: every operation that names a workspace or a client. Thin: the rules are in `registry`, the
//! runs in `workspace`; this file holds the registry's lock and performs what it decides.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use runwright_proto::{
    AgentMessage, ClientId, CreateWorkspace, Cursor, EndReason, RunId, SessionId, WorkspaceId,
};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::attachment::{Attachment, Held, detach_with};
use crate::cancel::abandon;
use crate::dispatch::Submitted;
use crate::drain::Drain;
use crate::error::{
    AttachError, CreateError, CurrentSessionError, DispatchError, RunError, WorkspaceError,
};
use crate::factory::WorkspaceFactory;
use crate::options::BackendOptions;
use crate::registry::{
    AttachRefusal, CurrentSessionRefusal, Effect, Lookup, NotIdle, Registry, TimerKey,
};
use crate::workspace::{ShutdownMode, Workspace};

/// The workspaces of a server. Clones share them.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use runwright_backend::{Backend, BackendOptions, WorkspaceFactory};
/// use runwright_proto::{AgentMessage, ClientId, CreateWorkspace};
///
/// # async fn example(factory: Arc<dyn WorkspaceFactory>) -> Result<(), Box<dyn std::error::Error>> {
/// let backend = Backend::new(factory, BackendOptions::default());
/// let client = ClientId::random();
/// let request = CreateWorkspace {
///     path: "/home/user/demo".to_owned(),
///     ..CreateWorkspace::default()
/// };
/// let workspace = backend.create(client, request).await?;
/// let session = workspace.create_session("a first session".to_owned()).await?;
/// let message = AgentMessage {
///     session_id: Some(session.id),
///     prompt: "hello".to_owned(),
///     ..AgentMessage::default()
/// };
/// let submitted = backend.send_message(workspace.id(), message, None).await?;
/// println!("accepted as run {}", submitted.receipt.run_id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Backend {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    registry: Mutex<Registry<Arc<Workspace>>>,
    pub(crate) factory: Arc<dyn WorkspaceFactory>,
    pub(crate) options: BackendOptions,
    started: Instant,
    /// Timers, opening and closing workspaces: what must go on when a caller goes away.
    pub(crate) tracker: TaskTracker,
    /// So that a stream can be detached from anywhere, also while the runtime goes down.
    pub(crate) handle: Handle,
    /// Counts the workspaces that were opened, could not be opened, or were closed, for those who wait for one.
    changes: watch::Sender<u64>,
    /// Cancelled when the server has decided to exit because it is idle.
    exit: CancellationToken,
    pub(crate) drain: Drain,
}

impl Backend {
    /// Makes a backend without workspaces. Needs a tokio runtime.
    #[must_use]
    pub fn new(factory: Arc<dyn WorkspaceFactory>, options: BackendOptions) -> Self {
        let shared = Shared {
            registry: Mutex::new(Registry::new(options.lifecycle.clone())),
            factory,
            options,
            started: Instant::now(),
            tracker: TaskTracker::new(),
            handle: Handle::current(),
            changes: watch::Sender::new(0),
            exit: CancellationToken::new(),
            drain: Drain::default(),
        };
        let shared = Arc::new(shared);
        let effects = shared.registry().started();
        shared.perform(effects);
        Self { shared }
    }

    /// Finds a workspace. One that is not open but whose history is kept is opened (semantics 4).
    ///
    /// # Errors
    /// [`WorkspaceError`].
    ///
    /// # Cancel safety
    /// A workspace that is being opened is opened all the same.
    pub async fn workspace(&self, id: WorkspaceId) -> Result<Arc<Workspace>, WorkspaceError> {
        match self.lookup(id) {
            Lookup::Open(workspace) => Ok(workspace),
            Lookup::Closing => Err(WorkspaceError::Closing(id)),
            // Boxed, because it is rare and large, and every request carries this future.
            Lookup::Opening | Lookup::Unknown => Box::pin(self.open_known(id)).await,
        }
    }

    /// The workspaces that are open.
    #[must_use]
    pub fn workspaces(&self) -> Vec<Arc<Workspace>> {
        let open = self.shared.registry().list();
        open.into_iter().map(|(_, workspace)| workspace).collect()
    }

    /// Creates a workspace or joins it, and holds it for the client until its stream comes (contract 4.2).
    ///
    /// # Errors
    /// [`CreateError`].
    ///
    /// # Cancel safety
    /// A workspace that is being opened is opened all the same, and held for the client.
    pub async fn create(
        &self,
        client: ClientId,
        request: CreateWorkspace,
    ) -> Result<Arc<Workspace>, CreateError> {
        self.open_for_client(client, request).await
    }

    /// Gives the workspace an agent if it has none, and says whether it has one now. Never replaces one (semantics 4).
    ///
    /// # Errors
    /// [`WorkspaceError`].
    ///
    /// # Cancel safety
    /// The workspace may have an agent all the same.
    pub async fn init_agent(&self, id: WorkspaceId) -> Result<bool, WorkspaceError> {
        let workspace = self.workspace(id).await?;
        if workspace.runner().is_none() {
            let runner = self
                .shared
                .factory
                .runner(&workspace.opened.context.path)
                .await?;
            workspace.init_runner(runner);
        }
        Ok(workspace.runner().is_some())
    }

    /// Accepts a prompt, or says why not: see [`Workspace::send_message`].
    ///
    /// # Errors
    /// [`DispatchError`]; nothing has happened then.
    ///
    /// # Cancel safety
    /// A dropped future leaves a whole accepted run or nothing.
    pub async fn send_message(
        &self,
        id: WorkspaceId,
        message: AgentMessage,
        idempotency_key: Option<Arc<str>>,
    ) -> Result<Submitted, DispatchError> {
        let workspace = self.workspace(id).await.map_err(|error| match error {
            WorkspaceError::Closing(id) => DispatchError::Closing(id),
            WorkspaceError::NotFound(_)
            | WorkspaceError::ShuttingDown
            | WorkspaceError::Open(_) => DispatchError::Workspace(error),
        })?;
        workspace.send_message(message, idempotency_key).await
    }

    /// Attaches a stream of a client. The stream begins before this returns, so nothing that is published after it is
    /// missed. Dropping the attachment detaches the client. One that comes without a cursor relies on being known after
    /// a crash: where the log is stored, this waits until that is noted.
    ///
    /// # Errors
    /// [`AttachError`].
    ///
    /// # Cancel safety
    /// Nothing stays attached; a workspace that is being opened is opened all the same.
    pub async fn attach(
        &self,
        id: WorkspaceId,
        client: ClientId,
        cursor: Option<&Cursor>,
    ) -> Result<Attachment, AttachError> {
        let workspace = self.workspace(id).await.map_err(|error| match error {
            WorkspaceError::Closing(id) => WorkspaceError::NotFound(id),
            WorkspaceError::NotFound(_)
            | WorkspaceError::ShuttingDown
            | WorkspaceError::Open(_) => error,
        })?;
        let reading = workspace.read_from(cursor, Some(client))?;
        let attached = self.shared.registry().attach(id, client, self.shared.now());
        let (workspace, ticket) = attached.map_err(|refusal| match refusal {
            AttachRefusal::NotFound | AttachRefusal::Closing => {
                AttachError::Workspace(WorkspaceError::NotFound(id))
            }
            AttachRefusal::Retired => AttachError::Retired,
        })?;
        workspace.followed_by(client);
        let (shared, followed) = (self.shared.clone(), workspace.clone());
        let detach = detach_with(ticket, move |ticket| {
            followed.left_by(client);
            let effects = shared
                .registry()
                .detach(ticket, |workspace| workspace.has_runs());
            shared.perform(effects);
        });
        let client = Held {
            client,
            grace: self.shared.options.lifecycle.detach_grace,
            detach,
        };
        let attachment = Attachment::new(workspace.clone(), reading, client);
        if cursor.is_none() {
            workspace.followers_are_stored().await;
        }
        Ok(attachment)
    }

    /// Reads the part of the story that belongs to one run. It belongs to no client and keeps nothing alive.
    ///
    /// # Errors
    /// [`AttachError`].
    ///
    /// # Cancel safety
    /// Nothing is left behind; a workspace that is being opened is opened all the same.
    pub async fn follow_run(
        &self,
        id: WorkspaceId,
        run: &RunId,
        cursor: Option<&Cursor>,
    ) -> Result<Attachment, AttachError> {
        let workspace = self.workspace(id).await?;
        workspace.run(run).await.map_err(|error| match error {
            RunError::Journal(error) => AttachError::Journal(error),
            RunError::NotFound(_)
            | RunError::NotQueued(_)
            | RunError::StillEnding
            | RunError::NotStored => AttachError::RunNotFound(run.clone()),
        })?;
        let cursor = cursor.unwrap_or(&Cursor::Start);
        let reading = workspace.read_from(Some(cursor), None)?;
        Ok(Attachment::of_run(workspace, reading, run.clone()))
    }

    /// Notes which session a client looks at; `None` clears it.
    ///
    /// # Errors
    /// [`CurrentSessionError`].
    ///
    /// # Cancel safety
    /// Nothing is noted; a workspace that is being opened is opened all the same.
    pub async fn set_current_session(
        &self,
        id: WorkspaceId,
        client: ClientId,
        session: Option<SessionId>,
    ) -> Result<(), CurrentSessionError> {
        self.workspace(id).await?;
        let set = self
            .shared
            .registry()
            .set_current_session(id, client, session);
        set.map_err(|refusal| match refusal {
            CurrentSessionRefusal::NotFound => WorkspaceError::NotFound(id).into(),
            CurrentSessionRefusal::NotAttached => CurrentSessionError::NotAttached,
        })
    }

    /// How many clients with a stream look at a session.
    #[must_use]
    pub fn attached_clients(&self, id: WorkspaceId, session: &SessionId) -> usize {
        self.shared.registry().attached(id, session).unwrap_or(0)
    }

    /// How many clients have a claim on a workspace.
    #[must_use]
    pub fn clients(&self, id: WorkspaceId) -> usize {
        self.shared
            .registry()
            .clients(id)
            .map_or(0, |clients| clients.len())
    }

    /// Releases a client's claim. Does nothing to a workspace or claim that does not exist.
    pub fn release(&self, id: WorkspaceId, client: ClientId) {
        let effects = self
            .shared
            .registry()
            .release(id, client, |workspace| workspace.has_runs());
        self.shared.perform(effects);
    }

    /// Retires a client: drops its claims everywhere and refuses it for a day. Idempotent.
    pub fn retire(&self, client: ClientId) {
        let now = self.shared.now();
        let effects = self
            .shared
            .registry()
            .retire(client, now, |workspace| workspace.has_runs());
        self.shared.perform(effects);
    }

    /// Decides to exit if nothing lives here; a refusal latches nothing.
    ///
    /// # Errors
    /// [`NotIdle`].
    pub fn exit_if_idle(&self) -> Result<(), NotIdle> {
        let effects = self.shared.registry().exit_if_idle()?;
        self.shared.perform(effects);
        Ok(())
    }

    /// Completes when the server should exit because nothing lives here any more.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn exit_requested(&self) {
        self.shared.exit.cancelled().await;
    }

    fn lookup(&self, id: WorkspaceId) -> Lookup<Arc<Workspace>> {
        self.shared.registry().get(id)
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn registry(&self) -> MutexGuard<'_, Registry<Arc<Workspace>>> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time since the backend was made.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// For those who wait until a workspace is opened or closed: subscribe before looking.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// Performs what the registry decided.
    pub(crate) fn perform(self: &Arc<Self>, effects: Vec<Effect<Arc<Workspace>>>) {
        for effect in effects {
            match effect {
                Effect::Arm { timer, after } => self.arm(timer, after),
                Effect::CancelRuns(workspace) => abandon(&workspace),
                Effect::Exit => self.exit.cancel(),
                // A prompt may have passed the gate after the registry saw no run: it is accepted, so it may end.
                Effect::Close(workspace) => {
                    let shared = self.clone();
                    let within = self.options.close_deadline;
                    let close = async move {
                        shared
                            .close(
                                workspace,
                                ShutdownMode::Drain,
                                within,
                                EndReason::WorkspaceClosed,
                            )
                            .await;
                    };
                    self.tracker.spawn_on(close, &self.handle);
                }
            }
        }
    }

    /// The last run of a workspace has ended.
    pub(crate) fn runs_ended(self: &Arc<Self>, id: WorkspaceId) {
        let effects = self
            .registry()
            .runs_ended(id, |workspace| workspace.has_runs());
        self.perform(effects);
    }

    fn arm(self: &Arc<Self>, key: TimerKey, after: Duration) {
        let shared = Arc::downgrade(self);
        let timer = async move {
            tokio::time::sleep(after).await;
            // A backend that is gone has no use for its timers.
            if let Some(shared) = shared.upgrade() {
                let effects = shared
                    .registry()
                    .fire(key, |workspace| workspace.has_runs());
                shared.perform(effects);
            }
        };
        self.tracker.spawn_on(timer, &self.handle);
    }

    /// Shuts a workspace down and then forgets it, so that its directory can be opened again. Returns whether its
    /// runs drained.
    pub(crate) async fn close(
        self: Arc<Self>,
        workspace: Arc<Workspace>,
        mode: ShutdownMode,
        within: Duration,
        reason: EndReason,
    ) -> bool {
        let report = workspace.shutdown(mode, within, reason).await;
        let effects = self.registry().closed(workspace.id());
        self.perform(effects);
        self.changed();
        report.drained
    }
}
