//! Promises about the record of a request and about the names under which it is known.

use std::sync::Arc;

use runwright_proto::{AgentEvent, Change, Event, Receipt, Run, RunState};

use super::Fresh;
use crate::call::AgentCall;
use crate::clock::Clock;
use crate::events::{EventSink, Pace, Publication, RunEnd};
use crate::journal::{Acceptance, Earlier, NewRun};
use crate::testing::calls::{prompt, run_id, session_id};
use crate::testing::together::together;

pub(super) async fn a_run_is_recorded_with_its_receipt(fresh: Fresh) {
    fresh.sink.publish(anything());
    let call = prompt("s", "first", "hello");
    assert_eq!(fresh.run(call.run_id()).await, None, "not recorded yet");
    assert_eq!(fresh.journal.find(&call).await.expect("find"), None);
    let first = fresh.record(&call, 0).await;
    let second = fresh.record(&prompt("s", "second", "and then?"), 1).await;

    let receipt = |run: &str, state, position| Receipt {
        run_id: run_id(run),
        session_id: session_id("s"),
        state,
        position,
        seq: fresh.sink.head(),
    };
    assert_eq!(first, receipt("first", RunState::Running, 0));
    assert_eq!(second, receipt("second", RunState::Queued, 1));
    let record = |run: &str, position| Run {
        position: Some(position),
        ..Run::new(
            run_id(run),
            session_id("s"),
            RunState::Queued,
            fresh.clock.now().millis(),
        )
    };
    assert_eq!(fresh.recorded("first").await, record("first", 0));
    assert_eq!(fresh.recorded("second").await, record("second", 1));
    assert_eq!(
        fresh.sink.since(first.seq),
        [],
        "to be accepted is not an event"
    );
}

pub(super) async fn a_request_is_known_by_its_run_id(fresh: Fresh) {
    let call = prompt("s", "run", "hello");
    let receipt = fresh.record(&call, 2).await;
    fresh.clock.advance(1_000);
    fresh.sink.publish(anything());
    check_known(&fresh, &call, &Earlier::Same(receipt)).await;
    let different = Earlier::Different(run_id("run"));
    check_known(&fresh, &prompt("s", "run", "goodbye"), &different).await;
    check_known(&fresh, &prompt("other", "run", "hello"), &different).await;
}

pub(super) async fn a_request_is_known_by_its_idempotency_key(fresh: Fresh) {
    let keyed = |session, run, text| prompt(session, run, text).with_idempotency_key("key");
    let receipt = fresh.record(&keyed("s", "first", "hello"), 0).await;
    check_known(
        &fresh,
        &keyed("s", "repeated", "hello"),
        &Earlier::Same(receipt),
    )
    .await;
    let different = Earlier::Different(run_id("first"));
    check_known(&fresh, &keyed("s", "repeated", "goodbye"), &different).await;
    check_known(&fresh, &keyed("other", "repeated", "hello"), &different).await;
    assert_eq!(
        fresh.run(&run_id("repeated")).await,
        None,
        "a known request is not recorded"
    );
    let other_key = prompt("s", "second", "hello").with_idempotency_key("other key");
    fresh.record(&other_key, 1).await;
    fresh.record(&prompt("s", "third", "hello"), 2).await;
}

pub(super) async fn a_request_stays_known_when_its_run_is_over(fresh: Fresh) {
    let call = prompt("s", "run", "hello").with_idempotency_key("key");
    let receipt = fresh.record(&call, 0).await;
    let end = RunEnd::new(RunState::Completed);
    assert!(
        fresh
            .journal
            .finish(call.run_id(), end)
            .await
            .expect("finish")
    );
    check_known(&fresh, &call, &Earlier::Same(receipt.clone())).await;
    let by_key = prompt("s", "repeated", "hello").with_idempotency_key("key");
    check_known(&fresh, &by_key, &Earlier::Same(receipt)).await;
}

pub(super) async fn of_two_names_the_run_id_counts(fresh: Fresh) {
    let by_run = fresh.record(&prompt("s", "run", "hello"), 0).await;
    let other = prompt("s", "other", "goodbye").with_idempotency_key("key");
    fresh.record(&other, 1).await;
    let both = prompt("s", "run", "hello").with_idempotency_key("key");
    check_known(&fresh, &both, &Earlier::Same(by_run)).await;
}

pub(super) async fn of_many_requests_of_one_name_one_is_recorded(fresh: Fresh) {
    for named in [
        |_: usize| prompt("s", "run", "hello"),
        |n: usize| prompt("t", &format!("run-{n}"), "hello").with_idempotency_key("key"),
    ] {
        let requests = (0..8).map(|n| {
            fresh.journal.accept(NewRun {
                call: Arc::new(named(n)),
                position: n,
            })
        });
        let answers: Vec<Acceptance> = together(requests)
            .await
            .into_iter()
            .map(|answer| answer.expect("accept"))
            .collect();
        let accepted: Vec<&Receipt> = answers.iter().filter_map(receipt_of_accepted).collect();
        let [receipt] = accepted[..] else {
            panic!("one of the requests is recorded, not {answers:?}");
        };
        let known = Acceptance::Known(Earlier::Same(receipt.clone()));
        assert_eq!(
            answers.iter().filter(|answer| **answer == known).count(),
            7,
            "the others get its receipt: {answers:?}"
        );
    }
}

/// Both ways to ask find the earlier request, and neither records anything.
async fn check_known(fresh: &Fresh, call: &AgentCall, earlier: &Earlier) {
    let before = fresh.run(call.run_id()).await;
    let found = fresh.journal.find(call).await.expect("find");
    assert_eq!(found.as_ref(), Some(earlier), "find: {call:?}");
    let accepted = fresh.accept(call, 5).await;
    assert_eq!(
        accepted,
        Acceptance::Known(earlier.clone()),
        "accept: {call:?}"
    );
    assert_eq!(
        fresh.run(call.run_id()).await,
        before,
        "a known request changes nothing: {call:?}"
    );
}

fn receipt_of_accepted(answer: &Acceptance) -> Option<&Receipt> {
    match answer {
        Acceptance::Accepted(receipt) => Some(receipt),
        Acceptance::Known(_) => None,
    }
}

/// An event that has nothing to do with the run.
fn anything() -> Publication {
    let finished = AgentEvent::finished(session_id("other"), "title");
    Publication {
        event: Event::AgentEvent(Change::created(finished)),
        run: None,
        pace: Pace::Now,
    }
}
