//! One open workspace: the gate, the reservations, the log and the parts of its agent, and the order in which it is
//! shut down. What happens to a prompt is in `dispatch.rs` and `carry.rs`.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use runwright_agent::{
    AgentCall, CancelReason, Clock, EventLog, Reservations, RunJournal, Runner, RunnerModel,
    SystemClock, Transcript, WorkspaceContext,
};
use runwright_proto::{
    AgentInfo, Change, Config, ConfigChanged, CreateWorkspace, EndReason, Event, SessionId,
    WorkspaceId,
};
use tokio::sync::{OnceCell, SetOnce};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::agent_bytes::AgentBytes;
use crate::attachment::MissedEvents;
use crate::ended_runs::EndedRuns;
use crate::factory::WorkspaceParts;
use crate::gate::RunGate;
use crate::log::WorkspaceLog;
use crate::options::RunOptions;
use crate::recording::Recordings;
use crate::started_runs::StartedRuns;
use crate::stored_log::Followers;

/// How long the place of a client is kept whose stream was cut because the process died, as long as the workspace stays
/// open: nobody knows when it notices. A client of the contract tries again every 10 s at the latest (contract 3.8), a
/// machine that sleeps when it wakes.
const RECOVERED_GRACE: Duration = Duration::from_secs(5 * 60);

/// One open workspace.
///
/// It owns its runs: nothing that a client does to its own connection reaches them.
pub struct Workspace {
    pub(crate) id: WorkspaceId,
    pub(crate) opened: Opened,
    pub(crate) gate: RunGate,
    pub(crate) reservations: Reservations<Arc<AgentCall>>,
    pub(crate) log: Arc<WorkspaceLog>,
    pub(crate) tasks: Tasks,
    pub(crate) missed: MissedEvents,
    pub(crate) recordings: Recordings,
    pub(crate) started: StartedRuns,
    pub(crate) followers: Followers,
    pub(crate) agent_bytes: AgentBytes,
    /// Whether tools run without approval. It orders nothing else, so every access is relaxed.
    skip_permissions: AtomicBool,
    shutdown: OnceCell<ShutdownReport>,
}

/// What a workspace was opened with.
pub(crate) struct Opened {
    pub(crate) request: CreateWorkspace,
    pub(crate) context: Arc<WorkspaceContext>,
    pub(crate) journal: Arc<dyn RunJournal>,
    pub(crate) transcript: Arc<dyn Transcript>,
    /// The stored part of the log, if there is one.
    pub(crate) events: Option<Arc<dyn EventLog>>,
    pub(crate) data_dir: PathBuf,
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: RunOptions,
    /// Set once: an agent is never replaced.
    runner: SetOnce<Arc<dyn Runner>>,
}

/// The tasks of a workspace and the ways to end them.
pub(crate) struct Tasks {
    pub(crate) tracker: TaskTracker,
    /// Cancelled when the workspace shuts down, for tasks that are not runs.
    pub(crate) cancel: CancellationToken,
    /// Cancelled when the deadline of the shutdown is over: what still runs is aborted.
    pub(crate) abort: CancellationToken,
    pub(crate) ended: EndedRuns,
    /// Tells the backend that the last run of the workspace has ended.
    pub(crate) on_idle: Box<dyn Fn() + Send + Sync>,
}

/// How much time a shutdown gives to the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownMode {
    /// Accepted runs may end by themselves, until shortly before the deadline.
    Drain,
    /// Accepted runs are cancelled at once.
    Cancel,
}

/// What became of a workspace that was shut down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Whether every run ended before the deadline.
    pub drained: bool,
    /// The sessions whose runs had to be aborted.
    pub held_up: Vec<SessionId>,
}

