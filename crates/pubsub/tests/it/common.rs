//! An event, a waker that counts, and short ways to ask a reader what it has.

use std::{
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use runwright_pubsub::{
    Batch, Delivery, Event, From, Lagged, Received, ReceivedBatch, Seq, Subscription, Topic,
    TopicOptions, TryRecvError,
};

/// An event whose every answer a test can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) key: Option<u8>,
    pub(crate) value: u32,
    pub(crate) weight: usize,
    pub(crate) is_urgent: bool,
}

impl Event for Note {
    type Key = u8;
    type Encoding = OnceLock<String>;

    fn delivery(&self) -> Delivery<u8> {
        self.key.map_or(Delivery::Every, Delivery::Latest)
    }

    fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    fn weight(&self) -> usize {
        self.weight
    }
}

/// An event that must arrive.
pub(crate) fn every(value: u32) -> Note {
    Note {
        key: None,
        value,
        weight: 1,
        is_urgent: true,
    }
}

/// An event that replaces the older one under its key.
pub(crate) fn latest(key: u8, value: u32) -> Note {
    Note {
        key: Some(key),
        value,
        weight: 1,
        is_urgent: false,
    }
}

impl Note {
    pub(crate) fn weighing(self, weight: usize) -> Self {
        Self { weight, ..self }
    }

    pub(crate) fn urgent(self, is_urgent: bool) -> Self {
        Self { is_urgent, ..self }
    }
}

/// What a reader got, short enough to be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    /// Number and value.
    Event(u64, u32),
    /// First and last number.
    Lagged(u64, u64),
}

impl Got {
    pub(crate) fn of(received: &Received<Note>) -> Self {
        match received {
            Received::Event { seq, event } => Self::Event(seq.get(), event.value),
            Received::Lagged(Lagged { from, to }) => Self::Lagged(from.get(), to.get()),
        }
    }

    pub(crate) fn of_batch(received: &ReceivedBatch<Note>) -> Vec<Self> {
        match received {
            ReceivedBatch::Batch(batch) => batch
                .iter()
                .map(|(seq, note)| Self::Event(seq.get(), note.value))
                .collect(),
            ReceivedBatch::Lagged(Lagged { from, to }) => vec![Self::Lagged(from.get(), to.get())],
        }
    }
}

pub(crate) fn topic() -> Topic<Note> {
    Topic::new(TopicOptions::default())
}

/// A topic that keeps this many events.
pub(crate) fn topic_of(max_events: usize) -> Topic<Note> {
    Topic::new(TopicOptions {
        max_events,
        ..TopicOptions::default()
    })
}

pub(crate) fn subscribe(topic: &Topic<Note>, from: From) -> Subscription<Note> {
    topic.subscribe(from).unwrap()
}

pub(crate) fn publish(topic: &Topic<Note>, notes: impl IntoIterator<Item = Note>) {
    for note in notes {
        topic.publish(note).unwrap();
    }
}

/// Receives single events until there is none.
pub(crate) fn drain(reader: &mut Subscription<Note>) -> Vec<Got> {
    std::iter::from_fn(|| reader.try_recv().ok())
        .map(|received| Got::of(&received))
        .collect()
}

/// Receives batches until there is none.
pub(crate) fn drain_batches(reader: &mut Subscription<Note>) -> Vec<Got> {
    std::iter::from_fn(|| reader.try_recv_batch().ok())
        .flat_map(|received| Got::of_batch(&received))
        .collect()
}

/// Receives one batch.
#[track_caller]
pub(crate) fn batch(reader: &mut Subscription<Note>) -> Batch<Note> {
    match reader.try_recv_batch() {
        Ok(ReceivedBatch::Batch(batch)) => batch,
        other => panic!("no batch: {other:?}"),
    }
}

/// Drains both ways: two readers from the same place must be given the same.
#[track_caller]
pub(crate) fn check_from(topic: &Topic<Note>, from: From, expected: &[Got]) {
    assert_eq!(drain(&mut subscribe(topic, from)), expected);
    assert_eq!(drain_batches(&mut subscribe(topic, from)), expected);
}

#[track_caller]
pub(crate) fn assert_empty(reader: &mut Subscription<Note>) {
    assert_eq!(reader.try_recv(), Err(TryRecvError::Empty));
}

pub(crate) fn seq(number: u64) -> Seq {
    Seq::new(number)
}

/// Counts how often it is woken.
#[derive(Default)]
pub(crate) struct Wakes {
    count: AtomicUsize,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    /// Returns the count, and the waker it counts for.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        let waker = Arc::clone(&wakes).into();
        (wakes, waker)
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Polls once.
pub(crate) fn poll<F: Future>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Parks the reader for any event; panics if something waits for it.
#[track_caller]
pub(crate) fn park(reader: &mut Subscription<Note>, waker: &Waker) {
    assert!(
        reader
            .poll_recv(&mut Context::from_waker(waker))
            .is_pending()
    );
}

/// Parks the reader for urgent events; panics if one waits for it.
#[track_caller]
pub(crate) fn park_urgent(reader: &mut Subscription<Note>, waker: &Waker) {
    assert!(
        reader
            .poll_ready_urgent(&mut Context::from_waker(waker))
            .is_pending()
    );
}
