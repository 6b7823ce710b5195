//! Changes that can wait.

use std::time::Duration;

use tokio::sync::oneshot;

use super::stage::{Stage, quiet};
use crate::engine::EngineOptions;
use crate::error::StoreErrorKind;

/// Asks for a lazy change, and completes with what became of it.
fn lazily(stage: &Stage, key: &'static str) -> oneshot::Receiver<Result<(), StoreErrorKind>> {
    let (done, told) = oneshot::channel();
    let change = stage.say(key);
    stage.engine.write_lazily(change, |result| {
        done.send(result.map_err(crate::StoreError::kind)).unwrap();
    });
    told
}

#[tokio::test]
async fn a_lazy_change_goes_with_the_next_urgent_one_in_the_order_of_the_calls() {
    let stage = Stage::new();
    let before = stage.engine.stats();
    let a = lazily(&stage, "a");
    stage.engine.write(stage.say("b")).await.unwrap();
    assert_eq!(a.await, Ok(Ok(())));
    assert_eq!(stage.told.take(), ["a", "b"]);
    let after = stage.engine.stats();
    assert_eq!(
        (
            after.commits - before.commits,
            after.flushes - before.flushes
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn a_lazy_change_alone_waits_no_longer_than_its_delay() {
    let stage = Stage::with(EngineOptions {
        lazy_delay: Duration::from_millis(1),
        ..quiet()
    });
    // The first may come before the writer waits; the others wake it.
    for key in ["a", "b", "c", "d", "e", "f", "g", "h"] {
        assert_eq!(lazily(&stage, key).await, Ok(Ok(())));
        while stage.notes().await.last().map(String::as_str) != Some(key) {}
    }
}

#[tokio::test]
async fn a_lazy_change_that_fails_is_told_so_and_harms_no_other() {
    let stage = Stage::new();
    let (a, again) = (lazily(&stage, "a"), lazily(&stage, "a"));
    stage.note("b").await.unwrap();
    assert_eq!(
        (a.await, again.await),
        (Ok(Ok(())), Ok(Err(StoreErrorKind::Failed)))
    );
    assert_eq!(stage.notes().await, ["a", "b"]);
}

#[tokio::test]
async fn a_callback_that_panics_harms_nobody() {
    let stage = Stage::new();
    stage.engine.write_lazily(stage.say("a"), |_| {
        panic!("a callback that the test wants to panic")
    });
    stage.note("b").await.unwrap();
    stage.note("c").await.unwrap();
    assert_eq!(stage.notes().await, ["a", "b", "c"]);
}
