//! What the closing gate promises, alone and together with the reservations, in every interleaving. Each model is a
//! short story about one property; `docs/concurrency.md` lists the bounds under which they were checked.
#![cfg(runwright_loom)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Wake, Waker};

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::Ordering::Relaxed;
use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::thread;
use runwright_agent::{CancelReason, Reservations, Start};
use runwright_backend::{AdmitError, Admitted, Closing, RunGate};
use runwright_proto::{BusyPolicy, RunId, SessionId};

fn session() -> SessionId {
    "session".parse().unwrap()
}

fn run_id() -> RunId {
    "run".parse().unwrap()
}

fn admit(gate: &RunGate, reservations: &Reservations<()>) -> Result<Admitted<()>, AdmitError> {
    Admitted::admit(
        gate,
        reservations,
        &session(),
        run_id(),
        BusyPolicy::Queue,
        (),
    )
}

/// What the cleanup of a workspace takes away. The accesses are relaxed, so that only the gate itself can order them:
/// a run that overlaps the cleanup, or a cleanup that does not see what a run did, fails the model.
#[derive(Default)]
struct Resource {
    written: AtomicUsize,
    gone: AtomicBool,
}

impl Resource {
    fn write(&self) {
        assert!(
            !self.gone.load(Relaxed),
            "a run used what the cleanup took away"
        );
        self.written.fetch_add(1, Relaxed);
    }

    fn clean_up(&self) -> usize {
        self.gone.store(true, Relaxed);
        self.written.load(Relaxed)
    }
}

/// Polls a future once, as a task that then turns to something else.
fn poll_once(future: impl Future, waker: &Waker) {
    let _either = pin!(future).poll(&mut Context::from_waker(waker));
}

/// A waker whose last owner looks at the gate when it drops it, as a task does that owns a permit.
struct LooksWhenDropped(RunGate);

impl Wake for LooksWhenDropped {
    fn wake(self: std::sync::Arc<Self>) {}
}

impl Drop for LooksWhenDropped {
    fn drop(&mut self) {
        assert!(self.0.active() <= 1);
    }
}

#[test]
fn no_permit_after_close_returned() {
    loom::model(|| {
        let gate = RunGate::new();
        let other = gate.clone();
        let enters = thread::spawn(move || other.enter().map(drop));
        gate.close();
        assert_eq!(gate.enter().err(), Some(Closing));
        let _either = enters.join().unwrap();
        assert_eq!(gate.active(), 0);
    });
}

#[test]
fn cleanup_never_overlaps_a_run() {
    loom::model(|| {
        let gate = RunGate::new();
        let resource = Arc::new(Resource::default());
        let (other, used) = (gate.clone(), resource.clone());
        let runs = thread::spawn(move || {
            let Ok(permit) = other.enter() else {
                return 0;
            };
            used.write();
            drop(permit);
            1
        });
        gate.close();
        block_on(gate.drained());
        let seen = resource.clean_up();
        assert_eq!(
            seen,
            runs.join().unwrap(),
            "the cleanup sees all that admitted runs did"
        );
    });
}

#[test]
fn a_waiter_that_came_before_the_close_wakes() {
    loom::model(|| {
        let gate = RunGate::new();
        let permit = gate.enter().unwrap();
        let waiter = gate.clone();
        let waits = thread::spawn(move || {
            block_on(waiter.drained());
            assert!(waiter.is_closing(), "an open gate is never drained");
            assert_eq!(waiter.active(), 0);
        });
        gate.close();
        drop(permit);
        waits.join().unwrap();
    });
}

#[test]
fn closing_an_idle_gate_wakes_its_waiter() {
    loom::model(|| {
        let gate = RunGate::new();
        let waiter = gate.clone();
        let waits = thread::spawn(move || {
            block_on(waiter.drained());
            assert!(waiter.is_closing(), "an open gate is never drained");
        });
        gate.close();
        waits.join().unwrap();
    });
}

#[test]
fn every_closer_wakes_and_one_is_first() {
    loom::model(|| {
        let gate = RunGate::new();
        let permit = gate.enter().unwrap();
        let closers = [gate.clone(), gate.clone()].map(|gate| {
            thread::spawn(move || {
                let first = gate.close();
                block_on(gate.drained());
                assert_eq!(gate.active(), 0);
                first
            })
        });
        drop(permit);
        let firsts = closers.map(|closer| closer.join().unwrap());
        assert!(firsts[0] ^ firsts[1]);
    });
}

