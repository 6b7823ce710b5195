//! The backend under test, and what its clients remember of what they were told.

use std::collections::{BTreeMap, BTreeSet};

use proptest::sample::Index;
use runwright_backend::testing::{EventRecorder, FakeRunner, TestBackend, TestWorkspace, Turn};
use runwright_backend::{Attachment, BackendOptions, LifecycleOptions, OnLastDetach};
use runwright_proto::{BusyPolicy, ClientId, CreateWorkspace, RunId, SessionId};
use tokio::time::Duration;

use super::commands::{Command, Order, SESSIONS};
use crate::poll::{pass, poll_once};

pub(super) struct System {
    pub(super) backend: TestBackend,
    pub(super) workspace: TestWorkspace,
    pub(super) sessions: Vec<SessionId>,
    pub(super) events: EventRecorder,
    stream: Option<Attachment>,
    turns: Vec<Turn>,
    sent: usize,
    /// Each run that was accepted, with its session.
    pub(super) accepted: BTreeMap<RunId, SessionId>,
    pub(super) refused: BTreeSet<RunId>,
    /// The runs that a client was told it has cancelled.
    pub(super) cancelled: BTreeSet<RunId>,
    /// Those of them whose turn had not begun by then.
    pub(super) never_to_begin: BTreeSet<RunId>,
    pub(super) had_faults: bool,
}

impl System {
    pub(super) async fn new(on_last_detach: OnLastDetach) -> Self {
        let options = BackendOptions {
            lifecycle: LifecycleOptions {
                // The workspace stays; that it closes is another test.
                linger: Duration::from_secs(24 * 3600),
                ..LifecycleOptions::default()
            },
            ..TestBackend::roomy_figures()
        };
        let backend = TestBackend::with(options, FakeRunner::new());
        let request = CreateWorkspace {
            on_last_detach: Some(on_last_detach),
            ..backend.request("demo")
        };
        let workspace = backend.join(request, ClientId::random()).await;
        let mut sessions = Vec::new();
        for _ in 0..SESSIONS {
            sessions.push(workspace.new_session().await);
        }
        Self {
            events: workspace.recorder(),
            stream: Some(workspace.attach().await),
            backend,
            workspace,
            sessions,
            turns: Vec::new(),
            sent: 0,
            accepted: BTreeMap::new(),
            refused: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            never_to_begin: BTreeSet::new(),
            had_faults: false,
        }
    }

    pub(super) async fn perform(&mut self, command: Command) {
        match command {
            Command::Send { session, policy } => self.send(session, policy).await,
            Command::CancelSession(session) => {
                let began = self.backend.runner().began();
                let hit = self.workspace.cancel_session(&self.sessions[session]);
                self.note_cancelled(&began, hit);
            }
            Command::ClearQueue(session) => {
                let began = self.backend.runner().began();
                let hit = self.workspace.clear_queue(&self.sessions[session]);
                self.note_cancelled(&began, hit);
            }
            Command::CancelRun(which) => self.cancel_run(which).await,
            Command::TakeOut(which) => self.take_out(which).await,
            Command::Order(which, order) => self.order(which, order),
            Command::Attach => self.stream = Some(self.workspace.attach().await),
            Command::Detach => self.stream = None,
            Command::Fault(call) => {
                self.had_faults = true;
                self.backend.faults().fail(call);
            }
            Command::Pass(time) => pass(time).await,
            Command::Settle => self.settle().await,
        }
    }

    /// Lets everything run that is ready, without letting time pass; then what lives must be what has not ended.
    pub(super) async fn settle(&mut self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        while let Some(turn) = self.backend.runner().try_entered() {
            self.turns.push(turn);
        }
        self.check_what_lives();
    }

    async fn send(&mut self, session: usize, policy: BusyPolicy) {
        let name = format!("r{}", self.sent);
        self.sent += 1;
        let session = &self.sessions[session];
        let sent = self.workspace.send_when_busy(policy, session, &name, &name);
        let run: RunId = name.parse().unwrap();
        if sent.await.is_ok() {
            self.accepted.insert(run, session.clone());
        } else {
            self.refused.insert(run);
        }
    }

    async fn cancel_run(&mut self, which: Index) {
        let Some(run) = self.some_run(which) else {
            return;
        };
        let began = self.backend.runner().began();
        if self.workspace.cancel_run(&run).await.unwrap() {
            self.note_cancelled(&began, vec![run]);
        }
    }

    async fn take_out(&mut self, which: Index) {
        let Some(run) = self.some_run(which) else {
            return;
        };
        let began = self.backend.runner().began();
        if self.workspace.cancel_queued(&run).await.is_ok() {
            assert!(!began.contains(&run), "`{run}` was not queued any more");
            self.note_cancelled(&began, vec![run]);
        }
    }

    fn some_run(&self, which: Index) -> Option<RunId> {
        let runs: Vec<_> = self.accepted.keys().collect();
        (!runs.is_empty()).then(|| (*which.get(&runs)).clone())
    }

    fn note_cancelled(&mut self, began: &[RunId], hit: Vec<RunId>) {
        let unstarted = hit.iter().filter(|run| !began.contains(run));
        self.never_to_begin.extend(unstarted.cloned());
        self.cancelled.extend(hit);
    }

    /// Gives an order to a turn, which may be over by now; then nothing comes of it.
    fn order(&mut self, which: Index, order: Order) {
        if self.turns.is_empty() {
            return;
        }
        let at = which.index(self.turns.len());
        let turn = &self.turns[at];
        let given = match order {
            Order::Say => is_given(turn.say("words ")),
            Order::CallTool => is_given(turn.call_tool("c1")),
            Order::Fold => is_given(turn.fold()),
            Order::IgnoreCancel => is_given(turn.ignore_cancel()),
            Order::Release => return self.turns.remove(at).release(),
            Order::Fail => return self.turns.remove(at).fail_with("Provider failed", "no"),
            Order::Panic => return self.turns.remove(at).panic("boom"),
            Order::Stop => return self.turns.remove(at).stop(),
        };
        if !given {
            self.turns.remove(at);
        }
    }
}

/// Sends an order without waiting until it is carried out. Returns whether the turn is there to take it.
fn is_given<T>(order: impl Future<Output = T>) -> bool {
    let mut order = Box::pin(order);
    // The turn of a run that is over panics in the face of who gives it orders.
    let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| poll_once(&mut order)));
    polled.is_ok()
}
