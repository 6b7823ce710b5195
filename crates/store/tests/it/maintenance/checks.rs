//! What is found, and what is repaired.

use std::fs;
use std::path::Path;

use runwright_agent::Pace;
use runwright_proto::{Part, Role};
use runwright_store::maintenance::{
    BackupError, CheckError, CheckReport, Finding, FixError, Severity, backup, check, fix,
};
use runwright_store::{LockState, OpenStoreError, Store, StoreErrorKind, StoreOptions};
use tempfile::TempDir;

use super::hand::{database, directory, empty_index_page, fill, hand, overwrite};
use crate::stage::Stage;

/// What was found, each with how bad it is.
fn findings(report: &CheckReport) -> Vec<(Severity, &str)> {
    let finding = report.findings.iter();
    finding
        .map(|finding| (finding.severity, finding.text.as_str()))
        .collect()
}

#[tokio::test]
async fn a_sound_database_is_told_as_such() {
    let directory = directory().await;
    let report = check(directory.path()).unwrap();
    assert_eq!(findings(&report), []);
    assert!(report.is_sound());
    assert_eq!((report.schema, &report.lock), (2, &LockState::Free));
    let file = database(directory.path());
    assert_eq!(report.database_bytes, file.metadata().unwrap().len());
    let mut rows: Vec<_> = report
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table.rows))
        .collect();
    rows.sort_unstable();
    rows.retain(|(name, _)| *name != "event_chunks");
    assert_eq!(
        rows,
        [
            ("approvals", Some(1)),
            ("audit", Some(0)),
            ("files_read", Some(1)),
            ("idempotency_keys", Some(1)),
            ("message_chunks", Some(0)),
            ("messages", Some(2)),
            ("meta", Some(0)),
            ("run_attachments", Some(1)),
            ("runs", Some(2)),
            ("sessions", Some(1)),
            ("streams", Some(1)),
            ("workspaces", Some(1))
        ]
    );
    let bytes: u64 = report.tables.iter().map(|table| table.bytes).sum();
    // Besides them there are the schema and a page that maps the others.
    assert!(
        (report.database_bytes / 2..report.database_bytes).contains(&bytes),
        "{report}"
    );

    let text = report.to_string();
    let begin = format!("database   {}, schema 2\nlock       free\n", file.display());
    assert!(text.starts_with(&begin), "{text}");
    assert!(
        text.contains("\ntable      messages                  2 rows "),
        "{text}"
    );
    assert!(text.ends_with("\nsound      nothing to repair\n"), "{text}");
}

#[tokio::test]
async fn looking_changes_nothing_also_after_a_crash() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    fill(&opened).await;
    opened.start("s", "cut").await;
    let message = opened.add(Some("cut"), "s", Role::Assistant, vec![]).await;
    opened
        .update(&message, vec![Part::text("so far")], Pace::Streamed)
        .await;
    opened.flush().await;
    let crashed = image(stage.directory.path());
    let before = contents(crashed.path());

    let report = check(crashed.path()).unwrap();
    assert!(contents(crashed.path()) == before);
    assert!(report.is_sound() && report.log_bytes > 0, "{report}");
    let notes: Vec<_> = report
        .findings
        .iter()
        .map(|finding| finding.severity)
        .collect();
    assert_eq!(notes, [Severity::Note, Severity::Note], "{report}");
    let text = report.to_string();
    assert!(
        text.contains("\nnote       1 runs that were cut off: "),
        "{text}"
    );

    // What is said of the next start is so.
    let store = Store::open(crashed.path(), StoreOptions::default()).unwrap();
    assert_eq!(store.recovered().interrupted, 1);
    store.close().await;
    assert_eq!(findings(&check(crashed.path()).unwrap()), []);
}

/// The files as they are on disk now: what is left when the process dies at this moment.
fn image(directory: &Path) -> TempDir {
    let image = tempfile::tempdir().unwrap();
    for name in ["runwright.db", "runwright.db-wal"] {
        fs::copy(directory.join(name), image.path().join(name)).unwrap();
    }
    image
}

fn contents(directory: &Path) -> [Vec<u8>; 2] {
    ["runwright.db", "runwright.db-wal"].map(|name| fs::read(directory.join(name)).unwrap())
}

#[tokio::test]
async fn a_live_server_is_looked_at_and_not_repaired() {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    fill(&opened).await;
    let message = opened.add(None, "s", Role::Assistant, vec![]).await;
    opened
        .update(&message, vec![Part::text("so far")], Pace::Streamed)
        .await;
    opened.flush().await;
    let report = check(stage.directory.path()).unwrap();
    assert_eq!(findings(&report), [], "what it streams is not damage");
    let LockState::Held(owner) = &report.lock else {
        panic!("{}", report.lock);
    };
    assert_eq!(owner.pid, std::process::id());
    let refused = fix(stage.directory.path()).unwrap_err();
    let FixError::Open(OpenStoreError::Locked { owner: named, .. }) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(named, owner);
    opened.session("another").await;
}

