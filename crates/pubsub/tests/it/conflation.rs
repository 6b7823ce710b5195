//! *Latest* events: the newest one takes the place of the older one.

use std::sync::{Arc, Weak};

use runwright_pubsub::{Delivery, Event, From, Received, Topic, TopicOptions};

use crate::common::{
    Got, check_from, drain, drain_batches, every, latest, publish, seq, subscribe, topic,
};

#[test]
fn a_slow_reader_sees_the_newest_state_under_each_key() {
    let topic = topic();
    publish(
        &topic,
        [
            latest(1, 10),
            latest(2, 20),
            latest(1, 11),
            every(30),
            latest(1, 12),
        ],
    );
    check_from(
        &topic,
        From::Start,
        &[Got::Event(2, 20), Got::Event(4, 30), Got::Event(5, 12)],
    );
}

#[test]
fn a_jump_is_no_loss() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, (1..=1000).map(|value| latest(1, value)));
    assert_eq!(drain(&mut reader), [Got::Event(1000, 1000)]);
    assert_eq!(topic.stats().lagged, 0);
}

#[test]
fn every_events_are_never_superseded() {
    let topic = topic();
    publish(&topic, [every(1), every(1), every(1)]);
    check_from(
        &topic,
        From::Start,
        &[Got::Event(1, 1), Got::Event(2, 1), Got::Event(3, 1)],
    );
}

#[test]
fn a_reader_between_two_states_sees_both() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [latest(1, 10)]);
    assert_eq!(drain_batches(&mut reader), [Got::Event(1, 10)]);
    publish(&topic, [latest(1, 11)]);
    assert_eq!(drain_batches(&mut reader), [Got::Event(2, 11)]);
}

#[test]
fn an_old_event_stays_while_a_thousand_states_pass_behind_it() {
    let topic = topic();
    publish(&topic, [every(1)]);
    publish(&topic, (0..1000).map(|value| latest(1, value)));
    publish(&topic, [every(2)]);
    check_from(
        &topic,
        From::Start,
        &[Got::Event(1, 1), Got::Event(1001, 999), Got::Event(1002, 2)],
    );
    assert_eq!(topic.oldest(), Some(seq(1)));
}

#[test]
fn a_key_that_was_evicted_starts_anew() {
    let topic = super::common::topic_of(2);
    publish(
        &topic,
        [
            latest(1, 10),
            every(20),
            every(30),
            latest(1, 11),
            latest(1, 12),
        ],
    );
    check_from(&topic, From::Start, &[Got::Event(3, 30), Got::Event(5, 12)]);
    assert_eq!((topic.stats().superseded, topic.stats().evicted), (1, 2));
}

/// A state that tells whether it is still in memory.
struct State {
    key: u8,
    _witness: Arc<()>,
}

impl Event for State {
    type Key = u8;
    type Encoding = ();

    fn delivery(&self) -> Delivery<u8> {
        Delivery::Latest(self.key)
    }

    fn weight(&self) -> usize {
        1
    }
}

fn state(key: u8) -> (State, Weak<()>) {
    let witness = Arc::new(());
    let weak = Arc::downgrade(&witness);
    (
        State {
            key,
            _witness: witness,
        },
        weak,
    )
}

#[test]
fn a_superseded_event_is_freed_at_once() {
    let topic = Topic::new(TopicOptions::default());
    // Both keep up, so that the last batch is shared; that must not keep it alive either.
    let mut readers = [(); 2].map(|()| topic.subscribe(From::Now).unwrap());
    let (old, old_witness) = state(1);
    topic.publish(old).unwrap();
    readers
        .iter_mut()
        .for_each(|reader| drop(reader.try_recv_batch()));
    assert_eq!(old_witness.strong_count(), 1);
    let (new, new_witness) = state(1);
    topic.publish(new).unwrap();
    assert_eq!(
        (old_witness.strong_count(), new_witness.strong_count()),
        (0, 1)
    );
}

#[test]
fn a_reader_keeps_what_it_was_given() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [latest(1, 10)]);
    let received = reader.try_recv().unwrap();
    publish(&topic, [latest(1, 11)]);
    assert_eq!(
        received,
        Received::Event {
            seq: seq(1),
            event: latest(1, 10).into()
        }
    );
}
