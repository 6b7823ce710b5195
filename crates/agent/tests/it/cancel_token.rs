//! The request to stop, as the run sees it.

use runwright_agent::{CancelReason, CancelToken};

use crate::polling::{Woken, poll, poll_now};

#[test]
fn a_request_is_a_level_that_late_lookers_find() {
    let token = CancelToken::new();
    assert_eq!((token.is_cancelled(), token.reason()), (false, None));
    assert!(token.cancel(CancelReason::Abandoned));
    let clone = token.clone();
    assert_eq!(
        (clone.is_cancelled(), clone.reason()),
        (true, Some(CancelReason::Abandoned))
    );
    assert_eq!(poll_now(clone.cancelled()), Some(CancelReason::Abandoned));
    assert_eq!(
        poll_now(clone.cancelled()),
        Some(CancelReason::Abandoned),
        "again"
    );
}

#[test]
fn everybody_who_waits_is_woken_once_by_the_first_request() {
    let token = CancelToken::new();
    let wakers = [Woken::new(), Woken::new()];
    let mut waits = [token.cancelled(), token.clone().cancelled()];
    for (wait, woken) in waits.iter_mut().zip(&wakers) {
        assert_eq!(poll(wait, woken), None);
    }
    assert!(token.cancel(CancelReason::Requested));
    assert!(!token.cancel(CancelReason::Closing));
    assert_eq!(wakers.each_ref().map(|woken| woken.count()), [1, 1]);
    for (wait, woken) in waits.iter_mut().zip(&wakers) {
        assert_eq!(poll(wait, woken), Some(CancelReason::Requested));
    }
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let token = CancelToken::new();
    let (old, new) = (Woken::new(), Woken::new());
    let mut wait = token.cancelled();
    assert_eq!(poll(&mut wait, &old), None);
    assert_eq!(poll(&mut wait, &new), None);
    token.cancel(CancelReason::Requested);
    assert_eq!((old.count(), new.count()), (0, 1));
}

#[test]
fn a_wait_that_is_dropped_is_not_woken_and_disturbs_nobody() {
    let token = CancelToken::new();
    let (gone, stays) = (Woken::new(), Woken::new());
    let mut impatient = token.cancelled();
    let mut patient = token.cancelled();
    assert_eq!(poll(&mut impatient, &gone), None);
    assert_eq!(poll(&mut patient, &stays), None);
    drop(impatient);
    token.cancel(CancelReason::Requested);
    assert_eq!((gone.count(), stays.count()), (0, 1));
}

#[test]
fn each_reason_has_its_words() {
    let words = [
        CancelReason::Requested,
        CancelReason::Superseded,
        CancelReason::Abandoned,
        CancelReason::Closing,
    ]
    .map(|reason| reason.to_string());
    assert_eq!(
        words,
        [
            "cancelled on request",
            "superseded by a newer prompt",
            "cancelled because the last client left",
            "the workspace is closing",
        ]
    );
}
