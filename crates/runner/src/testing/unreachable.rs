//! Addresses at which nobody answers. It must never know a protocol.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// An address of this machine at which nobody answers, as long as this lives.
#[derive(Debug)]
pub struct Unreachable {
    address: SocketAddr,
    _held: Held,
}

#[derive(Debug)]
enum Held {
    Bound {
        _socket: TcpSocket,
    },
    Full {
        _listener: TcpListener,
        _filler: TcpStream,
    },
}

impl Unreachable {
    /// An address that refuses connections. The port is taken, so that nobody else answers at it.
    ///
    /// # Panics
    /// When no socket can be had.
    #[must_use]
    pub fn refusing() -> Self {
        let socket = bound();
        let address = socket.local_addr().expect("a bound socket has an address");
        Self {
            address,
            _held: Held::Bound { _socket: socket },
        }
    }

    /// An address at which connecting neither succeeds nor fails for a long time: its queue is full, and nobody takes
    /// from it.
    ///
    /// # Panics
    /// When no socket can be had.
    ///
    /// # Cancel safety
    /// The socket is closed.
    pub async fn hanging() -> Self {
        let socket = bound();
        // A queue of none holds one on Linux.
        let listener = socket.listen(0).expect("a bound socket can listen");
        let address = listener.local_addr().expect("a socket has an address");
        let filler = TcpStream::connect(address).await;
        Self {
            address,
            _held: Held::Full {
                _listener: listener,
                _filler: filler.expect("the first connection has a place"),
            },
        }
    }

    /// The base URL, without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

fn bound() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket of this machine");
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    socket.bind(any).expect("some port is free");
    socket
}
