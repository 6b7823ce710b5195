//! Prompts that the active turn may take in.

use loom::future::block_on;
use loom::thread;
use runwright_agent::{AcceptedRun, CancelReason, Reservations, Start};
use runwright_proto::BusyPolicy;

use crate::{accept_as, active, run_id, session, start};

/// A confirmed prompt that wants to be taken in.
fn steering(reservations: &Reservations<()>) -> AcceptedRun<()> {
    let run = accept_as(reservations, "steers", BusyPolicy::Steer);
    run.confirm();
    run
}

/// Takes in all that is on offer, and returns how many that were.
fn take_in(turn: &AcceptedRun<()>) -> usize {
    let offered = turn.steering().offered();
    offered.into_iter().map(|prompt| prompt.taken()).count()
}

fn folded() -> Start {
    Start::Folded {
        into: run_id("first"),
    }
}

#[test]
fn a_steered_prompt_is_folded_or_runs_and_never_both() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let steers = accept_as(&reservations, "steers", BusyPolicy::Steer);
        let turn = thread::spawn(move || {
            let taken = take_in(&first);
            drop(first);
            taken
        });
        let decision = start(&steers);
        let expected = match turn.join().unwrap() {
            1 => folded(),
            _ => Start::Active,
        };
        assert_eq!(decision, expected);
    });
}

#[test]
fn a_prompt_that_is_given_back_is_woken() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let steers = steering(&reservations);
        let task = thread::spawn(move || block_on(steers.turn()));
        let offered = first.steering().offered();
        assert_eq!(offered.len(), 1);
        drop(first);
        assert_eq!(reservations.active(), 0, "nobody goes ahead of it");
        drop(offered);
        assert_eq!(task.join().unwrap(), Start::Active);
    });
}

#[test]
fn a_cancel_never_splits_a_prompt_that_is_being_folded() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let steers = steering(&reservations);
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || {
            canceller.cancel_run(&session(), &run_id("steers"), CancelReason::Requested);
        });
        let taken = take_in(&first);
        cancels.join().unwrap();
        let expected = match taken {
            1 => folded(),
            _ => Start::Cancelled(CancelReason::Requested),
        };
        assert_eq!(
            block_on(steers.turn()),
            expected,
            "folded and cancelled would write the prompt twice"
        );
    });
}

#[test]
fn a_turn_that_is_cancelled_takes_nothing_in() {
    loom::model(|| {
        let reservations = Reservations::new(64);
        let first = active(&reservations, "first");
        let steers = accept_as(&reservations, "steers", BusyPolicy::Steer);
        let canceller = reservations.clone();
        let cancels = thread::spawn(move || {
            canceller.cancel_run(&session(), &run_id("first"), CancelReason::Requested)
        });
        steers.confirm();
        let cancelled = first.cancel_token().is_cancelled();
        let taken = take_in(&first);
        assert!(
            !cancelled || taken == 0,
            "a cancelled turn goes on with nothing"
        );
        assert!(cancels.join().unwrap());
        drop(first);
        let expected = match taken {
            1 => folded(),
            _ => Start::Active,
        };
        assert_eq!(block_on(steers.turn()), expected);
    });
}
