//! What one batch does: order, participants, failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use futures_util::future::join_all;
use rusqlite::Connection;

use super::stage::{Fate, Stage, Witness, kind, note, notes, quiet};
use crate::engine::{Batch, Engine};
use crate::error::StoreErrorKind::Failed;

#[tokio::test]
async fn a_change_is_found_by_the_next_process() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    assert_eq!(stage.notes().await, ["a"]);
    stage.engine.close().await;

    let again = Engine::<Witness>::open(stage.directory.path(), quiet()).unwrap();
    assert_eq!(again.read_blocking(notes).unwrap(), ["a"]);
}

#[tokio::test]
async fn what_waits_is_stored_in_one_transaction_with_one_flush() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let before = stage.engine.stats();
    let answers = ["a", "b", "c", "d"].map(|key| stage.note(key));
    held.release().await;
    for answer in answers {
        answer.await.unwrap();
    }
    let after = stage.engine.stats();
    assert_eq!(
        after.flushes - before.flushes,
        1,
        "what was held changed nothing"
    );
    assert_eq!(
        (after.commits, after.changes, after.largest_batch),
        (2, 5, 4)
    );
    assert_eq!(stage.notes().await, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn a_batch_that_changes_nothing_is_not_flushed() {
    let stage = Stage::new();
    let before = stage.engine.stats();
    let nothing = "UPDATE meta SET value = 1 WHERE key = 'nobody'";
    let changed = stage
        .engine
        .write(move |batch| batch.connection().execute(nothing, []));
    assert_eq!(changed.await.unwrap(), 0);
    let after = stage.engine.stats();
    assert_eq!(
        (
            after.commits - before.commits,
            after.flushes - before.flushes
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn participants_write_last_and_are_told_before_the_callers() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let answers = [
        stage.engine.write(stage.take_part(7, "a", Fate::Fine)),
        stage.engine.write(stage.take_part(8, "b", Fate::Fine)),
        stage.engine.write(stage.take_part(7, "c", Fate::Fine)),
    ];
    held.release().await;
    for answer in answers {
        answer.await.unwrap();
        stage.told.say("answer");
    }
    assert_eq!(
        stage.told.take(),
        [
            "a",
            "b",
            "c",
            "a last",
            "b last",
            "a committed",
            "b committed",
            "answer",
            "answer",
            "answer"
        ]
    );
}

#[tokio::test]
async fn a_change_that_fails_is_undone_and_harms_no_other() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let a = stage.engine.write(stage.take_part(1, "a", Fate::Fine));
    let told = stage.told.clone();
    let bad = stage.engine.write(move |batch| {
        told.say("bad");
        note(batch.connection(), "half of it")?;
        note(batch.connection(), "a")
    });
    let c = stage.engine.write(stage.take_part(1, "c", Fate::Fine));
    held.release().await;

    assert_eq!(
        (kind(a.await), kind(bad.await), kind(c.await)),
        (Ok(()), Err(Failed), Ok(()))
    );
    assert_eq!(stage.notes().await, ["a", "c"]);
    assert_eq!(
        stage.told.take(),
        [
            "a",
            "bad",
            "a undone",
            "a",
            "a last",
            "a committed",
            "bad",
            "c",
            "c last",
            "c committed"
        ]
    );
}

#[tokio::test]
async fn a_value_of_an_attempt_that_was_undone_is_not_the_answer() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let mut attempts = 0;
    let counted = stage.engine.write(move |_| {
        attempts += 1;
        Ok(attempts)
    });
    let bad = stage
        .engine
        .write(|_| Err::<(), _>(rusqlite::Error::InvalidQuery));
    held.release().await;
    assert_eq!((kind(counted.await), kind(bad.await)), (Ok(2), Err(Failed)));
}

#[tokio::test]
async fn a_change_that_panics_fails_alone_and_does_not_run_again() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let runs = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&runs);
    let a = stage.note("a");
    let bad = stage.engine.write(move |batch: &mut Batch<'_, _>| {
        counted.fetch_add(1, Relaxed);
        note(batch.connection(), "bad")?;
        assert!(
            batch.connection().is_autocommit(),
            "a change that the test wants to panic"
        );
        Ok(())
    });
    let c = stage.note("c");
    held.release().await;
    assert_eq!(
        (kind(a.await), kind(bad.await), kind(c.await)),
        (Ok(()), Err(Failed), Ok(()))
    );
    assert_eq!(
        (stage.notes().await, runs.load(Relaxed)),
        (vec!["a".into(), "c".into()], 1)
    );
}

