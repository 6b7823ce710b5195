//! Brings the schema of a database up to date: numbered SQL that is part of the program, one transaction each, the
//! number in `PRAGMA user_version`. A change of the schema is a new file; a file that was released never changes. Must
//! never know what the tables are for.

use std::path::Path;

use rusqlite::{Connection, Row, TransactionBehavior};

use crate::engine::fault;
use crate::error::OpenStoreError;

#[cfg(test)]
mod tests;

/// The schemas in their order; the first makes schema 1.
const SCHEMAS: [&str; 2] = [
    include_str!("schema/0001_base.sql"),
    include_str!("schema/0002_operations.sql"),
];

/// `PRAGMA application_id`: tells a database of this server from any other.
const APPLICATION: i32 = 0x5257_5254;

/// Fails for a database that is not ours, or that a newer program has written. Changes nothing.
pub(crate) fn check(connection: &Connection, path: &Path) -> Result<(), OpenStoreError> {
    version(connection, path, newest()).map(drop)
}

/// How many schemas a database is behind, and fails like [`check`]. Changes nothing.
pub(crate) fn missing(connection: &Connection, path: &Path) -> Result<u32, OpenStoreError> {
    Ok(newest() - version(connection, path, newest())?)
}

/// Brings a database up to date; does nothing to one that is.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenStoreError> {
    migrate_to(connection, path, &SCHEMAS)
}

fn migrate_to(
    connection: &mut Connection,
    path: &Path,
    schemas: &[&str],
) -> Result<(), OpenStoreError> {
    let found = version(connection, path, number(schemas.len()))?;
    for (index, sql) in schemas.iter().enumerate().skip(found as usize) {
        let version = number(index + 1);
        step(connection, sql, version).map_err(|error| OpenStoreError::Migration {
            path: path.to_owned(),
            version,
            source: fault::cause(&error),
        })?;
    }
    // A new database is nothing that an operator has to know of.
    if found > 0 && found < number(schemas.len()) {
        let (from, to) = (found, schemas.len());
        tracing::info!(from, to, database = %path.display(), "schema brought up to date");
    }
    Ok(())
}

fn newest() -> u32 {
    number(SCHEMAS.len())
}

fn number(schemas: usize) -> u32 {
    u32::try_from(schemas).expect("invariant: the schemas are few")
}

/// The schema of a database that we may use; zero for an empty one.
fn version(connection: &Connection, path: &Path, known: u32) -> Result<u32, OpenStoreError> {
    let facts = "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_schema)
                 FROM pragma_user_version, pragma_application_id";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (found, application, objects): (u32, i32, u32) = connection
        .query_row(facts, [], read)
        .map_err(|error| OpenStoreError::Store(fault::store_error(&error, &path.into())))?;
    let path = path.to_owned();
    if (found, application, objects) == (0, 0, 0) {
        Ok(0)
    } else if application != APPLICATION {
        Err(OpenStoreError::Foreign { path })
    } else if found > known {
        Err(OpenStoreError::Newer { path, found, known })
    } else {
        Ok(found)
    }
}

fn step(connection: &mut Connection, sql: &str, version: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}
