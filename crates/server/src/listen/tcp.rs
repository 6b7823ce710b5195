//! Owns the TCP listener and the options of its connections.
//!
//! It must never know who may connect; that is the guard's.

use std::{io, net::SocketAddr, os::fd::AsFd};

use rustix::net::sockopt;
use tokio::net::{self, TcpSocket};

use crate::config::ListenAddress;

use super::{BindError, Connection, Io, Peer};

/// Connections that the system keeps waiting for us: as many as we would hold.
const BACKLOG: u32 = 1024;

/// Bytes that the system holds for a peer that does not read. Unbounded growth of it is what a stalled reader costs
/// (reliability 4.1, 5: 3,824 frames by default, 288 with this).
pub(super) const SEND_BUFFER: usize = 64 * 1024;

/// Time after which a peer that acknowledges nothing is gone: the write deadline of a stream (semantics 3).
const USER_TIMEOUT_MILLIS: u32 = 30_000;

/// A TCP listener.
#[derive(Debug)]
pub struct TcpListener {
    inner: net::TcpListener,
    local: SocketAddr,
}

impl TcpListener {
    pub(super) fn bind(address: SocketAddr) -> Result<Self, BindError> {
        let open = || {
            let socket = if address.is_ipv4() {
                TcpSocket::new_v4()
            } else {
                TcpSocket::new_v6()
            }?;
            // A restart must not wait for the connections of the last server to be forgotten.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            Self::new(socket.listen(BACKLOG)?)
        };
        open().map_err(|source| BindError::Io {
            address: ListenAddress::Tcp(address),
            source,
        })
    }

    /// Takes over a listening socket. The options are set on it, not on each connection: Linux hands them down.
    pub(super) fn new(inner: net::TcpListener) -> io::Result<Self> {
        set_options(&inner)?;
        let local = inner.local_addr()?;
        Ok(Self { inner, local })
    }

    pub(super) async fn accept(&self) -> Result<Connection, super::AcceptError> {
        let (stream, remote) = self.inner.accept().await?;
        let local = stream.local_addr()?;
        Ok(Connection {
            io: Io::Tcp(stream),
            peer: Peer::Tcp { remote, local },
        })
    }

    pub(super) const fn address(&self) -> ListenAddress {
        ListenAddress::Tcp(self.local)
    }
}

fn set_options(socket: impl AsFd) -> io::Result<()> {
    sockopt::set_tcp_nodelay(&socket, true)?;
    sockopt::set_tcp_user_timeout(&socket, USER_TIMEOUT_MILLIS)?;
    sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_inherit_the_options_of_the_listener() {
        let listener = TcpListener::bind("127.0.0.1:0".parse().expect("address")).expect("bound");
        let _client = net::TcpStream::connect(listener.local)
            .await
            .expect("connected");
        let Connection {
            io: Io::Tcp(stream),
            peer,
        } = listener.accept().await.expect("accepted")
        else {
            panic!("not TCP")
        };
        assert!(stream.nodelay().expect("read"));
        assert_eq!(
            sockopt::tcp_user_timeout(&stream).expect("read"),
            USER_TIMEOUT_MILLIS
        );
        // The kernel doubles what it is told, for its own bookkeeping.
        assert_eq!(
            sockopt::socket_send_buffer_size(&stream).expect("read"),
            2 * SEND_BUFFER
        );
        assert!(matches!(peer, Peer::Tcp { local, .. } if local == listener.local));
    }
}
