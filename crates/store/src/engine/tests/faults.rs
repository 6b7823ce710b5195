//! What goes wrong outside: locks of others, a disk that is full, files that are damaged, moved or removed. Each test
//! ends with the cause gone and the engine at work.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::mpsc;

use runwright_agent::{EventLogError, JournalError, TranscriptError, is_storage_full};
use rusqlite::Connection;
use rusqlite::types::{Type, Value};

use super::stage::{Stage, Witness, kind, notes, quiet};
use crate::engine::{Batch, Engine};
use crate::error::StoreErrorKind::{Damaged, Full, Locked, Moved};
use crate::error::{OpenStoreError, StoreError};

#[tokio::test]
async fn a_lock_of_somebody_else_fails_what_waits_until_it_is_given_back() {
    let stage = Stage::new();
    let other = Connection::open(stage.file("")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = (stage.note("a"), stage.note("b"));
    assert_eq!(
        (kind(held.0.await), kind(held.1.await)),
        (Err(Locked), Err(Locked))
    );
    assert_eq!(stage.notes().await, [""; 0], "reading goes on");

    other.execute_batch("ROLLBACK").unwrap();
    stage.note("c").await.unwrap();
    assert_eq!(stage.notes().await, ["c"]);
    assert_eq!(stage.engine.stats().reopened, 0);
}

#[tokio::test]
async fn a_full_disk_fails_what_finds_no_room_and_nothing_else() {
    let stage = Stage::new();
    limit_pages(&stage, "(SELECT page_count + 2 FROM pragma_page_count)").await;
    let held = stage.hold().await;
    let small = stage.note("small");
    let large = stage.engine.write(|batch| {
        let insert = "INSERT INTO meta VALUES ('large', zeroblob(1000000))";
        batch.connection().execute(insert, [])
    });
    let after = stage.note("after");
    held.release().await;
    small.await.unwrap();
    let full = large.await.unwrap_err();
    after.await.unwrap();
    assert_eq!(full.kind(), Full);
    assert!(is_storage_full(&JournalError::from(full.clone())));
    assert!(is_storage_full(&TranscriptError::from(full.clone())));
    assert!(is_storage_full(&EventLogError::from(full)));

    limit_pages(&stage, "1000000").await;
    let large = stage.engine.write(|batch| {
        let insert = "INSERT INTO meta VALUES ('large', zeroblob(1000000))";
        batch.connection().execute(insert, [])
    });
    large.await.unwrap();
    assert_eq!(stage.notes().await, ["after", "large", "small"]);
}

/// Stands for a disk that is full: SQLite answers the same when the file may not grow.
async fn limit_pages(stage: &Stage, pages: &'static str) {
    let limited = stage.engine.write(move |batch| {
        let connection = batch.connection();
        let pages: i64 = connection.query_row(&format!("SELECT {pages}"), [], |row| row.get(0))?;
        connection.pragma_update(None, "max_page_count", pages)
    });
    limited.await.unwrap();
}

#[tokio::test]
async fn other_errors_are_not_taken_for_a_full_disk() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    let again = stage.note("a").await.unwrap_err();
    assert!(!is_storage_full(&JournalError::from(again)));
}

#[tokio::test]
async fn a_damaged_table_fails_who_touches_it_and_nobody_else() {
    let stage = Stage::new();
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'audit'";
    let page = stage
        .engine
        .read(|connection| connection.query_row(root, [], |row| row.get(0)));
    let page: u32 = page.await.unwrap();
    let place = u64::from(page - 1) * 4096;
    stage.engine.close().await;
    let sound = fs::read(stage.file("")).unwrap();
    overwrite(&stage.file(""), place, &[0xA5; 4096]);

    let engine = Engine::<Witness>::open(stage.directory.path(), quiet()).unwrap();
    let stage = Stage { engine, ..stage };
    let held = stage.hold().await;
    let before = stage.note("before");
    let touches = stage.engine.write(|batch| {
        let insert = "INSERT INTO audit (time_ms, entry) VALUES (1, 'a')";
        batch.connection().execute(insert, [])
    });
    let after = stage.note("after");
    held.release().await;
    assert_eq!(
        (kind(before.await), kind(touches.await), kind(after.await)),
        (Ok(()), Err(Damaged), Ok(()))
    );
    let read = |connection: &Connection| {
        connection.query_row("SELECT max(time_ms), max(entry) FROM audit", [], |_| Ok(()))
    };
    assert_eq!(kind(stage.engine.read(read).await), Err(Damaged));
    assert_eq!(stage.notes().await, ["after", "before"]);

    // Somebody puts the page back.
    stage.engine.close().await;
    let start = usize::try_from(place).unwrap();
    overwrite(&stage.file(""), place, &sound[start..start + 4096]);
    let engine = Engine::<Witness>::open(stage.directory.path(), quiet()).unwrap();
    assert_eq!(kind(engine.read(read).await), Ok(()));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_not_opened() {
    let stage = Stage::new();
    stage.engine.close().await;
    overwrite(&stage.file(""), 0, &[0xA5; 4096]);
    let error = Engine::<Witness>::open(stage.directory.path(), quiet())
        .map(drop)
        .unwrap_err();
    let OpenStoreError::Store(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.kind(), Damaged);
    assert!(
        error
            .to_string()
            .contains(&stage.file("").display().to_string()),
        "{error}"
    );
    let reason = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(reason, "file is not a database (SQLite code 26)");
}

#[test]
fn a_database_of_somebody_else_is_not_touched() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("runwright.db");
    Connection::open(&file)
        .unwrap()
        .execute_batch("CREATE TABLE theirs (a)")
        .unwrap();
    let before = fs::read(&file).unwrap();
    let refused = Engine::<Witness>::open(directory.path(), quiet())
        .map(drop)
        .unwrap_err();
    assert!(
        matches!(refused, OpenStoreError::Foreign { .. }),
        "{refused}"
    );
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn the_database_is_set_as_the_promises_need_it() {
    let stage = Stage::new();
    let pragma = |name: &'static str| {
        let read = move |batch: &mut Batch<'_, Witness>| {
            batch
                .connection()
                .pragma_query_value(None, name, |row| row.get::<_, Value>(0))
        };
        stage.engine.write_blocking(read).unwrap()
    };
    assert_eq!(pragma("journal_mode"), Value::Text("wal".to_owned()));
    assert_eq!(pragma("synchronous"), Value::Integer(2));
    assert_eq!(pragma("auto_vacuum"), Value::Integer(2));
    assert_eq!(pragma("wal_autocheckpoint"), Value::Integer(0));
    assert_eq!(pragma("foreign_keys"), Value::Integer(0));
}

