//! The request to stop one run.

use loom::future::block_on;
use loom::thread;
use runwright_agent::{CancelReason, CancelToken};

use crate::{OnDrop, poll_once};

#[test]
fn a_cancel_wakes_whoever_waits_for_it() {
    loom::model(|| {
        let token = CancelToken::new();
        let waiter = token.clone();
        let waits = thread::spawn(move || {
            let reason = block_on(waiter.cancelled());
            assert_eq!(waiter.reason(), Some(reason), "the request stays");
            reason
        });
        token.cancel(CancelReason::Requested);
        assert_eq!(waits.join().unwrap(), CancelReason::Requested);
    });
}

#[test]
fn a_cancel_wakes_all_who_wait_for_it() {
    loom::model(|| {
        let token = CancelToken::new();
        let waiters = [token.clone(), token.clone()]
            .map(|token| thread::spawn(move || block_on(token.cancelled())));
        token.cancel(CancelReason::Requested);
        for waits in waiters {
            assert_eq!(waits.join().unwrap(), CancelReason::Requested);
        }
    });
}

#[test]
fn a_wait_that_is_given_up_leaves_the_other_waiting() {
    loom::model(|| {
        let token = CancelToken::new();
        let (patient, impatient) = (token.clone(), token.clone());
        let waits = thread::spawn(move || block_on(patient.cancelled()));
        let gives_up = thread::spawn(move || {
            poll_once(impatient.cancelled(), std::task::Waker::noop());
        });
        token.cancel(CancelReason::Requested);
        gives_up.join().unwrap();
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
fn a_waker_may_use_the_token_when_it_is_dropped() {
    loom::model(|| {
        let token = CancelToken::new();
        let (waiter, used) = (token.clone(), token.clone());
        let waits = thread::spawn(move || {
            let mut wait = waiter.cancelled();
            let waker =
                OnDrop::waker(move || assert!(used.reason() != Some(CancelReason::Closing)));
            poll_once(&mut wait, &waker);
            drop(waker);
            poll_once(&mut wait, std::task::Waker::noop());
            block_on(wait)
        });
        token.cancel(CancelReason::Requested);
        assert_eq!(waits.join().unwrap(), CancelReason::Requested);
    });
}
