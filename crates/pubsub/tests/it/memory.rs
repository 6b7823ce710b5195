//! What is in memory is bounded, whoever does not read.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use runwright_pubsub::{Delivery, Event, From, ReceivedBatch, Topic, TopicOptions};

/// Counts itself while it is in memory.
struct Block {
    key: Option<u32>,
    alive: Arc<AtomicUsize>,
}

impl Block {
    fn new(key: Option<u32>, alive: &Arc<AtomicUsize>) -> Self {
        alive.fetch_add(1, Ordering::Relaxed);
        Self {
            key,
            alive: Arc::clone(alive),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Event for Block {
    type Key = u32;
    type Encoding = ();

    fn delivery(&self) -> Delivery<u32> {
        self.key.map_or(Delivery::Every, Delivery::Latest)
    }

    fn weight(&self) -> usize {
        100
    }
}

#[track_caller]
fn check_bound(options: TopicOptions, keys: u32, bound: usize) {
    let alive = Arc::new(AtomicUsize::new(0));
    let topic = Topic::new(options);
    let stalled: Vec<_> = (0..50)
        .map(|_| topic.subscribe(From::Now).unwrap())
        .collect();
    let mut active: Vec<_> = (0..3)
        .map(|_| topic.subscribe(From::Now).unwrap())
        .collect();
    for number in 0..20_000_u32 {
        let key = number.is_multiple_of(2).then_some(number % keys);
        topic.publish(Block::new(key, &alive)).unwrap();
        if number % 7 == 0 {
            active
                .iter_mut()
                .for_each(|reader| drop(reader.try_recv_batch()));
        }
        assert!(
            alive.load(Ordering::Relaxed) <= bound,
            "after {number} events"
        );
    }
    assert_eq!(topic.stats().retained_events, alive.load(Ordering::Relaxed));
    drop((stalled, active, topic));
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[test]
fn stalled_readers_keep_nothing_beyond_the_count() {
    check_bound(
        TopicOptions {
            max_events: 64,
            ..TopicOptions::default()
        },
        1000,
        64,
    );
}

#[test]
fn stalled_readers_keep_nothing_beyond_the_bytes() {
    check_bound(
        TopicOptions {
            max_bytes: 3200,
            ..TopicOptions::default()
        },
        1000,
        32,
    );
}

#[test]
fn a_hundred_thousand_states_take_the_room_of_their_keys() {
    let alive = Arc::new(AtomicUsize::new(0));
    let topic = Topic::new(TopicOptions::default());
    topic.publish(Block::new(None, &alive)).unwrap();
    for number in 0..100_000 {
        topic
            .publish(Block::new(Some(number % 10), &alive))
            .unwrap();
    }
    assert_eq!(alive.load(Ordering::Relaxed), 11);
}

#[test]
fn an_event_lives_as_long_as_a_reader_holds_it() {
    let alive = Arc::new(AtomicUsize::new(0));
    let topic = Topic::new(TopicOptions {
        max_events: 1,
        ..TopicOptions::default()
    });
    let mut reader = topic.subscribe(From::Now).unwrap();
    topic.publish(Block::new(None, &alive)).unwrap();
    let held = reader.try_recv_batch().unwrap();
    topic.publish(Block::new(None, &alive)).unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 2);
    drop(held);
    assert_eq!(alive.load(Ordering::Relaxed), 1);
}

#[test]
fn a_reader_of_single_events_that_stalls_holds_a_short_run_at_most() {
    let alive = Arc::new(AtomicUsize::new(0));
    let topic = Topic::new(TopicOptions {
        max_events: 500,
        ..TopicOptions::default()
    });
    let mut reader = topic.subscribe(From::Now).unwrap();
    for _ in 0..500 {
        topic.publish(Block::new(None, &alive)).unwrap();
    }
    drop(reader.try_recv().unwrap());
    for _ in 0..1000 {
        topic.publish(Block::new(None, &alive)).unwrap();
    }
    // 64 events in a run, of which the first was handed out.
    assert_eq!(alive.load(Ordering::Relaxed), 500 + 63);
    drop(reader);
    assert_eq!(alive.load(Ordering::Relaxed), 500);
}

/// Makes the encoding of a batch a block too.
struct Frames;

impl Event for Frames {
    type Key = ();
    type Encoding = std::sync::OnceLock<Block>;

    fn delivery(&self) -> Delivery<()> {
        Delivery::Every
    }

    fn weight(&self) -> usize {
        1
    }
}

fn encode(received: &ReceivedBatch<Frames>, alive: &Arc<AtomicUsize>) {
    let ReceivedBatch::Batch(batch) = received else {
        panic!("{received:?}")
    };
    batch.encoding().get_or_init(|| Block::new(None, alive));
}

#[test]
fn what_is_made_of_a_batch_goes_with_the_last_reader_that_may_share_it() {
    let alive = Arc::new(AtomicUsize::new(0));
    let topic = Topic::new(TopicOptions::default());
    let mut one = topic.subscribe(From::Now).unwrap();
    let mut other = topic.subscribe(From::Now).unwrap();
    topic.publish(Frames).unwrap();
    encode(&one.try_recv_batch().unwrap(), &alive);
    assert_eq!(alive.load(Ordering::Relaxed), 1);
    encode(&other.try_recv_batch().unwrap(), &alive);
    assert_eq!(alive.load(Ordering::Relaxed), 1);
    drop(other);
    assert_eq!(alive.load(Ordering::Relaxed), 0);
    // Nobody to share with.
    topic.publish(Frames).unwrap();
    encode(&one.try_recv_batch().unwrap(), &alive);
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}
