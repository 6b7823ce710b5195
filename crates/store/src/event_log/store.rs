//! The rows of the log and of those who follow it. Must never know what an event says.

use runwright_proto::ClientId;
use rusqlite::Connection;

use super::chunk::Chunk;
use crate::rows;

/// Adds a row of events.
pub(crate) fn insert(
    connection: &Connection,
    workspace: i64,
    chunk: &Chunk,
    now_ms: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO event_chunks (workspace, first_seq, last_seq, events, written_ms, entries, frames)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((
            workspace,
            rows::number(chunk.first),
            rows::number(chunk.last),
            i64::try_from(chunk.events).unwrap_or(i64::MAX),
            now_ms,
            &chunk.entries,
            &chunk.frames,
        ))?;
    Ok(())
}

/// Notes that a client follows a workspace.
pub(super) fn attach(
    connection: &Connection,
    workspace: i64,
    client: ClientId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO streams (workspace, client) VALUES (?1, ?2)")?
        .execute((workspace, client.as_uuid().as_bytes()))?;
    Ok(())
}

/// Notes that a client does not follow a workspace any more.
pub(super) fn detach(
    connection: &Connection,
    workspace: i64,
    client: ClientId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM streams WHERE workspace = ?1 AND client = ?2")?
        .execute((workspace, client.as_uuid().as_bytes()))?;
    Ok(())
}
