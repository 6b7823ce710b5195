//! Readers beside the writer.

use std::sync::{Arc, Barrier, mpsc};

use futures_util::future::join_all;

use super::stage::{Stage, kind, note, notes, quiet};
use crate::engine::EngineOptions;
use crate::error::StoreErrorKind::Failed;

#[tokio::test]
async fn a_reader_sees_one_state_also_while_something_is_written() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let (release, wait) = mpsc::channel();
    let reading = stage.engine.read(move |connection| {
        let before = notes(connection)?;
        begun.send(()).unwrap();
        wait.recv().unwrap();
        Ok((before, notes(connection)?))
    });
    let writing = async {
        has_begun.await.unwrap();
        stage.note("b").await.unwrap();
        release.send(()).unwrap();
    };
    let (read, ()) = tokio::join!(reading, writing);
    let unchanged = vec!["a".to_owned()];
    assert_eq!(read.unwrap(), (unchanged.clone(), unchanged));
    assert_eq!(stage.notes().await, ["a", "b"]);
}

#[tokio::test]
async fn several_read_at_once_and_the_others_wait_for_their_turn() {
    let stage = Stage::with(EngineOptions {
        readers: 3,
        ..quiet()
    });
    // They meet in threes, so this ends only if three can read at once.
    let barrier = Arc::new(Barrier::new(3));
    let readings = (0..15).map(|_| {
        let barrier = Arc::clone(&barrier);
        stage.engine.read(move |_| {
            barrier.wait();
            Ok(())
        })
    });
    for read in join_all(readings).await {
        read.unwrap();
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
