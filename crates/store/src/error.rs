//! Why the store cannot be opened, read or written, in words for whoever runs the server: the file, the reason, what to
//! do. No driver type crosses this file, and nothing that a prompt says.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runwright_agent::{EventLogError, JournalError, StorageDamaged, StorageFull, TranscriptError};

use crate::lock::LockOwner;

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// The directory cannot be made, read or written.
    #[error("data directory `{}` cannot be used; check that it exists and belongs to this user", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The directory is on a file system that other machines share, which cannot keep the promises of a database.
    #[error(
        "data directory `{}` is on a network file system (`{kind}`), where locks and flushes are not reliable; \
         choose a directory on a local disk", path.display()
    )]
    NetworkFileSystem {
        /// The directory.
        path: PathBuf,
        /// Which one it is.
        kind: String,
    },
    /// Another process that lives has the directory.
    #[error("`{}` is held by {owner}; stop it first, or choose another data directory", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who has it.
        owner: LockOwner,
    },
    /// The SQLite library is too old to be trusted with a write-ahead log.
    #[error("SQLite `{found}` is too old; at least `{wanted}` is needed")]
    LibraryTooOld {
        /// The version that is linked.
        found: &'static str,
        /// The oldest version that is accepted.
        wanted: &'static str,
    },
    /// The database was written by a newer program.
    #[error(
        "`{}` has schema {found}, and this program knows schemas up to {known}; start the newer program, or restore \
         a backup", path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The file is a database of something else.
    #[error("`{}` is not a database of this server; choose another data directory", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// There is a write-ahead log, but the database it belongs to is gone.
    #[error(
        "`{}` is missing, and `{}` is there; put the database back, or move the other file away to start anew",
        path.display(), log.display()
    )]
    DatabaseMissing {
        /// The database.
        path: PathBuf,
        /// Its write-ahead log.
        log: PathBuf,
    },
    /// The database can be read and not written.
    #[error("`{}` cannot be written; check its mode and that the disk is not mounted read-only", path.display())]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The schema could not be brought up to date; the database is as it was.
    #[error("schema {version} could not be made in `{}`; nothing was changed", path.display())]
    Migration {
        /// The database.
        path: PathBuf,
        /// The schema that failed.
        version: u32,
        /// What SQLite said.
        #[source]
        source: Cause,
    },
    /// The database cannot be opened or read.
    #[error("store cannot be opened")]
    Store(#[source] StoreError),
    /// The thread that writes could not be started.
    #[error("thread of the store cannot be started")]
    Thread(#[source] io::Error),
}

/// Why something could not be read or stored. Cheap to clone: all who waited for the same batch get the same error.
#[derive(Debug, Clone)]
pub struct StoreError {
    kind: StoreErrorKind,
    file: Arc<Path>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// What kind of failure it is: what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// There is no space left. It works again by itself when there is.
    Full,
    /// Another process holds the database's write lock.
    Locked,
    /// The disk takes too long, or too much waits for it already. Refused before anything was tried.
    Overloaded,
    /// The file that was opened is not at its place any more.
    Moved,
    /// The database may not be written.
    ReadOnly,
    /// The disk or the file system failed. It works again by itself when they do; where the file has to be opened anew
    /// for that, as after a disk was unplugged, the server has to be restarted.
    Unreadable,
    /// What is in the file is not a sound database, and the disk can read it.
    Damaged,
    /// The change itself failed: an error of this program.
    Failed,
    /// The store has been closed.
    Closed,
}

/// What SQLite said, without the values it was asked to store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Cause(String);

impl Cause {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl StoreError {
    pub(crate) fn new(kind: StoreErrorKind, file: &Arc<Path>, cause: Option<Cause>) -> Self {
        let source = match (kind, cause) {
            (StoreErrorKind::Full, cause) => {
                let cause = cause.unwrap_or_else(|| Cause::new("disk is full"));
                Some(Arc::new(StorageFull(Box::new(cause))) as Arc<dyn Error + Send + Sync>)
            }
            (StoreErrorKind::Damaged, cause) => {
                let cause = cause.unwrap_or_else(|| Cause::new("database is damaged"));
                Some(Arc::new(StorageDamaged(Box::new(cause))) as Arc<dyn Error + Send + Sync>)
            }
            (_, Some(cause)) => Some(Arc::new(cause) as Arc<dyn Error + Send + Sync>),
            (_, None) => None,
        };
        Self {
            kind,
            file: Arc::clone(file),
            source,
        }
    }

    /// The error with everything that caused it, for the log.
    pub(crate) fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = self.source();
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }

    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// The database it is about.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.kind {
            StoreErrorKind::Full => write!(
                formatter,
                "no space is left to write `{file}`; it goes on by itself when there is some"
            ),
            StoreErrorKind::Locked => write!(
                formatter,
                "`{file}` is locked by another process; it goes on by itself when that one is done"
            ),
            StoreErrorKind::Overloaded => write!(
                formatter,
                "`{file}` takes too long to write; check the disk, it goes on by itself"
            ),
            StoreErrorKind::Moved => write!(
                formatter,
                "`{file}` is not the file that was opened: it was moved, removed or replaced; put it back, or \
                 restart the server"
            ),
            StoreErrorKind::ReadOnly => write!(
                formatter,
                "`{file}` cannot be written; check its mode and that the disk is not mounted read-only"
            ),
            StoreErrorKind::Unreadable => write!(
                formatter,
                "`{file}` cannot be read or written; check the disk, and restart the server if it does not go on"
            ),
            StoreErrorKind::Damaged => write!(
                formatter,
                "`{file}` is damaged; stop the server and run `runwright doctor`, or restore a backup"
            ),
            StoreErrorKind::Failed => {
                write!(formatter, "a change of `{file}` failed and was undone")
            }
            StoreErrorKind::Closed => write!(formatter, "`{file}` is closed"),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        Self::Storage(Box::new(error))
    }
}

impl From<StoreError> for TranscriptError {
    fn from(error: StoreError) -> Self {
        Self::Storage(Box::new(error))
    }
}

impl From<StoreError> for EventLogError {
    fn from(error: StoreError) -> Self {
        Self(Box::new(error))
    }
}
