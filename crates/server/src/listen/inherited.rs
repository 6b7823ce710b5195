//! Owns the sockets that a service manager opened for us (socket activation).
//!
//! It must never know what is configured.

use std::{io, os::fd::AsFd};

use listenfd::ListenFd;
use rustix::net::sockopt;
use tokio::net;

use super::{BindError, Listener, tcp::TcpListener, unix::UnixListener};

/// The sockets that were handed over.
pub struct Inherited(ListenFd);

impl std::fmt::Debug for Inherited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Inherited").field(&self.0.len()).finish()
    }
}

impl Inherited {
    /// Takes the sockets that `LISTEN_FDS` names.
    ///
    /// Call it once, first thing in `main`: it unsets the variables, so that our children do not take them for theirs,
    /// and no other thread may read the environment at that moment.
    #[must_use]
    pub fn from_service_manager() -> Self {
        Self(ListenFd::from_env())
    }

    /// Takes none.
    #[must_use]
    pub fn none() -> Self {
        Self(ListenFd::empty())
    }

    pub(super) fn into_listeners(mut self) -> Result<Vec<Listener>, BindError> {
        (0..self.0.len())
            .map(|index| {
                self.listener(index)
                    .map_err(|source| BindError::Inherited { index, source })
            })
            .collect()
    }

    fn listener(&mut self, index: usize) -> io::Result<Listener> {
        let taken = || io::Error::other("it was taken before");
        if let Ok(socket) = self.0.take_unix_listener(index) {
            let socket = socket.ok_or_else(taken)?;
            ready(&socket)?;
            socket.set_nonblocking(true)?;
            return UnixListener::inherited(net::UnixListener::from_std(socket)?)
                .map(Listener::Unix);
        }
        let socket = self.0.take_tcp_listener(index)?.ok_or_else(taken)?;
        ready(&socket)?;
        socket.set_nonblocking(true)?;
        TcpListener::new(net::TcpListener::from_std(socket)?).map(Listener::Tcp)
    }
}

fn ready(socket: impl AsFd) -> io::Result<()> {
    if sockopt::socket_acceptconn(socket)? {
        Ok(())
    } else {
        Err(io::Error::other("it is not listening"))
    }
}
