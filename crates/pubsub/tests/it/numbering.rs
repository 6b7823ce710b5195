//! Numbers: they rise, they may jump, they are never used twice.

use runwright_pubsub::{Closed, From, PublishAtError, Seq, Topic, TopicOptions};

use crate::common::{Got, check_from, every, latest, publish, seq, topic, topic_of};

#[test]
fn numbers_count_from_one() {
    let topic = topic();
    assert_eq!(topic.head(), Seq::ZERO);
    assert_eq!(
        [topic.publish(every(1)), topic.publish(every(2))],
        [Ok(seq(1)), Ok(seq(2))]
    );
    assert_eq!((topic.oldest(), topic.head()), (Some(seq(1)), seq(2)));
}

#[test]
fn a_first_number_of_zero_counts_as_one() {
    let topic = Topic::new(TopicOptions {
        first_seq: Seq::ZERO,
        ..TopicOptions::default()
    });
    assert_eq!(topic.publish(every(1)), Ok(seq(1)));
}

#[test]
fn chosen_numbers_may_jump_and_own_numbers_follow_them() {
    let topic = topic();
    topic.publish_at(seq(10), every(1)).unwrap();
    topic.publish_at(seq(500), latest(1, 2)).unwrap();
    assert_eq!(topic.publish(latest(1, 3)), Ok(seq(501)));
    check_from(
        &topic,
        From::Start,
        &[Got::Event(10, 1), Got::Event(501, 3)],
    );
    check_from(
        &topic,
        From::After(seq(9)),
        &[Got::Event(10, 1), Got::Event(501, 3)],
    );
    check_from(&topic, From::After(seq(250)), &[Got::Event(501, 3)]);
}

#[test]
fn chosen_numbers_must_rise() {
    let topic = topic();
    topic.publish_at(seq(10), every(1)).unwrap();
    for refused in [1, 9, 10] {
        let error = PublishAtError::NotAhead {
            seq: seq(refused),
            head: seq(10),
        };
        assert_eq!(topic.publish_at(seq(refused), every(2)), Err(error));
    }
    topic.shutdown();
    assert_eq!(
        topic.publish_at(seq(11), every(3)),
        Err(PublishAtError::Closed(Closed))
    );
}

#[test]
fn a_topic_without_numbers_left_is_closed_to_new_events() {
    let topic = topic();
    topic.publish_at(seq(u64::MAX), every(1)).unwrap();
    assert_eq!(topic.publish(every(2)), Err(Closed));
    check_from(&topic, From::Start, &[Got::Event(u64::MAX, 1)]);
}

#[test]
fn every_place_in_a_ring_with_holes_is_found() {
    let topic = topic_of(64);
    for number in (3..300).step_by(7) {
        let value = u32::try_from(number).unwrap();
        let note = if number % 2 == 0 {
            latest(u8::try_from(number % 5).unwrap(), value)
        } else {
            every(value)
        };
        topic.publish_at(seq(number), note).unwrap();
    }
    let mut all = super::common::subscribe(&topic, From::Start);
    let all = super::common::drain(&mut all);
    for cursor in 2..=topic.head().get() {
        let expected: Vec<_> = all
            .iter()
            .copied()
            .filter(|got| matches!(got, Got::Event(seq, _) if *seq > cursor))
            .collect();
        check_from(&topic, From::After(seq(cursor)), &expected);
    }
}

#[test]
fn a_clone_is_a_handle_to_the_same_topic() {
    let topic = topic();
    publish(&topic.clone(), [every(1)]);
    assert_eq!(topic.head(), seq(1));
}
