//! Batches: shared by readers in lockstep, made once.

use runwright_pubsub::{Batch, From, Topic, TopicOptions};

use crate::common::{Note, batch, drain_batches, every, latest, publish, seq, subscribe, topic};

fn framed(batch: &Batch<Note>, made: &mut usize) -> String {
    let frame = || {
        *made += 1;
        batch
            .iter()
            .map(|(seq, note)| format!("{seq}={};", note.value))
            .collect()
    };
    batch.encoding().get_or_init(frame).clone()
}

#[test]
fn readers_in_lockstep_share_one_batch_and_its_encoding() {
    let topic = topic();
    let mut readers = [(); 3].map(|()| subscribe(&topic, From::Now));
    let mut made = 0;
    for round in 0..3 {
        publish(&topic, [every(round), every(round + 10)]);
        let batches = readers.each_mut().map(batch);
        assert!(batches.iter().all(|other| other.is_same(&batches[0])));
        assert!(
            batches
                .iter()
                .all(|batch| framed(batch, &mut made) == framed(&batches[0], &mut 0))
        );
    }
    assert_eq!(made, 3);
}

#[test]
fn a_batch_knows_what_it_holds() {
    let topic = topic();
    publish(
        &topic,
        [
            latest(1, 1),
            latest(2, 2).weighing(5),
            latest(1, 3),
            every(4),
        ],
    );
    let batch = batch(&mut subscribe(&topic, From::Start));
    assert_eq!(
        (batch.first(), batch.last(), batch.len(), batch.weight()),
        (seq(2), seq(4), 3, 7)
    );
    let events: Vec<_> = batch
        .iter()
        .map(|(seq, note)| (seq.get(), note.value))
        .collect();
    assert_eq!(events, [(2, 2), (3, 3), (4, 4)]);
    let backwards: Vec<_> = batch.iter().rev().map(|(seq, _)| seq.get()).collect();
    assert_eq!(backwards, [4, 3, 2]);
    assert_eq!(
        format!("{batch:?}"),
        "Batch { first: Seq(2), last: Seq(4), len: 3, .. }"
    );
}

#[test]
fn a_batch_never_holds_what_was_superseded_before_it_was_asked_for() {
    let topic = topic();
    let mut first = subscribe(&topic, From::Now);
    let mut second = subscribe(&topic, From::Now);
    publish(&topic, [latest(1, 1)]);
    let old = batch(&mut first);
    publish(&topic, [latest(1, 2)]);
    let new = batch(&mut second);
    assert!(!old.is_same(&new));
    assert_eq!(
        new.iter().map(|(_, note)| note.value).collect::<Vec<_>>(),
        [2]
    );
}

#[test]
fn readers_at_different_cursors_get_their_own_batches() {
    let topic = topic();
    publish(&topic, (1..=4).map(every));
    let mut readers = [0, 2, 0, 2].map(|cursor| subscribe(&topic, From::After(seq(cursor))));
    let batches = readers.each_mut().map(batch);
    let places = batches.map(|batch| (batch.after(), batch.first()));
    let (start, middle) = ((seq(0), seq(1)), (seq(2), seq(3)));
    assert_eq!(places, [start, middle, start, middle]);
}

#[test]
fn readers_that_catch_up_together_share_bounded_batches() {
    let topic = Topic::new(TopicOptions {
        max_batch_bytes: 4,
        ..TopicOptions::default()
    });
    publish(&topic, (1..=10).map(every));
    let mut readers = [(); 2].map(|()| subscribe(&topic, From::Start));
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let [one, other] = readers.each_mut().map(batch);
        assert!(one.is_same(&other));
        lengths.push(one.len());
    }
    assert_eq!(lengths, [4, 4, 2]);
}

#[test]
fn the_rest_of_a_run_of_single_events_is_a_batch() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1), every(2).weighing(3), every(3)]);
    reader.try_recv().unwrap();
    let rest = batch(&mut reader);
    assert_eq!(
        (
            rest.after(),
            rest.first(),
            rest.last(),
            rest.len(),
            rest.weight()
        ),
        (seq(1), seq(2), seq(3), 2, 4)
    );
    assert_eq!(reader.cursor(), seq(3));
    assert_eq!(drain_batches(&mut reader), []);
}
