//! Who gets what, and who is woken for it.

use std::{pin::pin, task::Context};

use futures_util::{FutureExt, StreamExt};
use runwright_pubsub::{From, Received, TopicStats};

use crate::common::{
    Got, Wakes, assert_empty, drain, drain_batches, every, latest, park, poll, publish, seq,
    subscribe, topic,
};

#[test]
fn a_reader_that_keeps_up_sees_each_event_once_and_in_order() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    for (number, note) in [(1, latest(7, 10)), (2, latest(7, 20)), (3, every(30))] {
        topic.publish(note.clone()).unwrap();
        assert_eq!(
            reader.try_recv(),
            Ok(Received::Event {
                seq: seq(number),
                event: note.into()
            })
        );
        assert_empty(&mut reader);
    }
}

#[test]
fn readers_do_not_take_from_each_other() {
    let topic = topic();
    let mut single = subscribe(&topic, From::Now);
    let mut batched = subscribe(&topic, From::Now);
    publish(&topic, [every(10), every(20)]);
    let both = [Got::Event(1, 10), Got::Event(2, 20)];
    assert_eq!(drain(&mut single), both);
    assert_eq!(drain_batches(&mut batched), both);
}

#[test]
fn an_event_published_before_the_subscription_is_not_seen_from_now() {
    let topic = topic();
    publish(&topic, [every(10)]);
    let mut reader = subscribe(&topic, From::Now);
    assert_empty(&mut reader);
    publish(&topic, [every(20)]);
    assert_eq!(drain(&mut reader), [Got::Event(2, 20)]);
}

#[test]
fn a_parked_reader_is_woken_once_however_much_is_published() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (wakes, waker) = Wakes::new();
    park(&mut reader, &waker);
    publish(&topic, (0..10).map(every));
    assert_eq!(wakes.count(), 1);
    assert_eq!(drain(&mut reader).len(), 10);
    park(&mut reader, &waker);
    publish(&topic, [every(10)]);
    assert_eq!(wakes.count(), 2);
}

#[test]
fn a_reader_that_is_not_parked_is_not_woken() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (wakes, waker) = Wakes::new();
    publish(&topic, [every(10)]);
    assert!(
        reader
            .poll_recv(&mut Context::from_waker(&waker))
            .is_ready()
    );
    publish(&topic, [every(20)]);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn the_waker_of_the_last_poll_counts() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (old, old_waker) = Wakes::new();
    let (new, new_waker) = Wakes::new();
    park(&mut reader, &old_waker);
    park(&mut reader, &new_waker);
    publish(&topic, [every(10)]);
    assert_eq!((old.count(), new.count()), (0, 1));
}

#[test]
fn a_cancelled_receive_loses_nothing_and_leaves_no_waker() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (wakes, waker) = Wakes::new();
    assert!(poll(pin!(reader.recv()), &waker).is_pending());
    assert!(poll(pin!(reader.recv_batch()), &waker).is_pending());
    assert!(poll(pin!(reader.ready_urgent()), &waker).is_pending());
    publish(&topic, [every(10)]);
    assert_eq!(wakes.count(), 0);
    assert_eq!(drain(&mut reader), [Got::Event(1, 10)]);
}

#[test]
fn readers_that_leave_do_not_take_the_wakers_of_others_along() {
    let topic = topic();
    let mut readers = [(); 6].map(|()| subscribe(&topic, From::Now)).map(Some);
    let wakers = [(); 6].map(|()| Wakes::new());
    for (reader, (_, waker)) in readers.iter_mut().flatten().zip(&wakers) {
        park(reader, waker);
    }
    // The last ones move into the places of those that leave, and leave in turn.
    for place in [1, 5, 0, 4] {
        readers[place] = None;
    }
    publish(&topic, [every(10)]);
    assert_eq!(wakers.map(|(wakes, _)| wakes.count()), [0, 0, 1, 1, 0, 0]);
    assert_eq!(topic.stats().subscribers, 2);
}

#[test]
fn a_place_left_by_one_reader_serves_the_next() {
    let topic = topic();
    let (wakes, waker) = Wakes::new();
    let mut old = subscribe(&topic, From::Now);
    park(&mut old, &waker);
    drop(old);
    let mut new = subscribe(&topic, From::Now);
    publish(&topic, [every(10)]);
    assert_eq!(wakes.count(), 0);
    assert_eq!(drain(&mut new), [Got::Event(1, 10)]);
}

#[test]
fn a_waiting_receive_gets_what_is_published() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (wakes, waker) = Wakes::new();
    let mut receive = pin!(reader.recv());
    assert!(poll(receive.as_mut(), &waker).is_pending());
    publish(&topic, [every(10)]);
    assert_eq!(wakes.count(), 1);
    let received = receive.now_or_never().flatten().unwrap();
    assert_eq!(Got::of(&received), Got::Event(1, 10));
}

#[test]
fn a_subscription_is_a_stream_of_single_events() {
    let topic = topic();
    let reader = subscribe(&topic, From::Now);
    publish(&topic, [every(10), latest(1, 20)]);
    topic.shutdown();
    let got: Vec<_> = reader
        .map(|received| Got::of(&received))
        .collect()
        .now_or_never()
        .unwrap();
    assert_eq!(got, [Got::Event(1, 10), Got::Event(2, 20)]);
}

#[test]
fn batches_and_single_events_of_one_reader_make_one_story() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, (1..=5).map(every));
    assert_eq!(
        reader.try_recv().map(|received| Got::of(&received)),
        Ok(Got::Event(1, 1))
    );
    assert_eq!(reader.cursor(), seq(1));
    publish(&topic, [every(6)]);
    let expected: Vec<_> = (2..=6)
        .map(|number| Got::Event(u64::from(number), number))
        .collect();
    assert_eq!(drain_batches(&mut reader), expected);
    assert_eq!(reader.cursor(), seq(6));
}

#[test]
fn the_figures_follow_what_happens() {
    let topic = super::common::topic_of(2);
    let mut reader = subscribe(&topic, From::Now);
    publish(
        &topic,
        [
            latest(1, 1).weighing(5),
            latest(1, 2).weighing(7),
            every(3),
            every(4),
            every(5),
        ],
    );
    drain(&mut reader);
    let expected = TopicStats {
        published: 5,
        superseded: 1,
        evicted: 2,
        lagged: 1,
        subscribers: 1,
        retained_events: 2,
        retained_bytes: 2,
    };
    assert_eq!(topic.stats(), expected);
    assert_eq!((topic.oldest(), topic.head()), (Some(seq(4)), seq(5)));
}

#[test]
fn handles_and_subscriptions_go_where_tasks_go() {
    fn check<T: Send + Sync>(_: &T) {}
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    check(&topic);
    check(&reader);
    fn check_send<T: Send>(_: &T) {}
    check_send(&reader.recv());
    check_send(&reader.recv_batch());
    check_send(&reader.ready_urgent());
    check_send(
        &topic
            .publish_must_deliver(every(1), std::future::pending())
            .unwrap(),
    );
}
