//! The port through which a team hosts its own agent: what the backend asks for when it opens a workspace. It must
//! never know what the parts do.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use runwright_agent::{AgentCall, EventLog, EventSink, RunJournal, Runner, Transcript};
use runwright_proto::{ClientId, Config, CreateWorkspace, Epoch, OnLastDetach, Seq, WorkspaceId};

/// Makes the parts of workspaces.
#[async_trait]
pub trait WorkspaceFactory: Send + Sync + 'static {
    /// Opens a workspace: its record of runs, its history and its agent. May be slow; nobody else opens the same
    /// workspace meanwhile.
    ///
    /// # Errors
    /// [`OpenError`], when it cannot be opened; the next who asks tries again.
    async fn open(&self, spec: WorkspaceSpec) -> Result<WorkspaceParts, OpenError>;

    /// Prepares the log of a workspace: where its numbers go on.
    ///
    /// # Errors
    /// [`OpenError`].
    async fn log(&self, id: WorkspaceId, path: &Path) -> Result<LogStart, OpenError>;

    /// What is known of a workspace that is not open but whose history is kept, so that a client which comes back
    /// with its id finds everything (semantics 4).
    ///
    /// # Errors
    /// [`OpenError`], when nobody can say whether it is known.
    async fn known(&self, id: WorkspaceId) -> Result<Option<KnownWorkspace>, OpenError>;

    /// Makes the agent of a workspace that was opened without one.
    ///
    /// # Errors
    /// [`OpenError`]; the workspace stays without an agent.
    async fn runner(&self, path: &Path) -> Result<Option<Arc<dyn Runner>>, OpenError>;
}

/// What is known of a workspace that is to be opened.
#[derive(Clone)]
pub struct WorkspaceSpec {
    /// Its id.
    pub id: WorkspaceId,
    /// Its directory, absolute and without symbolic links.
    pub path: PathBuf,
    /// What the first client asked for; the default when nobody did.
    pub request: CreateWorkspace,
    /// Where its changes are published.
    pub sink: Arc<dyn EventSink>,
}

/// A workspace whose history is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownWorkspace {
    /// Its directory, absolute and without symbolic links.
    pub path: PathBuf,
    /// The channels on which its clients agreed.
    pub channels: Vec<String>,
    /// What happens to its runs when the last client leaves.
    pub on_last_detach: OnLastDetach,
}

/// Where the numbers of a log go on.
#[derive(Debug, Clone)]
pub struct LogStart {
    /// The life of the log.
    pub epoch: Epoch,
    /// The number of its next event.
    pub next: Seq,
}

/// The parts of an open workspace.
#[derive(Clone)]
pub struct WorkspaceParts {
    /// The record of its runs.
    pub journal: Arc<dyn RunJournal>,
    /// Its history.
    pub transcript: Arc<dyn Transcript>,
    /// Its agent, if it has one already.
    pub runner: Option<Arc<dyn Runner>>,
    /// Where its data is, as clients are told.
    pub data_dir: PathBuf,
    /// Its configuration, as clients are told; secrets are redacted when it is sent. Workspaces with the same one share
    /// it: [`data_dir`](Self::data_dir) takes the place of its data directory in what clients are told.
    pub config: Arc<Config>,
    /// The stored part of its log. Without one, what the log in memory no longer has is lost.
    pub events: Option<Arc<dyn EventLog>>,
    /// What a process before this one left behind.
    pub recovered: Recovered,
}

/// What the last life of a workspace left behind when it was cut off.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// The prompts that were accepted and had not started, in their order: they run now.
    pub queued: Vec<Arc<AgentCall>>,
    /// The clients whose streams were cut, each with the last number that it may have seen.
    pub clients: Vec<(ClientId, Seq)>,
}

impl WorkspaceSpec {
    /// Where clients are told that the data of the workspace is: where the first of them asked for it, or in a folder of
    /// its own below this one.
    #[must_use]
    pub fn data_dir(&self, below: &Path) -> PathBuf {
        match self.request.data_dir.as_str() {
            "" => below.join("workspaces").join(self.id.to_string()),
            asked => PathBuf::from(asked),
        }
    }
}

impl KnownWorkspace {
    /// What is to be kept of a workspace that is opened.
    #[must_use]
    pub fn of(spec: &WorkspaceSpec) -> Self {
        Self {
            path: spec.path.clone(),
            channels: spec.request.channels.clone(),
            on_last_detach: spec.request.on_last_detach.unwrap_or_default(),
        }
    }
}

/// Why a workspace could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its record, its history or its log could not be opened, for now.
    #[error("workspace storage failed")]
    Storage(#[source] Box<dyn Error + Send + Sync>),
    /// Its agent could not be made, or something went wrong that should not.
    #[error("workspace cannot be opened")]
    Failed(#[source] Box<dyn Error + Send + Sync>),
}