#[test]
fn a_dropped_waiter_leaves_the_other_waiting() {
    loom::model(|| {
        let gate = RunGate::new();
        let permit = gate.enter().unwrap();
        let waiter = gate.clone();
        let waits = thread::spawn(move || block_on(waiter.drained()));
        let impatient = gate.clone();
        let gives_up = thread::spawn(move || poll_once(impatient.drained(), Waker::noop()));
        gate.close();
        drop(permit);
        gives_up.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn a_waiter_that_moves_to_another_task_is_woken_there() {
    loom::model(|| {
        let gate = RunGate::new();
        let permit = gate.enter().unwrap();
        let waiter = gate.clone();
        let waits = thread::spawn(move || {
            let mut drained = waiter.drained();
            poll_once(&mut drained, Waker::noop());
            block_on(drained);
            assert_eq!(waiter.active(), 0);
        });
        gate.close();
        drop(permit);
        waits.join().unwrap();
    });
}

#[test]
fn a_waker_may_use_the_gate_when_it_is_dropped() {
    loom::model(|| {
        let gate = RunGate::new();
        let permit = gate.enter().unwrap();
        let waiter = gate.clone();
        let waits = thread::spawn(move || {
            let mut drained = waiter.drained();
            let waker = Waker::from(std::sync::Arc::new(LooksWhenDropped(waiter)));
            poll_once(&mut drained, &waker);
            drop(waker);
            poll_once(&mut drained, Waker::noop());
            block_on(drained);
        });
        gate.close();
        drop(permit);
        waits.join().unwrap();
    });
}

#[test]
fn two_enterers_are_both_counted() {
    loom::model(|| {
        let gate = RunGate::new();
        let resource = Arc::new(Resource::default());
        let enterers = [gate.clone(), gate.clone()].map(|gate| {
            let used = resource.clone();
            thread::spawn(move || {
                let Ok(permit) = gate.enter() else {
                    return 0;
                };
                used.write();
                drop(permit);
                1
            })
        });
        gate.close();
        block_on(gate.drained());
        let seen = resource.clean_up();
        let entered: usize = enterers.map(|enterer| enterer.join().unwrap()).iter().sum();
        assert_eq!(seen, entered);
    });
}

#[test]
fn a_drained_gate_has_no_reservation() {
    loom::model(|| {
        let gate = RunGate::new();
        let reservations = Reservations::new(64);
        let (other, accepts) = (gate.clone(), reservations.clone());
        let dispatches = thread::spawn(move || drop(admit(&other, &accepts)));
        gate.close();
        block_on(gate.drained());
        assert_eq!(reservations.len(), 0);
        dispatches.join().unwrap();
        assert_eq!(reservations.len(), 0);
    });
}

#[test]
fn a_refused_dispatch_leaves_nothing_on_a_drained_gate() {
    loom::model(|| {
        let gate = RunGate::new();
        let reservations = Reservations::new(0);
        let first = admit(&gate, &reservations).unwrap();
        let (other, accepts) = (gate.clone(), reservations.clone());
        let dispatches = thread::spawn(move || admit(&other, &accepts).map(drop));
        drop(first);
        gate.close();
        block_on(gate.drained());
        assert_eq!(reservations.len(), 0);
        let _any_of_three = dispatches.join().unwrap();
        assert_eq!((gate.active(), reservations.len()), (0, 0));
    });
}

#[test]
fn a_dispatch_that_is_never_recorded_holds_nobody_up() {
    loom::model(|| {
        let gate = RunGate::new();
        let reservations = Reservations::new(64);
        let never = admit(&gate, &reservations).unwrap();
        let behind = admit(&gate, &reservations).unwrap();
        behind.run().confirm();
        let waits = thread::spawn(move || {
            let start = block_on(behind.run().turn());
            assert_eq!(start, Start::Active, "nobody cancels here");
        });
        gate.close();
        drop(never);
        block_on(gate.drained());
        assert!(reservations.is_empty());
        waits.join().unwrap();
    });
}

#[test]
fn a_dispatch_that_passes_a_close_is_cancelled_and_drained() {
    loom::model(|| {
        let gate = RunGate::new();
        let reservations = Reservations::new(64);
        let resource = Arc::new(Resource::default());
        let (other, accepts, used) = (gate.clone(), reservations.clone(), resource.clone());
        let dispatches = thread::spawn(move || {
            let Ok(admitted) = admit(&other, &accepts) else {
                return;
            };
            admitted.run().confirm();
            match block_on(admitted.run().turn()) {
                // It runs until it is told to stop; that it is told is what ends this model.
                Start::Active => {
                    used.write();
                    assert_eq!(
                        block_on(admitted.run().cancel_token().cancelled()),
                        CancelReason::Closing
                    );
                }
                Start::Cancelled(reason) => assert_eq!(reason, CancelReason::Closing),
                Start::Folded { .. } => unreachable!("nothing folds here"),
            }
        });
        gate.close();
        reservations.cancel_all(CancelReason::Closing);
        block_on(gate.drained());
        resource.clean_up();
        assert!(reservations.is_empty());
        dispatches.join().unwrap();
    });
}

#[test]
fn two_dispatches_and_a_close_leave_nothing_behind() {
    loom::model(|| {
        let gate = RunGate::new();
        let reservations = Reservations::new(64);
        let dispatches = [gate.clone(), gate.clone()].map(|gate| {
            let reservations = reservations.clone();
            thread::spawn(move || {
                if let Ok(admitted) = admit(&gate, &reservations) {
                    admitted.run().confirm();
                    let start = block_on(admitted.run().turn());
                    assert!(matches!(
                        start,
                        Start::Active | Start::Cancelled(CancelReason::Closing)
                    ));
                }
            })
        });
        gate.close();
        reservations.cancel_all(CancelReason::Closing);
        block_on(gate.drained());
        assert!(reservations.is_empty());
        for dispatch in dispatches {
            dispatch.join().unwrap();
        }
    });
}
