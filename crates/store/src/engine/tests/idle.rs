//! Idle work, the write-ahead log, and pages that are given back.

use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::stage::{NEVER, Stage, note, quiet};
use crate::engine::{EngineOptions, Idle, vacuum};

/// Idle work begins as soon as nothing waits.
fn eager() -> EngineOptions {
    EngineOptions {
        idle_after: Duration::ZERO,
        idle_budget: NEVER,
        ..quiet()
    }
}

/// Adds idle work that says how often it was called, and answers each time with the next of these.
fn work(stage: &Stage, answers: impl IntoIterator<Item = Idle>) -> UnboundedReceiver<usize> {
    let (say, said) = unbounded_channel();
    let mut answers: Vec<_> = answers.into_iter().collect();
    answers.reverse();
    let mut calls = 0;
    stage.engine.when_idle("test", move |_, _| {
        calls += 1;
        say.send(calls).unwrap();
        Ok(answers.pop().unwrap_or(Idle::Done))
    });
    said
}

#[tokio::test]
async fn idle_work_is_done_when_nothing_waits_and_again_after_a_change() {
    let stage = Stage::with(eager());
    let mut said = work(&stage, []);
    assert_eq!(said.recv().await, Some(1));
    stage.note("a").await.unwrap();
    assert_eq!(said.recv().await, Some(2));
}

#[tokio::test]
async fn idle_work_goes_on_until_it_is_done() {
    let stage = Stage::with(eager());
    let mut said = work(
        &stage,
        [Idle::More, Idle::In(Duration::from_millis(1)), Idle::Done],
    );
    for call in 1..=3 {
        assert_eq!(said.recv().await, Some(call));
    }
    stage.engine.close().await;
    assert_eq!(said.recv().await, None, "done means done");
}

#[tokio::test]
async fn a_step_is_a_transaction_of_its_own_and_a_failure_undoes_it() {
    let stage = Stage::with(eager());
    let (say, mut said) = unbounded_channel();
    let mut calls = 0;
    stage.engine.when_idle("test", move |batch, _| {
        calls += 1;
        say.send(()).unwrap();
        if calls <= 3 {
            note(batch.connection(), &format!("step {calls}"))?;
        }
        match calls {
            1 => Err(rusqlite::Error::InvalidQuery),
            2 => panic!("idle work that the test wants to panic"),
            _ => Ok(Idle::Done),
        }
    });
    for key in ["a", "b", "c"] {
        said.recv().await.unwrap();
        stage.note(key).await.unwrap();
    }
    assert_eq!(stage.notes().await, ["a", "b", "c", "step 3"]);
}

#[tokio::test]
async fn a_step_stops_when_somebody_waits() {
    let stage = Stage::with(eager());
    let (say, mut said) = unbounded_channel();
    stage.engine.when_idle("test", move |_, budget| {
        say.send(()).unwrap();
        while !budget.is_spent() {
            std::thread::yield_now();
        }
        Ok(Idle::Done)
    });
    said.recv().await.unwrap();
    stage.note("a").await.unwrap();
}

#[tokio::test]
async fn a_step_has_its_time_and_no_more() {
    let stage = Stage::with(EngineOptions {
        idle_budget: Duration::from_millis(1),
        ..eager()
    });
    let (say, mut said) = unbounded_channel();
    stage.engine.when_idle("test", move |_, budget| {
        while !budget.is_spent() {
            std::thread::yield_now();
        }
        say.send(()).unwrap();
        Ok(Idle::Done)
    });
    said.recv().await.unwrap();
}

#[tokio::test]
async fn idle_work_finds_time_also_when_somebody_always_waits() {
    let stage = Stage::with(EngineOptions {
        idle_at_least_every: Duration::ZERO,
        ..quiet()
    });
    let mut said = work(&stage, []);
    stage.note("a").await.unwrap();
    assert_eq!(said.recv().await, Some(1));
}

#[tokio::test]
async fn a_log_becomes_part_of_the_database_when_there_is_time() {
    let stage = Stage::with(EngineOptions {
        log_idle_after: Duration::ZERO,
        ..quiet()
    });
    stage.note("a").await.unwrap();
    until(|| stage.engine.stats().checkpoints == 1).await;
    // Now the log is not needed to find it.
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("copy.db");
    std::fs::copy(stage.file(""), &file).unwrap();
    assert_eq!(
        super::stage::notes(&Connection::open(file).unwrap()).unwrap(),
        ["a"]
    );
}

#[tokio::test]
async fn a_long_log_is_moved_although_there_is_other_work() {
    let stage = Stage::with(EngineOptions {
        checkpoint_bytes: 64 * 1024,
        ..quiet()
    });
    // What made the schema is in the log at first, too.
    for n in 0..4 {
        grow(&stage, n).await;
    }
    let mut longest = 0;
    for n in 4..100 {
        grow(&stage, n).await;
        longest = longest.max(stage.engine.stats().log_bytes);
    }
    // 100 changes of five pages and more; each starts the log anew that finds it moved.
    assert!(longest < 128 * 1024, "{longest}");
    assert!(
        stage.engine.stats().checkpoints > 10,
        "{:?}",
        stage.engine.stats()
    );
}

#[tokio::test]
async fn a_log_that_somebody_reads_from_grows_and_starts_anew_when_he_has_gone() {
    let stage = Stage::with(EngineOptions {
        checkpoint_bytes: 64 * 1024,
        ..quiet()
    });
    let reader = Connection::open(stage.file("")).unwrap();
    reader.execute_batch("BEGIN; SELECT * FROM meta").unwrap();
    for n in 0..50 {
        grow(&stage, n).await;
    }
    let grown = stage.engine.stats();
    assert!(grown.log_bytes > 1_000_000, "{grown:?}");
    // Not at each change, but each time it has grown as much again.
    assert!((1..30).contains(&grown.checkpoints_cut), "{grown:?}");
    reader.execute_batch("COMMIT").unwrap();
    for n in 50..60 {
        grow(&stage, n).await;
    }
    let after = stage.engine.stats();
    assert!(after.log_bytes < 128 * 1024, "{after:?}");
}

/// Stores 20 KB.
async fn grow(stage: &Stage, n: i64) {
    let insert = "INSERT INTO meta VALUES (?1, zeroblob(20000))";
    let stored = stage
        .engine
        .write(move |batch| batch.connection().execute(insert, [n.to_string()]));
    stored.await.unwrap();
}

#[tokio::test]
async fn pages_that_nothing_uses_are_given_back() {
    let stage = Stage::with(eager());
    let pages = |connection: &Connection| vacuum::pragma(connection, "page_count");
    let filled = stage.engine.write(|batch| {
        let insert = "INSERT INTO meta VALUES ('large', zeroblob(40000000))";
        batch.connection().execute(insert, [])
    });
    filled.await.unwrap();
    let before = stage.engine.read(pages).await.unwrap();
    let emptied = stage
        .engine
        .write(|batch| batch.connection().execute("DELETE FROM meta", []));
    emptied.await.unwrap();
    while stage.engine.read(pages).await.unwrap() > before / 2 {}
}

/// Lets the writer's thread work until something is so.
async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}