#[tokio::test]
async fn a_dead_owner_is_named() {
    let directory = directory().await;
    let text = r#"{"pid":4194304,"start":7}"#;
    fs::write(directory.path().join("runwright.lock"), text).unwrap();
    let report = check(directory.path()).unwrap();
    assert_eq!(
        report.lock.to_string(),
        "left by process 4194304 (start time 7), which is gone; the next server takes it over"
    );
}

#[tokio::test]
async fn what_belongs_to_nothing_is_found_and_deleted_with_what_belonged_to_it() {
    let gone = "DELETE FROM workspaces; DELETE FROM event_chunks WHERE id > 1";
    let of_a_workspace = [
        "1 approvals of unknown workspaces",
        "1 rows of events of unknown workspaces",
        "1 sessions of unknown workspaces",
        "1 streams of unknown workspaces",
        "2 runs of unknown workspaces",
    ];
    check_repair(gone, &of_a_workspace).await;
    let without_session = [
        "1 notes of files that were read, without a session",
        "2 messages without a session",
    ];
    check_repair("DELETE FROM sessions", &without_session).await;
    let without_run = [
        "1 attachments without a run",
        "1 idempotency keys without a run",
    ];
    check_repair("DELETE FROM runs WHERE run_id = 'r'", &without_run).await;
    let without_message = ["1 pieces of streamed text without a message"];
    check_repair(
        "INSERT INTO message_chunks VALUES (9, 0, x'')",
        &without_message,
    )
    .await;
    let holes = "INSERT INTO message_chunks
                 SELECT min(id), 1, x'' FROM messages UNION ALL
                 SELECT max(id), n, x'' FROM messages, (SELECT 0 AS n UNION SELECT 2 UNION SELECT 3) GROUP BY n";
    let after_a_hole = ["3 pieces of streamed text that follow one that is missing"];
    check_repair(holes, &after_a_hole).await;
}

#[tokio::test]
async fn counts_that_do_not_fit_are_put_right() {
    let counts = ["1 sessions that count their messages wrong"];
    check_repair("UPDATE sessions SET message_count = 7", &counts).await;
    let numbers = ["1 workspaces that would use the numbers of events a second time"];
    for sql in [
        "UPDATE workspaces SET next_seq = 2",
        "UPDATE workspaces SET is_open = 1, reserved_seq = 1",
        "UPDATE messages SET seq = 1000",
        "UPDATE sessions SET changed_seq = 1000",
        "UPDATE event_chunks SET last_seq = last_seq + 1000",
    ] {
        check_repair(sql, &numbers).await;
    }
}

/// Breaks a sound database, and expects these findings, and none after a repair.
async fn check_repair(sql: &str, expected: &[&str]) {
    let directory = directory().await;
    hand(directory.path(), sql);
    let report = check(directory.path()).unwrap();
    let mut found = findings(&report);
    found.retain(|(severity, _)| *severity != Severity::Note);
    found.sort_unstable();
    let expected: Vec<_> = expected
        .iter()
        .map(|text| (Severity::Repairable, *text))
        .collect();
    assert_eq!(found, expected, "{sql}");
    assert!(!report.is_sound());

    let fixed = fix(directory.path()).unwrap();
    assert!(fixed.after.is_sound(), "{sql}: {fixed}");
    assert!(
        fixed.done.len() >= expected.len() && fixed.failed.is_empty(),
        "{sql}: {fixed}"
    );
    let again = fix(directory.path()).unwrap();
    assert_eq!((again.done, again.failed), (vec![], vec![]), "{sql}");
}

#[tokio::test]
async fn a_sound_database_is_not_changed_by_a_repair() {
    let directory = directory().await;
    let before = check(directory.path()).unwrap();
    let fixed = fix(directory.path()).unwrap();
    assert_eq!((&fixed.done, &fixed.failed), (&vec![], &vec![]));
    assert_eq!(fixed.after, before);
}

#[tokio::test]
async fn an_index_that_lost_its_entries_is_made_anew() {
    let directory = directory().await;
    overwrite(directory.path(), "messages_by_session", &empty_index_page());
    let report = check(directory.path()).unwrap();
    assert_eq!(report.findings[0].severity, Severity::Damage);
    let is_missing = |finding: &Finding| finding.text.contains("missing from index");
    assert!(report.findings.iter().any(is_missing), "{report}");
    assert!(
        report
            .to_string()
            .contains("messages                  2 rows "),
        "{report}"
    );

    let fixed = fix(directory.path()).unwrap();
    assert!(fixed.after.is_sound(), "{fixed}");
    assert!(
        fixed
            .to_string()
            .starts_with("repaired   made the indices anew: 1\n"),
        "{fixed}"
    );
}