fn overwrite(path: &Path, offset: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

#[tokio::test]
async fn nothing_is_stored_into_a_database_that_was_moved_away() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    let aside = stage.file(".aside");
    fs::rename(stage.file(""), &aside).unwrap();
    assert_eq!(kind(stage.note("lost").await), Err(Moved));
    fs::copy(&aside, stage.file("")).unwrap();
    assert_eq!(
        kind(stage.note("lost").await),
        Err(Moved),
        "another file with the same content"
    );
    assert_eq!(
        stage.notes().await,
        ["a"],
        "what was stored can still be read"
    );

    fs::rename(&aside, stage.file("")).unwrap();
    stage.note("b").await.unwrap();
    stage.engine.close().await;
    let again = Engine::<Witness>::open(stage.directory.path(), quiet()).unwrap();
    assert_eq!(again.read_blocking(notes).unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_log_that_was_removed_is_made_anew_and_nothing_is_lost() {
    for removed in [&["-wal", "-shm"][..], &["-wal"], &["-shm"]] {
        let stage = Stage::new();
        stage.note("a").await.unwrap();
        assert_eq!(stage.notes().await, ["a"]);
        for suffix in removed {
            fs::remove_file(stage.file(suffix)).unwrap();
        }
        stage.note("b").await.unwrap();
        assert_eq!(stage.notes().await, ["a", "b"]);
        assert_eq!(stage.engine.stats().reopened, 1);
        assert_eq!(found_after_a_crash(&stage), ["a", "b"], "{removed:?}");
    }
}

#[tokio::test]
async fn a_removed_log_waits_for_those_who_read() {
    // Also for one who reads nothing from it: its connection is among those that share the memory of the old one.
    for moved in [false, true] {
        let stage = Stage::new();
        stage.note("a").await.unwrap();
        if moved {
            let other = Connection::open(stage.file("")).unwrap();
            other
                .query_row("PRAGMA wal_checkpoint", [], |_| Ok(()))
                .unwrap();
        }
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let (release, wait) = mpsc::channel();
        let engine = stage.engine.clone();
        let reading = tokio::task::spawn_blocking(move || {
            engine.read_blocking(|connection| {
                notes(connection)?;
                begun.send(()).unwrap();
                wait.recv().unwrap();
                notes(connection)
            })
        });
        has_begun.await.unwrap();
        fs::remove_file(stage.file("-wal")).unwrap();
        assert_eq!(kind(stage.note("b").await), Err(Moved), "{moved}");
        release.send(()).unwrap();
        assert_eq!(reading.await.unwrap().unwrap(), ["a"]);

        stage.note("c").await.unwrap();
        assert_eq!(found_after_a_crash(&stage), ["a", "c"], "{moved}");
    }
}

/// What a process finds that opens the files as they are on disk now.
fn found_after_a_crash(stage: &Stage) -> Vec<String> {
    let copy = tempfile::tempdir().unwrap();
    for suffix in ["", "-wal"] {
        let name = format!("runwright.db{suffix}");
        fs::copy(stage.file(suffix), copy.path().join(name)).unwrap();
    }
    let engine = Engine::<Witness>::open(copy.path(), quiet()).unwrap();
    engine.read_blocking(notes).unwrap()
}

#[tokio::test]
async fn a_log_without_its_database_is_not_taken_for_a_new_one() {
    let stage = Stage::new();
    stage.note("a").await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    fs::copy(stage.file("-wal"), copy.path().join("runwright.db-wal")).unwrap();
    let refused = Engine::<Witness>::open(copy.path(), quiet())
        .map(drop)
        .unwrap_err();
    assert!(
        matches!(refused, OpenStoreError::DatabaseMissing { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn an_error_names_the_file_and_the_reason_and_no_value() {
    let stage = Stage::new();
    stage.note("a secret").await.unwrap();
    let error: StoreError = stage.note("a secret").await.unwrap_err();
    let file = stage.file("");
    assert_eq!(
        error.chain(),
        format!(
            "a change of `{}` failed and was undone: UNIQUE constraint failed: meta.key (SQLite code 1555)",
            file.display()
        )
    );
    // What cannot be read is told without what it is.
    let unfit = stage.engine.read(|_| {
        let reason = "a secret is no number".into();
        Err::<(), _>(rusqlite::Error::FromSqlConversionFailure(
            0,
            Type::Text,
            reason,
        ))
    });
    let error = unfit.await.unwrap_err();
    assert!(
        error
            .chain()
            .ends_with("value of type Text in column 0 cannot be read"),
        "{}",
        error.chain()
    );
}
