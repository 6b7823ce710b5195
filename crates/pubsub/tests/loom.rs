//! What a topic promises, in every interleaving that the bound allows. Each model is a short story about one property;
//! `docs/concurrency.md` lists the bounds under which they were checked.
#![cfg(runwright_loom)]
#![expect(clippy::unwrap_used, reason = "in a model a panic is the report")]

use std::{
    future::{pending, poll_fn},
    pin::pin,
    task::{Context, Waker},
};

use loom::{
    future::block_on,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};
use runwright_pubsub::{
    Delivery, Event, From, Lagged, MustDeliver, Received, ReceivedBatch, Seq, Subscription, Topic,
    TopicOptions,
};

/// An event under a key, or one that must arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Note {
    Every(u32),
    Latest(u32),
    /// Must arrive, but nobody needs to hurry.
    Calm,
}

use Note::{Calm, Every, Latest};

impl Event for Note {
    type Key = ();
    type Encoding = ();

    fn delivery(&self) -> Delivery<()> {
        match self {
            Every(_) | Calm => Delivery::Every,
            Latest(_) => Delivery::Latest(()),
        }
    }

    fn is_urgent(&self) -> bool {
        matches!(self, Every(_))
    }

    fn weight(&self) -> usize {
        1
    }
}

fn topic() -> Topic<Note> {
    Topic::new(TopicOptions::default())
}

fn now(topic: &Topic<Note>) -> Subscription<Note> {
    topic.subscribe(From::Now).unwrap()
}

fn publish(topic: &Topic<Note>, notes: impl IntoIterator<Item = Note>) {
    for note in notes {
        topic.publish(note).unwrap();
    }
}

fn event(number: u64, note: Note) -> Received<Note> {
    Received::Event {
        seq: Seq::new(number),
        event: note.into(),
    }
}

/// Reads to the end of the topic, in batches.
fn story(mut reader: Subscription<Note>) -> Vec<(u64, Note)> {
    let mut story = Vec::new();
    while let Some(received) = block_on(reader.recv_batch()) {
        match received {
            ReceivedBatch::Batch(batch) => {
                story.extend(batch.iter().map(|(seq, note)| (seq.get(), **note)))
            }
            ReceivedBatch::Lagged(lagged) => panic!("{lagged:?}"),
        }
    }
    story
}

#[test]
fn publish_wakes_a_parked_reader() {
    loom::model(|| {
        let topic = topic();
        let mut reader = now(&topic);
        let publisher = thread::spawn(move || {
            publish(&topic, [Every(1)]);
            topic
        });
        assert_eq!(block_on(reader.recv()), Some(event(1, Every(1))));
        drop(publisher.join().unwrap());
    });
}

