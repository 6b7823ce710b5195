//! Owns what all listeners have in common, and their errors.
//!
//! It must never know where the address came from.

use std::{io, path::PathBuf};

use crate::config::{ConfigError, ListenAddress};

use super::{Connection, PrivateDirError, tcp::TcpListener, unix::UnixListener};

/// A bound socket of either kind. Dropping it stops listening and takes our socket file away.
#[derive(Debug)]
pub enum Listener {
    /// On TCP.
    Tcp(TcpListener),
    /// On a Unix socket.
    Unix(UnixListener),
}

impl Listener {
    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// [`AcceptError`]; the listener stays usable after any of them.
    ///
    /// # Cancel safety
    ///
    /// No connection is lost when the future is dropped.
    pub async fn accept(&self) -> Result<Connection, AcceptError> {
        match self {
            Self::Tcp(listener) => listener.accept().await,
            Self::Unix(listener) => listener.accept().await,
        }
    }

    /// Returns where it listens, with the port that the system chose for port 0.
    #[must_use]
    pub fn address(&self) -> ListenAddress {
        match self {
            Self::Tcp(listener) => listener.address(),
            Self::Unix(listener) => listener.address(),
        }
    }

    /// Returns the address in the form that `--host` takes.
    #[must_use]
    pub fn local_url(&self) -> String {
        self.address().to_string()
    }
}

/// Tells why a connection was not taken.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// A process of another user connected to the Unix socket; it was disconnected.
    #[error("uid {uid} connected to the socket of another user")]
    ForeignPeer {
        /// The other user.
        uid: u32,
    },
    /// The system call failed.
    #[error("cannot accept a connection")]
    Io(#[from] io::Error),
}

/// Tells why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The configuration forbids it.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The folder of the default socket is not private.
    #[error(transparent)]
    Folder(#[from] PrivateDirError),
    /// Another server has the socket.
    #[error("a server is already listening on `{}`; stop it first, or choose another place with `--listen`", path.display())]
    InUse {
        /// The socket.
        path: PathBuf,
    },
    /// The path of the socket does not fit into a socket address.
    #[error(
        "the socket path `{}` needs {needed} bytes and at most {max} fit; choose a shorter one with `--listen`",
        path.display()
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length, or that of the temporary path beside it if that is longer.
        needed: usize,
        /// The most that fits.
        max: usize,
    },
    /// Something that is no socket is in the way.
    #[error("`{}` exists and is not a socket; it is left alone", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// A system call failed.
    #[error("cannot listen on `{address}`")]
    Io {
        /// The address.
        address: ListenAddress,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A socket from the service manager is not a listening stream socket.
    #[error("socket {index} from the service manager cannot be used")]
    Inherited {
        /// Its place among the sockets handed over.
        index: usize,
        /// Why.
        #[source]
        source: io::Error,
    },
}
