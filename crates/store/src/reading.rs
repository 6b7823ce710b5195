//! A database that is read from outside the server that may have it, by queries that know its tables. Must never know
//! what is read.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use crate::engine::fault;
use crate::error::StoreError;
use crate::maintenance::{self, CheckError};
use crate::migrate;

/// Why a data directory could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadStoreError {
    /// There is no database, it cannot be opened, or it is not one of this program.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The database was last used by an older program.
    #[error(
        "`{}` has a schema of an older program; start the server on it once, which brings it up to date", path.display()
    )]
    Older {
        /// The database.
        path: PathBuf,
    },
    /// Something in it cannot be read.
    #[error("database cannot be read")]
    Read(#[source] StoreError),
}

/// The database of a directory, to be read. It is as good for a directory that a live server has.
pub(crate) struct Reading {
    connection: Connection,
    path: Arc<Path>,
}

impl Reading {
    /// Opens it. Blocking.
    pub(crate) fn open(directory: &Path) -> Result<Self, ReadStoreError> {
        let (connection, path) = maintenance::reader(directory)?;
        if migrate::missing(&connection, &path).map_err(CheckError::Schema)? > 0 {
            let path = path.to_path_buf();
            return Err(ReadStoreError::Older { path });
        }
        Ok(Self { connection, path })
    }

    /// Asks all questions of one state of the database. Short ones: its log grows as long as somebody reads.
    pub(crate) fn read<T>(
        &mut self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, ReadStoreError> {
        let read = self
            .connection
            .transaction()
            .and_then(|state| query(&state));
        read.map_err(|error| ReadStoreError::Read(fault::store_error(&error, &self.path)))
    }
}
