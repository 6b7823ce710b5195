//! Owns the lock that decides which server has a socket path.
//!
//! A refused connect alone decides nothing: two servers that start at once would both find the socket dead, and the
//! second would take the path from under the first (reliability 5.2).
//!
//! It must never know how a socket is bound.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// Held by the server that has the socket, for as long as it lives; the system lets go of it when the process dies.
///
/// The file stays: if it were removed, a server that waits for it and one that makes it anew would hold two locks.
#[derive(Debug)]
pub(super) struct SocketLock {
    _file: File,
}

impl SocketLock {
    /// Takes the lock of a socket path; `None` when another server has it.
    pub(super) fn take(socket: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(lock_path(socket))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// `runwright.sock` is locked by `runwright.sock.lock`.
fn lock_path(socket: &Path) -> PathBuf {
    let mut path = socket.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}
