//! Which calls of the ports fail, panic or hang: the plan that a test makes. It must never know what a call does.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runwright_agent::StorageFull;
use tokio::sync::{oneshot, watch};

use super::patience;

/// Names a call of a port that a test can make fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// [`WorkspaceFactory::open`](crate::WorkspaceFactory::open).
    Open,
    /// [`WorkspaceFactory::log`](crate::WorkspaceFactory::log).
    Log,
    /// [`WorkspaceFactory::runner`](crate::WorkspaceFactory::runner).
    MakeRunner,
    /// [`RunJournal::find`](runwright_agent::RunJournal::find).
    Find,
    /// [`RunJournal::accept`](runwright_agent::RunJournal::accept).
    Accept,
    /// [`RunJournal::start`](runwright_agent::RunJournal::start).
    Start,
    /// [`RunJournal::finish`](runwright_agent::RunJournal::finish).
    Finish,
    /// [`RunJournal::finish`](runwright_agent::RunJournal::finish): the end is recorded and published, and then the
    /// call fails, as when the answer of a storage is lost.
    FinishAnswer,
    /// [`RunJournal::run`](runwright_agent::RunJournal::run) and [`RunJournal::runs`](runwright_agent::RunJournal::runs).
    ReadRuns,
    /// Every method of [`Transcript`](runwright_agent::Transcript) that only reads.
    ReadHistory,
    /// Every method of [`Transcript`](runwright_agent::Transcript) that changes a session.
    ChangeSession,
    /// [`Transcript::create_message`](runwright_agent::Transcript::create_message).
    CreateMessage,
    /// [`Transcript::update_message`](runwright_agent::Transcript::update_message).
    UpdateMessage,
    /// [`Transcript::close_run`](runwright_agent::Transcript::close_run).
    CloseRun,
    /// [`EventLog::read`](runwright_agent::EventLog::read) of a [`StoredLog`](super::StoredLog).
    ReadEvents,
}

/// The plan of a test: which calls do not go well. Clones share it.
///
/// ```
/// use runwright_backend::DispatchError;
/// use runwright_backend::testing::{Call, TestBackend};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let backend = TestBackend::new();
/// let workspace = backend.open("demo").await;
/// let session = workspace.new_session().await;
/// backend.faults().fail(Call::Accept);
/// let refused = workspace.send(&session, "r1", "hello").await;
/// assert!(matches!(refused, Err(DispatchError::Journal(_))));
/// workspace.send(&session, "r1", "hello").await.expect("only the next call failed");
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Faults {
    plan: Arc<Mutex<Plan>>,
}

/// Why a call failed: the test wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the test let `{call:?}` fail")]
pub struct InjectedFault {
    /// The call that failed.
    pub call: Call,
    /// Whether there is no space left.
    pub is_full: bool,
}

/// A call that waits until the test lets it go. Dropping this lets it go on.
#[derive(Debug)]
pub struct Held {
    reached: watch::Receiver<bool>,
    verdict: oneshot::Sender<Verdict>,
}

#[derive(Debug, Default)]
struct Plan {
    made: BTreeMap<Call, usize>,
    /// By the number of the call, counted from the first that was made.
    faults: BTreeMap<(Call, usize), Fault>,
    broken: BTreeSet<Call>,
    /// Those that fail because there is no space.
    full: BTreeSet<Call>,
}

#[derive(Debug)]
enum Fault {
    Fail,
    Full,
    Panic,
    Hold {
        reached: watch::Sender<bool>,
        verdict: oneshot::Receiver<Verdict>,
    },
}

#[derive(Debug)]
enum Verdict {
    GoOn,
    Fail,
}

impl Faults {
    /// Lets the next such call fail.
    pub fn fail(&self, call: Call) {
        self.fail_nth(call, 1);
    }

    /// Lets the `n`-th such call from now fail; the next one is number 1.
    pub fn fail_nth(&self, call: Call, n: usize) {
        self.plan().add(call, n, Fault::Fail);
    }

    /// Lets every such call fail, until it is [repaired](Self::repair).
    pub fn break_down(&self, call: Call) {
        self.plan().broken.insert(call);
    }

    /// Lets every such call fail because there is no space left, until it is [repaired](Self::repair).
    pub fn fill_up(&self, call: Call) {
        self.plan().full.insert(call);
    }

    /// Lets such calls go well again.
    pub fn repair(&self, call: Call) {
        let mut plan = self.plan();
        plan.broken.remove(&call);
        plan.full.remove(&call);
    }

    /// Lets the next such call panic.
    pub fn panic(&self, call: Call) {
        self.plan().add(call, 1, Fault::Panic);
    }

    /// Lets the next such call wait.
    #[must_use = "dropping it lets the call go on"]
    pub fn hold(&self, call: Call) -> Held {
        let (sender, reached) = watch::channel(false);
        let (verdict, receiver) = oneshot::channel();
        let fault = Fault::Hold {
            reached: sender,
            verdict: receiver,
        };
        self.plan().add(call, 1, fault);
        Held { reached, verdict }
    }

    /// How many such calls were made.
    #[must_use]
    pub fn made(&self, call: Call) -> usize {
        self.plan().made.get(&call).copied().unwrap_or_default()
    }

    /// What a port does before each call.
    ///
    /// # Errors
    /// [`InjectedFault`], when the plan says so.
    ///
    /// # Panics
    /// When the plan says so.
    ///
    /// # Cancel safety
    /// The call counts as made.
    pub async fn pass(&self, call: Call) -> Result<(), InjectedFault> {
        let fault = self.plan().next(call);
        let failed = |is_full| Err(InjectedFault { call, is_full });
        match fault {
            None => Ok(()),
            Some(Fault::Fail) => failed(false),
            Some(Fault::Full) => failed(true),
            // Without the hook, which would only write to the output of the test.
            Some(Fault::Panic) => {
                let fault = InjectedFault {
                    call,
                    is_full: false,
                };
                std::panic::resume_unwind(Box::new(fault.to_string()))
            }
            Some(Fault::Hold { reached, verdict }) => {
                reached.send_replace(true);
                match verdict.await {
                    Ok(Verdict::Fail) => failed(false),
                    Ok(Verdict::GoOn) | Err(_) => Ok(()),
                }
            }
        }
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InjectedFault {
    /// What a port makes of it.
    pub(super) fn into_storage_error(self) -> Box<dyn Error + Send + Sync> {
        if self.is_full {
            Box::new(StorageFull(Box::new(self)))
        } else {
            Box::new(self)
        }
    }
}

impl Held {
    /// Waits until the call is there.
    ///
    /// # Panics
    /// When it does not come.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn reached(&mut self) {
        let reached = self.reached.wait_for(|reached| *reached);
        // When the call was dropped while it waited, it was there before.
        let _gone = patience::expect("the call", reached).await;
    }

    /// Lets the call go on.
    pub fn release(self) {
        drop(self.verdict.send(Verdict::GoOn));
    }

    /// Lets the call fail.
    pub fn fail(self) {
        drop(self.verdict.send(Verdict::Fail));
    }
}

impl Plan {
    fn add(&mut self, call: Call, n: usize, fault: Fault) {
        let made = self.made.get(&call).copied().unwrap_or_default();
        self.faults.insert((call, made + n), fault);
    }

    fn next(&mut self, call: Call) -> Option<Fault> {
        let made = self.made.entry(call).or_default();
        *made += 1;
        let planned = self.faults.remove(&(call, *made));
        let broken = || self.broken.contains(&call).then_some(Fault::Fail);
        let full = || self.full.contains(&call).then_some(Fault::Full);
        planned.or_else(broken).or_else(full)
    }
}
