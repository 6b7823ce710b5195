//! What happens when the disk does not keep up.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::oneshot;

use super::stage::{Stage, kind, quiet};
use crate::engine::EngineOptions;
use crate::error::StoreErrorKind::Overloaded;

#[tokio::test]
async fn while_the_disk_hangs_new_work_is_refused_at_once_and_the_rest_waits() {
    let stage = Stage::with(EngineOptions {
        stalled_after: Duration::ZERO,
        ..quiet()
    });
    stage
        .engine
        .accept_write(stage.say("before"))
        .await
        .unwrap();
    let held = stage.hold().await;
    let refused = stage
        .engine
        .accept_write(stage.say("refused"))
        .now_or_never();
    assert_eq!(refused.map(kind), Some(Err(Overloaded)));
    let mut waits = stage.note("waits");
    assert!((&mut waits).now_or_never().is_none());
    held.release().await;

    waits.await.unwrap();
    stage.engine.accept_write(stage.say("after")).await.unwrap();
    assert_eq!(stage.notes().await, ["after", "before", "waits"]);
    assert_eq!(stage.engine.stats().refused, 1);
}

#[tokio::test]
async fn a_slow_disk_is_no_reason_to_refuse() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let waits = stage.engine.accept_write(stage.say("waits"));
    held.release().await;
    waits.await.unwrap();
}

#[tokio::test]
async fn the_queue_is_bounded_and_new_work_is_refused_first() {
    let stage = Stage::with(EngineOptions {
        accept_limit: 2,
        queue_limit: 3,
        ..quiet()
    });
    let held = stage.hold().await;
    let waiting = [
        stage.engine.accept_write(stage.say("a")),
        stage.engine.accept_write(stage.say("b")),
    ];
    let third = stage.engine.accept_write(stage.say("c")).now_or_never();
    assert_eq!(third.map(kind), Some(Err(Overloaded)));
    let end = stage.note("d");
    assert_eq!(
        stage.note("e").now_or_never().map(kind),
        Some(Err(Overloaded))
    );
    let (done, told) = oneshot::channel();
    stage.engine.write_lazily(stage.say("f"), |result| {
        done.send(result.map_err(crate::StoreError::kind)).unwrap();
    });
    assert_eq!(told.await, Ok(Err(Overloaded)));
    held.release().await;
    for answer in waiting {
        answer.await.unwrap();
    }
    end.await.unwrap();
    assert_eq!(stage.notes().await, ["a", "b", "d"]);
}
