//! The reservations under test, with a task for each run that is polled by hand.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use runwright_agent::{
    AcceptSeq, AcceptedRun, CancelToken, Reservations, Start, SteeredPrompt, Steering, Turn,
};
use runwright_proto::{BusyPolicy, RunId, SessionId};

use super::reference::{Answer, Command, QUEUE, SESSIONS, SessionView, View, World};
use crate::polling::{Woken, poll};

pub(super) struct System {
    reservations: Reservations<u64>,
    runs: BTreeMap<u64, Run>,
    /// The prompts on offer, by their runs.
    offers: BTreeMap<u64, SteeredPrompt<u64>>,
}

struct Run {
    token: CancelToken,
    steering: Steering<u64>,
    stage: Stage,
}

enum Stage {
    Reserved(AcceptedRun<u64>),
    Waits(Task),
    Decided { _run: AcceptedRun<u64> },
}

/// A confirmed run that waits for its turn, as a runtime holds it.
struct Task {
    future: Pin<Box<dyn Future<Output = (AcceptedRun<u64>, Start)>>>,
    /// The wakers of its polls; only the last one counts.
    wakers: Vec<Arc<Woken>>,
}

impl System {
    pub(super) fn new() -> Self {
        Self {
            reservations: Reservations::new(QUEUE),
            runs: BTreeMap::new(),
            offers: BTreeMap::new(),
        }
    }

    pub(super) fn step(&mut self, command: &Command) -> Answer {
        let reservations = self.reservations.clone();
        match *command {
            Command::Accept {
                run,
                name,
                session,
                policy,
            } => self.accept(run, name, session, policy),
            Command::Confirm(run) => {
                self.confirm(run);
                Answer::Nothing
            }
            Command::Poll(run) => self.poll(run),
            Command::Leave(run) => {
                self.runs.remove(&run);
                Answer::Nothing
            }
            Command::CancelSession(session, reason) => {
                named(&reservations.cancel_session(&session_id(session), reason))
            }
            Command::CancelWaiting(session, reason) => {
                named(&reservations.cancel_waiting(&session_id(session), reason))
            }
            Command::CancelRun(session, name, reason) => {
                let session = session_id(session);
                Answer::Was(reservations.cancel_run(&session, &run_id(name), reason))
            }
            Command::CancelIfWaiting(session, name, reason) => {
                let session = session_id(session);
                Answer::Was(reservations.cancel_if_waiting(&session, &run_id(name), reason))
            }
            Command::CancelPresent(reason) => {
                reservations.cancel_present(reason);
                Answer::Nothing
            }
            Command::CancelAll(reason) => {
                reservations.cancel_all(reason);
                Answer::Nothing
            }
            Command::Offer(into) => self.offer(into),
            Command::Take(prompt) => {
                if let Some(prompt) = self.offers.remove(&prompt) {
                    prompt.taken();
                }
                Answer::Nothing
            }
            Command::GiveBack(prompt) => {
                self.offers.remove(&prompt);
                Answer::Nothing
            }
        }
    }

