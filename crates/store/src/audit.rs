//! The audit log: who did what, one entry after the other. Must never know what an entry says.

use std::collections::VecDeque;
use std::fmt;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::StoreError;
use crate::reading::{ReadStoreError, Reading};
use crate::store::Store;

/// How many entries are read at once: between two reads a server that writes is free to move its log.
const PAGE: u32 = 256;

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it happened, in milliseconds since 1970.
    pub time_ms: i64,
    /// Who did what: one JSON object. Never the text of a prompt.
    pub json: String,
}

/// Which entries of the audit log are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Those that happened at this time, in milliseconds since 1970, or later.
    pub since_ms: Option<i64>,
    /// The last so many of them.
    pub last: Option<u32>,
}

/// Entries of the audit log, in the order in which they were written; those that were there when the reading began.
/// Reads a few at a time, and ends after an error.
pub struct AuditEntries {
    database: Reading,
    span: Span,
    page: VecDeque<AuditEntry>,
}

/// What is still to be read.
#[derive(Debug, Clone, Copy)]
struct Span {
    after: i64,
    through: i64,
    since_ms: i64,
}

impl AuditEntries {
    /// Begins to read the audit log of a data directory, also while a server has it. What that server has not stored
    /// yet is not there. Blocking, as each step is.
    ///
    /// # Errors
    /// [`ReadStoreError`].
    pub fn open(directory: &Path, query: AuditQuery) -> Result<Self, ReadStoreError> {
        let mut database = Reading::open(directory)?;
        let span = database.read(|connection| Span::find(connection, query))?;
        let page = VecDeque::new();
        Ok(Self {
            database,
            span,
            page,
        })
    }
}

impl Iterator for AuditEntries {
    type Item = Result<AuditEntry, ReadStoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty() && self.span.after < self.span.through {
            let span = self.span;
            match self.database.read(|connection| span.page(connection)) {
                Ok((page, after)) => {
                    self.page = page;
                    self.span.after = after;
                }
                Err(error) => {
                    self.span.after = self.span.through;
                    return Some(Err(error));
                }
            }
        }
        self.page.pop_front().map(Ok)
    }
}

impl Span {
    /// The first and the last entry that are wanted. An entry may be older than the one before it, where the clock was
    /// set back: the time says which entries are wanted, and never their order.
    fn find(connection: &Connection, query: AuditQuery) -> rusqlite::Result<Self> {
        let since_ms = query.since_ms.unwrap_or(i64::MIN);
        let through: i64 =
            connection.query_row("SELECT ifnull(max(id), 0) FROM audit", [], |row| row.get(0))?;
        let mut span = Self {
            after: 0,
            through,
            since_ms,
        };
        if query.since_ms.is_some() {
            let first = "SELECT min(id) FROM audit WHERE time_ms >= ?1";
            let first: Option<i64> = connection.query_row(first, [since_ms], |row| row.get(0))?;
            span.after = first.map_or(through, |first| first - 1);
        }
        if let Some(last) = query.last {
            let first = "SELECT id FROM audit WHERE id > ?1 AND +time_ms >= ?2
                         ORDER BY id DESC LIMIT 1 OFFSET ?3 - 1";
            let first: Option<i64> = connection
                .query_row(first, (span.after, since_ms, last), |row| row.get(0))
                .optional()?;
            span.after = first.map_or(span.after, |first| first - 1);
        }
        Ok(span)
    }

    /// The next entries, and after which one it goes on.
    fn page(&self, connection: &Connection) -> rusqlite::Result<(VecDeque<AuditEntry>, i64)> {
        // Along the order, not along the time: `+` keeps the index out of it.
        let mut statement = connection.prepare_cached(
            "SELECT id, time_ms, entry FROM audit
             WHERE id > ?1 AND id <= ?2 AND +time_ms >= ?3 ORDER BY id LIMIT ?4",
        )?;
        let mut rows = statement.query(params![self.after, self.through, self.since_ms, PAGE])?;
        let (mut page, mut last) = (VecDeque::new(), self.through);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            page.push_back(AuditEntry {
                time_ms: row.get(1)?,
                json: row.get(2)?,
            });
        }
        let after = if page.len() < PAGE as usize {
            self.through
        } else {
            last
        };
        Ok((page, after))
    }
}

