//! Joins the small rows that commits leave behind, so that a log is read in few pieces. Each event is written once more
//! and never again. Must never know who reads.

use runwright_proto::Seq;
use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use super::chunk::{self, MAX_BYTES, MAX_EVENTS};
use crate::rows;

/// So many rows are looked at together: enough for some joined ones.
const LOOK_AHEAD: i64 = 4 * MAX_EVENTS as i64;

/// A row of events, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Small {
    id: i64,
    last: Seq,
    events: usize,
    bytes: usize,
}

/// Whether what is left can be joined with what will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// It waits for more.
    Open,
    /// Nothing more comes for now.
    Closed,
}

/// Joins rows of a workspace until there are none to join, or until there is no more time. Says whether there are none.
pub(super) fn compact(
    connection: &Connection,
    workspace: i64,
    tail: Tail,
    is_spent: &dyn Fn() -> bool,
) -> rusqlite::Result<bool> {
    loop {
        let rows = fresh(connection, workspace)?;
        let is_last = rows.len() < usize::try_from(LOOK_AHEAD).unwrap_or(usize::MAX);
        let tail = if is_last { tail } else { Tail::Open };
        let groups = groups(&rows, tail);
        for group in groups {
            if is_spent() {
                return Ok(false);
            }
            join(connection, workspace, group)?;
        }
        if is_last {
            return Ok(true);
        }
    }
}

/// The rows that are joined, group by group: as many as fit into one. The last ones wait for more, unless nothing more
/// comes.
fn groups(rows: &[Small], tail: Tail) -> Vec<&[Small]> {
    let mut groups = Vec::new();
    let mut begin = 0;
    let (mut events, mut bytes) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        let fits = events + row.events <= MAX_EVENTS && bytes + row.bytes <= MAX_BYTES;
        if !fits && at > begin {
            groups.push(&rows[begin..at]);
            (begin, events, bytes) = (at, 0, 0);
        }
        events += row.events;
        bytes += row.bytes;
    }
    if begin < rows.len() && (tail == Tail::Closed || events >= MAX_EVENTS || bytes >= MAX_BYTES) {
        groups.push(&rows[begin..]);
    }
    groups
}

/// The rows that were written since rows were joined last.
fn fresh(connection: &Connection, workspace: i64) -> rusqlite::Result<Vec<Small>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, last_seq, events, length(frames) FROM event_chunks
         WHERE workspace = ?1 AND last_seq > (SELECT compacted_seq FROM workspaces WHERE id = ?1)
         ORDER BY last_seq LIMIT ?2",
    )?;
    let rows = statement.query_map((workspace, LOOK_AHEAD), small)?;
    rows.collect()
}

fn small(row: &Row<'_>) -> rusqlite::Result<Small> {
    let size = |column| {
        let size = rows::count(row, column)?;
        Ok::<_, rusqlite::Error>(usize::try_from(size).unwrap_or(usize::MAX))
    };
    Ok(Small {
        id: row.get(0)?,
        last: rows::seq(row, 1)?,
        events: size(2)?,
        bytes: size(3)?,
    })
}

/// Puts all events of a group into its last row, and notes that it is done.
fn join(connection: &Connection, workspace: i64, group: &[Small]) -> rusqlite::Result<()> {
    let [others @ .., last] = group else {
        return Ok(());
    };
    if !others.is_empty() {
        join_into(connection, group, others, *last)?;
    }
    connection
        .prepare_cached("UPDATE workspaces SET compacted_seq = ?2 WHERE id = ?1")?
        .execute((workspace, rows::number(last.last)))?;
    Ok(())
}

fn join_into(
    connection: &Connection,
    group: &[Small],
    others: &[Small],
    last: Small,
) -> rusqlite::Result<()> {
    let parts = group
        .iter()
        .map(|row| read(connection, row.id))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let parts = parts
        .iter()
        .map(|(first, entries, frames)| (*first, entries.as_slice(), frames.as_slice()));
    let joined = chunk::join(parts).map_err(|error| rows::unreadable(0, Type::Blob, error))?;
    let [joined] = &joined[..] else {
        // The rows were not as large as they said.
        return Ok(());
    };
    for row in others {
        connection
            .prepare_cached("DELETE FROM event_chunks WHERE id = ?1")?
            .execute([row.id])?;
    }
    connection
        .prepare_cached(
            "UPDATE event_chunks SET first_seq = ?2, events = ?3, entries = ?4, frames = ?5 WHERE id = ?1",
        )?
        .execute((
            last.id,
            rows::number(joined.first),
            i64::try_from(joined.events).unwrap_or(i64::MAX),
            &joined.entries,
            &joined.frames,
        ))?;
    Ok(())
}

fn read(connection: &Connection, row: i64) -> rusqlite::Result<(Seq, Vec<u8>, Vec<u8>)> {
    connection
        .prepare_cached("SELECT first_seq, entries, frames FROM event_chunks WHERE id = ?1")?
        .query_row([row], |row| {
            Ok((rows::seq(row, 0)?, row.get(1)?, row.get(2)?))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(sizes: &[(usize, usize)]) -> Vec<Small> {
        let row = |(n, (events, bytes)): (usize, &(usize, usize))| Small {
            id: n as i64,
            last: Seq(n as u64),
            events: *events,
            bytes: *bytes,
        };
        sizes.iter().enumerate().map(row).collect()
    }

    #[track_caller]
    fn check(sizes: &[(usize, usize)], open: &[usize], closed: &[usize]) {
        let rows = rows(sizes);
        let lengths = |tail| {
            groups(&rows, tail)
                .iter()
                .map(|group| group.len())
                .collect()
        };
        let (with_open, with_closed): (Vec<usize>, Vec<usize>) =
            (lengths(Tail::Open), lengths(Tail::Closed));
        assert_eq!(
            (with_open.as_slice(), with_closed.as_slice()),
            (open, closed)
        );
    }

    #[test]
    fn rows_are_joined_as_many_as_fit_and_the_last_wait_for_more() {
        check(&[], &[], &[]);
        check(&[(3, 900)], &[], &[1]);
        check(&[(3, 900); 5], &[], &[5]);
        check(&[(16, 900); 4], &[4], &[4]);
        check(&[(30, 900); 5], &[2, 2], &[2, 2, 1]);
        check(&[(1, 30_000); 5], &[2, 2], &[2, 2, 1]);
        check(
            &[(1, 200_000), (1, 900), (1, 200_000)],
            &[1, 1, 1],
            &[1, 1, 1],
        );
        check(&[(64, 900), (1, 900)], &[1], &[1, 1]);
    }
}
