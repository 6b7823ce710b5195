//! A reader that comes back and reads everything a topic has kept, at once. It shares its batches with nobody.

use std::{hint::black_box, time::Duration};

use runwright_pubsub::{From, ReceivedBatch, Topic, TopicOptions};

use crate::{
    run::{Frame, cpu_time},
    subjects::Framed,
};

const ROUNDS: u32 = 300;

/// The CPU time of one event, its bytes copied into those of its batch.
pub(crate) fn per_event() -> Duration {
    let options = TopicOptions::default();
    let topic = Topic::new(options);
    let frame: Frame = vec![b'x'; 238].into();
    for _ in 0..options.max_events {
        let published = topic.publish(Framed(Frame::clone(&frame)));
        assert!(published.is_ok(), "the topic is open");
    }
    let start = cpu_time();
    let events: usize = (0..ROUNDS).map(|_| read(&topic)).sum();
    (cpu_time() - start) / u32::try_from(events).expect("there are not so many")
}

/// Returns how many events there were.
fn read(topic: &Topic<Framed>) -> usize {
    let mut subscription = topic.subscribe(From::Start).expect("the topic is open");
    let mut events = 0;
    while let Ok(ReceivedBatch::Batch(batch)) = subscription.try_recv_batch() {
        let mut bytes = Vec::with_capacity(batch.weight());
        batch
            .iter()
            .for_each(|(_, event)| bytes.extend_from_slice(&event.0));
        black_box(bytes);
        events += batch.len();
    }
    events
}
