//! Which files a session has read, and when.

use runwright_agent::Timestamp;
use runwright_proto::SessionId;
use rusqlite::Connection;

use super::sessions;

/// Notes that a session has read a file; says whether there is such a session.
pub(super) fn mark_read(
    connection: &Connection,
    workspace: i64,
    session: &SessionId,
    path: &str,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let Some(session) = sessions::row_of(connection, workspace, session)? else {
        return Ok(false);
    };
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO files_read (session, path, read_ms) VALUES (?1, ?2, ?3)",
        )?
        .execute((session, path, now.millis()))?;
    Ok(true)
}

/// The files that a session has read, the last read first.
pub(super) fn read(
    connection: &Connection,
    workspace: i64,
    session: &SessionId,
) -> rusqlite::Result<Vec<(String, Timestamp)>> {
    let Some(session) = sessions::row_of(connection, workspace, session)? else {
        return Ok(Vec::new());
    };
    let mut statement = connection.prepare_cached(
        "SELECT path, read_ms FROM files_read WHERE session = ?1 ORDER BY id DESC",
    )?;
    let files = statement.query_map([session], |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))?;
    files.collect()
}
