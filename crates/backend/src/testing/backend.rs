//! A backend whose workspaces live in memory and whose agent obeys the test.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runwright_proto::{
    AgentMessage, BusyPolicy, ClientId, CreateWorkspace, SessionId, WorkspaceId,
};
use runwright_pubsub::TopicOptions;
use tempfile::TempDir;

use super::factory::{PartsChange, TestFactory};
use super::faults::Faults;
use super::recorder::EventRecorder;
use super::runner::FakeRunner;
use super::stored_log::{StoredLog, StoredLogs};
use super::words;
use crate::attachment::Attachment;
use crate::backend::Backend;
use crate::dispatch::Submitted;
use crate::error::DispatchError;
use crate::factory::{WorkspaceParts, WorkspaceSpec};
use crate::options::{BackendOptions, RunOptions};
use crate::workspace::Workspace;

/// A [`Backend`] in memory, with fresh directories, a [`FakeRunner`] and a plan of [`Faults`]. It derefs to the
/// backend.
///
/// Records and histories outlive their workspaces: one that is closed and opened again finds its sessions.
///
/// ```
/// use runwright_backend::testing::TestBackend;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let backend = TestBackend::new();
/// let workspace = backend.open("demo").await;
/// assert_eq!(backend.workspaces().len(), 1);
/// assert_eq!(backend.clients(workspace.id()), 1);
/// # }
/// ```
#[derive(Debug)]
pub struct TestBackend {
    backend: Backend,
    runner: FakeRunner,
    has_agent: Arc<AtomicBool>,
    faults: Faults,
    change: PartsChange,
    logs: StoredLogs,
    dirs: TempDir,
}

/// An open workspace of a [`TestBackend`] and the client that opened it. It derefs to the workspace.
#[derive(Debug, Clone)]
pub struct TestWorkspace {
    workspace: Arc<Workspace>,
    backend: Backend,
    /// The client that opened it.
    pub client: ClientId,
}

impl TestBackend {
    /// Makes a backend with the figures of production and an agent that obeys. Needs a tokio runtime.
    #[must_use]
    pub fn new() -> Self {
        Self::with(BackendOptions::default(), FakeRunner::new())
    }

    /// Makes a backend with these figures and this agent.
    ///
    /// # Panics
    /// When there is no place for temporary directories.
    #[must_use]
    pub fn with(options: BackendOptions, runner: FakeRunner) -> Self {
        let (has_agent, faults) = (Arc::new(AtomicBool::new(true)), Faults::default());
        let (change, logs) = (PartsChange::default(), StoredLogs::default());
        let factory = TestFactory::new(
            runner.clone(),
            has_agent.clone(),
            faults.clone(),
            change.clone(),
            logs.clone(),
        );
        Self {
            backend: Backend::new(Arc::new(factory), options),
            runner,
            has_agent,
            faults,
            change,
            logs,
            dirs: tempfile::tempdir().expect("a temporary directory can be made"),
        }
    }

    /// Figures for a test that cannot pause time: the deadlines are so short that it may wait for them.
    #[must_use]
    pub fn short_figures() -> BackendOptions {
        BackendOptions {
            runs: RunOptions {
                cancel_grace: Duration::from_millis(40),
                abort_grace: Duration::from_millis(20),
                ..RunOptions::default()
            },
            close_deadline: Duration::from_millis(200),
            ..Self::roomy_figures()
        }
    }

    /// The figures of production, with logs that keep everything a test publishes.
    #[must_use]
    pub fn roomy_figures() -> BackendOptions {
        BackendOptions {
            log: TopicOptions {
                max_events: 1 << 20,
                max_bytes: 1 << 30,
                ..TopicOptions::default()
            },
            ..BackendOptions::default()
        }
    }

    /// The agent of all workspaces.
    #[must_use]
    pub fn runner(&self) -> &FakeRunner {
        &self.runner
    }

    /// Which calls of the ports do not go well.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Says whether workspaces that are opened from now on, or initialized, have an agent.
    pub fn has_agent(&self, has_agent: bool) {
        self.has_agent.store(has_agent, Ordering::Release);
    }

    /// Says what becomes of the parts of each workspace that is opened from now on: a stored log, what a process before
    /// this one left behind.
    pub fn change_parts(
        &self,
        change: impl Fn(&WorkspaceSpec, WorkspaceParts) -> WorkspaceParts + Send + Sync + 'static,
    ) {
        self.change.set(change);
    }

    /// Gives each workspace that is opened from now on a stored log, which outlives it as its history does.
    pub fn store_logs(&self) {
        self.logs.begin();
    }