    fn accept(&mut self, run: u64, name: u64, session: usize, policy: BusyPolicy) -> Answer {
        let accepted = self
            .reservations
            .accept(&session_id(session), run_id(name), policy, run);
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(refusal) => return Answer::Refused(refusal),
        };
        assert_eq!(
            (
                accepted.session_id(),
                accepted.run_id(),
                accepted.position()
            ),
            (&session_id(session), &run_id(name), accepted.position())
        );
        let position = accepted.position();
        let entry = Run {
            token: accepted.cancel_token().clone(),
            steering: accepted.steering(),
            stage: Stage::Reserved(accepted),
        };
        self.runs.insert(run, entry);
        Answer::Position(position)
    }

    fn confirm(&mut self, run: u64) {
        let Some(mut entry) = self.runs.remove(&run) else {
            return;
        };
        if let Stage::Reserved(accepted) = entry.stage {
            accepted.confirm();
            let future = Box::pin(async move {
                let start = accepted.turn().await;
                (accepted, start)
            });
            entry.stage = Stage::Waits(Task {
                future,
                wakers: Vec::new(),
            });
        }
        self.runs.insert(run, entry);
    }

    fn poll(&mut self, run: u64) -> Answer {
        let Some(Run {
            stage: stage @ Stage::Waits(_),
            ..
        }) = self.runs.get_mut(&run)
        else {
            return Answer::Nothing;
        };
        let Stage::Waits(task) = stage else {
            unreachable!("just matched");
        };
        let woken = Woken::new();
        let Some((accepted, start)) = poll(&mut task.future, &woken) else {
            task.wakers.push(woken);
            return Answer::Polled(Turn::Wait);
        };
        *stage = Stage::Decided { _run: accepted };
        Answer::Polled(match start {
            Start::Active => Turn::Active,
            Start::Cancelled(reason) => Turn::Cancelled(reason),
            Start::Folded { into } => Turn::Folded(AcceptSeq::from(number(&into))),
        })
    }

    fn offer(&mut self, into: u64) -> Answer {
        let Some(run) = self.runs.get(&into) else {
            return Answer::Offered(Vec::new());
        };
        let mut numbers = Vec::new();
        for prompt in run.steering.offered() {
            numbers.push(*prompt.payload());
            let replaced = self.offers.insert(*prompt.payload(), prompt);
            assert!(
                replaced.is_none(),
                "a prompt is on offer to one turn at a time"
            );
        }
        Answer::Offered(numbers)
    }

    /// A run that was polled, and can go on, was woken; one that was woken can go on. A run that was never polled has
    /// left no waker.
    pub(super) fn check_wakes(&self, world: &World) {
        for (run, entry) in &self.runs {
            if let Stage::Waits(task) = &entry.stage {
                let Some((last, earlier)) = task.wakers.split_last() else {
                    continue;
                };
                let told = world.told(*run);
                assert_eq!(
                    last.count() == 1,
                    told != Turn::Wait,
                    "{run} is told {told:?}"
                );
                let stale: usize = earlier.iter().map(|woken| woken.count()).sum();
                assert_eq!(stale, 0, "{run} is woken by the waker of its last poll");
            }
        }
    }

    pub(super) fn view(&self) -> View {
        let reservations = &self.reservations;
        let busy: BTreeMap<_, _> = reservations.busy_sessions().into_iter().collect();
        let sessions = (0..SESSIONS).map(|session| {
            let id = session_id(session);
            let queued = reservations.queued(&id);
            assert_eq!(reservations.queue_len(&id), queued.len());
            assert_eq!(reservations.is_busy(&id), busy.contains_key(&id));
            SessionView {
                len: busy.get(&id).copied().unwrap_or(0),
                queued,
            }
        });
        let sessions = sessions.collect();
        assert_eq!(reservations.is_empty(), busy.is_empty());
        View {
            len: reservations.len(),
            active: reservations.active(),
            sessions,
            cancelled: self
                .runs
                .iter()
                .map(|(run, entry)| (*run, entry.token.reason()))
                .collect(),
        }
    }

    /// When everybody has left, nothing is left behind.
    pub(super) fn end(mut self) {
        self.offers.clear();
        self.runs.clear();
        assert!(self.reservations.is_empty());
        assert_eq!(self.reservations.busy_sessions(), []);
    }
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System")
            .field("reservations", &self.reservations)
            .finish_non_exhaustive()
    }
}

fn session_id(session: usize) -> SessionId {
    format!("session-{session}").parse().unwrap()
}

fn run_id(name: u64) -> RunId {
    format!("run-{name}").parse().unwrap()
}

fn number(run: &RunId) -> u64 {
    run.as_str().trim_start_matches("run-").parse().unwrap()
}

fn named(runs: &[RunId]) -> Answer {
    Answer::Cancelled(runs.iter().map(number).collect())
}
