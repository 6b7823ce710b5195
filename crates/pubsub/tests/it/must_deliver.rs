//! Events that a publisher waits for, and what a reader pays that keeps it waiting.

use std::{
    future::{Pending, pending, poll_fn, ready},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};

use runwright_pubsub::{Confirmation, From, MustDeliver, Topic};

use crate::common::{
    Got, Note, Wakes, assert_empty, drain, drain_batches, every, latest, park, park_urgent, poll,
    publish, seq, subscribe, topic, topic_of,
};

fn no_deadline(topic: &Topic<Note>, note: Note) -> Confirmation<Note, Pending<()>> {
    topic.publish_must_deliver(note, pending()).unwrap()
}

/// Publishes with a deadline that has passed already.
fn give_up_at_once(topic: &Topic<Note>, note: Note) -> MustDeliver {
    let wait = topic.publish_must_deliver(note, ready(())).unwrap();
    match poll(pin!(wait), Waker::noop()) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the deadline has passed"),
    }
}

fn outcome(number: u64, delivered: usize, lagged: usize) -> Poll<MustDeliver> {
    Poll::Ready(MustDeliver {
        seq: seq(number),
        delivered,
        lagged,
    })
}

#[test]
fn nobody_is_waited_for_where_nobody_reads() {
    let topic = topic();
    assert_eq!(
        poll(pin!(no_deadline(&topic, every(1))), Waker::noop()),
        outcome(1, 0, 0)
    );
}

#[test]
fn a_reader_that_left_before_is_not_waited_for() {
    let topic = topic();
    let mut stays = subscribe(&topic, From::Now);
    drop(subscribe(&topic, From::Now));
    let mut wait = pin!(no_deadline(&topic, every(1)));
    drain(&mut stays);
    assert_eq!(poll(wait.as_mut(), Waker::noop()), outcome(1, 1, 0));
}

#[test]
fn it_waits_for_all_readers_at_once_and_wakes_on_the_last() {
    let topic = topic();
    let mut readers = [(); 3].map(|()| subscribe(&topic, From::Now));
    let (wakes, waker) = Wakes::new();
    let mut wait = pin!(no_deadline(&topic, every(1)));
    assert!(poll(wait.as_mut(), &waker).is_pending());
    for (reader, woken) in readers.iter_mut().zip([0, 0, 1]) {
        assert_eq!(drain(reader), [Got::Event(1, 1)]);
        assert_eq!(wakes.count(), woken);
    }
    assert_eq!(poll(wait, &waker), outcome(1, 3, 0));
}

#[test]
fn a_batch_delivers_as_a_single_event_does() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1)]);
    let mut wait = pin!(no_deadline(&topic, every(2)));
    publish(&topic, [every(3)]);
    drain_batches(&mut reader);
    assert_eq!(poll(wait.as_mut(), Waker::noop()), outcome(2, 1, 0));
}

#[test]
fn a_single_event_is_delivered_when_it_is_handed_out_and_no_sooner() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1), every(2)]);
    let mut wait = pin!(no_deadline(&topic, every(3)));
    publish(&topic, [every(4)]);
    for number in 1..=3 {
        assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
        assert_eq!(
            reader.try_recv().map(|received| Got::of(&received)),
            Ok(Got::Event(number, number as u32))
        );
    }
    assert_eq!(poll(wait.as_mut(), Waker::noop()), outcome(3, 1, 0));
}

#[test]
fn the_event_wakes_everybody_whatever_its_class() {
    let topic = topic();
    let (wakes, waker) = Wakes::new();
    let mut any = subscribe(&topic, From::Now);
    let mut urgent = subscribe(&topic, From::Now);
    park(&mut any, &waker);
    park_urgent(&mut urgent, &waker);
    let _wait = no_deadline(&topic, latest(1, 1));
    assert_eq!(wakes.count(), 2);
}

#[test]
fn who_is_behind_at_the_deadline_is_told_of_the_loss_and_goes_on() {
    let topic = topic();
    let mut quick = subscribe(&topic, From::Now);
    let mut slow = subscribe(&topic, From::Now);
    publish(&topic, [every(1)]);
    let is_late = Arc::new(AtomicBool::new(false));
    let deadline = {
        let is_late = Arc::clone(&is_late);
        poll_fn(move |_| {
            if is_late.load(Ordering::SeqCst) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    };
    let mut wait = pin!(topic.publish_must_deliver(every(2), deadline).unwrap());
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
    drain(&mut quick);
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
    is_late.store(true, Ordering::SeqCst);
    assert_eq!(poll(wait, Waker::noop()), outcome(2, 1, 1));
    publish(&topic, [every(3)]);
    assert_eq!(drain(&mut slow), [Got::Lagged(1, 2), Got::Event(3, 3)]);
    assert_eq!(drain(&mut quick), [Got::Event(3, 3)]);
}

#[test]
fn a_stalled_reader_costs_one_deadline() {
    let topic = topic();
    let stalled = subscribe(&topic, From::Now);
    assert_eq!(
        give_up_at_once(&topic, every(1)),
        MustDeliver {
            seq: seq(1),
            delivered: 0,
            lagged: 1
        }
    );
    for number in 2..10 {
        let wait = no_deadline(&topic, every(0));
        assert_eq!(poll(pin!(wait), Waker::noop()), outcome(number, 0, 1));
    }
    drop(stalled);
    assert_eq!(
        poll(pin!(no_deadline(&topic, every(0))), Waker::noop()),
        outcome(10, 0, 0)
    );
}

#[test]
fn a_reader_that_caught_up_is_waited_for_again() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    give_up_at_once(&topic, every(1));
    publish(&topic, [every(2)]);
    assert_eq!(
        reader.try_recv().map(|received| Got::of(&received)),
        Ok(Got::Lagged(1, 1))
    );
    // It knows of the loss, but it is still behind.
    assert_eq!(
        poll(pin!(no_deadline(&topic, every(3))), Waker::noop()),
        outcome(3, 0, 1)
    );
    drain(&mut reader);
    let mut wait = pin!(no_deadline(&topic, every(4)));
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
    drain(&mut reader);
    assert_eq!(poll(wait, Waker::noop()), outcome(4, 1, 0));
}

#[test]
fn one_deadline_releases_all_publishers_that_wait_for_the_reader() {
    let topic = topic();
    let mut slow = subscribe(&topic, From::Now);
    let (wakes, waker) = Wakes::new();
    let mut before = pin!(no_deadline(&topic, every(1)));
    assert!(poll(before.as_mut(), &waker).is_pending());
    let ends = topic.publish_must_deliver(every(2), ready(())).unwrap();
    let mut after = pin!(no_deadline(&topic, every(3)));
    assert!(poll(after.as_mut(), &waker).is_pending());
    assert_eq!(poll(pin!(ends), Waker::noop()), outcome(2, 0, 1));
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll(before, &waker), outcome(1, 0, 1));
    assert_eq!(poll(after, &waker), outcome(3, 0, 1));
    assert_eq!(drain(&mut slow), [Got::Lagged(1, 2), Got::Event(3, 3)]);
}

