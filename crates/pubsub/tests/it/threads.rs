//! Real threads: a smoke test of what the models prove.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
};

use runwright_pubsub::{From, Received, ReceivedBatch};

use crate::common::{every, latest, subscribe, topic_of};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

#[test]
fn every_reader_of_many_publishers_sees_every_event_in_order() {
    const PUBLISHERS: u32 = 3;
    const EVENTS: u32 = 2000;
    let topic = topic_of((PUBLISHERS * EVENTS) as usize);
    let readers: Vec<_> = (0..4).map(|_| subscribe(&topic, From::Now)).collect();
    let readers: Vec<_> = readers
        .into_iter()
        .enumerate()
        .map(|(place, mut reader)| {
            thread::spawn(move || {
                let mut numbers = Vec::new();
                loop {
                    if place % 2 == 0 {
                        match block_on(reader.recv()) {
                            Some(Received::Event { seq, event }) => numbers.push((seq, event.key)),
                            Some(Received::Lagged(lagged)) => panic!("{lagged:?}"),
                            None => return numbers,
                        }
                    } else {
                        match block_on(reader.recv_batch()) {
                            Some(ReceivedBatch::Batch(batch)) => {
                                numbers.extend(batch.iter().map(|(seq, event)| (seq, event.key)));
                            }
                            Some(ReceivedBatch::Lagged(lagged)) => panic!("{lagged:?}"),
                            None => return numbers,
                        }
                    }
                }
            })
        })
        .collect();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let topic = topic.clone();
            thread::spawn(move || {
                for value in 0..EVENTS {
                    let note = if value % 4 == 0 {
                        latest(publisher as u8, value)
                    } else {
                        every(value)
                    };
                    topic.publish(note).unwrap();
                }
            })
        })
        .collect();
    publishers
        .into_iter()
        .for_each(|publisher| publisher.join().unwrap());
    topic.shutdown();
    for reader in readers {
        let numbers = reader.join().unwrap();
        assert!(numbers.is_sorted_by(|(one, _), (next, _)| one < next));
        let arrived = numbers.iter().filter(|(_, key)| key.is_none()).count();
        assert_eq!(arrived, (PUBLISHERS * EVENTS * 3 / 4) as usize);
    }
}
