//! The rows of workspaces: what is known of each, and where its numbers go on. Must never know what happens in one.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runwright_agent::{AgentCall, Timestamp};
use runwright_proto::{ClientId, Epoch, Seq, WorkspaceId};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use crate::journal::record::{self, RECORDED};
use crate::rows;
use crate::sequence::BLOCK;
use crate::store::WorkspaceSettings;
use crate::workspace::Place;

/// Where the log of a workspace goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LogStart {
    pub(crate) place: Place,
    /// The last number that somebody may have seen who followed the workspace when the process before this one died.
    pub(crate) seen: Seq,
}

/// What the process before this one left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeftBehind {
    pub(crate) queued: Vec<Arc<AgentCall>>,
    /// Each with the last number that it may have seen.
    pub(crate) clients: Vec<(ClientId, Seq)>,
}

/// Where the numbers of a workspace were left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Numbers {
    next: Seq,
    reserved: Seq,
    seen: Option<Seq>,
    is_open: bool,
}

impl Numbers {
    /// The first number that nobody has used. A process that died may have used all that were reserved.
    pub(crate) fn next(&self) -> Seq {
        if self.is_open {
            self.reserved.next()
        } else {
            self.next
        }
    }

    /// The last number that somebody may have seen who followed the workspace before.
    pub(crate) fn seen(&self) -> Seq {
        self.seen.unwrap_or(Seq(self.next().0.saturating_sub(1)))
    }

    /// Reads `next_seq, reserved_seq, seen_seq, is_open` from a column on.
    fn read(row: &Row<'_>, from: usize) -> rusqlite::Result<Self> {
        let seen: Option<i64> = row.get(from + 2)?;
        Ok(Self {
            next: rows::seq(row, from)?,
            reserved: rows::seq(row, from + 1)?,
            seen: seen.map(|_| rows::seq(row, from + 2)).transpose()?,
            is_open: row.get(from + 3)?,
        })
    }
}

/// Finds a workspace: its place, and where its numbers were left.
pub(crate) fn find(
    connection: &Connection,
    row: i64,
) -> rusqlite::Result<(WorkspaceId, Epoch, Numbers)> {
    connection
        .prepare_cached(
            "SELECT uuid, epoch, next_seq, reserved_seq, seen_seq, is_open FROM workspaces WHERE id = ?1",
        )?
        .query_row([row], |row| {
            Ok((workspace_id(row, 0)?, rows::parsed(row, 1)?, Numbers::read(row, 2)?))
        })
}

/// Makes the row of a workspace if it is new, reserves numbers and marks it open.
pub(crate) fn start_log(
    connection: &Connection,
    id: WorkspaceId,
    path: &Path,
    now: Timestamp,
) -> rusqlite::Result<LogStart> {
    let uuid = *id.as_uuid().as_bytes();
    let known = connection
        .prepare_cached("SELECT id FROM workspaces WHERE uuid = ?1")?
        .query_row([uuid], |row| row.get(0))
        .optional()?;
    let row = match known {
        Some(row) => row,
        None => insert(connection, id, path, now)?,
    };
    let (_, epoch, numbers) = find(connection, row)?;
    let (next, seen) = (numbers.next(), numbers.seen());
    let reserved = Seq(next.0 + BLOCK - 1);
    connection
        .prepare_cached(
            "UPDATE workspaces SET reserved_seq = ?2, seen_seq = ?3, is_open = 1, opened_ms = ?4 WHERE id = ?1",
        )?
        .execute((row, rows::number(reserved), rows::number(seen), now.millis()))?;
    let place = Place {
        id,
        row,
        epoch,
        next,
        reserved,
    };
    Ok(LogStart { place, seen })
}