#[tokio::test]
async fn a_damaged_table_is_told_and_nothing_is_deleted_for_it() {
    let directory = directory().await;
    hand(
        directory.path(),
        "DELETE FROM streams; INSERT INTO streams VALUES (9, x'0a', NULL)",
    );
    // Whoever believes this page takes every message for one without a session.
    overwrite(directory.path(), "sessions", &[0xA5; 4096]);
    let fixed = fix(directory.path()).unwrap();
    assert!(!fixed.after.is_sound(), "{fixed}");
    assert_eq!((fixed.done.len(), fixed.failed.len()), (0, 1), "{fixed}");
    assert!(
        fixed.failed[0].starts_with("made the indices anew: "),
        "{fixed}"
    );
    let rows = |name| {
        fixed
            .after
            .tables
            .iter()
            .find(|table| table.name == name)
            .unwrap()
            .rows
    };
    assert_eq!(
        (rows("messages"), rows("streams"), rows("sessions")),
        (Some(2), Some(1), None)
    );
    let text = fixed.to_string();
    assert!(text.ends_with(
        "\nnote       what belongs to nothing is not looked for in a file that is damaged\n"
    ));
}

#[tokio::test]
async fn nothing_is_deleted_because_an_index_lost_its_entries() {
    for index in [
        "messages_by_session",
        "sqlite_autoindex_sessions_1",
        "sqlite_autoindex_runs_1",
    ] {
        let directory = directory().await;
        overwrite(directory.path(), index, &empty_index_page());
        let fixed = fix(directory.path()).unwrap();
        assert!(fixed.after.is_sound(), "{index}: {fixed}");
        assert_eq!(fixed.done, ["made the indices anew: 1"], "{index}");
    }
}

#[tokio::test]
async fn contents_that_cannot_be_read_are_damage() {
    let directory = directory().await;
    hand(
        directory.path(),
        "UPDATE messages SET body = '{' WHERE role = 'user'",
    );
    let report = check(directory.path()).unwrap();
    assert_eq!(
        findings(&report),
        [(Severity::Damage, "1 messages that cannot be read")]
    );
}

#[tokio::test]
async fn free_pages_are_given_back() {
    let directory = directory().await;
    let fill = "INSERT INTO meta VALUES ('large', zeroblob(1000000)); DELETE FROM meta";
    hand(directory.path(), fill);
    let before = check(directory.path()).unwrap();
    assert!(before.free_bytes >= 1_000_000);
    let fixed = fix(directory.path()).unwrap();
    assert!(
        fixed.done[0].starts_with("gave free pages back: "),
        "{fixed}"
    );
    assert_eq!(fixed.after.free_bytes, 0);
    assert!(
        fixed.after.database_bytes <= before.database_bytes - 1_000_000,
        "{fixed}"
    );
}

#[test]
fn a_database_of_a_newer_program_is_not_taken_for_a_damaged_one() {
    let directory = tempfile::tempdir().unwrap();
    hand(directory.path(), "CREATE TABLE of_tomorrow (n)");
    let is_foreign = |error: CheckError| {
        let is_foreign = matches!(error, CheckError::Schema(OpenStoreError::Foreign { .. }));
        assert!(is_foreign, "{error}");
    };
    is_foreign(check(directory.path()).unwrap_err());
    let ours = "PRAGMA application_id = 1381454420; PRAGMA user_version = 9999";
    hand(directory.path(), ours);
    let newer = |error: CheckError| {
        let CheckError::Schema(OpenStoreError::Newer { found, .. }) = error else {
            panic!("{error}");
        };
        assert_eq!(found, 9999);
    };
    newer(check(directory.path()).unwrap_err());
    let FixError::Check(error) = fix(directory.path()).unwrap_err() else {
        panic!("it is not opened to be changed");
    };
    newer(error);
    let copy = directory.path().join("copy.db");
    let BackupError::Check(error) = backup(directory.path(), &copy).unwrap_err() else {
        panic!("it is not copied");
    };
    newer(error);
}

#[tokio::test]
async fn a_database_of_an_older_program_is_left_for_the_next_start() {
    let directory = directory().await;
    let older = "DROP TABLE approvals; DROP TABLE audit; PRAGMA user_version = 1";
    hand(directory.path(), older);
    let report = check(directory.path()).unwrap();
    let text = "the schema is of an older program: the next start brings it up to date, and rows are looked at then";
    assert_eq!(findings(&report), [(Severity::Note, text)]);
    assert_eq!(fix(directory.path()).unwrap().after.findings, []);
}

#[test]
fn what_is_no_database_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let file = database(directory.path());
    let missing = check(directory.path()).unwrap_err();
    let text = format!(
        "there is no database `{}`; check the data directory",
        file.display()
    );
    assert_eq!(missing.to_string(), text);
    assert!(matches!(
        fix(directory.path()),
        Err(FixError::Check(CheckError::Missing { .. }))
    ));
    assert!(!file.exists());

    fs::write(
        &file,
        "not a database, but long enough to be looked at ".repeat(100),
    )
    .unwrap();
    let CheckError::Store(error) = check(directory.path()).unwrap_err() else {
        panic!("there is a file");
    };
    assert_eq!(error.kind(), StoreErrorKind::Damaged);
}
