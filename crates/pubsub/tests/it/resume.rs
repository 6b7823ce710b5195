//! Where a subscription may begin, and that a cut and a resume make no difference.

use runwright_pubsub::{Closed, From, SubscribeError, Topic, TopicOptions};

use crate::common::{
    Got, check_from, drain, drain_batches, every, latest, publish, seq, subscribe, topic, topic_of,
};

#[test]
fn a_reader_resumes_after_its_cursor() {
    let topic = topic();
    publish(&topic, (1..=4).map(every));
    let mut reader = subscribe(&topic, From::Start);
    reader.try_recv().unwrap();
    reader.try_recv().unwrap();
    let cursor = reader.cursor();
    drop(reader);
    check_from(
        &topic,
        From::After(cursor),
        &[Got::Event(3, 3), Got::Event(4, 4)],
    );
}

#[test]
fn a_cut_in_the_run_of_single_events_loses_nothing() {
    let topic = topic();
    publish(&topic, (1..=3).map(every));
    let mut got = Vec::new();
    let mut from = From::Start;
    for _ in 0..3 {
        let mut reader = subscribe(&topic, from);
        got.push(Got::of(&reader.try_recv().unwrap()));
        from = From::After(reader.cursor());
    }
    assert_eq!(got, [Got::Event(1, 1), Got::Event(2, 2), Got::Event(3, 3)]);
}

#[test]
fn start_tells_no_loss_and_zero_does() {
    let topic = topic_of(2);
    publish(&topic, (1..=3).map(every));
    check_from(&topic, From::Start, &[Got::Event(2, 2), Got::Event(3, 3)]);
    check_from(
        &topic,
        From::After(seq(0)),
        &[Got::Lagged(1, 1), Got::Event(2, 2), Got::Event(3, 3)],
    );
}

#[test]
fn a_cursor_on_a_superseded_event_is_good() {
    let topic = topic();
    publish(&topic, [latest(1, 10), latest(1, 11), every(20)]);
    check_from(
        &topic,
        From::After(seq(1)),
        &[Got::Event(2, 11), Got::Event(3, 20)],
    );
}

#[test]
fn a_cursor_at_the_head_waits_for_the_next_event() {
    let topic = topic();
    publish(&topic, [every(1)]);
    let mut reader = subscribe(&topic, From::After(seq(1)));
    assert_eq!(drain(&mut reader), []);
    publish(&topic, [every(2)]);
    assert_eq!(drain(&mut reader), [Got::Event(2, 2)]);
}

#[test]
fn a_cursor_ahead_of_the_head_is_refused() {
    let topic = topic();
    publish(&topic, [every(1)]);
    let refused = topic.subscribe(From::After(seq(2))).unwrap_err();
    assert_eq!(
        refused,
        SubscribeError::CursorAhead {
            cursor: seq(2),
            head: seq(1)
        }
    );
    assert_eq!(
        refused.to_string(),
        "cursor `2` is ahead of the last event, `1`"
    );
    assert_eq!(topic.stats().subscribers, 0);
}

#[test]
fn nobody_joins_a_closed_topic() {
    let topic = topic();
    publish(&topic, [every(1)]);
    topic.shutdown();
    for from in [
        From::Now,
        From::Start,
        From::After(seq(0)),
        From::After(seq(9)),
    ] {
        assert_eq!(
            topic.subscribe(from).unwrap_err(),
            SubscribeError::Closed(Closed)
        );
    }
}

#[test]
fn numbers_go_on_where_an_earlier_life_ended() {
    let topic = Topic::new(TopicOptions {
        first_seq: seq(1001),
        ..TopicOptions::default()
    });
    assert_eq!((topic.head(), topic.oldest()), (seq(1000), None));
    let mut at_head = subscribe(&topic, From::After(seq(1000)));
    let mut before = subscribe(&topic, From::After(seq(7)));
    let mut from_start = subscribe(&topic, From::Start);
    assert_eq!(topic.publish(every(1)), Ok(seq(1001)));
    assert_eq!(drain(&mut at_head), [Got::Event(1001, 1)]);
    assert_eq!(drain(&mut from_start), [Got::Event(1001, 1)]);
    // What came before belongs to a life that this topic knows nothing of.
    assert_eq!(
        drain(&mut before),
        [Got::Lagged(8, 1000), Got::Event(1001, 1)]
    );
}

#[test]
fn a_cursor_of_an_earlier_life_is_told_of_the_loss_before_anything_is_published() {
    let topic = Topic::new(TopicOptions {
        first_seq: seq(1001),
        ..TopicOptions::default()
    });
    let mut before = subscribe(&topic, From::After(seq(7)));
    let mut at_head = subscribe(&topic, From::After(seq(1000)));
    let mut from_zero = subscribe(&topic, From::After(seq(0)));
    assert_eq!(drain(&mut before), [Got::Lagged(8, 1000)]);
    assert_eq!(drain_batches(&mut from_zero), [Got::Lagged(1, 1000)]);
    assert_eq!(drain(&mut at_head), []);
    assert_eq!(before.cursor(), seq(1000));
}