#[test]
fn a_reader_marked_lagged_is_ready_until_it_was_told() {
    let topic = topic();
    let (wakes, waker) = Wakes::new();
    let mut reader = subscribe(&topic, From::Now);
    let mut wait = pin!(topic.publish_must_deliver(every(1), ready(())).unwrap());
    assert!(
        reader
            .poll_ready_urgent(&mut Context::from_waker(&waker))
            .is_ready()
    );
    assert_eq!(poll(wait.as_mut(), Waker::noop()), outcome(1, 0, 1));
    assert!(
        reader
            .poll_ready_urgent(&mut Context::from_waker(&waker))
            .is_ready()
    );
    assert_eq!(drain_batches(&mut reader), [Got::Lagged(1, 1)]);
    park_urgent(&mut reader, &waker);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn a_reader_that_leaves_is_not_waited_for() {
    let topic = topic();
    let (wakes, waker) = Wakes::new();
    let mut stays = subscribe(&topic, From::Now);
    let leaves = subscribe(&topic, From::Now);
    let mut wait = pin!(no_deadline(&topic, every(1)));
    assert!(poll(wait.as_mut(), &waker).is_pending());
    drain(&mut stays);
    assert_eq!(wakes.count(), 0);
    drop(leaves);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(wait, &waker), outcome(1, 1, 0));
}

#[test]
fn a_reader_that_comes_later_is_not_waited_for() {
    let topic = topic();
    let mut wait = pin!(no_deadline(&topic, every(1)));
    let mut late = subscribe(&topic, From::Start);
    assert_eq!(poll(wait.as_mut(), Waker::noop()), outcome(1, 0, 0));
    let mut next = pin!(no_deadline(&topic, every(2)));
    assert!(poll(next.as_mut(), Waker::noop()).is_pending());
    drain(&mut late);
    assert_eq!(poll(next, Waker::noop()), outcome(2, 1, 0));
}

#[test]
fn a_reader_that_comes_and_reads_the_event_counts_for_nobody() {
    let topic = topic();
    let early = subscribe(&topic, From::Now);
    let mut wait = pin!(no_deadline(&topic, every(1)));
    let mut late = subscribe(&topic, From::Start);
    drain(&mut late);
    drop(late);
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
    drop(early);
    assert_eq!(poll(wait, Waker::noop()), outcome(1, 0, 0));
}

#[test]
fn a_reader_that_lost_the_event_to_retention_lagged() {
    let topic = topic_of(1);
    let mut reader = subscribe(&topic, From::Now);
    let mut wait = pin!(no_deadline(&topic, every(1)));
    publish(&topic, [every(2)]);
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
    assert_eq!(drain(&mut reader), [Got::Lagged(1, 1), Got::Event(2, 2)]);
    assert_eq!(poll(wait, Waker::noop()), outcome(1, 0, 1));
}

#[test]
fn a_dropped_wait_leaves_the_event_and_marks_nobody() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (wakes, waker) = Wakes::new();
    {
        let wait = topic.publish_must_deliver(every(1), ready(())).unwrap();
        assert_eq!(wait.seq(), seq(1));
    }
    {
        let mut wait = pin!(no_deadline(&topic, every(2)));
        assert!(poll(wait.as_mut(), &waker).is_pending());
    }
    assert_eq!(drain(&mut reader), [Got::Event(1, 1), Got::Event(2, 2)]);
    assert_eq!(wakes.count(), 0);
    assert_eq!(Arc::strong_count(&wakes), 2);
}

#[test]
fn the_wait_goes_on_after_shutdown() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let mut wait = pin!(no_deadline(&topic, every(1)));
    topic.shutdown();
    assert!(poll(wait.as_mut(), Waker::noop()).is_pending());
    drain(&mut reader);
    assert_eq!(poll(wait, Waker::noop()), outcome(1, 1, 0));
}

#[test]
fn the_waker_of_the_last_poll_of_a_wait_counts() {
    let topic = topic();
    let mut reader = subscribe(&topic, From::Now);
    let (old, old_waker) = Wakes::new();
    let (new, new_waker) = Wakes::new();
    let mut wait = pin!(no_deadline(&topic, every(1)));
    assert!(poll(wait.as_mut(), &old_waker).is_pending());
    assert!(poll(wait.as_mut(), &new_waker).is_pending());
    drain(&mut reader);
    assert_eq!((old.count(), new.count()), (0, 1));
    assert_empty(&mut reader);
}
