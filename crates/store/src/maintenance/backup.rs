//! Copies a database while a server uses it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, ffi};
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::{CheckError, reader, restored};
use crate::engine::fault;
use crate::error::StoreError;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The copy: one file, which needs no other.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database cannot be read.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// There is a file of that name.
    #[error("`{}` exists, and a backup overwrites nothing; choose another name", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The copy cannot be written.
    #[error("backup `{}` cannot be written", path.display())]
    Write {
        /// The copy.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// SQLite could not make the copy.
    #[error("database cannot be copied")]
    Copy(#[source] StoreError),
    /// The copy is not sound, so the database is not either.
    #[error("copy is not sound (`{found}`); look at the database with `runwright doctor`")]
    Damaged {
        /// What SQLite says of it.
        found: String,
    },
}

/// Copies the database of a data directory into one file, as it is at one moment; a server that has it goes on. To
/// restore it, put it into an empty data directory under the name of the database: the first server that opens it begins
/// a new epoch for each log, so that no reader takes its old place in it.
///
/// The file appears when it is whole, sound and on disk. It is readable by its owner alone.
///
/// # Errors
/// [`BackupError`]; then there is no file.
pub fn backup(directory: &Path, file: &Path) -> Result<BackupReport, BackupError> {
    let exists = || BackupError::Exists {
        path: file.to_owned(),
    };
    if file.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let written = |source: io::Error| match source.kind() == io::ErrorKind::AlreadyExists {
        true => exists(),
        false => BackupError::Write {
            path: file.to_owned(),
            source,
        },
    };
    let (source, path) = reader(directory)?;
    let partial = Partial::create(file).map_err(written)?;
    let copied = copy(&source, &partial.path);
    copied.map_err(|error| BackupError::Copy(fault::store_error(&error, &path)))?;
    verify(&partial.path)?;
    let bytes = partial.publish(file).map_err(written)?;
    Ok(BackupReport {
        file: file.to_owned(),
        bytes,
    })
}

/// Copies all pages in one step: the source cannot change in between, however busy its server is.
fn copy(source: &Connection, file: &Path) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(file, flags)?;
    // Nobody reads it before it is whole, and it is flushed then.
    copy.pragma_update(None, "journal_mode", "OFF")?;
    copy.pragma_update(None, "synchronous", "OFF")?;
    let step = Backup::new(source, &mut copy)?.step(-1)?;
    if step != StepResult::Done {
        return Err(fault::sqlite(ffi::SQLITE_BUSY, "database is locked"));
    }
    // One file, without a log beside it.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    restored::mark(&copy)
}

/// Looks whether a copy is sound.
fn verify(file: &Path) -> Result<(), BackupError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let found = Connection::open_with_flags(file, flags).and_then(|copy| {
        copy.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
    });
    let found = found.unwrap_or_else(|error| fault::cause(&error).to_string());
    if found == "ok" {
        return Ok(());
    }
    Err(BackupError::Damaged { found })
}

/// A copy that is not whole yet, beside its place. It is removed unless it is published.
struct Partial {
    path: PathBuf,
    directory: PathBuf,
}

impl Partial {
    fn create(file: &Path) -> io::Result<Self> {
        let Some(name) = file.file_name() else {
            return Err(io::ErrorKind::InvalidFilename.into());
        };
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        let path = file.with_file_name(hidden);
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        let parent = file
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let directory = parent.unwrap_or(Path::new(".")).to_owned();
        Ok(Self { path, directory })
    }

    /// Makes sure that it is on disk, and gives it its name, if nothing has that name.
    fn publish(self, file: &Path) -> io::Result<u64> {
        let copy = File::open(&self.path)?;
        copy.sync_all()?;
        match renameat_with(CWD, &self.path, CWD, file, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            // Not every file system can do it in one step.
            Err(Errno::INVAL | Errno::NOSYS) if !file.exists() => fs::rename(&self.path, file)?,
            Err(error) => return Err(error.into()),
        }
        File::open(&self.directory)?.sync_all()?;
        Ok(copy.metadata()?.len())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // It is not there if it was published.
        fs::remove_file(&self.path).ok();
    }
}
