//! How much of the logs is kept: how large they are, and which row of events goes. Must never know what an event says.

use std::collections::HashMap;

use runwright_agent::Timestamp;
use runwright_proto::Seq;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::options::Retention;
use crate::rows;

/// So many rows are measured at once.
const MEASURED: i64 = 512;

/// How large the logs are: unknown after a start, until there was time to measure them.
#[derive(Debug, Default)]
pub(super) struct Sizes {
    by_workspace: HashMap<i64, u64>,
    total: u64,
    /// The row up to which they are measured.
    through: i64,
    is_measured: bool,
    /// The row that was deleted last: if it is there again, the deletion was undone.
    deleted: Option<i64>,
}

/// A row of events, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Oldest {
    id: i64,
    workspace: i64,
    last: Seq,
    bytes: u64,
    written: Timestamp,
}

impl Sizes {
    /// Rows were written.
    pub(super) fn wrote(&mut self, workspace: i64, bytes: u64) {
        // Rows that come before everything is measured are measured with the others.
        if self.is_measured {
            self.add(workspace, bytes);
        }
    }

    /// Measures what is not measured yet, until there is no more time. Says whether it is done.
    pub(super) fn measure(
        &mut self,
        connection: &Connection,
        is_spent: &dyn Fn() -> bool,
    ) -> rusqlite::Result<bool> {
        if let Some(id) = self.deleted
            && is_there(connection, id)?
        {
            *self = Self::default();
        }
        while !self.is_measured {
            if is_spent() {
                return Ok(false);
            }
            let mut statement = connection.prepare_cached(
                "SELECT id, workspace, length(frames) FROM event_chunks WHERE id > ?1 ORDER BY id LIMIT ?2",
            )?;
            let mut rows = statement.query((self.through, MEASURED))?;
            self.is_measured = true;
            while let Some(row) = rows.next()? {
                self.is_measured = false;
                self.through = row.get(0)?;
                self.add(row.get(1)?, rows::count(row, 2)?);
            }
        }
        Ok(true)
    }

    /// Deletes rows that are beyond the limits, until there are none or no more time. Says whether there are none.
    pub(super) fn prune(
        &mut self,
        connection: &Connection,
        retention: &Retention,
        now: Timestamp,
        is_spent: &dyn Fn() -> bool,
    ) -> rusqlite::Result<bool> {
        while let Some(oldest) = self.next(connection, retention, now)? {
            if is_spent() {
                return Ok(false);
            }
            self.delete(connection, oldest)?;
        }
        Ok(true)
    }

    /// The row that goes next.
    fn next(
        &self,
        connection: &Connection,
        retention: &Retention,
        now: Timestamp,
    ) -> rusqlite::Result<Option<Oldest>> {
        let large = self
            .by_workspace
            .iter()
            .find(|(_, bytes)| **bytes > retention.workspace_bytes);
        if let Some((workspace, _)) = large {
            return connection
                .prepare_cached(
                    "SELECT id, workspace, last_seq, length(frames), written_ms FROM event_chunks
                     WHERE workspace = ?1 ORDER BY last_seq LIMIT 1",
                )?
                .query_row([workspace], oldest)
                .optional();
        }
        let oldest = connection
            .prepare_cached(
                "SELECT id, workspace, last_seq, length(frames), written_ms FROM event_chunks
                 ORDER BY id LIMIT 1",
            )?
            .query_row([], oldest)
            .optional()?;
        Ok(oldest
            .filter(|row| self.total > retention.total_bytes || is_over_age(row, retention, now)))
    }

    fn delete(&mut self, connection: &Connection, row: Oldest) -> rusqlite::Result<()> {
        connection
            .prepare_cached("DELETE FROM event_chunks WHERE id = ?1")?
            .execute([row.id])?;
        connection
            .prepare_cached("UPDATE workspaces SET pruned_seq = max(pruned_seq, ?2) WHERE id = ?1")?
            .execute((row.workspace, rows::number(row.last)))?;
        self.deleted = Some(row.id);
        self.total = self.total.saturating_sub(row.bytes);
        if let Some(bytes) = self.by_workspace.get_mut(&row.workspace) {
            *bytes = bytes.saturating_sub(row.bytes);
            if *bytes == 0 {
                self.by_workspace.remove(&row.workspace);
            }
        }
        Ok(())
    }

    fn add(&mut self, workspace: i64, bytes: u64) {
        self.total += bytes;
        *self.by_workspace.entry(workspace).or_default() += bytes;
    }
}

fn is_over_age(row: &Oldest, retention: &Retention, now: Timestamp) -> bool {
    retention.age.is_some_and(|age| {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        row.written.millis() < now.millis().saturating_sub(age)
    })
}

fn is_there(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM event_chunks WHERE id = ?1")?
        .exists([id])
}

fn oldest(row: &Row<'_>) -> rusqlite::Result<Oldest> {
    Ok(Oldest {
        id: row.get(0)?,
        workspace: row.get(1)?,
        last: rows::seq(row, 2)?,
        bytes: rows::count(row, 3)?,
        written: Timestamp(row.get(4)?),
    })
}
