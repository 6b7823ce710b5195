//! Readers beside the writer.

use std::sync::{Arc, Barrier, mpsc};

use futures_util::future::BoxFuture;

use super::stage::{Stage, kind, note, notes, quiet};
use crate::engine::EngineOptions;
use crate::error::StoreErrorKind::Failed;

#[tokio::test]
async fn a_reader_sees_one_state_also_while_something_is_written() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (release, wait) = mpsc::channel();
    let reading = tokio::spawn(reading(&stage, move |connection| {
        let before = notes(connection)?;
        begun.send(()).unwrap();
        wait.recv().unwrap();
        Ok((before, notes(connection)?))
    }));
    has_begun.await.unwrap();
    stage.note("b").await.unwrap();
    release.send(()).unwrap();
    let (before, after) = reading.await.unwrap().unwrap();
    assert_eq!(
        (before, after),
        (vec!["a".to_owned()], vec!["a".to_owned()])
    );
    assert_eq!(stage.notes().await, ["a", "b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_read_at_once_and_the_others_wait_for_their_turn() {
    let stage = Stage::with(EngineOptions {
        readers: 3,
        ..quiet()
    });
    // Three meet, five times: more than three at once would leave somebody without a partner only if fewer could.
    let barrier = Arc::new(Barrier::new(3));
    let readings: Vec<_> = (0..15)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            tokio::spawn(reading(&stage, move |_| {
                barrier.wait();
                Ok(())
            }))
        })
        .collect();
    for reading in readings {
        reading.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let stage = Stage::new();
    let written = stage.engine.read(|connection| note(connection, "a")).await;
    let error = written.unwrap_err();
    assert_eq!(error.kind(), crate::StoreErrorKind::ReadOnly);
    stage.note("b").await.unwrap();
    assert_eq!(stage.notes().await, ["b"]);
}

#[tokio::test]
async fn a_query_that_panics_fails_alone() {
    let stage = Stage::new();
    let panicked = stage.engine.read(|connection| {
        assert!(
            connection.is_autocommit(),
            "a query that the test wants to panic"
        );
        Ok(())
    });
    assert_eq!(kind(panicked.await), Err(Failed));
    assert_eq!(stage.notes().await, [""; 0]);
}

/// A reading that lives without the stage.
fn reading<T: Send + 'static>(
    stage: &Stage,
    query: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
) -> BoxFuture<'static, Result<T, crate::StoreError>> {
    let engine = stage.engine.clone();
    Box::pin(async move { engine.read(query).await })
}