impl Store {
    /// Adds entries to the audit log, in their order. Does not wait: they are stored with the next changes, after
    /// 200 ms at the latest, so as many are lost when the process is killed. What could not be stored is logged.
    pub fn append_audit(&self, entries: Vec<AuditEntry>) {
        let count = entries.len();
        let store = move |batch: &mut crate::engine::Batch<'_, _>| {
            let mut insert = batch
                .connection()
                .prepare_cached("INSERT INTO audit (time_ms, entry) VALUES (?1, ?2)")?;
            entries
                .iter()
                .try_for_each(|entry| insert.execute(params![entry.time_ms, entry.json]).map(drop))
        };
        self.engine().write_lazily(store, move |stored| {
            if let Err(error) = stored {
                log(error, count);
            }
        });
    }
}

impl fmt::Debug for AuditEntries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AuditEntries")
            .field("span", &self.span)
            .finish_non_exhaustive()
    }
}

fn log(error: &StoreError, entries: usize) {
    let error = error as &dyn std::error::Error;
    tracing::error!(error, entries, "the audit log was not written");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::StoreOptions;

    fn entry(n: i64, time_ms: i64) -> AuditEntry {
        AuditEntry {
            time_ms,
            json: format!(r#"{{"n":{n}}}"#),
        }
    }

    fn read(directory: &Path, since_ms: Option<i64>, last: Option<u32>) -> Vec<AuditEntry> {
        let entries = AuditEntries::open(directory, AuditQuery { since_ms, last });
        let entries = entries.expect("a database").collect::<Result<_, _>>();
        entries.expect("entries")
    }

    #[tokio::test]
    async fn entries_are_read_in_their_order_whatever_the_clock_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), StoreOptions::default()).expect("it opens");
        let [one, two, three, four] = [entry(1, 50), entry(2, 70), entry(3, 40), entry(4, 60)];
        store.append_audit(vec![one.clone(), two.clone()]);
        store.append_audit(vec![three.clone(), four.clone()]);
        store.close().await;

        let read = |since, last| read(folder.path(), since, last);
        let all = [one.clone(), two.clone(), three.clone(), four.clone()];
        assert_eq!(read(None, None), all);
        assert_eq!(read(None, Some(9)), all);
        assert_eq!(read(None, Some(2)), [three, four.clone()]);
        assert_eq!(read(Some(50), None), [one, two.clone(), four.clone()]);
        assert_eq!(read(Some(50), Some(2)), [two, four]);
        assert_eq!(read(Some(71), None), []);
        assert_eq!(read(Some(71), Some(1)), []);
    }

    #[tokio::test]
    async fn a_long_log_is_read_to_the_end_that_it_had_when_the_reading_began() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(folder.path(), StoreOptions::default()).expect("it opens");
        let count = 2 * i64::from(PAGE) + 3;
        let wanted: Vec<_> = (0..count).map(|n| entry(n, n)).collect();
        store.append_audit(wanted.clone());
        // A change that is awaited takes along what waits.
        let id = runwright_proto::WorkspaceId::of_path(Path::new("/w"));
        let stored = store.log_start(id, Path::new("/w")).await;
        stored.expect("it is stored");

        let query = AuditQuery::default();
        let mut entries = AuditEntries::open(folder.path(), query).expect("a database");
        let first = entries.next().expect("an entry").expect("an entry");
        store.append_audit(vec![entry(count, count)]);
        store.close().await;
        let rest = entries.collect::<Result<Vec<_>, _>>().expect("entries");
        assert_eq!([vec![first], rest].concat(), wanted);
    }

    #[test]
    fn a_folder_without_a_database_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let refused = AuditEntries::open(folder.path(), AuditQuery::default());
        let database = folder.path().join("runwright.db");
        assert_eq!(
            refused.expect_err("there is nothing").to_string(),
            format!(
                "there is no database `{}`; check the data directory",
                database.display()
            )
        );
    }
}
