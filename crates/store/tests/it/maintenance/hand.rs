//! A data directory with something in each table that matters, and hands that break it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use runwright_agent::{AgentCall, RunEnd};
use runwright_proto::{AgentMessage, Attachment, Part, Role, RunState};
use rusqlite::Connection;
use tempfile::TempDir;

use crate::stage::{Opened, Stage, id};

/// What a server leaves that is stopped in good order.
pub(super) async fn directory() -> TempDir {
    let stage = Stage::quiet();
    let opened = stage.open().await;
    fill(&opened).await;
    opened.flush().await;
    opened.parts.events.close().await;
    stage.store.close().await;
    let rest = "INSERT INTO streams SELECT id, x'0a', NULL FROM workspaces;
                INSERT INTO approvals (workspace, permission_id, session_id, kind, request, state, asked_ms)
                SELECT id, 'p', 's', 'permission', '{}', 'open', 1 FROM workspaces";
    hand(stage.directory.path(), rest);
    stage.directory
}

/// A session with a run that has an attachment and a key, and with two messages; and a run whose session was deleted.
pub(super) async fn fill(opened: &Opened) {
    opened.session("gone").await;
    opened.start("gone", "of-a-deleted-session").await;
    opened
        .parts
        .transcript
        .delete_session(&id("gone"))
        .await
        .unwrap();
    opened.session("s").await;
    let asked = AgentMessage {
        session_id: Some(id("s")),
        run_id: Some(id("r")),
        prompt: "hello".to_owned(),
        attachments: vec![Attachment::default()],
        ..AgentMessage::default()
    };
    let call = AgentCall::try_from(asked)
        .unwrap()
        .with_idempotency_key("key");
    opened.accept(call, 0).await;
    opened
        .add(Some("r"), "s", Role::User, vec![Part::text("hello")])
        .await;
    opened
        .add(Some("r"), "s", Role::Assistant, vec![Part::text("hi")])
        .await;
    opened
        .parts
        .transcript
        .mark_read(&id("s"), "/a")
        .await
        .unwrap();
    for run in ["of-a-deleted-session", "r"] {
        let end = RunEnd::new(RunState::Completed);
        assert!(opened.parts.journal.finish(&id(run), end).await.unwrap());
    }
}

pub(super) fn database(directory: &Path) -> PathBuf {
    directory.join("runwright.db")
}

/// Does something to a database that no server has.
pub(super) fn hand(directory: &Path, sql: &str) {
    let connection = Connection::open(database(directory)).unwrap();
    connection
        .pragma_update(None, "foreign_keys", false)
        .unwrap();
    connection.execute_batch(sql).unwrap();
    connection.close().unwrap();
}

/// Writes over the first page of a table or an index.
pub(super) fn overwrite(directory: &Path, name: &str, bytes: &[u8]) {
    let connection = Connection::open(database(directory)).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: u32 = connection.query_row(sql, [name], |row| row.get(0)).unwrap();
    connection.close().unwrap();
    let file = OpenOptions::new()
        .write(true)
        .open(database(directory))
        .unwrap();
    file.write_all_at(bytes, u64::from(page - 1) * 4096)
        .unwrap();
}

/// A page of an index that has nothing in it.
pub(super) fn empty_index_page() -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[0] = 10;
    page[5] = 0x10;
    page
}

pub(super) fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
