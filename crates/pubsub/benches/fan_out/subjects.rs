//! The ways to fan out that are compared. Each reader looks at one byte of each event it gets.

use std::{hint::black_box, sync::OnceLock};

use runwright_pubsub::{
    Delivery, Event, From, Received, ReceivedBatch, Subscription, Topic, TopicOptions,
};
use tokio::sync::broadcast;

use crate::{
    bare_log::Bare,
    run::{Frame, Progress, Subject},
};

/// The event of this crate's topics: the frame, and room for the bytes of a whole batch.
pub(crate) struct Framed(pub(crate) Frame);

impl Event for Framed {
    type Key = ();
    type Encoding = OnceLock<Vec<u8>>;

    fn delivery(&self) -> Delivery<()> {
        Delivery::Every
    }

    fn weight(&self) -> usize {
        self.0.len()
    }
}

/// Tokio's broadcast channel.
pub(crate) struct TokioBroadcast;

impl Subject for TokioBroadcast {
    const NAME: &'static str = "tokio_broadcast";
    type Publisher = broadcast::Sender<Frame>;
    type Stalled = broadcast::Receiver<Frame>;

    fn open() -> Self::Publisher {
        broadcast::channel(1024).0
    }

    fn publish(publisher: &Self::Publisher, frame: Frame) {
        assert!(publisher.send(frame).is_ok(), "readers are there");
    }

    fn stall(publisher: &Self::Publisher) -> Self::Stalled {
        publisher.subscribe()
    }

    fn read(
        publisher: &Self::Publisher,
        mut progress: Progress,
    ) -> impl Future<Output = ()> + Send + 'static {
        let mut receiver = publisher.subscribe();
        async move {
            while let Ok(frame) = receiver.recv().await {
                black_box(frame[0]);
                progress.note(1);
            }
        }
    }
}

/// The bare shared log, see `bare_log.rs`.
pub(crate) struct BareLog;

impl Subject for BareLog {
    const NAME: &'static str = "bare_log";
    type Publisher = Bare;
    type Stalled = ();

    fn open() -> Bare {
        Bare::default()
    }

    fn publish(publisher: &Bare, frame: Frame) {
        publisher.publish(frame);
    }

    fn stall(_: &Bare) {}

    fn read(publisher: &Bare, mut progress: Progress) -> impl Future<Output = ()> + Send + 'static {
        let log = publisher.clone();
        let (mut cursor, mut frames) = (log.end(), Vec::new());
        async move {
            loop {
                log.read(&mut cursor, &mut frames).await;
                for frame in &frames {
                    black_box(frame[0]);
                }
                progress.note(frames.len());
                frames.clear();
            }
        }
    }
}

fn open() -> Topic<Framed> {
    Topic::new(TopicOptions::default())
}

fn publish(topic: &Topic<Framed>, frame: Frame) {
    assert!(topic.publish(Framed(frame)).is_ok(), "the topic is open");
}

fn subscribe(topic: &Topic<Framed>) -> Subscription<Framed> {
    topic.subscribe(From::Now).expect("the topic is open")
}

/// A topic whose readers take shared batches and look at each event.
pub(crate) struct SharedBatch;

impl Subject for SharedBatch {
    const NAME: &'static str = "shared_batch";
    type Publisher = Topic<Framed>;
    type Stalled = Subscription<Framed>;

    fn open() -> Topic<Framed> {
        open()
    }

    fn publish(topic: &Topic<Framed>, frame: Frame) {
        publish(topic, frame);
    }

    fn stall(topic: &Topic<Framed>) -> Subscription<Framed> {
        subscribe(topic)
    }

    fn read(
        topic: &Topic<Framed>,
        mut progress: Progress,
    ) -> impl Future<Output = ()> + Send + 'static {
        let mut subscription = subscribe(topic);
        async move {
            while let Some(ReceivedBatch::Batch(batch)) = subscription.recv_batch().await {
                for (_, event) in batch.iter() {
                    black_box(event.0[0]);
                }
                progress.note(batch.len());
            }
        }
    }
}

/// A topic whose readers take shared batches and want their bytes, made once a batch.
pub(crate) struct SharedFrames;

impl Subject for SharedFrames {
    const NAME: &'static str = "shared_frames";
    type Publisher = Topic<Framed>;
    type Stalled = Subscription<Framed>;

    fn open() -> Topic<Framed> {
        open()
    }

    fn publish(topic: &Topic<Framed>, frame: Frame) {
        publish(topic, frame);
    }

    fn stall(topic: &Topic<Framed>) -> Subscription<Framed> {
        subscribe(topic)
    }

    fn read(
        topic: &Topic<Framed>,
        mut progress: Progress,
    ) -> impl Future<Output = ()> + Send + 'static {
        let mut subscription = subscribe(topic);
        async move {
            while let Some(ReceivedBatch::Batch(batch)) = subscription.recv_batch().await {
                let bytes = batch.encoding().get_or_init(|| {
                    let mut bytes = Vec::with_capacity(batch.weight());
                    batch
                        .iter()
                        .for_each(|(_, event)| bytes.extend_from_slice(&event.0));
                    bytes
                });
                black_box(bytes[0]);
                progress.note(batch.len());
            }
        }
    }
}

/// A topic whose readers take one event at a time.
pub(crate) struct SingleEvents;

impl Subject for SingleEvents {
    const NAME: &'static str = "single_events";
    type Publisher = Topic<Framed>;
    type Stalled = Subscription<Framed>;

    fn open() -> Topic<Framed> {
        open()
    }

    fn publish(topic: &Topic<Framed>, frame: Frame) {
        publish(topic, frame);
    }

    fn stall(topic: &Topic<Framed>) -> Subscription<Framed> {
        subscribe(topic)
    }

    fn read(
        topic: &Topic<Framed>,
        mut progress: Progress,
    ) -> impl Future<Output = ()> + Send + 'static {
        let mut subscription = subscribe(topic);
        async move {
            while let Some(Received::Event { event, .. }) = subscription.recv().await {
                black_box(event.0[0]);
                progress.note(1);
            }
        }
    }
}
