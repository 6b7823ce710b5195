//! What is kept, and what a reader is told about the rest.

use runwright_pubsub::{From, Topic, TopicOptions};

use crate::common::{
    Got, check_from, drain, drain_batches, every, latest, publish, seq, subscribe, topic_of,
};

#[test]
fn a_reader_past_retention_is_told_once_and_goes_on() {
    let topic = topic_of(3);
    let mut single = subscribe(&topic, From::Now);
    let mut batched = subscribe(&topic, From::Now);
    publish(&topic, (1..=5).map(every));
    let expected = [
        Got::Lagged(1, 2),
        Got::Event(3, 3),
        Got::Event(4, 4),
        Got::Event(5, 5),
    ];
    assert_eq!(drain(&mut single), expected);
    assert_eq!(drain_batches(&mut batched), expected);
    publish(&topic, [every(6)]);
    assert_eq!(drain(&mut single), [Got::Event(6, 6)]);
    assert_eq!(drain_batches(&mut batched), [Got::Event(6, 6)]);
}

#[test]
fn each_loss_is_told() {
    let topic = topic_of(1);
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1), every(2)]);
    assert_eq!(drain(&mut reader), [Got::Lagged(1, 1), Got::Event(2, 2)]);
    publish(&topic, [every(3), every(4)]);
    assert_eq!(drain(&mut reader), [Got::Lagged(3, 3), Got::Event(4, 4)]);
    assert_eq!(topic.stats().lagged, 2);
}

#[test]
fn a_loss_between_two_receives_is_told_where_it_is() {
    let topic = topic_of(2);
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1)]);
    assert_eq!(drain(&mut reader), [Got::Event(1, 1)]);
    publish(&topic, (2..=6).map(every));
    assert_eq!(
        drain(&mut reader),
        [Got::Lagged(2, 4), Got::Event(5, 5), Got::Event(6, 6)]
    );
}

#[test]
fn the_run_a_reader_of_single_events_holds_is_not_lost_to_it() {
    let topic = topic_of(4);
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, (1..=4).map(every));
    assert_eq!(
        reader.try_recv().map(|received| Got::of(&received)),
        Ok(Got::Event(1, 1))
    );
    publish(&topic, (5..=9).map(every));
    let rest = drain(&mut reader);
    let expected = [2, 3, 4].map(|number| Got::Event(u64::from(number), number));
    assert_eq!(rest[..3], expected);
    assert_eq!(
        rest[3..],
        [
            Got::Lagged(5, 5),
            Got::Event(6, 6),
            Got::Event(7, 7),
            Got::Event(8, 8),
            Got::Event(9, 9)
        ]
    );
}

#[test]
fn bytes_bound_what_is_kept() {
    let topic = Topic::new(TopicOptions {
        max_bytes: 10,
        ..TopicOptions::default()
    });
    publish(
        &topic,
        [
            every(1).weighing(4),
            every(2).weighing(4),
            every(3).weighing(4),
        ],
    );
    assert_eq!(
        (topic.stats().retained_events, topic.stats().retained_bytes),
        (2, 8)
    );
    check_from(
        &topic,
        From::After(seq(0)),
        &[Got::Lagged(1, 1), Got::Event(2, 2), Got::Event(3, 3)],
    );
}

#[test]
fn the_newest_event_is_kept_whatever_it_weighs() {
    let topic = Topic::new(TopicOptions {
        max_bytes: 10,
        max_events: 0,
        ..TopicOptions::default()
    });
    publish(&topic, [every(1), every(2).weighing(1000)]);
    assert_eq!(
        (topic.stats().retained_events, topic.stats().retained_bytes),
        (1, 1000)
    );
    publish(&topic, [every(3)]);
    assert_eq!(
        (topic.stats().retained_events, topic.stats().retained_bytes),
        (1, 1)
    );
}

#[test]
fn a_weight_beyond_four_gibibytes_counts_as_that() {
    let topic = topic_of(8);
    publish(
        &topic,
        [every(1).weighing(usize::MAX), every(2).weighing(usize::MAX)],
    );
    assert_eq!(topic.stats().retained_bytes, u32::MAX as usize);
}

#[test]
fn superseded_events_take_no_room() {
    let topic = topic_of(2);
    publish(&topic, [every(1)]);
    publish(&topic, (0..100).map(|value| latest(1, value)));
    check_from(
        &topic,
        From::Start,
        &[Got::Event(1, 1), Got::Event(101, 99)],
    );
    assert_eq!(topic.stats().evicted, 0);
}

#[test]
fn superseded_events_are_no_loss_to_a_reader_behind_them() {
    let topic = topic_of(2);
    publish(&topic, [latest(1, 10), latest(1, 11), every(20), every(30)]);
    // Of the four numbers the first was superseded and the second evicted.
    check_from(
        &topic,
        From::After(seq(1)),
        &[Got::Lagged(2, 2), Got::Event(3, 20), Got::Event(4, 30)],
    );
    check_from(
        &topic,
        From::After(seq(2)),
        &[Got::Event(3, 20), Got::Event(4, 30)],
    );
}

#[test]
fn a_batch_is_bounded_but_never_empty() {
    let topic = Topic::new(TopicOptions {
        max_batch_bytes: 10,
        ..TopicOptions::default()
    });
    publish(
        &topic,
        [4, 4, 4, 25, 10, 1].map(|weight| every(0).weighing(weight)),
    );
    let mut reader = subscribe(&topic, From::Start);
    let lengths =
        std::iter::from_fn(|| reader.try_recv_batch().ok()).map(|received| match received {
            runwright_pubsub::ReceivedBatch::Batch(batch) => (batch.len(), batch.weight()),
            lagged @ runwright_pubsub::ReceivedBatch::Lagged(_) => panic!("{lagged:?}"),
        });
    let lengths: Vec<_> = lengths.collect();
    assert_eq!(lengths, [(2, 8), (1, 4), (1, 25), (1, 10), (1, 1)]);
}
