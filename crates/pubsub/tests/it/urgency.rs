//! Readers that are paced, and want to be woken for urgent events only.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use runwright_pubsub::From;

use crate::common::{
    Got, Note, Wakes, drain_batches, every, latest, park, park_urgent, poll, publish, subscribe,
    topic, topic_of,
};

#[track_caller]
fn check_ready(reader: &mut runwright_pubsub::Subscription<Note>, expected: bool) {
    let ready = reader.poll_ready_urgent(&mut Context::from_waker(Waker::noop()));
    assert_eq!(ready.is_ready(), expected);
}

#[test]
fn events_that_are_not_urgent_do_not_wake_a_paced_reader() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (wakes, waker) = Wakes::new();
    park_urgent(&mut reader, &waker);
    publish(&topic, (0..100).map(|value| latest(1, value)));
    assert_eq!(wakes.count(), 0);
    park_urgent(&mut reader, &waker);
    publish(&topic, [every(100)]);
    assert_eq!(wakes.count(), 1);
    check_ready(&mut reader, true);
    assert_eq!(
        drain_batches(&mut reader),
        [Got::Event(100, 99), Got::Event(101, 100)]
    );
    check_ready(&mut reader, false);
}

#[test]
fn readiness_takes_nothing() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1)]);
    assert_eq!(
        poll(pin!(reader.ready_urgent()), Waker::noop()),
        Poll::Ready(())
    );
    assert_eq!(
        poll(pin!(reader.ready_urgent()), Waker::noop()),
        Poll::Ready(())
    );
    assert_eq!(drain_batches(&mut reader), [Got::Event(1, 1)]);
}

#[test]
fn both_kinds_of_readers_are_served_side_by_side() {
    let topic = topic();
    let (any_wakes, any_waker) = Wakes::new();
    let (urgent_wakes, urgent_waker) = Wakes::new();
    let mut any = subscribe(&topic, From::Now);
    let mut urgent = subscribe(&topic, From::Now);
    park(&mut any, &any_waker);
    park_urgent(&mut urgent, &urgent_waker);
    publish(&topic, [latest(1, 1)]);
    assert_eq!((any_wakes.count(), urgent_wakes.count()), (1, 0));
    publish(&topic, [every(2)]);
    assert_eq!((any_wakes.count(), urgent_wakes.count()), (1, 1));
}

#[test]
fn the_event_says_what_is_urgent() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1).urgent(false)]);
    check_ready(&mut reader, false);
    publish(&topic, [latest(1, 2).urgent(true)]);
    check_ready(&mut reader, true);
}

#[test]
fn an_urgent_state_counts_also_when_it_was_replaced() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [latest(1, 1).urgent(true), latest(1, 2)]);
    check_ready(&mut reader, true);
    assert_eq!(drain_batches(&mut reader), [Got::Event(2, 2)]);
    check_ready(&mut reader, false);
}

#[test]
fn a_reader_that_changes_its_mind_is_woken_for_what_it_wants_now() {
    let topic = topic();
    let (wakes, waker) = Wakes::new();
    let mut reader = subscribe(&topic, From::Now);
    park(&mut reader, &waker);
    park_urgent(&mut reader, &waker);
    publish(&topic, [latest(1, 1)]);
    assert_eq!(wakes.count(), 0);
    drain_batches(&mut reader);
    park_urgent(&mut reader, &waker);
    park(&mut reader, &waker);
    publish(&topic, [latest(1, 2)]);
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_reader_that_takes_something_is_no_longer_parked() {
    let topic = topic();
    let (wakes, waker) = Wakes::new();
    let mut reader = subscribe(&topic, From::Now);
    park_urgent(&mut reader, &waker);
    publish(&topic, [latest(1, 1)]);
    assert_eq!(drain_batches(&mut reader), [Got::Event(1, 1)]);
    publish(&topic, [every(2)]);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn a_loss_wakes_a_paced_reader() {
    let topic = topic_of(2);
    let (wakes, waker) = Wakes::new();
    let mut reader = subscribe(&topic, From::Now);
    park_urgent(&mut reader, &waker);
    publish(&topic, [latest(1, 1), latest(2, 2)]);
    assert_eq!(wakes.count(), 0);
    publish(&topic, [latest(3, 3), latest(4, 4)]);
    assert_eq!(wakes.count(), 1);
    check_ready(&mut reader, true);
    assert_eq!(
        drain_batches(&mut reader),
        [Got::Lagged(1, 2), Got::Event(3, 3), Got::Event(4, 4)]
    );
}

#[test]
fn only_the_readers_that_lost_something_are_woken_for_it() {
    let topic = topic_of(2);
    let (behind_wakes, behind_waker) = Wakes::new();
    let (ahead_wakes, ahead_waker) = Wakes::new();
    let mut behind = subscribe(&topic, From::Now);
    publish(&topic, [latest(1, 1), latest(2, 2)]);
    let mut ahead = subscribe(&topic, From::Now);
    park_urgent(&mut ahead, &ahead_waker);
    park_urgent(&mut behind, &behind_waker);
    publish(&topic, [latest(3, 3)]);
    assert_eq!((behind_wakes.count(), ahead_wakes.count()), (1, 0));
    publish(&topic, [latest(4, 4)]);
    assert_eq!((behind_wakes.count(), ahead_wakes.count()), (1, 0));
    publish(&topic, [latest(5, 5)]);
    assert_eq!((behind_wakes.count(), ahead_wakes.count()), (1, 1));
}

#[test]
fn an_urgent_event_in_the_run_that_a_reader_holds_is_urgent_still() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [latest(1, 1), every(2), latest(2, 3)]);
    reader.try_recv().unwrap();
    check_ready(&mut reader, true);
    reader.try_recv().unwrap();
    check_ready(&mut reader, false);
    reader.try_recv().unwrap();
    check_ready(&mut reader, false);
}
