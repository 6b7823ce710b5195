//! What one batch does: order, participants, failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

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
async fn many_failures_leave_the_rest_in_order() {
    let stage = Stage::new();
    let held = stage.hold().await;
    let answers: Vec<_> = (0..200)
        .map(|n: i64| {
            stage.engine.write(move |batch| {
                if n % 3 == 0 {
                    return Err(rusqlite::Error::InvalidQuery);
                }
                let key = format!("{n:03}");
                let stored = "INSERT INTO meta SELECT ?1, count(*) FROM meta";
                batch.connection().execute(stored, [key]).map(drop)
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
    let order = "SELECT group_concat(key, ' ') FROM (SELECT key FROM meta ORDER BY value)";
    let found = stage
        .engine
        .read(|connection| connection.query_row(order, [], |row| row.get::<_, String>(0)));
    let expected: Vec<_> = (0..200)
        .filter(|n| n % 3 != 0)
        .map(|n| format!("{n:03}"))
        .collect();
    assert_eq!(found.await.unwrap(), expected.join(" "));
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
