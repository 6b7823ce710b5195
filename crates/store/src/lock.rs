//! The lock of a data directory: one server at a time. `flock` decides; the text in the file is for people, and for
//! the report that an owner died. Knows nothing of the database beside it.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::OpenStoreError;

/// The name of the lock in the data directory.
const FILE: &str = "runwright.lock";

/// Who has a data directory, or had it last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LockOwner {
    /// Its process number; zero when the owner has not written it yet.
    pub pid: u32,
    /// When that process was started, in clock ticks since the machine was (field 22 of `/proc/PID/stat`): together
    /// with the number it names one process for good. Zero where that cannot be found out.
    pub start: u64,
}

impl fmt::Display for LockOwner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { pid: 0, .. } => formatter.write_str("a process that has not said its number"),
            Self { pid, start: 0 } => write!(formatter, "process {pid}"),
            Self { pid, start } => write!(formatter, "process {pid} (start time {start})"),
        }
    }
}

/// Who has a data directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockState {
    /// Nobody.
    Free,
    /// A process that lives.
    Held(LockOwner),
    /// Nobody, but a process died with it; the next server takes it over.
    LeftBy(LockOwner),
}

/// A data directory that is ours as long as this lives. The operating system ends it with the process, however that
/// ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    file: File,
    left_by: Option<LockOwner>,
}

impl DirectoryLock {
    /// Takes the lock of a directory.
    ///
    /// # Errors
    /// [`OpenStoreError::Locked`] names a live owner; [`OpenStoreError::Directory`] is for everything else.
    pub(crate) fn take(directory: &Path) -> Result<Self, OpenStoreError> {
        let path = path(directory);
        let failed = |source| OpenStoreError::Directory {
            path: directory.to_owned(),
            source,
        };
        let mut file = open(&path).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let owner = read(&mut file).map_err(failed)?.unwrap_or_default();
                return Err(OpenStoreError::Locked { path, owner });
            }
            Err(error) => return Err(failed(error.into())),
        }
        // Who closed in good order took its name out again.
        let left_by = read(&mut file).map_err(failed)?;
        write(&mut file, Some(&LockOwner::this_process())).map_err(failed)?;
        Ok(Self { file, left_by })
    }

    /// Who had the lock before and died with it.
    pub(crate) fn left_by(&self) -> Option<&LockOwner> {
        self.left_by.as_ref()
    }

    /// Gives the lock back in good order.
    pub(crate) fn release(mut self) {
        if let Err(error) = write(&mut self.file, None) {
            tracing::warn!(%error, "owner could not be taken out of the lock file");
        }
    }
}

impl LockOwner {
    fn this_process() -> Self {
        let pid = std::process::id();
        Self {
            pid,
            start: start_of(pid).unwrap_or_default(),
        }
    }
}

/// Who has a directory, without taking it.
pub(crate) fn look(directory: &Path) -> LockState {
    let opened = File::open(path(directory));
    let owner = opened.and_then(|mut file| Ok((read(&mut file)?, file)));
    let Ok((Some(owner), file)) = owner else {
        return LockState::Free;
    };
    if owner.start != 0 && start_of(owner.pid) == Some(owner.start) {
        return LockState::Held(owner);
    }
    // A process of another container has a number that says nothing here; the lock does. It is asked for only a moment,
    // in which a server that starts would be refused: hence not before it is unlikely that anybody has it.
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Err(Errno::WOULDBLOCK) => LockState::Held(owner),
        Ok(()) | Err(_) => LockState::LeftBy(owner),
    }
}

impl fmt::Display for LockState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Free => formatter.write_str("free"),
            Self::Held(owner) => write!(formatter, "held by {owner}, which lives"),
            Self::LeftBy(owner) => {
                write!(
                    formatter,
                    "left by {owner}, which is gone; the next server takes it over"
                )
            }
        }
    }
}

/// The lock file of a data directory.
fn path(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// When a process was started, if there is one of that number.
pub(crate) fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses, which may have anything in it; the third follows the last one.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    // Not truncated: until the lock is ours, the text is another's.
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path)
}

/// A text that is not what we write says no more than that there was an owner.
fn read(file: &mut File) -> io::Result<Option<LockOwner>> {
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(4096).read_to_end(&mut text)?;
    Ok((!text.is_empty()).then(|| serde_json::from_slice(&text).unwrap_or_default()))
}

fn write(file: &mut File, owner: Option<&LockOwner>) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    match owner {
        Some(owner) => file.write_all(serde_json::to_string(owner)?.as_bytes()),
        None => Ok(()),
    }
}
