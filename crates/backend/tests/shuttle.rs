//! The gate and the reservations of a workspace with more actors than loom can take: six senders with two prompts each,
//! two cancels, and two shutdowns that clean up after the last run.
#![cfg(runwright_shuttle)]
#![expect(clippy::unwrap_used, reason = "in a model a panic is the report")]

use runwright_agent::{CancelReason, Reservations, Start};
use runwright_backend::{AdmitError, Admitted, Closing, RunGate};
use runwright_proto::{BusyPolicy, RunId, SessionId};
use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use shuttle::{check_pct, check_random, future::block_on, thread};

const ITERATIONS: usize = 2_000;
/// How many changes of priority PCT makes in a schedule.
const DEPTH: usize = 3;

const SENDERS: usize = 6;

#[test]
fn a_shutdown_leaves_no_run_behind_under_random_schedules() {
    check_random(story, iterations());
}

#[test]
fn a_shutdown_leaves_no_run_behind_under_pct_schedules() {
    check_pct(story, iterations(), DEPTH);
}

#[derive(Clone)]
struct Workspace {
    gate: RunGate,
    reservations: Reservations<()>,
    books: Arc<Books>,
}

/// What the runs and the shutdowns say of themselves.
#[derive(Default)]
struct Books {
    cleaned_up: AtomicBool,
    admitted: AtomicUsize,
    refused: AtomicUsize,
    active: AtomicUsize,
    ended: AtomicUsize,
}

fn story() {
    let workspace = Workspace {
        gate: RunGate::new(),
        reservations: Reservations::new(64),
        books: Arc::default(),
    };
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| workspace.spawn(move |workspace| workspace.send_two(sender)))
        .collect();
    let cancels: Vec<_> = [session(0), session(1)]
        .into_iter()
        .map(|session| {
            workspace.spawn(move |workspace| {
                let reason = CancelReason::Requested;
                workspace.reservations.cancel_session(&session, reason);
            })
        })
        .collect();
    let shutdowns = [(); 2].map(|()| workspace.spawn(Workspace::shut_down));
    let firsts = shutdowns.map(|shutdown| shutdown.join().unwrap());
    assert!(firsts[0] ^ firsts[1], "one shutdown closes the gate");
    for task in senders.into_iter().chain(cancels) {
        task.join().unwrap();
    }
    workspace.check_end();
}

impl Workspace {
    fn spawn<R: Send + 'static>(
        &self,
        actor: impl FnOnce(&Self) -> R + Send + 'static,
    ) -> thread::JoinHandle<R> {
        let workspace = self.clone();
        thread::spawn(move || actor(&workspace))
    }

    fn send_two(&self, sender: usize) {
        let tasks: Vec<_> = (0..2)
            .filter_map(|n| {
                let run: RunId = format!("run-{sender}-{n}").parse().unwrap();
                let (gate, reservations) = (&self.gate, &self.reservations);
                let policy = BusyPolicy::Queue;
                let admitted = Admitted::admit(gate, reservations, &session(n), run, policy, ());
                match admitted {
                    Ok(admitted) => {
                        self.books.admitted.fetch_add(1, SeqCst);
                        Some(self.spawn(move |workspace| workspace.carry(admitted, sender)))
                    }
                    Err(error) => {
                        assert_eq!(error, AdmitError::Closing(Closing));
                        self.books.refused.fetch_add(1, SeqCst);
                        None
                    }
                }
            })
            .collect();
        for task in tasks {
            task.join().unwrap();
        }
    }

    /// The task of one run. The run of the last sender is never recorded: it comes to nothing.
    fn carry(&self, admitted: Admitted<()>, sender: usize) {
        self.work();
        if sender + 1 < SENDERS {
            admitted.run().confirm();
            match block_on(admitted.run().turn()) {
                Start::Active if sender % 2 == 0 => {
                    block_on(admitted.run().cancel_token().cancelled());
                }
                Start::Active => {}
                Start::Cancelled(reason) => {
                    // The token may be told a moment later, but it is told, and the same.
                    let told = block_on(admitted.run().cancel_token().cancelled());
                    assert_eq!(told, reason);
                }
                Start::Folded { .. } => unreachable!("nothing folds here"),
            }
            self.work();
        }
        self.books.ended.fetch_add(1, SeqCst);
        drop(admitted);
    }

    /// What a run does, on something that the cleanup takes away.
    fn work(&self) {
        self.books.active.fetch_add(1, SeqCst);
        let gone = self.books.cleaned_up.load(SeqCst);
        assert!(!gone, "a run used what the cleanup took away");
        self.books.active.fetch_sub(1, SeqCst);
    }

    /// Returns whether this shutdown was the first.
    fn shut_down(&self) -> bool {
        let first = self.gate.close();
        self.reservations.cancel_all(CancelReason::Closing);
        block_on(self.gate.drained());
        assert!(
            self.reservations.is_empty(),
            "a drained gate has no reservation"
        );
        assert_eq!(self.books.active.load(SeqCst), 0);
        self.books.cleaned_up.store(true, SeqCst);
        first
    }

    fn check_end(&self) {
        let books = &self.books;
        let (admitted, refused) = (books.admitted.load(SeqCst), books.refused.load(SeqCst));
        assert_eq!(admitted + refused, 2 * SENDERS, "each prompt has an answer");
        assert_eq!(
            books.ended.load(SeqCst),
            admitted,
            "what was admitted has ended"
        );
        assert_eq!((self.gate.active(), self.reservations.len()), (0, 0));
        assert_eq!(self.gate.enter().err(), Some(Closing));
    }
}

fn session(n: usize) -> SessionId {
    format!("session-{n}").parse().unwrap()
}

/// How many schedules each test tries; `cargo xtask shuttle --iterations` says otherwise.
#[expect(clippy::disallowed_methods, reason = "the test is configured by xtask")]
fn iterations() -> usize {
    std::env::var("RUNWRIGHT_SHUTTLE_ITERATIONS").map_or(ITERATIONS, |n| n.parse().unwrap())
}