impl Workspace {
    pub(crate) fn new(
        id: WorkspaceId,
        request: CreateWorkspace,
        context: WorkspaceContext,
        parts: WorkspaceParts,
        log: Arc<WorkspaceLog>,
        options: RunOptions,
        on_idle: Box<dyn Fn() + Send + Sync>,
    ) -> Self {
        let skip_permissions = AtomicBool::new(request.yolo);
        let missed = MissedEvents::cut_off(parts.recovered.clients, RECOVERED_GRACE);
        let opened = Opened {
            request,
            context: Arc::new(context),
            journal: parts.journal,
            transcript: parts.transcript,
            events: parts.events,
            data_dir: parts.data_dir,
            config: parts.config,
            clock: Arc::new(SystemClock),
            options,
            runner: SetOnce::new_with(parts.runner),
        };
        let tasks = Tasks {
            tracker: TaskTracker::new(),
            cancel: CancellationToken::new(),
            abort: CancellationToken::new(),
            ended: EndedRuns::default(),
            on_idle,
        };
        Self {
            id,
            opened,
            gate: RunGate::new(),
            reservations: Reservations::new(options.max_queued),
            log,
            tasks,
            missed,
            recordings: Recordings::default(),
            started: StartedRuns::default(),
            followers: Followers::default(),
            agent_bytes: AgentBytes::default(),
            skip_permissions,
            shutdown: OnceCell::new(),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> WorkspaceId {
        self.id
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> &WorkspaceLog {
        &self.log
    }

    /// Whether a run is accepted and not over.
    #[must_use]
    pub fn has_runs(&self) -> bool {
        self.gate.active() > 0
    }

    /// What its agent is and whether it works.
    #[must_use]
    pub fn agent_info(&self) -> AgentInfo {
        let runner = self.runner();
        let RunnerModel { model, config } = runner
            .as_ref()
            .map(|runner| runner.model())
            .unwrap_or_default();
        AgentInfo {
            is_busy: self.agent_is_busy(),
            is_ready: runner.is_some(),
            model,
            model_cfg: config,
        }
    }

    /// Whether any run of the workspace is accepted and not over.
    #[must_use]
    pub fn agent_is_busy(&self) -> bool {
        !self.reservations.is_empty()
    }

    /// Whether the workspace has an agent.
    #[must_use]
    pub fn has_agent(&self) -> bool {
        self.opened.runner.initialized()
    }

    /// Whether tools run without approval: what the first creator asked for, until somebody changes it.
    #[must_use]
    pub fn skips_permissions(&self) -> bool {
        self.skip_permissions.load(Ordering::Relaxed)
    }

    /// Sets whether tools run without approval.
    pub fn set_skip_permissions(&self, skip: bool) {
        self.skip_permissions.store(skip, Ordering::Relaxed);
    }

    /// The agent, once there is one.
    pub(crate) fn runner(&self) -> Option<Arc<dyn Runner>> {
        self.opened.runner.get().cloned()
    }

    /// Waits until there is an agent.
    pub(crate) async fn agent(&self) -> Arc<dyn Runner> {
        self.opened.runner.wait().await.clone()
    }

    /// Gives the workspace an agent if it has none. Never replaces one: runs that use it go on (semantics 4).
    pub(crate) fn init_runner(&self, runner: Option<Arc<dyn Runner>>) {
        if let Some(runner) = runner {
            // Somebody else was faster, and that one stays.
            drop(self.opened.runner.set(runner));
        }
        self.agent_bytes.forget();
    }

    /// Tells everybody that the configuration changed.
    pub fn announce_config_changed(&self) {
        self.agent_bytes.forget();
        let changed = ConfigChanged {
            workspace_id: self.id,
        };
        self.announce(Event::ConfigChanged(Change::updated(changed)));
    }

    /// Shuts the workspace down, in this order (semantics 5), all within one deadline:
    ///
    /// 1. the gate closes: new prompts are refused;
    /// 2. in mode drain, accepted runs may end by themselves;
    /// 3. tasks that are not runs are cancelled;
    /// 4. every run is cancelled, and every run that is accepted later is born cancelled;
    /// 5. the runs may end cooperatively;
    /// 6. at the deadline, what is left is aborted and ends as `interrupted`;
    /// 7. the tasks of the workspace end;
    /// 8. the log is stored, every stream ends after the last terminal event, and the stored part of the log is closed.
    ///
    /// Later callers wait for the same shutdown.
    ///
    /// # Cancel safety
    /// A dropped future stops between two steps; the next call goes on from the first, which is harmless.
    pub async fn shutdown(
        &self,
        mode: ShutdownMode,
        within: Duration,
        reason: EndReason,
    ) -> ShutdownReport {
        let steps = self.shutdown_steps(mode, within, reason);
        self.shutdown.get_or_init(|| steps).await.clone()
    }

    async fn shutdown_steps(
        &self,
        mode: ShutdownMode,
        within: Duration,
        reason: EndReason,
    ) -> ShutdownReport {
        let deadline = Instant::now() + within;
        self.gate.close();
        if mode == ShutdownMode::Drain {
            let reserved = self.opened.options.cancel_grace.min(within / 2);
            let _drained = timeout_at(deadline - reserved, self.gate.drained()).await;
        }
        self.tasks.cancel.cancel();
        self.reservations.cancel_all(CancelReason::Closing);
        let drained = timeout_at(deadline, self.gate.drained()).await.is_ok();
        let held_up = self.abort_what_is_left(drained).await;
        self.tasks.tracker.close();
        // A task that never yields is left behind; its run has ended without it.
        let _ended = timeout(self.opened.options.abort_grace, self.tasks.tracker.wait()).await;
        // Runs that had to be aborted have used up the deadline; what they wrote is stored all the same.
        let last = deadline.max(Instant::now() + self.opened.options.abort_grace);
        self.end_log(reason, last).await;
        self.log_shutdown(drained, &held_up);
        ShutdownReport { drained, held_up }
    }

    /// Aborts the runs that are left and waits for their terminal events, which do not depend on the aborted tasks.
    async fn abort_what_is_left(&self, drained: bool) -> Vec<SessionId> {
        if drained {
            return Vec::new();
        }
        let held_up = self
            .reservations
            .busy_sessions()
            .into_iter()
            .map(|(session, _)| session)
            .collect();
        self.tasks.abort.cancel();
        let _drained = timeout(2 * self.opened.options.abort_grace, self.gate.drained()).await;
        held_up
    }

    fn log_shutdown(&self, drained: bool, held_up: &[SessionId]) {
        if drained {
            tracing::info!(workspace = %self.id, "workspace closed: drained");
        } else {
            let sessions = held_up.iter().map(SessionId::to_string).collect::<Vec<_>>();
            tracing::warn!(workspace = %self.id, ?sessions, "workspace closed: timed out, runs were aborted");
        }
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace")
            .field("id", &self.id)
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
