//! The end of a topic.

use std::task::{Context, Poll};

use futures_util::FutureExt;
use runwright_pubsub::{Closed, From, TryRecvError};

use crate::common::{
    Got, Wakes, drain, every, park, park_urgent, publish, subscribe, topic, topic_of,
};

#[test]
fn publishing_is_refused_after_shutdown() {
    let topic = topic();
    publish(&topic, [every(1)]);
    topic.shutdown();
    topic.shutdown();
    assert!(topic.is_closed());
    assert_eq!(topic.publish(every(2)), Err(Closed));
    assert_eq!(
        topic
            .publish_must_deliver(every(3), std::future::pending())
            .unwrap_err(),
        Closed
    );
    assert_eq!(topic.stats().published, 1);
}

#[test]
fn each_stream_ends_after_its_backlog() {
    let topic = topic();
    let mut behind = subscribe(&topic, From::Now);
    publish(&topic, [every(1), every(2)]);
    let mut caught_up = subscribe(&topic, From::Now);
    topic.shutdown();
    assert_eq!(drain(&mut behind), [Got::Event(1, 1), Got::Event(2, 2)]);
    for reader in [&mut behind, &mut caught_up] {
        assert_eq!(reader.recv().now_or_never(), Some(None));
        assert!(matches!(reader.recv_batch().now_or_never(), Some(None)));
        assert_eq!(reader.try_recv(), Err(TryRecvError::Closed));
    }
}

#[test]
fn a_loss_is_told_also_after_shutdown() {
    let topic = topic_of(1);
    let mut reader = subscribe(&topic, From::Now);
    publish(&topic, [every(1), every(2)]);
    topic.shutdown();
    assert_eq!(drain(&mut reader), [Got::Lagged(1, 1), Got::Event(2, 2)]);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn shutdown_wakes_everybody_once() {
    let topic = topic();
    let (wakes, waker) = Wakes::new();
    let mut any = subscribe(&topic, From::Now);
    let mut urgent = subscribe(&topic, From::Now);
    park(&mut any, &waker);
    park_urgent(&mut urgent, &waker);
    topic.shutdown();
    topic.shutdown();
    assert_eq!(wakes.count(), 2);
    assert_eq!(
        any.poll_recv(&mut Context::from_waker(&waker)),
        Poll::Ready(None)
    );
    assert_eq!(
        urgent.poll_ready_urgent(&mut Context::from_waker(&waker)),
        Poll::Ready(())
    );
}

#[test]
fn the_last_handle_shuts_the_topic_down() {
    let topic = topic();
    let other = topic.clone();
    let (wakes, waker) = Wakes::new();
    let mut reader = subscribe(&topic, From::Now);
    park(&mut reader, &waker);
    drop(topic);
    assert_eq!(wakes.count(), 0);
    publish(&other, [every(1)]);
    drop(other);
    assert_eq!(drain(&mut reader), [Got::Event(1, 1)]);
    assert_eq!(reader.try_recv(), Err(TryRecvError::Closed));
}
