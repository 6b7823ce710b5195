//! Gives pages that nothing uses back to the file system, a few at a time, when the writer is idle: what retention
//! deletes would otherwise stay in the file for ever.

use rusqlite::Connection;

use super::batch::Batch;
use super::idle::{Idle, IdleBudget};

/// The name of this idle work.
pub(super) const NAME: &str = "vacuum";

/// So many pages are kept for what comes next (16 MiB of 4 KiB each).
const KEPT: u32 = 4096;

/// Pages that are given back between two looks at the budget.
const PORTION: u32 = 64;

/// Gives back pages as long as there is time and more than enough are free: more than a quarter of all.
pub(super) fn step<P>(batch: &mut Batch<'_, P>, budget: &IdleBudget<'_>) -> rusqlite::Result<Idle> {
    let connection = batch.connection();
    while is_worth_it(connection)? {
        if budget.is_spent() {
            return Ok(Idle::More);
        }
        give_back(connection, PORTION)?;
    }
    Ok(Idle::Done)
}

fn is_worth_it(connection: &Connection) -> rusqlite::Result<bool> {
    let free = pragma(connection, "freelist_count")?;
    Ok(free > KEPT && free > pragma(connection, "page_count")? / 4)
}

/// Gives back up to so many pages.
pub(crate) fn give_back(connection: &Connection, pages: u32) -> rusqlite::Result<()> {
    let sql = format!("PRAGMA incremental_vacuum({pages})");
    let mut statement = connection.prepare(&sql)?;
    let mut rows = statement.raw_query();
    // Each row is a page.
    while rows.next()?.is_some() {}
    Ok(())
}

/// The value of a pragma that counts pages.
pub(crate) fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, name, |row| row.get(0))
}