#[test]
fn publish_wakes_each_parked_reader() {
    loom::model(|| {
        let topic = topic();
        let readers = [(); 2].map(|()| now(&topic)).map(|mut reader| {
            thread::spawn(move || assert_eq!(block_on(reader.recv()), Some(event(1, Every(1)))))
        });
        publish(&topic, [Every(1)]);
        readers
            .into_iter()
            .for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn subscribe_publish_neither_loses_nor_duplicates() {
    loom::model(|| {
        let topic = topic();
        publish(&topic, [Every(1)]);
        let publisher = {
            let topic = topic.clone();
            thread::spawn(move || {
                publish(&topic, [Every(2), Every(3)]);
                topic.shutdown();
            })
        };
        // Whatever it is, the head at the subscription divides what was before from what comes.
        if let Ok(reader) = topic.subscribe(From::Now) {
            let cursor = reader.cursor().get();
            let expected: Vec<_> = (cursor + 1..=3)
                .map(|number| (number, Every(number as u32)))
                .collect();
            assert_eq!(story(reader), expected);
        }
        publisher.join().unwrap();
    });
}

#[test]
fn a_cut_and_resume_neither_loses_nor_duplicates() {
    loom::model(|| {
        let topic = topic();
        let mut reader = now(&topic);
        let publisher = {
            let topic = topic.clone();
            thread::spawn(move || publish(&topic, [Every(1), Every(2)]))
        };
        assert_eq!(block_on(reader.recv()), Some(event(1, Every(1))));
        let cursor = reader.cursor();
        drop(reader);
        let mut reader = topic.subscribe(From::After(cursor)).unwrap();
        assert_eq!(block_on(reader.recv()), Some(event(2, Every(2))));
        publisher.join().unwrap();
    });
}

#[test]
fn sequence_append_and_visibility_are_one_step() {
    loom::model(|| {
        let topic = topic();
        let mut reader = now(&topic);
        let publishers = [10, 20].map(|value| {
            let topic = topic.clone();
            thread::spawn(move || (topic.publish(Every(value)).unwrap(), value))
        });
        let received = [(); 2].map(|()| match block_on(reader.recv()) {
            Some(Received::Event { seq, event: note }) => (seq, *note),
            other => panic!("{other:?}"),
        });
        let mut published = publishers.map(|publisher| publisher.join().unwrap());
        published.sort_unstable();
        assert_eq!(received, published.map(|(seq, value)| (seq, Every(value))));
        assert_eq!(received.map(|(seq, _)| seq.get()), [1, 2]);
    });
}

#[test]
fn what_was_published_is_visible_when_publish_returns() {
    loom::model(|| {
        let topic = topic();
        let mut reader = now(&topic);
        let published = Arc::new(AtomicUsize::new(0));
        let publisher = {
            let (topic, published) = (topic.clone(), Arc::clone(&published));
            thread::spawn(move || {
                publish(&topic, [Every(1)]);
                published.store(1, Ordering::Release);
            })
        };
        let was_published = published.load(Ordering::Acquire) == 1;
        let received = reader.try_recv();
        assert!(!was_published || received == Ok(event(1, Every(1))));
        publisher.join().unwrap();
    });
}

#[test]
fn shutdown_ends_every_stream_after_its_backlog() {
    loom::model(|| {
        let topic = topic();
        let first = now(&topic);
        let second = now(&topic);
        let reader = thread::spawn(move || story(first));
        publish(&topic, [Every(1)]);
        topic.shutdown();
        assert_eq!(story(second), [(1, Every(1))]);
        assert_eq!(reader.join().unwrap(), [(1, Every(1))]);
    });
}

#[test]
fn a_publish_that_passes_a_shutdown_is_seen_or_refused() {
    loom::model(|| {
        let topic = topic();
        let reader = now(&topic);
        let publisher = {
            let topic = topic.clone();
            thread::spawn(move || topic.publish(Every(1)).is_ok())
        };
        topic.shutdown();
        let story = story(reader);
        let expected = if publisher.join().unwrap() {
            vec![(1, Every(1))]
        } else {
            Vec::new()
        };
        assert_eq!(story, expected);
    });
}

#[test]
fn the_last_handle_ends_every_stream() {
    loom::model(|| {
        let topic = topic();
        let reader = now(&topic);
        let other = {
            let topic = topic.clone();
            thread::spawn(move || drop(topic))
        };
        drop(topic);
        assert_eq!(story(reader), []);
        other.join().unwrap();
    });
}

#[test]
fn conflation_keeps_the_newest() {
    loom::model(|| {
        let topic = topic();
        let reader = now(&topic);
        let publisher = {
            let topic = topic.clone();
            thread::spawn(move || {
                publish(&topic, [Latest(1), Every(2), Latest(3)]);
                topic.shutdown();
            })
        };
        let story = story(reader);
        // The first state may be skipped; the last one and the event between them may not.
        let expected = [(1, Latest(1)), (2, Every(2)), (3, Latest(3))];
        assert!(story == expected || story == expected[1..], "{story:?}");
        publisher.join().unwrap();
        assert_eq!(topic.stats().retained_events, 2);
    });
}

#[test]
fn a_reader_past_retention_is_told_exactly_what_it_lost() {
    loom::model(|| {
        let topic = Topic::new(TopicOptions {
            max_events: 1,
            ..TopicOptions::default()
        });
        let mut reader = now(&topic);
        let publisher = {
            let topic = topic.clone();
            thread::spawn(move || {
                publish(&topic, [Every(1), Every(2), Every(3)]);
                topic.shutdown();
            })
        };
        let mut next = 1;
        while let Some(received) = block_on(reader.recv()) {
            match received {
                Received::Event { seq, event: note } => {
                    assert_eq!((seq.get(), *note), (next, Every(next as u32)));
                    next += 1;
                }
                Received::Lagged(Lagged { from, to }) => {
                    assert_eq!(from.get(), next);
                    next = to.get() + 1;
                }
            }
        }
        assert_eq!(next, 4);
        publisher.join().unwrap();
    });
}

#[test]
fn must_deliver_wakes_on_the_last_reader() {
    loom::model(|| {
        let topic = topic();
        let readers = [(); 2].map(|()| now(&topic)).map(|mut reader| {
            thread::spawn(move || assert_eq!(block_on(reader.recv()), Some(event(1, Every(1)))))
        });
        let wait = topic.publish_must_deliver(Every(1), pending()).unwrap();
        let outcome = block_on(wait);
        let gone = readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .count();
        assert_eq!(
            outcome,
            MustDeliver {
                seq: Seq::new(1),
                delivered: gone,
                lagged: 0
            }
        );
    });
}

#[test]
fn must_deliver_never_waits_for_a_dropped_reader() {
    loom::model(|| {
        let topic = topic();
        let reader = now(&topic);
        let leaves = thread::spawn(move || drop(reader));
        let wait = topic.publish_must_deliver(Every(1), pending()).unwrap();
        let nobody = MustDeliver {
            seq: Seq::new(1),
            delivered: 0,
            lagged: 0,
        };
        assert_eq!(block_on(wait), nobody);
        leaves.join().unwrap();
    });
}

#[test]
fn a_deadline_counts_each_reader_once_and_says_what_it_told() {
    loom::model(|| {
        let topic = topic();
        let mut reader = now(&topic);
        let wait = topic.publish_must_deliver(Every(1), async {}).unwrap();
        let reads = thread::spawn(move || block_on(reader.recv()));
        let outcome = block_on(wait);
        let (delivered, lagged) = match reads.join().unwrap() {
            Some(Received::Event { .. }) => (1, 0),
            Some(Received::Lagged(_)) => (0, 1),
            None => panic!("the topic is open"),
        };
        assert_eq!(
            outcome,
            MustDeliver {
                seq: Seq::new(1),
                delivered,
                lagged
            }
        );
    });
}

#[test]
fn one_deadline_releases_the_other_publishers() {
    loom::model(|| {
        let topic = topic();
        let stalled = now(&topic);
        let patient = topic.publish_must_deliver(Every(1), pending()).unwrap();
        let waits = thread::spawn(move || block_on(patient));
        let outcome = block_on(topic.publish_must_deliver(Every(2), async {}).unwrap());
        assert_eq!(
            outcome,
            MustDeliver {
                seq: Seq::new(2),
                delivered: 0,
                lagged: 1
            }
        );
        assert_eq!(
            waits.join().unwrap(),
            MustDeliver {
                seq: Seq::new(1),
                delivered: 0,
                lagged: 1
            }
        );
        drop(stalled);
    });
}

#[test]
fn an_urgent_waiter_is_not_lost() {
    loom::model(|| {
        let topic = topic();
        let mut reader = now(&topic);
        let publisher = {
            let topic = topic.clone();
            thread::spawn(move || publish(&topic, [Latest(1), Every(2)]))
        };
        block_on(reader.ready_urgent());
        // The urgent event is there, so is what came before it, and nothing was taken.
        let Ok(ReceivedBatch::Batch(batch)) = reader.try_recv_batch() else {
            panic!("two events wait")
        };
        assert_eq!(
            batch.iter().map(|(_, note)| **note).collect::<Vec<_>>(),
            [Latest(1), Every(2)]
        );
        publisher.join().unwrap();
    });
}

#[test]
fn a_lagging_urgent_waiter_is_not_lost() {
    loom::model(|| {
        let topic = Topic::new(TopicOptions {
            max_events: 1,
            ..TopicOptions::default()
        });
        let mut reader = now(&topic);
        let publisher = {
            let topic = topic.clone();
            // Neither is urgent, and the second one drives the first one out.
            thread::spawn(move || publish(&topic, [Latest(1), Calm]))
        };
        block_on(reader.ready_urgent());
        let lagged = Lagged {
            from: Seq::new(1),
            to: Seq::new(1),
        };
        assert_eq!(reader.try_recv(), Ok(Received::Lagged(lagged)));
        publisher.join().unwrap();
    });
}

#[test]
fn a_cancelled_wait_leaves_the_wakers_of_others_alone() {
    loom::model(|| {
        let topic = topic();
        let [mut leaves, mut stays] = [(); 2].map(|()| now(&topic));
        let cancelled = thread::spawn(move || {
            let mut receive = pin!(leaves.recv());
            let first = receive
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            first.is_ready()
        });
        let reads = thread::spawn(move || block_on(stays.recv()));
        publish(&topic, [Every(1)]);
        assert_eq!(reads.join().unwrap(), Some(event(1, Every(1))));
        cancelled.join().unwrap();
    });
}

#[test]
fn a_reader_that_moves_between_tasks_is_woken_where_it_is() {
    loom::model(|| {
        let topic = topic();
        let mut reader = now(&topic);
        // Another task polled it first, and left it parked.
        let parked = reader.poll_recv(&mut Context::from_waker(Waker::noop()));
        assert!(parked.is_pending());
        let publisher = {
            let topic = topic.clone();
            thread::spawn(move || publish(&topic, [Every(1)]))
        };
        let received = block_on(poll_fn(|cx| reader.poll_recv(cx)));
        assert_eq!(received, Some(event(1, Every(1))));
        publisher.join().unwrap();
    });
}