fn insert(
    connection: &Connection,
    id: WorkspaceId,
    path: &Path,
    now: Timestamp,
) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO workspaces (uuid, path, epoch, next_seq, reserved_seq, pruned_seq, compacted_seq, is_open, \
                                     channels, on_last_detach, created_ms, opened_ms)
             VALUES (?1, ?2, ?3, 1, 0, 0, 0, 0, '[]', 'finish', ?4, ?4)",
        )?
        .execute((
            id.as_uuid().as_bytes(),
            path.as_os_str().as_bytes(),
            Epoch::generate().as_str(),
            now.millis(),
        ))?;
    Ok(connection.last_insert_rowid())
}

/// What was left behind in a workspace that is opened.
pub(crate) fn left_behind(
    connection: &Connection,
    workspace: i64,
    seen: Seq,
) -> rusqlite::Result<LeftBehind> {
    Ok(LeftBehind {
        queued: queued(connection, workspace)?,
        clients: clients(connection, workspace, seen)?,
    })
}

/// Notes the settings of a workspace that is open, and what those may have seen who followed it when the process before
/// this one died: they may come back after the next one.
pub(crate) fn note_open(
    connection: &Connection,
    workspace: i64,
    seen: Seq,
    settings: &WorkspaceSettings,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE workspaces SET path = ?2, channels = ?3, on_last_detach = ?4, seen_seq = NULL WHERE id = ?1",
        )?
        .execute((
            workspace,
            settings.path.as_os_str().as_bytes(),
            rows::to_json(&settings.channels),
            settings.on_last_detach.as_str(),
        ))?;
    connection
        .prepare_cached("UPDATE streams SET seen = ?2 WHERE workspace = ?1 AND seen IS NULL")?
        .execute((workspace, rows::number(seen)))?;
    Ok(())
}

fn queued(connection: &Connection, workspace: i64) -> rusqlite::Result<Vec<Arc<AgentCall>>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {RECORDED} FROM runs
         WHERE workspace = ?1 AND ended_ms IS NULL AND state = 'queued' ORDER BY id"
    ))?;
    let calls = statement.query_map([workspace], |row| {
        let recorded = record::recorded(connection, row)?;
        Ok(Arc::new(recorded.call))
    })?;
    calls.collect()
}

fn clients(
    connection: &Connection,
    workspace: i64,
    seen: Seq,
) -> rusqlite::Result<Vec<(ClientId, Seq)>> {
    let mut statement = connection
        .prepare_cached("SELECT client, ifnull(seen, ?2) FROM streams WHERE workspace = ?1")?;
    let clients = statement.query_map((workspace, rows::number(seen)), |row| {
        Ok((uuid(row, 0)?.into(), rows::seq(row, 1)?))
    })?;
    clients.collect()
}

/// What is known of a workspace.
pub(crate) fn settings(
    connection: &Connection,
    id: WorkspaceId,
) -> rusqlite::Result<Option<WorkspaceSettings>> {
    connection
        .prepare_cached("SELECT path, channels, on_last_detach FROM workspaces WHERE uuid = ?1")?
        .query_row([id.as_uuid().as_bytes()], |row| {
            Ok(WorkspaceSettings {
                path: PathBuf::from(OsString::from_vec(row.get(0)?)),
                channels: rows::json(row, 1)?,
                on_last_detach: rows::parsed(row, 2)?,
            })
        })
        .optional()
}

/// The workspaces in which runs wait to be started.
pub(crate) fn with_queued_runs(connection: &Connection) -> rusqlite::Result<Vec<WorkspaceId>> {
    let mut statement = connection.prepare_cached(
        "SELECT uuid FROM workspaces
         WHERE id IN (SELECT workspace FROM runs WHERE ended_ms IS NULL AND state = 'queued')
         ORDER BY opened_ms DESC, id",
    )?;
    let ids = statement.query_map([], |row| workspace_id(row, 0))?;
    ids.collect()
}

fn workspace_id(row: &Row<'_>, column: usize) -> rusqlite::Result<WorkspaceId> {
    uuid(row, column).map(WorkspaceId::from)
}

fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let bytes = row.get_ref(column)?.as_blob()?;
    Uuid::from_slice(bytes).map_err(|error| rows::unreadable(column, Type::Blob, error))
}