    /// The stored log of a workspace.
    ///
    /// # Panics
    /// When [nothing is stored](Self::store_logs).
    #[must_use]
    pub fn stored_log(&self, id: WorkspaceId) -> Arc<StoredLog> {
        let log = self.logs.of(id, &self.faults);
        log.expect("the logs of this backend are stored")
    }

    /// A directory of this name, which is made if need be.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn dir(&self, name: &str) -> PathBuf {
        let dir = self.dirs.path().join(name);
        std::fs::create_dir_all(&dir).expect("a directory can be made");
        dir
    }

    /// What a client sends to create or join the workspace of that directory.
    #[must_use]
    pub fn request(&self, name: &str) -> CreateWorkspace {
        CreateWorkspace {
            path: self.dir(name).to_string_lossy().into_owned(),
            ..CreateWorkspace::default()
        }
    }

    /// Creates or joins the workspace of that directory, as a new client.
    ///
    /// # Panics
    /// When that is refused.
    ///
    /// # Cancel safety
    /// The workspace is opened all the same.
    pub async fn open(&self, name: &str) -> TestWorkspace {
        self.join(self.request(name), ClientId::random()).await
    }

    /// Creates or joins a workspace, as this client.
    ///
    /// # Panics
    /// When that is refused.
    ///
    /// # Cancel safety
    /// The workspace is opened all the same.
    pub async fn join(&self, request: CreateWorkspace, client: ClientId) -> TestWorkspace {
        let created = self.backend.create(client, request).await;
        TestWorkspace {
            workspace: created.expect("the workspace can be opened"),
            backend: self.backend.clone(),
            client,
        }
    }
}

impl Default for TestBackend {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for TestBackend {
    type Target = Backend;

    fn deref(&self) -> &Backend {
        &self.backend
    }
}

impl TestWorkspace {
    /// Makes a session.
    ///
    /// # Panics
    /// When the history does not take it.
    ///
    /// # Cancel safety
    /// It may be made all the same.
    pub async fn new_session(&self) -> SessionId {
        let created = self.workspace.create_session("a session".to_owned()).await;
        created.expect("a session can be made").id
    }

    /// Sends a prompt as a run of this name, to be queued when the session is busy.
    ///
    /// # Errors
    /// [`DispatchError`].
    ///
    /// # Cancel safety
    /// A dropped future leaves a whole accepted run or nothing.
    pub async fn send(
        &self,
        session: &SessionId,
        run: &str,
        words: &str,
    ) -> Result<Submitted, DispatchError> {
        let message = prompt(session, run, words);
        self.workspace.send_message(message, None).await
    }

    /// Sends a prompt as a run of this name, with this policy for a busy session.
    ///
    /// # Errors
    /// [`DispatchError`].
    ///
    /// # Cancel safety
    /// A dropped future leaves a whole accepted run or nothing.
    pub async fn send_when_busy(
        &self,
        policy: BusyPolicy,
        session: &SessionId,
        run: &str,
        words: &str,
    ) -> Result<Submitted, DispatchError> {
        let message = AgentMessage {
            when_busy: Some(policy),
            ..prompt(session, run, words)
        };
        self.workspace.send_message(message, None).await
    }

    /// Records what is published from now on.
    #[must_use]
    pub fn recorder(&self) -> EventRecorder {
        EventRecorder::now(self.workspace.log())
    }

    /// Attaches a stream of the client.
    ///
    /// # Panics
    /// When that is refused.
    ///
    /// # Cancel safety
    /// Nothing is attached.
    pub async fn attach(&self) -> Attachment {
        let attached = self
            .backend
            .attach(self.workspace.id(), self.client, None)
            .await;
        attached.expect("the client can be attached")
    }

    /// The messages of a session, one line for each: who, what, and how it ended.
    ///
    /// # Panics
    /// When the history cannot be read.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn history(&self, session: &SessionId) -> Vec<String> {
        let messages = self.workspace.messages(session).await;
        let messages = messages.expect("the history can be read");
        messages.iter().map(words::message).collect()
    }
}

impl Deref for TestWorkspace {
    type Target = Arc<Workspace>;

    fn deref(&self) -> &Arc<Workspace> {
        &self.workspace
    }
}

/// A prompt for a run of this name.
///
/// # Panics
/// When the name is not one that a run can have.
#[must_use]
pub fn prompt(session: &SessionId, run: &str, words: &str) -> AgentMessage {
    AgentMessage {
        session_id: Some(session.clone()),
        run_id: Some(run.parse().expect("a name of a run")),
        prompt: words.to_owned(),
        ..AgentMessage::default()
    }
}
