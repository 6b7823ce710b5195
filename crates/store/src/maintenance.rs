//! What is done to a data directory from outside a server: looking for damage, repairing it, copying it. Looking and
//! copying work beside a live server; repairing does not.

mod backup;
mod check;
mod fix;
mod leftovers;
mod report;
pub(crate) mod restored;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OpenFlags};

pub use self::{
    backup::{BackupError, BackupReport, backup},
    check::check,
    fix::{FixError, FixReport, fix},
    report::{CheckReport, Finding, Severity, TableSize},
};
use crate::engine::{fault, file_in};
use crate::error::{OpenStoreError, StoreError};
use crate::migrate;

/// Why a data directory could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// There is no database in it.
    #[error("there is no database `{}`; check the data directory", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// The database cannot be opened or read.
    #[error("database cannot be looked at")]
    Store(#[source] StoreError),
    /// The database is another program's, or a newer one's: nothing can be said of it.
    #[error(transparent)]
    Schema(#[from] OpenStoreError),
}

/// A connection to the database of a directory that changes nothing.
pub(crate) fn reader(directory: &Path) -> Result<(Connection, Arc<Path>), CheckError> {
    let path = file_in(directory);
    if !path.exists() {
        return Err(CheckError::Missing { path });
    }
    let path: Arc<Path> = path.into();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(&path, flags).and_then(|connection| {
        connection.pragma_update(None, "trusted_schema", false)?;
        // Reads the first page: a file that is no database is found out here.
        connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
        Ok(connection)
    });
    let connection =
        opened.map_err(|error| CheckError::Store(fault::store_error(&error, &path)))?;
    migrate::check(&connection, &path)?;
    Ok((connection, path))
}
