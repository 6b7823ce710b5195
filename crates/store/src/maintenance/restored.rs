//! The mark of a copy that a backup made, and what the first server does that opens it: it begins a new epoch for each
//! log. What the log says up to there is of the old epoch, of which readers may have seen more than the copy has.

use runwright_proto::Epoch;
use rusqlite::Connection;

use crate::engine::{Engine, Participant};
use crate::error::StoreError;

/// The key in `meta`.
const KEY: &str = "restored";

/// Marks a copy.
pub(super) fn mark(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, 1)",
            [KEY],
        )
        .map(drop)
}

/// Begins a new epoch for each log if the database is a copy that nobody has opened yet. The numbers go on, so that none
/// is used twice; what is stored under the old ones is gone.
pub(crate) fn begin_anew<P: Participant>(engine: &Engine<P>) -> Result<(), StoreError> {
    if !engine.read_blocking(is_marked)? {
        return Ok(());
    }
    engine.write_blocking(|batch| begin_all(batch.connection()))?;
    tracing::info!("database was restored from a backup: every log begins a new epoch");
    Ok(())
}

fn is_marked(connection: &Connection) -> rusqlite::Result<bool> {
    let mut mark = connection.prepare("SELECT 1 FROM meta WHERE key = ?1")?;
    mark.exists([KEY])
}

fn begin_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM event_chunks; DELETE FROM streams")?;
    let mut workspaces = connection.prepare("SELECT id FROM workspaces")?;
    let workspaces = workspaces.query_map([], |row| row.get(0))?;
    for workspace in workspaces.collect::<rusqlite::Result<Vec<i64>>>()? {
        connection
            .prepare_cached(
                "UPDATE workspaces
                 SET epoch = ?2, seen_seq = NULL,
                     pruned_seq = CASE is_open WHEN 1 THEN reserved_seq ELSE next_seq - 1 END
                 WHERE id = ?1",
            )?
            .execute((workspace, Epoch::generate().as_str()))?;
    }
    connection
        .execute("DELETE FROM meta WHERE key = ?1", [KEY])
        .map(drop)
}
