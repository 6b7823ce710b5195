//! Copies, and what becomes of one that is opened.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use runwright_agent::{Clock, EventSink, LogQuery, Lost};
use runwright_proto::Seq;
use runwright_store::maintenance::{BackupError, CheckError, backup, check};
use rusqlite::Connection;
use tempfile::TempDir;

use super::hand::{directory, fill, names, overwrite};
use crate::stage::{Stage, envelopes};

/// A data directory with nothing but a copy.
fn restored(copy: &Path) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::copy(copy, directory.path().join("runwright.db")).unwrap();
    directory
}

#[tokio::test]
async fn a_copy_is_one_sound_file_for_its_owner_alone() {
    let directory = directory().await;
    let target = tempfile::tempdir().unwrap();
    let file = target.path().join("copy.db");
    let report = backup(directory.path(), &file).unwrap();
    assert_eq!(names(target.path()), ["copy.db"]);
    let metadata = file.metadata().unwrap();
    assert_eq!((&report.file, report.bytes), (&file, metadata.len()));
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);

    let [copy, original] = [restored(&file).path(), directory.path()].map(|directory| {
        let report = check(directory).unwrap();
        assert_eq!(report.findings, []);
        let tables = report
            .tables
            .into_iter()
            .filter(|table| table.name != "meta");
        let mut rows: Vec<_> = tables.map(|table| (table.name, table.rows)).collect();
        rows.sort();
        rows
    });
    assert_eq!(copy, original);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_a_busy_server_is_the_state_of_one_moment() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    let target = tempfile::tempdir().unwrap();
    let (from, to) = (stage.directory.path().to_owned(), target.path().to_owned());
    let mut copying = tokio::task::spawn_blocking(move || {
        for n in 0..5 {
            backup(&from, &to.join(format!("{n}.db"))).unwrap();
        }
    });
    let mut written = 0;
    while !copying.is_finished() || written < 20 {
        opened.session(&format!("{written:05}")).await;
        written += 1;
    }
    (&mut copying).await.unwrap();
    for n in 0..5 {
        let copy = Connection::open(target.path().join(format!("{n}.db"))).unwrap();
        // What was stored first is there, up to some session, and as many events.
        let sql = "SELECT (SELECT count(*) FROM sessions), (SELECT ifnull(max(session_id) + 1, 0) FROM sessions),
                          (SELECT ifnull(sum(events), 0) FROM event_chunks)";
        let counts: (i64, i64, i64) = copy
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert_eq!((counts.0, counts.0), (counts.1, counts.2), "copy {n}");
    }
}

#[tokio::test]
async fn a_restored_copy_begins_a_new_epoch_once_and_uses_no_number_again() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    fill(&opened).await;
    opened.flush().await;
    let target = tempfile::tempdir().unwrap();
    let file = target.path().join("copy.db");
    backup(stage.directory.path(), &file).unwrap();
    let used = opened.sink.head();

    let copy = Stage::at(restored(&file), stage.clock.now(), |_| {});
    let again = copy.open().await;
    assert_ne!(again.epoch, opened.epoch);
    assert!(again.next > used);
    assert_eq!(again.messages("s").await.len(), 2);
    assert!(again.parts.clients.is_empty());
    // What happened before is lost to every reader, and said to be so; what comes now is not.
    again.session("new").await;
    let query = LogQuery {
        after: Seq::ZERO,
        until: again.sink.head(),
        run: None,
        finished_only: false,
    };
    let page = again.parts.events.read(query).await.unwrap();
    let reserved = Seq(4096);
    assert_eq!(
        page.lost,
        Some(Lost {
            from: Seq(1),
            to: reserved
        })
    );
    let events = envelopes(&page.frames);
    assert!(
        events
            .iter()
            .all(|event| event.epoch.as_ref() == Some(&again.epoch))
    );
    let numbers: Vec<_> = events.iter().map(|event| event.seq.unwrap()).collect();
    assert!(
        numbers[0] > reserved && numbers.last() == Some(&again.sink.head()),
        "{numbers:?}"
    );

    // Their frames would say the old epoch.
    let old = "SELECT count(*) FROM event_chunks WHERE first_seq <= 4096";
    let connection = Connection::open(copy.directory.path().join("runwright.db")).unwrap();
    let kept: i64 = connection.query_row(old, [], |row| row.get(0)).unwrap();
    assert_eq!(kept, 0);
    drop(connection);

    again.parts.events.close().await;
    let once = copy.closed().await;
    assert_eq!(once.open().await.epoch, again.epoch);
    // The original goes on as it was.
    let epoch = opened.epoch.clone();
    opened.parts.events.close().await;
    assert_eq!(stage.closed().await.open().await.epoch, epoch);
}

#[tokio::test]
async fn a_backup_overwrites_nothing_and_leaves_nothing_behind() {
    let directory = directory().await;
    let target = tempfile::tempdir().unwrap();
    let file = target.path().join("copy.db");
    fs::write(&file, "precious").unwrap();
    let refused = backup(directory.path(), &file).unwrap_err();
    let text = format!(
        "`{}` exists, and a backup overwrites nothing; choose another name",
        file.display()
    );
    assert_eq!(refused.to_string(), text);
    assert_eq!(fs::read(&file).unwrap(), b"precious");

    let nowhere = target.path().join("missing/copy.db");
    let refused = backup(directory.path(), &nowhere).unwrap_err();
    assert!(matches!(refused, BackupError::Write { .. }), "{refused}");
    let empty = tempfile::tempdir().unwrap();
    let refused = backup(empty.path(), &target.path().join("none.db")).unwrap_err();
    assert!(
        matches!(refused, BackupError::Check(CheckError::Missing { .. })),
        "{refused}"
    );
    assert_eq!(names(target.path()), ["copy.db"]);
}

#[tokio::test]
async fn a_damaged_database_is_not_copied() {
    let directory = directory().await;
    overwrite(directory.path(), "audit", &[0xA5; 4096]);
    let target = tempfile::tempdir().unwrap();
    let refused = backup(directory.path(), &target.path().join("copy.db")).unwrap_err();
    assert!(matches!(refused, BackupError::Damaged { .. }), "{refused}");
    assert_eq!(names(target.path()), [""; 0]);
}
