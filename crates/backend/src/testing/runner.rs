//! A runner that obeys: each of its turns waits for the test. It must never know how a run is admitted or supervised.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use runwright_agent::{AgentCall, RunContext, RunError, RunOutcome, Runner, RunnerModel};
use runwright_proto::{RunId, SelectedModel, SessionId};
use tokio::sync::watch;

use super::patience;
use super::turn::{Performer, Turn, turn};

/// A [`Runner`] whose turns do what a test tells them. Clones share the turns.
///
/// ```
/// # use runwright_backend::testing::TestBackend;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// # let backend = TestBackend::new();
/// # let workspace = backend.open("demo").await;
/// # let session = workspace.new_session().await;
/// let mut events = workspace.recorder();
/// workspace.send(&session, "r1", "hello").await.expect("it is accepted");
/// let turn = backend.runner().entered().await;
/// assert_eq!((turn.run_id().as_str(), turn.prompt()), ("r1", "hello"));
/// assert_eq!(backend.runner().active(), 1);
/// turn.fail_with("Provider failed", "it is overloaded");
/// assert_eq!(events.end_of("r1").await.error, "provider failed: it is overloaded");
/// # }
/// ```
#[derive(Clone)]
pub struct FakeRunner {
    shared: Arc<Shared>,
}

struct Shared {
    answers_at_once: bool,
    state: Mutex<State>,
    /// Counts the turns that began or ended, for those who wait for one.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// The turns that began and that no test has asked for yet.
    entered: VecDeque<Turn>,
    active: BTreeMap<SessionId, usize>,
    began: Vec<RunId>,
    most_active: usize,
    most_in_one_session: usize,
}

/// Counts a turn for as long as it lives, however it ends.
struct Presence {
    shared: Arc<Shared>,
    session: SessionId,
}

impl FakeRunner {
    /// Makes a runner whose turns wait for orders.
    #[must_use]
    pub fn new() -> Self {
        Self::with(false)
    }

    /// Makes a runner whose turns answer the prompt and end, without orders.
    #[must_use]
    pub fn answering() -> Self {
        Self::with(true)
    }

    fn with(answers_at_once: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                answers_at_once,
                state: Mutex::default(),
                changes: watch::Sender::new(0),
            }),
        }
    }

    /// Waits for the next turn that began and that was not handed out yet, in the order in which they began.
    ///
    /// # Panics
    /// When none comes.
    ///
    /// # Cancel safety
    /// Dropping the future loses no turn.
    pub async fn entered(&self) -> Turn {
        patience::expect("a turn", self.when(|state| state.entered.pop_front())).await
    }

    /// Waits for the turn of this run.
    ///
    /// # Panics
    /// When it does not come.
    ///
    /// # Cancel safety
    /// Dropping the future loses no turn.
    pub async fn entered_by(&self, run: &str) -> Turn {
        let entered = self.when(|state| {
            let at = state
                .entered
                .iter()
                .position(|turn| turn.run_id().as_str() == run)?;
            state.entered.remove(at)
        });
        patience::expect("the turn", entered).await
    }

    /// Takes a turn that began and was not handed out yet, without waiting.
    #[must_use]
    pub fn try_entered(&self) -> Option<Turn> {
        self.shared.lock().entered.pop_front()
    }

    /// Waits until no turn is active.
    ///
    /// # Panics
    /// When one does not end.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn idle(&self) {
        let idle = self.when(|state| state.active.is_empty().then_some(()));
        patience::expect("the end of all turns", idle).await;
    }

    /// How many turns are active.
    #[must_use]
    pub fn active(&self) -> usize {
        self.shared.lock().active.values().sum()
    }

    /// How many turns were active at the same time, at most.
    #[must_use]
    pub fn most_active(&self) -> usize {
        self.shared.lock().most_active
    }

    /// How many turns of one session were active at the same time, at most: more than one is an error of the host.
    #[must_use]
    pub fn most_in_one_session(&self) -> usize {
        self.shared.lock().most_in_one_session
    }

    /// The runs whose turns began, in that order.
    #[must_use]
    pub fn began(&self) -> Vec<RunId> {
        self.shared.lock().began.clone()
    }

    /// Waits until `found` finds something.
    async fn when<T>(&self, mut found: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changes = self.shared.changes.subscribe();
        loop {
            if let Some(value) = found(&mut self.shared.lock()) {
                return value;
            }
            changes
                .changed()
                .await
                .expect("invariant: the sender lives as long as the runner");
        }
    }

    /// Counts the turn and, unless it answers at once, hands it to the test.
    fn enter(&self, call: &AgentCall) -> (Presence, Option<Performer>) {
        let performer = {
            let mut state = self.shared.lock();
            state.began(call);
            (!self.shared.answers_at_once).then(|| {
                let (handle, performer) = turn(call);
                state.entered.push_back(handle);
                performer
            })
        };
        self.shared.changes.send_modify(|count| *count += 1);
        let presence = Presence {
            shared: self.shared.clone(),
            session: call.session_id().clone(),
        };
        (presence, performer)
    }
}

impl Default for FakeRunner {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for FakeRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeRunner")
            .field("active", &self.active())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Runner for FakeRunner {
    fn model(&self) -> RunnerModel {
        RunnerModel {
            config: SelectedModel {
                model: "fake-model".into(),
                provider: "fake-provider".into(),
                ..SelectedModel::default()
            },
            ..RunnerModel::default()
        }
    }

    async fn run(&self, cx: RunContext) -> Result<RunOutcome, RunError> {
        let (_presence, performer) = self.enter(&cx.call);
        match performer {
            Some(performer) => performer.perform(cx).await,
            None => Performer::answer(cx).await,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn began(&mut self, call: &AgentCall) {
        let in_session = self.active.entry(call.session_id().clone()).or_default();
        *in_session += 1;
        self.most_in_one_session = self.most_in_one_session.max(*in_session);
        self.most_active = self.most_active.max(self.active.values().sum());
        self.began.push(call.run_id().clone());
    }

    fn ended(&mut self, session: &SessionId) {
        if let Some(count) = self.active.get_mut(session) {
            *count -= 1;
            if *count == 0 {
                self.active.remove(session);
            }
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.shared.lock().ended(&self.session);
        self.shared.changes.send_modify(|count| *count += 1);
    }
}
