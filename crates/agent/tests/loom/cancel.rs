//! Which runs a cancel covers, wherever they are at that moment.

use loom::future::block_on;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use runwright_agent::{CancelReason, Reservations, Start};

use crate::{accept, active, run_id, session, start, waiting};

const REQUESTED: CancelReason = CancelReason::Requested;

#[test]
fn a_cancel_between_accept_and_start_is_not_lost() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let run = accept(&reservations, "a");
        let token = run.cancel_token().clone();
        let task = thread::spawn(move || {
            let started = start(&run);
            if started == Start::Active {
                // Only a cancel ends it: that it hears of it is what ends this model.
                assert_eq!(block_on(run.cancel_token().cancelled()), REQUESTED);
            }
            started
        });
        let hit = reservations.cancel_session(&session(), REQUESTED);
        assert_eq!(hit, [run_id("a")], "it was accepted before the cancel");
        let started = task.join().unwrap();
        assert!(matches!(
            started,
            Start::Active | Start::Cancelled(REQUESTED)
        ));
        assert_eq!(token.reason(), Some(REQUESTED));
    });
}

#[test]
fn a_cancel_never_covers_a_run_that_is_accepted_after_it() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let early = accept(&reservations, "early");
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || canceller.cancel_session(&session(), REQUESTED));
        drop(early);
        cancels.join().unwrap();
        let late = accept(&reservations, "late");
        assert_eq!(start(&late), Start::Active);
        assert!(!late.cancel_token().is_cancelled());
    });
}

#[test]
fn a_run_behind_a_cancelled_one_starts() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let early = accept(&reservations, "early");
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || {
            canceller.cancel_session(&session(), REQUESTED);
            let late = accept(&canceller, "late");
            assert_eq!(start(&late), Start::Active);
            assert!(!late.cancel_token().is_cancelled());
        });
        let started = start(&early);
        assert!(matches!(
            started,
            Start::Active | Start::Cancelled(REQUESTED)
        ));
        drop(early);
        cancels.join().unwrap();
    });
}

#[test]
fn a_run_accepted_during_a_cancel_is_wholly_covered_or_not_at_all() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || canceller.cancel_session(&session(), REQUESTED));
        let run = accept(&reservations, "a");
        let hit = cancels.join().unwrap();
        let started = start(&run);
        let covered = hit == [run_id("a")];
        assert_eq!(covered, run.cancel_token().is_cancelled());
        assert_eq!(covered, started == Start::Cancelled(REQUESTED));
    });
}

#[test]
fn an_idle_cancel_remembers_nothing() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || {
            assert!(canceller.cancel_session(&session(), REQUESTED).is_empty());
            canceller.cancel_present(CancelReason::Abandoned);
        });
        assert!(
            reservations
                .cancel_waiting(&session(), REQUESTED)
                .is_empty()
        );
        assert!(!reservations.cancel_run(&session(), &run_id("a"), REQUESTED));
        cancels.join().unwrap();
        let run = accept(&reservations, "a");
        assert_eq!(start(&run), Start::Active);
        assert!(!run.cancel_token().is_cancelled());
    });
}

#[test]
fn a_cancel_wakes_all_that_wait() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let tasks = ["a", "b"].map(|name| {
            let run = accept(&reservations, name);
            thread::spawn(move || start(&run))
        });
        let hit = reservations.cancel_session(&session(), REQUESTED);
        assert_eq!(hit, ["first", "a", "b"].map(run_id));
        for task in tasks {
            assert_eq!(task.join().unwrap(), Start::Cancelled(REQUESTED));
        }
        drop(first);
    });
}

#[test]
fn a_cancel_in_the_gap_of_a_hand_over_is_not_lost() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let second = waiting(&reservations, "second");
        let ends = thread::spawn(move || drop(first));
        let hit = reservations.cancel_session(&session(), REQUESTED);
        assert!(hit.contains(&run_id("second")), "it was accepted before");
        assert_eq!(second.cancel_token().reason(), Some(REQUESTED));
        let started = block_on(second.turn());
        assert!(matches!(
            started,
            Start::Active | Start::Cancelled(REQUESTED)
        ));
        ends.join().unwrap();
        let third = accept(&reservations, "third");
        drop(second);
        assert_eq!(start(&third), Start::Active);
    });
}

#[test]
fn a_cancel_of_those_that_wait_spares_the_active_run() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let run = accept(&reservations, "a");
        let token = run.cancel_token().clone();
        let task = thread::spawn(move || start(&run));
        let hit = reservations.cancel_waiting(&session(), REQUESTED);
        match task.join().unwrap() {
            Start::Active => assert_eq!((hit, token.reason()), (vec![], None)),
            started => {
                assert_eq!(started, Start::Cancelled(REQUESTED));
                assert_eq!((hit, token.reason()), (vec![run_id("a")], Some(REQUESTED)));
            }
        }
    });
}

#[test]
fn a_run_that_is_taken_out_of_the_queue_never_starts() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let second = waiting(&reservations, "second");
        let ends = thread::spawn(move || drop(first));
        let out = reservations.cancel_if_waiting(&session(), &run_id("second"), REQUESTED);
        let expected = if out {
            Start::Cancelled(REQUESTED)
        } else {
            Start::Active
        };
        assert_eq!(block_on(second.turn()), expected);
        assert_eq!(second.cancel_token().is_cancelled(), out);
        ends.join().unwrap();
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
fn a_cancelled_forerunner_lets_the_next_go_on() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let cancelled = accept(&reservations, "cancelled");
        let run = accept(&reservations, "run");
        let task = thread::spawn(move || start(&run));
        assert!(reservations.cancel_run(&session(), &run_id("cancelled"), REQUESTED));
        assert_eq!(task.join().unwrap(), Start::Active);
        assert_eq!(start(&cancelled), Start::Cancelled(REQUESTED));
    });
}

#[test]
fn whoever_cancels_finds_what_is_covered_until_it_is_over() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let active = active(&reservations, "active");
        let queued = waiting(&reservations, "queued");
        let over = Arc::new(AtomicBool::new(false));
        let is_over = over.clone();
        let task = thread::spawn(move || {
            // Its forerunner goes on, so that only a cancel decides it.
            assert_eq!(block_on(queued.turn()), Start::Cancelled(REQUESTED));
            // The end of a run is on disk before its reservation goes.
            is_over.store(true, Ordering::Relaxed);
            drop(queued);
        });
        let canceller = reservations.clone();
        let other = thread::spawn(move || canceller.cancel_session(&session(), REQUESTED));
        reservations.cancel_session(&session(), REQUESTED);
        let stopping = reservations.cancelled(&session());
        if !stopping.contains(&run_id("queued")) {
            assert!(over.load(Ordering::Relaxed), "neither stopping nor over");
        }
        assert!(stopping.contains(&run_id("active")), "{stopping:?}");
        task.join().unwrap();
        other.join().unwrap();
        assert_eq!(reservations.cancelled(&session()), [run_id("active")]);
        drop(active);
        assert_eq!(reservations.cancelled(&session()), []);
    });
}
