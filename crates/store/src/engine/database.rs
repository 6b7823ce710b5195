//! The database file: how it is made and opened, how its connections are set, and whether it still is the file that was
//! opened. The file is never closed by anything but SQLite while a connection lives: that would give up SQLite's locks of
//! the whole process.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, ffi};

use super::fault;
use super::options::EngineOptions;
use super::probe::Probe;
use super::space;
use crate::error::{OpenStoreError, StoreError, StoreErrorKind};
use crate::filesystem::network_file_system;
use crate::lock::DirectoryLock;
use crate::migrate;

/// The name of the database in the data directory.
const FILE: &str = "runwright.db";

/// The oldest SQLite that is accepted: before it, a write-ahead log that started anew at the wrong moment could be
/// damaged.
const OLDEST: (i32, &str) = (3_051_003, "3.51.3");

/// Statements that are kept prepared on each connection.
const STATEMENTS: usize = 128;

/// `PRAGMA auto_vacuum`: pages that are free are kept until somebody has time to give them back.
const INCREMENTAL: i64 = 2;

/// Where the database is, and how to connect to it.
#[derive(Debug)]
pub(super) struct Database {
    file: Arc<Path>,
    log: PathBuf,
    index: PathBuf,
    /// Which file it was when it was opened.
    identity: Identity,
    busy_timeout: Duration,
    log_limit: i64,
    probe: Probe,
}

/// Tells one file from another: device and number.
type Identity = (u64, u64);

/// The write-ahead log and its index, as they were found beside the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LogFiles([Option<Identity>; 2]);

/// Where the database of a directory is.
pub(crate) fn file_in(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// Where the write-ahead log of a database is.
pub(crate) fn log_of(file: &Path) -> PathBuf {
    with_suffix(file, "-wal")
}

/// Opens the database of a directory for the first time.
pub(super) fn open(
    directory: &Path,
    options: &EngineOptions,
) -> Result<(DirectoryLock, Database, Connection), OpenStoreError> {
    if rusqlite::version_number() < OLDEST.0 {
        return Err(OpenStoreError::LibraryTooOld {
            found: rusqlite::version(),
            wanted: OLDEST.1,
        });
    }
    let lock = prepare(directory)?;
    let file = create(directory)?;
    let identity = identity(&file).ok_or_else(|| OpenStoreError::Directory {
        path: directory.to_owned(),
        source: io::ErrorKind::NotFound.into(),
    })?;
    let database = Database {
        probe: Probe::new(&file, &log_of(&file)),
        log: log_of(&file),
        index: with_suffix(&file, "-shm"),
        identity,
        busy_timeout: options.busy_timeout,
        log_limit: i64::try_from(options.log_limit_bytes).unwrap_or(i64::MAX),
        file,
    };
    let mut connection = database.first().map_err(|error| database.explain(&error))?;
    // Before anything is changed: it may be somebody else's.
    migrate::check(&connection, &database.file)?;
    let set = database.set_to_write(&connection);
    set.map_err(|error| database.explain(&error))?;
    migrate::migrate(&mut connection, &database.file)?;
    Ok((lock, database, connection))
}

/// Makes the directory and takes its lock.
fn prepare(directory: &Path) -> Result<DirectoryLock, OpenStoreError> {
    let failed = |source| OpenStoreError::Directory {
        path: directory.to_owned(),
        source,
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(directory).map_err(failed)?;
    if let Some(kind) = network_file_system(directory).map_err(failed)? {
        return Err(OpenStoreError::NetworkFileSystem {
            path: directory.to_owned(),
            kind,
        });
    }
    DirectoryLock::take(directory)
}

/// Makes the file if it is missing, readable by its owner alone; SQLite gives its other files the same mode.
fn create(directory: &Path) -> Result<Arc<Path>, OpenStoreError> {
    let path = file_in(directory);
    let log = log_of(&path);
    if !path.exists() && log.exists() {
        return Err(OpenStoreError::DatabaseMissing { path, log });
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    match options.open(&path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(source) => {
            return Err(OpenStoreError::Directory {
                path: directory.to_owned(),
                source,
            });
        }
    }
    Ok(path.into())
}

fn identity(path: &Path) -> Option<Identity> {
    let found = path.metadata().ok()?;
    Some((found.dev(), found.ino()))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

impl Database {
    pub(super) fn file(&self) -> &Arc<Path> {
        &self.file
    }

    pub(super) fn directory(&self) -> &Path {
        self.file
            .parent()
            .expect("invariant: the file is in the data directory")
    }

    /// Fails when the file is not at its place any more: what is stored into it would be lost with the process.
    pub(super) fn check_place(&self) -> Result<(), StoreError> {
        if identity(&self.file) == Some(self.identity) {
            return Ok(());
        }
        Err(StoreError::new(StoreErrorKind::Moved, &self.file, None))
    }

    /// The connection that writes. The file must be there.
    pub(super) fn writer(&self) -> rusqlite::Result<Connection> {
        let connection = self.first()?;
        self.set_to_write(&connection)?;
        Ok(connection)
    }

    /// A connection that may write and is not set to do it yet.
    fn first(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // SQLite is content to read where it must not write.
        if connection.is_readonly(rusqlite::MAIN_DB)? {
            return Err(fault::sqlite(
                ffi::SQLITE_READONLY,
                "database may not be written",
            ));
        }
        Ok(connection)
    }

    fn set_to_write(&self, connection: &Connection) -> rusqlite::Result<()> {
        // Counts only for a database that is still empty, and only before its journal mode is set. To set it once more
        // would be a change that is flushed.
        let vacuum: i64 = connection.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
        if vacuum != INCREMENTAL {
            connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
        }
        let mode: String =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
        if mode != "wal" {
            return Err(fault::sqlite(
                ffi::SQLITE_CANTOPEN,
                "write-ahead log is not possible here",
            ));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        // The writer moves the log itself, when it suits.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", self.log_limit)
    }

    /// A connection that reads.
    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn connect(&self, access: OpenFlags) -> rusqlite::Result<Connection> {
        // Each connection is used by one thread at a time, so it needs no lock of its own.
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.file, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // A statement of the cache stays as it is: SQLite would plan it anew whenever other values are bound to it.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.pragma_update(None, "foreign_keys", false)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "trusted_schema", false)?;
        // Finds damage where it is, instead of passing it on.
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    }

    /// Says why the first opening failed.
    fn explain(&self, error: &rusqlite::Error) -> OpenStoreError {
        let error = self.error(error);
        if error.kind() == StoreErrorKind::ReadOnly {
            let path = self.file.to_path_buf();
            return OpenStoreError::ReadOnly { path };
        }
        OpenStoreError::Store(error)
    }

    /// Which files are beside the database now.
    pub(super) fn log_files(&self) -> LogFiles {
        LogFiles([&self.log, &self.index].map(|path| identity(path)))
    }

    /// Translates an error of SQLite. Where it says no more than that writing failed, the disk is asked whether it is
    /// full; where it says that the database is damaged, whether it can be read.
    pub(super) fn error(&self, error: &rusqlite::Error) -> StoreError {
        let mut kind = fault::kind(error);
        if fault::may_lack_space(error) && space::is_exhausted(self.directory()) {
            kind = StoreErrorKind::Full;
        }
        if fault::may_be_unreadable(error) && self.probe.finds_unreadable() {
            kind = StoreErrorKind::Unreadable;
        }
        StoreError::new(kind, &self.file, Some(fault::cause(error)))
    }
}
