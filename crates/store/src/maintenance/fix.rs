//! Repairs what can be repaired without guessing.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, TransactionBehavior};

use super::check::faults;
use super::leftovers::{MISFITS, ORPHANS};
use super::report::CheckReport;
use super::{CheckError, check, reader};
use crate::engine::{fault, open_for_repair, vacuum};
use crate::error::OpenStoreError;

/// What was repaired. `Display` tells it in lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixReport {
    /// What was done, in order.
    pub done: Vec<String>,
    /// What was tried and could not be done; it was undone.
    pub failed: Vec<String>,
    /// What is there now. Damage in it needs a backup.
    pub after: CheckReport,
}

/// Why nothing could be repaired.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    /// The data directory cannot be had: a server that lives has it, or its database cannot be opened.
    #[error("data directory cannot be repaired")]
    Open(#[from] OpenStoreError),
    /// The database cannot be looked at.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// Repairs the database of a data directory that no server has: indices that do not fit their tables are made anew, rows
/// that belong to nothing are deleted, counts are put right, the write-ahead log becomes part of the database, and free
/// pages are given back. What a table itself has lost cannot be made up: it is told, and needs a backup; then nothing is
/// deleted.
///
/// # Errors
/// [`FixError`].
pub fn fix(directory: &Path) -> Result<FixReport, FixError> {
    // Before the directory is made.
    reader(directory)?;
    let (lock, connection) = open_for_repair(directory)?;
    let mut repair = Repair {
        connection,
        done: Vec::new(),
        failed: Vec::new(),
    };
    repair.all();
    let Repair {
        connection,
        done,
        failed,
    } = repair;
    drop(connection);
    lock.release();
    let after = check(directory)?;
    Ok(FixReport {
        done,
        failed,
        after,
    })
}

struct Repair {
    connection: Connection,
    done: Vec<String>,
    failed: Vec<String>,
}

impl Repair {
    fn all(&mut self) {
        if !faults(&self.connection).is_empty() {
            self.step("made the indices anew", |connection| {
                connection.execute_batch("REINDEX").map(|()| 1)
            });
        }
        // Who searches a damaged file takes for left over what he only cannot find.
        if faults(&self.connection).is_empty() {
            self.left_overs();
        }
        let moved = self
            .connection
            .wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE);
        if let Err(error) = moved {
            self.fails("moved the write-ahead log", &error);
        }
    }

    fn left_overs(&mut self) {
        for orphans in &ORPHANS {
            let what = format!("deleted {}", orphans.what);
            self.step(&what, |connection| orphans.repair(connection));
        }
        for misfits in &MISFITS {
            let what = format!("put right {}", misfits.what);
            self.step(&what, |connection| misfits.repair(connection));
        }
        self.step("gave free pages back", |connection| {
            let free = vacuum::pragma(connection, "freelist_count")?;
            vacuum::give_back(connection, free)?;
            Ok(free as usize)
        });
    }

    /// One repair, which is done or not; one that finds nothing to do is not told.
    fn step(&mut self, what: &str, repair: impl FnOnce(&Connection) -> rusqlite::Result<usize>) {
        let begun = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate);
        let repaired = begun.and_then(|transaction| {
            let count = repair(&transaction)?;
            transaction.commit()?;
            Ok(count)
        });
        match repaired {
            Ok(0) => {}
            Ok(count) => self.done.push(format!("{what}: {count}")),
            Err(error) => self.fails(what, &error),
        }
    }

    fn fails(&mut self, what: &str, error: &rusqlite::Error) {
        self.failed.push(format!("{what}: {}", fault::cause(error)));
    }
}

impl Display for FixReport {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for done in &self.done {
            writeln!(formatter, "repaired   {done}")?;
        }
        for failed in &self.failed {
            writeln!(formatter, "failed     {failed}")?;
        }
        self.after.fmt(formatter)
    }
}
