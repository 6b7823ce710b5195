//! Brings the schema of a database up to date: numbered SQL that is part of the program, one transaction each, the
//! number in `PRAGMA user_version`. A change of the schema is a new file; a file that was released never changes. Must
//! never know what the tables are for.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::engine::fault;
use crate::error::OpenStoreError;

/// The schemas in their order; the first makes schema 1.
const SCHEMAS: [&str; 2] = [
    include_str!("schema/0001_base.sql"),
    include_str!("schema/0002_operations.sql"),
];

/// `PRAGMA application_id`: tells a database of this server from any other.
const APPLICATION: i32 = 0x5257_5254;

/// Brings a database up to date; does nothing to one that is.
pub(crate) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenStoreError> {
    migrate_to(connection, path, &SCHEMAS)
}

fn migrate_to(
    connection: &mut Connection,
    path: &Path,
    schemas: &[&str],
) -> Result<(), OpenStoreError> {
    let known = number(schemas.len());
    let found = version(connection, path)?;
    if found > known {
        return Err(OpenStoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    for (index, sql) in schemas.iter().enumerate().skip(found as usize) {
        let version = number(index + 1);
        step(connection, sql, version).map_err(|error| OpenStoreError::Migration {
            path: path.to_owned(),
            version,
            source: fault::cause(&error),
        })?;
        tracing::info!(schema = version, database = %path.display(), "schema brought up to date");
    }
    Ok(())
}

fn number(schemas: usize) -> u32 {
    u32::try_from(schemas).expect("invariant: the schemas are few")
}

/// The schema of a database; zero for an empty one.
fn version(connection: &Connection, path: &Path) -> Result<u32, OpenStoreError> {
    let facts = "SELECT (SELECT user_version FROM pragma_user_version),
                        (SELECT application_id FROM pragma_application_id),
                        (SELECT count(*) FROM sqlite_schema)";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let (version, application, objects): (i64, i32, i64) = connection
        .query_row(facts, [], read)
        .map_err(|error| OpenStoreError::Store(fault::store_error(&error, &path.into())))?;
    let empty = version == 0 && application == 0 && objects == 0;
    if !empty && application != APPLICATION {
        return Err(OpenStoreError::Foreign {
            path: path.to_owned(),
        });
    }
    Ok(u32::try_from(version).unwrap_or(u32::MAX))
}

fn step(connection: &mut Connection, sql: &str, version: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}