#[tokio::test]
async fn a_participant_that_fails_undoes_its_own_changes_alone() {
    for fate in [Fate::Fails, Fate::Panics] {
        let stage = Stage::new();
        let held = stage.hold().await;
        let a = stage.engine.write(stage.take_part(1, "a", Fate::Fine));
        let bad = stage.engine.write(stage.take_part(2, "bad", fate));
        let c = stage.engine.write(stage.take_part(3, "c", Fate::Fine));
        held.release().await;
        assert_eq!(
            (kind(a.await), kind(bad.await), kind(c.await)),
            (Ok(()), Err(Failed), Ok(()))
        );
        assert_eq!(stage.notes().await, ["a", "c"]);
    }
}

#[tokio::test]
async fn participants_hear_of_a_failure_in_the_opposite_order() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let a = stage.engine.write(stage.take_part(1, "a", Fate::Fine));
    let b = stage.engine.write(stage.take_part(2, "b", Fate::Fine));
    let bad = stage
        .engine
        .write(|_| Err::<(), _>(rusqlite::Error::InvalidQuery));
    held.release().await;
    assert_eq!(
        (kind(a.await), kind(b.await), kind(bad.await)),
        (Ok(()), Ok(()), Err(Failed))
    );
    assert_eq!(stage.told.take()[..4], ["a", "b", "b undone", "a undone"]);
}

#[tokio::test]
async fn a_failure_in_a_part_of_a_batch_leaves_the_order_of_the_rest() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let mut runs = 0;
    let answers = [
        stage.engine.write(|batch| numbered(batch, "a")),
        // All of the batch fails because of the participant; then this one does, in its first half.
        stage.engine.write(move |batch| {
            runs += 1;
            if runs == 2 {
                return Err(rusqlite::Error::InvalidQuery);
            }
            numbered(batch, "b")
        }),
        stage.engine.write(|batch| numbered(batch, "c")),
        stage.engine.write(|batch| numbered(batch, "d")),
        stage.engine.write(|batch| numbered(batch, "e")),
        stage.engine.write(stage.take_part(1, "bad", Fate::Fails)),
    ];
    held.release().await;
    let ends: Vec<_> = join_all(answers).await.into_iter().map(kind).collect();
    assert_eq!(ends, [Ok(()), Ok(()), Ok(()), Ok(()), Ok(()), Err(Failed)]);
    assert_eq!(in_order(&stage).await, "a b c d e");
}

/// Notes a key with its place.
fn numbered(batch: &mut Batch<'_, Witness>, key: &str) -> rusqlite::Result<()> {
    let insert = "INSERT INTO meta SELECT ?1, count(*) FROM meta";
    batch.connection().execute(insert, [key]).map(drop)
}

/// The keys in the order of their places.
async fn in_order(stage: &Stage) -> String {
    let order = "SELECT group_concat(key, ' ') FROM (SELECT key FROM meta ORDER BY value)";
    let keys = |connection: &Connection| connection.query_row(order, [], |row| row.get(0));
    stage.engine.read(keys).await.unwrap()
}

#[tokio::test]
async fn many_failures_leave_the_rest_in_order() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let answers: Vec<_> = (0..200)
        .map(|n: i64| {
            stage.engine.write(move |batch| {
                if n % 3 == 0 {
                    return Err(rusqlite::Error::InvalidQuery);
                }
                numbered(batch, &format!("{n:03}"))
            })
        })
        .collect();
    held.release().await;
    for (n, answer) in answers.into_iter().enumerate() {
        assert_eq!(
            kind(answer.await),
            if n % 3 == 0 { Err(Failed) } else { Ok(()) },
            "{n}"
        );
    }
    let expected: Vec<_> = (0..200)
        .filter(|n| n % 3 != 0)
        .map(|n| format!("{n:03}"))
        .collect();
    assert_eq!(in_order(&stage).await, expected.join(" "));
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_undoes_nothing() {
    let stage = Stage::new();
    let held = stage.hold().await;
    drop(stage.note("a"));
    let b = stage.note("b");
    held.release().await;
    b.await.unwrap();
    assert_eq!(stage.notes().await, ["a", "b"]);
}

#[tokio::test]
async fn what_an_answer_followed_is_seen_by_every_later_reader() {
    let stage = Stage::new();
    for n in 0..50 {
        let change = move |batch: &mut Batch<'_, _>| note(batch.connection(), &n.to_string());
        stage.engine.write(change).await.unwrap();
        assert_eq!(stage.notes().await.len(), n + 1);
    }
}
