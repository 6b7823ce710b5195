//! A topic with more actors than loom can take: four publishers, six readers, one must-deliver event, a shutdown.
#![cfg(runwright_shuttle)]
#![expect(clippy::unwrap_used, reason = "in a model a panic is the report")]

use std::collections::BTreeMap;

use runwright_pubsub::{
    Delivery, Event, From, Received, ReceivedBatch, Subscription, Topic, TopicOptions,
};
use shuttle::{check_pct, check_random, future::block_on, thread};

const PUBLISHERS: u32 = 4;
const EVENTS: u32 = 4;
const ITERATIONS: usize = 2_000;
/// How many changes of priority PCT makes in a schedule.
const DEPTH: usize = 3;

/// What a publisher did; every other event is a state of that publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Note {
    publisher: u32,
    value: u32,
}

impl Note {
    fn is_state(self) -> bool {
        self.value.is_multiple_of(2)
    }
}

impl Event for Note {
    type Key = u32;
    type Encoding = ();

    fn delivery(&self) -> Delivery<u32> {
        if self.is_state() {
            Delivery::Latest(self.publisher)
        } else {
            Delivery::Every
        }
    }

    fn weight(&self) -> usize {
        1
    }
}

/// How a reader reads.
#[derive(Debug, Clone, Copy)]
enum Habit {
    Single,
    Batches,
    /// Waits for something urgent, then takes a batch.
    Paced,
    /// Leaves after each event and comes back with its cursor.
    Resuming,
}

#[test]
fn every_reader_sees_the_story_under_random_schedules() {
    check_random(|| story(TopicOptions::default()), ITERATIONS);
}

#[test]
fn every_reader_sees_the_story_under_pct_schedules() {
    check_pct(|| story(TopicOptions::default()), ITERATIONS, DEPTH);
}

#[test]
fn gaps_are_told_under_random_schedules() {
    check_random(
        || {
            story(TopicOptions {
                max_events: 3,
                ..TopicOptions::default()
            })
        },
        ITERATIONS,
    );
}

#[test]
fn gaps_are_told_under_pct_schedules() {
    check_pct(
        || {
            story(TopicOptions {
                max_events: 3,
                ..TopicOptions::default()
            })
        },
        ITERATIONS,
        DEPTH,
    );
}

fn story(options: TopicOptions) {
    let topic = Topic::new(options);
    let habits = [
        Habit::Single,
        Habit::Single,
        Habit::Batches,
        Habit::Batches,
        Habit::Paced,
        Habit::Resuming,
    ];
    let readers = habits.map(|habit| {
        let (topic, reader) = (topic.clone(), topic.subscribe(From::Now).unwrap());
        thread::spawn(move || read(&topic, reader, habit))
    });
    let publishers = [0, 1, 2, 3].map(|publisher| {
        let topic = topic.clone();
        thread::spawn(move || publish(&topic, publisher))
    });
    let history: BTreeMap<u64, Note> = publishers
        .into_iter()
        .flat_map(|publisher| publisher.join().unwrap())
        .collect();
    topic.shutdown();
    assert_eq!(history.len(), (PUBLISHERS * EVENTS) as usize);
    for reader in readers {
        check(&reader.join().unwrap(), &history);
    }
}

/// Publishes a few events, the last one of the first publisher with a deadline that passes at once.
fn publish(topic: &Topic<Note>, publisher: u32) -> Vec<(u64, Note)> {
    let notes = (0..EVENTS).map(|value| Note { publisher, value });
    let published = notes.map(|note| {
        let seq = if publisher == 0 && note.value == EVENTS - 1 {
            let outcome = block_on(
                topic
                    .publish_must_deliver(note, async { thread::yield_now() })
                    .unwrap(),
            );
            // Six readers, and one that is here twice for a moment when it resumes.
            assert!(outcome.delivered + outcome.lagged <= 7);
            outcome.seq
        } else {
            topic.publish(note).unwrap()
        };
        (seq.get(), note)
    });
    published.collect()
}

/// What a reader saw: events by number, and the numbers it was told are lost.
#[derive(Default)]
struct Seen {
    events: Vec<(u64, Note)>,
    gaps: Vec<(u64, u64)>,
    last: u64,
}

impl Seen {
    fn event(&mut self, seq: u64, note: Note) {
        assert!(seq > self.last, "{seq} after {}", self.last);
        self.last = seq;
        self.events.push((seq, note));
    }

    fn single(&mut self, received: Received<Note>) {
        match received {
            Received::Event { seq, event } => self.event(seq.get(), *event),
            Received::Lagged(lagged) => self.gap(lagged.from.get(), lagged.to.get()),
        }
    }

    fn batch(&mut self, received: ReceivedBatch<Note>) {
        match received {
            ReceivedBatch::Batch(batch) => batch
                .iter()
                .for_each(|(seq, note)| self.event(seq.get(), **note)),
            ReceivedBatch::Lagged(lagged) => self.gap(lagged.from.get(), lagged.to.get()),
        }
    }

    fn gap(&mut self, from: u64, to: u64) {
        assert!(from > self.last && to >= from);
        self.last = to;
        self.gaps.push((from, to));
    }
}

fn read(topic: &Topic<Note>, mut reader: Subscription<Note>, habit: Habit) -> Seen {
    let mut seen = Seen::default();
    loop {
        match habit {
            Habit::Single | Habit::Resuming => match block_on(reader.recv()) {
                Some(received) => seen.single(received),
                None => return seen,
            },
            Habit::Batches => match block_on(reader.recv_batch()) {
                Some(received) => seen.batch(received),
                None => return seen,
            },
            Habit::Paced => {
                block_on(reader.ready_urgent());
                match reader.try_recv_batch() {
                    Ok(received) => seen.batch(received),
                    Err(_) => return seen,
                }
            }
        }
        if matches!(habit, Habit::Resuming)
            && let Ok(resumed) = topic.subscribe(From::After(reader.cursor()))
        {
            reader = resumed;
        }
    }
}

fn check(seen: &Seen, history: &BTreeMap<u64, Note>) {
    assert!(seen.events.iter().all(|(seq, note)| history[seq] == *note));
    for (seq, note) in history {
        let was_seen = seen.events.iter().any(|(number, _)| number == seq);
        let was_told = seen
            .gaps
            .iter()
            .any(|(from, to)| (from..=to).contains(&seq));
        let was_replaced = note.is_state()
            && history.iter().any(|(later, other)| {
                later > seq && other.publisher == note.publisher && other.is_state()
            });
        assert!(
            was_seen || was_told || was_replaced,
            "{note:?} was neither seen nor told lost"
        );
    }
}
