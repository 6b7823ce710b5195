//! Owns the Unix socket: from its first visible moment mode 0600, never taken from a living server, never left behind.
//!
//! It must never know what is spoken over it.

use std::{
    fs::{self, DirBuilder, Permissions, symlink_metadata},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    io::Errno,
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt},
    process::geteuid,
};
use tokio::net::{self, UnixSocket, UnixStream};

use crate::config::ListenAddress;

use super::{
    AcceptError, BindError, Connection, Io, Peer, socket_lock::SocketLock, tcp::SEND_BUFFER,
};

/// Connections that the system keeps waiting for us: as many as we would hold.
const BACKLOG: u32 = 1024;

/// What fits into `sockaddr_un` beside the terminating zero.
const MAX_PATH: usize = 107;

/// A Unix listener.
#[derive(Debug)]
pub struct UnixListener {
    inner: net::UnixListener,
    path: PathBuf,
    uid: u32,
    // Fields are dropped in this order: the file goes while the lock is still held.
    _file: Option<SocketFile>,
    _lock: Option<SocketLock>,
}

impl UnixListener {
    /// Binds a path, in place of a socket that nobody listens on any more.
    pub(super) fn bind(path: &Path) -> Result<Self, BindError> {
        let failed = |source| BindError::Io {
            address: ListenAddress::Unix(path.to_owned()),
            source,
        };
        let draft = Draft::beside(path).map_err(failed)?;
        check_length(path, &draft)?;
        let lock = SocketLock::take(path).map_err(failed)?;
        let lock = lock.ok_or_else(|| BindError::InUse {
            path: path.to_owned(),
        })?;
        check_stale(path)?;
        let inner = draft.bind_and_rename(path).map_err(failed)?;
        let file = SocketFile::of(path).map_err(failed)?;
        Ok(Self {
            inner,
            path: path.to_owned(),
            uid: our_uid(),
            _file: Some(file),
            _lock: Some(lock),
        })
    }

    /// Takes over a socket whose file belongs to the service manager.
    pub(super) fn inherited(inner: net::UnixListener) -> io::Result<Self> {
        let path = inner
            .local_addr()?
            .as_pathname()
            .map(Path::to_owned)
            .unwrap_or_default();
        Ok(Self {
            inner,
            path,
            uid: our_uid(),
            _file: None,
            _lock: None,
        })
    }

    pub(super) async fn accept(&self) -> Result<Connection, AcceptError> {
        let (stream, _) = self.inner.accept().await?;
        let peer = check_peer(&stream, self.uid)?;
        // Unlike TCP, a Unix listener does not hand its options down.
        sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER).map_err(io::Error::from)?;
        Ok(Connection {
            io: Io::Unix(stream),
            peer,
        })
    }

    pub(super) fn address(&self) -> ListenAddress {
        ListenAddress::Unix(self.path.clone())
    }
}

fn our_uid() -> u32 {
    geteuid().as_raw()
}

/// The mode keeps other users out; this does where the mode was changed, or the file system has none.
fn check_peer(stream: &UnixStream, ours: u32) -> Result<Peer, AcceptError> {
    let credentials = stream.peer_cred()?;
    let uid = credentials.uid();
    if may_connect(uid, ours) {
        Ok(Peer::Unix {
            uid,
            pid: credentials.pid(),
        })
    } else {
        Err(AcceptError::ForeignPeer { uid })
    }
}

/// Root may do anything anyway; keeping it out would only break the tools of administrators.
const fn may_connect(uid: u32, ours: u32) -> bool {
    uid == ours || uid == 0
}

fn check_length(path: &Path, draft: &Draft) -> Result<(), BindError> {
    let needed = path.as_os_str().len().max(draft.socket.as_os_str().len());
    if needed > MAX_PATH {
        return Err(BindError::PathTooLong {
            path: path.to_owned(),
            needed,
            max: MAX_PATH,
        });
    }
    Ok(())
}

/// Finds out whether the path is free or holds a dead socket. The caller holds the lock.
fn check_stale(path: &Path) -> Result<(), BindError> {
    let failed = |source| BindError::Io {
        address: ListenAddress::Unix(path.to_owned()),
        source,
    };
    match symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => Err(BindError::NotASocket {
            path: path.to_owned(),
        }),
        Ok(_) => match knock(path) {
            Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(()),
            // A full queue is a server too, if a busy one. It is one that does not use our lock.
            Ok(()) | Err(Errno::AGAIN) => Err(BindError::InUse {
                path: path.to_owned(),
            }),
            Err(errno) => Err(failed(errno.into())),
        },
    }
}

/// Connects without waiting, and hangs up.
fn knock(path: &Path) -> Result<(), Errno> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)
}

/// A place beside the final path where the socket gets its mode before anybody can see it.
///
/// It is a folder of mode 0700 and not merely another name: between `bind` and `chmod` a socket has the mode that the
/// umask leaves it, and the umask is not ours to change while other threads run.
struct Draft {
    folder: PathBuf,
    socket: PathBuf,
}

impl Draft {
    /// The name depends on the final one alone, so that what a crash left behind is found and removed; whoever uses it
    /// holds the lock of the final path. It is short, because it has to fit into a socket address too.
    fn beside(path: &Path) -> io::Result<Self> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let folder = parent.join(format!(".rw{:08x}", fnv1a(name.as_bytes())));
        let socket = folder.join("s");
        Ok(Self { folder, socket })
    }

    fn bind_and_rename(&self, path: &Path) -> io::Result<net::UnixListener> {
        self.clear()?;
        DirBuilder::new().mode(0o700).create(&self.folder)?;
        let listener = self.bind_in_folder().and_then(|listener| {
            fs::rename(&self.socket, path)?;
            Ok(listener)
        });
        let cleared = self.clear();
        let listener = listener?;
        cleared?;
        Ok(listener)
    }

    fn bind_in_folder(&self) -> io::Result<net::UnixListener> {
        let socket = UnixSocket::new_stream()?;
        socket.bind(&self.socket)?;
        fs::set_permissions(&self.socket, Permissions::from_mode(0o600))?;
        // Listening before the rename: whoever sees the final path can connect.
        socket.listen(BACKLOG)
    }

    fn clear(&self) -> io::Result<()> {
        for removed in [fs::remove_file(&self.socket), fs::remove_dir(&self.folder)] {
            match removed {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// FNV-1a, for a short name that is the same in every release; nothing depends on its strength.
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// Our socket file, removed at the end if it is still ours.
#[derive(Debug)]
struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    fn of(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(path)?,
        })
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|identity| identity == self.identity)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the socket file stays behind");
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let metadata = symlink_metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_user_and_root_may_connect() {
        let table = [
            (7, 7, true),
            (0, 7, true),
            (8, 7, false),
            (7, 0, false),
            (0, 0, true),
        ];
        for (uid, ours, expect) in table {
            assert_eq!(may_connect(uid, ours), expect, "uid {uid}, ours {ours}");
        }
    }
}
