//! A socket of this machine through which only this process comes, and only once. It must never know what comes through.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};

/// The longest path of a socket that every system takes, in bytes.
const LONGEST_PATH: usize = 100;

/// A socket that waits for one connection of this process.
#[derive(Debug)]
pub(super) struct Door {
    listener: UnixListener,
    path: PathBuf,
    /// The folder that the socket is in; `None` where it needs none.
    folder: Option<TempDir>,
}

impl Door {
    /// Opens a socket. On Linux it has a name without a file, which costs a tenth of one with, and needs no disk that
    /// can be written.
    pub(super) fn open() -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Ok(door) = Self::without_a_file() {
            return Ok(door);
        }
        Self::in_a_folder()
    }

    /// Where it is found.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Waits for this process, and closes the door behind it.
    ///
    /// # Cancel safety
    /// The door is closed.
    pub(super) async fn enter(self) -> io::Result<UnixStream> {
        loop {
            let (socket, _) = self.listener.accept().await?;
            // A name without a file is open to everybody on this machine.
            let pid = socket.peer_cred()?.pid();
            let own = i64::from(std::process::id());
            if pid.is_none_or(|pid| i64::from(pid) == own) {
                drop(self.folder);
                return Ok(socket);
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn without_a_file() -> io::Result<Self> {
        let path = PathBuf::from(format!("\0runwright-{}", uuid::Uuid::new_v4().simple()));
        Ok(Self {
            listener: UnixListener::bind(&path)?,
            path,
            folder: None,
        })
    }

    fn in_a_folder() -> io::Result<Self> {
        let mut folder = private_folder(&std::env::temp_dir())?;
        if folder.path().as_os_str().len() + 2 > LONGEST_PATH {
            folder = private_folder(Path::new("/tmp"))?;
        }
        let path = folder.path().join("s");
        Ok(Self {
            listener: UnixListener::bind(&path)?,
            path,
            folder: Some(folder),
        })
    }
}

fn private_folder(parent: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new()
        .prefix("runwright-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(parent)
}

#[cfg(test)]
mod tests;
