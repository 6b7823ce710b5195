//! What `CancelToken`, `Reservations` and the memory journal promise, in every interleaving. Each model is a short
//! story about one property; `docs/concurrency.md` lists the bounds under which they were checked, and each patch in
//! `tests/faults` breaks what one of them guards.
#![cfg(runwright_loom)]

#[path = "loom/cancel.rs"]
mod cancel;
#[path = "loom/end.rs"]
mod end;
#[path = "loom/interrupt.rs"]
mod interrupt;
#[path = "loom/steering.rs"]
mod steering;
#[path = "loom/token.rs"]
mod token;
#[path = "loom/turn.rs"]
mod turn;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use loom::future::block_on;
use runwright_agent::{AcceptedRun, Reservations, Start};
use runwright_proto::{BusyPolicy, RunId, SessionId};

fn session() -> SessionId {
    "session".parse().unwrap()
}

fn run_id(name: &str) -> RunId {
    name.parse().unwrap()
}

fn accept(reservations: &Reservations<()>, name: &str) -> AcceptedRun<()> {
    accept_as(reservations, name, BusyPolicy::Queue)
}

fn accept_as(reservations: &Reservations<()>, name: &str, policy: BusyPolicy) -> AcceptedRun<()> {
    reservations
        .accept(&session(), run_id(name), policy, ())
        .unwrap()
}

/// A run that waits for its turn.
fn waiting(reservations: &Reservations<()>, name: &str) -> AcceptedRun<()> {
    let run = accept(reservations, name);
    run.confirm();
    run
}

/// A run that executes.
fn active(reservations: &Reservations<()>, name: &str) -> AcceptedRun<()> {
    let run = accept(reservations, name);
    assert_eq!(start(&run), Start::Active);
    run
}

/// Carries a run to its decision, as the task of the run does.
fn start(run: &AcceptedRun<()>) -> Start {
    run.confirm();
    block_on(run.turn())
}

/// Polls a future once, as a task that then turns to something else.
fn poll_once(future: impl Future, waker: &Waker) {
    let _either = pin!(future).poll(&mut Context::from_waker(waker));
}

/// A waker that does something when it is dropped, as the last waker of a task does that drops what the task owns.
struct OnDrop<F: Fn() + Send + Sync + 'static>(F);

impl<F: Fn() + Send + Sync + 'static> OnDrop<F> {
    fn waker(action: F) -> Waker {
        Waker::from(Arc::new(Self(action)))
    }
}

impl<F: Fn() + Send + Sync + 'static> Wake for OnDrop<F> {
    fn wake(self: Arc<Self>) {}
}

impl<F: Fn() + Send + Sync + 'static> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
