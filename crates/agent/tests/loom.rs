//! What `CancelToken` and `Reservations` promise, in every interleaving. Each model is a short story about one
//! property; `docs/concurrency.md` lists the bounds under which they were checked.
#![cfg(runwright_loom)]

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use runwright_agent::{AcceptedRun, CancelReason, CancelToken, Reservations, Start};
use runwright_proto::{BusyPolicy, RunId, SessionId};

fn session() -> SessionId {
    "session".parse().unwrap()
}

fn run_id(name: &str) -> RunId {
    name.parse().unwrap()
}

fn accept(reservations: &Reservations<()>, name: &str) -> AcceptedRun<()> {
    reservations
        .accept(&session(), run_id(name), BusyPolicy::Queue, ())
        .unwrap()
}

/// Carries a run to its decision, as the task of the run does.
fn start(run: &AcceptedRun<()>) -> Start {
    run.confirm();
    block_on(run.turn())
}

#[test]
fn a_cancel_wakes_whoever_waits_for_it() {
    loom::model(|| {
        let token = CancelToken::new();
        let waiter = token.clone();
        let waits = thread::spawn(move || block_on(waiter.cancelled()));
        token.cancel(CancelReason::Requested);
        assert_eq!(waits.join().unwrap(), CancelReason::Requested);
    });
}

#[test]
fn the_first_reason_of_a_cancel_stands() {
    loom::model(|| {
        let token = CancelToken::new();
        let other = token.clone();
        let closes = thread::spawn(move || other.cancel(CancelReason::Closing));
        let first_here = token.cancel(CancelReason::Requested);
        let first_there = closes.join().unwrap();
        assert!(first_here ^ first_there);
        let expected = if first_here {
            CancelReason::Requested
        } else {
            CancelReason::Closing
        };
        assert_eq!(token.reason(), Some(expected));
    });
}

#[test]
fn a_cancel_between_accept_and_start_is_not_lost() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let run = accept(&reservations, "a");
        let token = run.cancel_token().clone();
        let task = thread::spawn(move || start(&run));
        let hit = reservations.cancel_session(&session(), CancelReason::Requested);
        match task.join().unwrap() {
            Start::Cancelled(reason) => assert_eq!(reason, CancelReason::Requested),
            Start::Active => assert!(
                hit.is_empty() || token.is_cancelled(),
                "an active run hears of its cancel"
            ),
            Start::Folded { .. } => unreachable!("nothing folds here"),
        }
        assert_eq!(hit.len(), usize::from(token.is_cancelled()));
    });
}

#[test]
fn a_cancel_never_covers_a_run_that_is_accepted_after_it() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let early = accept(&reservations, "early");
        let canceller = reservations.clone();
        let cancels =
            thread::spawn(move || canceller.cancel_session(&session(), CancelReason::Requested));
        drop(early);
        cancels.join().unwrap();
        let late = accept(&reservations, "late");
        assert_eq!(start(&late), Start::Active);
        assert!(!late.cancel_token().is_cancelled());
    });
}

#[test]
fn a_run_accepted_during_a_cancel_is_wholly_covered_or_not_at_all() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let canceller = reservations.clone();
        let cancels =
            thread::spawn(move || canceller.cancel_session(&session(), CancelReason::Requested));
        let run = accept(&reservations, "a");
        let hit = cancels.join().unwrap();
        let started = start(&run);
        let covered = hit == [run_id("a")];
        assert_eq!(covered, run.cancel_token().is_cancelled());
        assert_eq!(
            covered,
            started == Start::Cancelled(CancelReason::Requested)
        );
    });
}

#[test]
fn a_workspace_cancel_is_sticky() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let closer = reservations.clone();
        let closes = thread::spawn(move || closer.cancel_all(CancelReason::Closing));
        let run = accept(&reservations, "a");
        let started = start(&run);
        closes.join().unwrap();
        assert!(
            run.cancel_token().is_cancelled(),
            "before or after, the cancel reaches it"
        );
        assert!(matches!(
            started,
            Start::Active | Start::Cancelled(CancelReason::Closing)
        ));
        let later = accept(&reservations, "b");
        assert!(later.cancel_token().is_cancelled(), "born cancelled");
        assert_eq!(start(&later), Start::Cancelled(CancelReason::Closing));
    });
}

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
                assert_eq!(
                    active.fetch_add(1, Ordering::SeqCst),
                    0,
                    "nobody else is active"
                );
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
fn a_hand_over_leaves_no_idle_moment() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = accept(&reservations, "first");
        assert_eq!(start(&first), Start::Active);
        let second = accept(&reservations, "second");
        second.confirm();
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
fn a_cancelled_forerunner_lets_the_next_go_on() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let cancelled = accept(&reservations, "cancelled");
        let run = accept(&reservations, "run");
        let task = thread::spawn(move || start(&run));
        assert!(reservations.cancel_run(&session(), &run_id("cancelled"), CancelReason::Requested));
        assert_eq!(task.join().unwrap(), Start::Active);
        assert_eq!(start(&cancelled), Start::Cancelled(CancelReason::Requested));
    });
}

#[test]
fn an_interrupt_stops_the_active_run_and_goes_next() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = accept(&reservations, "first");
        assert_eq!(start(&first), Start::Active);
        let waiting = accept(&reservations, "waiting");
        waiting.confirm();
        let interrupter = reservations.clone();
        let interrupts = thread::spawn(move || {
            let run = interrupter
                .accept(&session(), run_id("interrupt"), BusyPolicy::Interrupt, ())
                .unwrap();
            assert_eq!(start(&run), Start::Active);
        });
        assert_eq!(
            block_on(first.cancel_token().cancelled()),
            CancelReason::Superseded
        );
        drop(first);
        interrupts.join().unwrap();
        assert_eq!(block_on(waiting.turn()), Start::Active);
    });
}

#[test]
fn a_steered_prompt_is_folded_or_runs_and_never_both() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = accept(&reservations, "first");
        assert_eq!(start(&first), Start::Active);
        let steers = reservations
            .accept(&session(), run_id("steers"), BusyPolicy::Steer, ())
            .unwrap();
        steers.confirm();
        let turn = thread::spawn(move || {
            let taken = first
                .steering()
                .offered()
                .into_iter()
                .map(|prompt| prompt.taken())
                .count();
            drop(first);
            taken
        });
        let decision = block_on(steers.turn());
        let expected = match turn.join().unwrap() {
            1 => Start::Folded {
                into: run_id("first"),
            },
            _ => Start::Active,
        };
        assert_eq!(decision, expected);
    });
}

#[test]
fn a_cancel_never_splits_a_prompt_that_is_being_folded() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = accept(&reservations, "first");
        assert_eq!(start(&first), Start::Active);
        let steers = reservations
            .accept(&session(), run_id("steers"), BusyPolicy::Steer, ())
            .unwrap();
        steers.confirm();
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || {
            canceller.cancel_run(&session(), &run_id("steers"), CancelReason::Requested);
        });
        let taken = first
            .steering()
            .offered()
            .into_iter()
            .map(|prompt| prompt.taken())
            .count();
        cancels.join().unwrap();
        let expected = match taken {
            1 => Start::Folded {
                into: run_id("first"),
            },
            _ => Start::Cancelled(CancelReason::Requested),
        };
        assert_eq!(
            block_on(steers.turn()),
            expected,
            "folded and cancelled would write the prompt twice"
        );
    });
}
