//! What SQLite does not see: the inside of a long value that is not what was written. It is called damage, and nobody is
//! sent it.

use runwright_agent::{EventSink, LogQuery, Pace, Transcript, TranscriptError, is_storage_damaged};
use runwright_proto::{Part, Role, Seq};
use rusqlite::Connection;

use crate::stage::{Opened, Stage, id};

/// Fills the end of the middle of a column with one byte, as a page that was garbled or never written.
fn garble(stage: &Stage, table: &str, column: &str, byte: u8) {
    let database = Connection::open(stage.directory.path().join("runwright.db")).unwrap();
    let sql = format!("SELECT id, CAST({column} AS BLOB) FROM {table} ORDER BY id DESC LIMIT 1");
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (row, mut bytes): (i64, Vec<u8>) = database.query_row(&sql, [], read).unwrap();
    let (from, to) = (bytes.len() / 3, 2 * bytes.len() / 3);
    bytes[from..to].fill(byte);
    let cast = if column == "body" {
        "CAST(?2 AS TEXT)"
    } else {
        "?2"
    };
    let sql = format!("UPDATE {table} SET {column} = {cast} WHERE id = ?1");
    assert_eq!(database.execute(&sql, (row, bytes)).unwrap(), 1);
}

/// Reads the log as a reader of everything and as one of a run; both are told of damage.
async fn log_is_damaged(opened: &Opened) {
    for run in [None, Some(id("run"))] {
        let query = LogQuery {
            after: Seq::ZERO,
            until: opened.sink.head(),
            run,
            finished_only: false,
        };
        let error = opened.parts.events.read(query).await.unwrap_err();
        assert!(is_storage_damaged(&error), "{error:?}");
    }
}

async fn written() -> (Stage, Opened) {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    opened.session("s").await;
    opened.start("s", "run").await;
    let parts = vec![Part::text("a".repeat(10_000))];
    let message = opened
        .add(Some("run"), "s", Role::Assistant, parts.clone())
        .await;
    opened.update(&message, parts, Pace::Now).await;
    opened.flush().await;
    (stage, opened)
}

#[tokio::test]
async fn events_that_are_not_what_was_written_are_sent_to_nobody() {
    for byte in [0, 0xA5] {
        let (stage, opened) = written().await;
        garble(&stage, "event_chunks", "frames", byte);
        log_is_damaged(&opened).await;
    }
}

#[tokio::test]
async fn a_message_that_is_not_what_was_written_is_sent_to_nobody() {
    for byte in [0, 0xA5] {
        let (stage, opened) = written().await;
        garble(&stage, "messages", "body", byte);
        log_is_damaged(&opened).await;
        let transcript: &dyn Transcript = &*opened.parts.transcript;
        let error = transcript.messages(&id("s")).await.unwrap_err();
        assert!(
            matches!(&error, TranscriptError::Storage(_)) && is_storage_damaged(&error),
            "{error:?}"
        );
    }
}
