//! Whose turn it is, and that nobody waits for a turn that has come.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use runwright_agent::{CancelReason, Reservations, Start};

use crate::{OnDrop, accept, active, poll_once, run_id, session, start, waiting};

#[test]
fn one_run_of_a_session_is_active_at_a_time() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let active = Arc::new(AtomicUsize::new(0));
        let tasks = ["a", "b"].map(|name| {
            let run = accept(&reservations, name);
            let active = active.clone();
            thread::spawn(move || {
                assert_eq!(start(&run), Start::Active);
                let others = active.fetch_add(1, Ordering::SeqCst);
                assert_eq!(others, 0, "nobody else is active");
                active.fetch_sub(1, Ordering::SeqCst);
                drop(run);
            })
        });
        for task in tasks {
            task.join().unwrap();
        }
        assert!(reservations.is_empty());
    });
}

#[test]
fn a_run_is_counted_until_it_is_dropped_and_no_longer() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let (first, second) = (accept(&reservations, "a"), accept(&reservations, "b"));
        let watcher = reservations.clone();
        let task = thread::spawn(move || {
            let _either = start(&first);
            assert!(
                watcher.holds(&session(), &run_id("a")),
                "it owes its end, cancelled or not"
            );
            drop(first);
            assert!(!watcher.holds(&session(), &run_id("a")));
        });
        reservations.cancel_session(&session(), CancelReason::Requested);
        assert!(reservations.holds(&session(), &run_id("b")));
        task.join().unwrap();
        assert_eq!(reservations.len(), 1, "each counts once");
        drop(second);
        assert_eq!(reservations.len(), 0);
    });
}

#[test]
fn a_hand_over_leaves_no_idle_moment() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let second = waiting(&reservations, "second");
        let ends = thread::spawn(move || drop(first));
        assert_eq!(
            reservations.active(),
            1,
            "the session is never idle between the two"
        );
        ends.join().unwrap();
        assert_eq!(reservations.active(), 1);
        assert_eq!(block_on(second.turn()), Start::Active);
    });
}

#[test]
fn a_run_whose_forerunner_comes_to_nothing_is_woken() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let never = accept(&reservations, "never");
        let run = accept(&reservations, "run");
        let task = thread::spawn(move || start(&run));
        drop(never);
        assert_eq!(task.join().unwrap(), Start::Active);
    });
}

#[test]
fn a_run_that_is_confirmed_elsewhere_is_woken() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let run = Arc::new(accept(&reservations, "run"));
        let confirms = run.clone();
        let task = thread::spawn(move || block_on(run.turn()));
        confirms.confirm();
        assert_eq!(task.join().unwrap(), Start::Active);
    });
}

#[test]
fn a_wait_that_is_given_up_is_harmless() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let second = waiting(&reservations, "second");
        let task = thread::spawn(move || {
            poll_once(second.turn(), std::task::Waker::noop());
            block_on(second.turn())
        });
        drop(first);
        assert_eq!(task.join().unwrap(), Start::Active);
    });
}

#[test]
fn a_wait_that_moves_to_another_task_is_woken_there() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let second = waiting(&reservations, "second");
        let task = thread::spawn(move || {
            let mut turn = second.turn();
            poll_once(&mut turn, std::task::Waker::noop());
            block_on(turn)
        });
        drop(first);
        assert_eq!(task.join().unwrap(), Start::Active);
    });
}

#[test]
fn a_waker_may_use_the_reservations_when_it_is_dropped() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let second = waiting(&reservations, "second");
        let used = reservations.clone();
        let task = thread::spawn(move || {
            let mut turn = second.turn();
            let waker = OnDrop::waker(move || assert!(used.len() <= 2));
            poll_once(&mut turn, &waker);
            drop(waker);
            poll_once(&mut turn, std::task::Waker::noop());
            let decision = block_on(turn);
            drop(second);
            decision
        });
        drop(first);
        assert_eq!(task.join().unwrap(), Start::Active);
    });
}
