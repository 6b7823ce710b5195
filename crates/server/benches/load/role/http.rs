//! Owns the sockets of the ceilings, and HTTP/1.1 on them with nothing around it. It must never know a handler.

use std::convert::Infallible;

use axum::Router;
use http::{Request, Response};
use hyper::{
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_util::{either::Either, task::TaskTracker};
use tower::ServiceExt;

use crate::{Result, net::Address};

/// A connection of either kind.
pub(crate) type Io = Either<TcpStream, UnixStream>;

/// The read buffer of a connection may grow to this; the measured ceiling per idle stream is with it (performance 5).
const MAX_BUFFER: usize = 16 * 1024;

/// A listening socket of either kind.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// Listens, and says where.
    pub(crate) async fn bind(listen: &Address) -> Result<(Self, Address)> {
        match listen {
            Address::Tcp(address) => {
                let listener = TcpListener::bind(address).await?;
                let address = Address::Tcp(listener.local_addr()?);
                Ok((Self::Tcp(listener), address))
            }
            Address::Unix(path) => Ok((Self::Unix(UnixListener::bind(path)?), listen.clone())),
        }
    }

    async fn accept(&self) -> std::io::Result<Io> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok(Either::Left(stream))
            }
            Self::Unix(listener) => Ok(Either::Right(listener.accept().await?.0)),
        }
    }

    /// Gives each connection to `serve`, in a task of its own, until the process ends.
    pub(crate) fn spawn<F>(self, serve: impl Fn(Io) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tasks = TaskTracker::new();
        tasks.clone().spawn(async move {
            while let Ok(io) = self.accept().await {
                tasks.spawn(serve(io));
            }
        });
    }

    /// Serves HTTP/1.1 with routes, until the process ends.
    pub(crate) fn spawn_routes(self, router: Router) {
        let router = router.with_state(());
        self.spawn_http(service_fn(move |request| router.clone().oneshot(request)));
    }

    /// Serves HTTP/1.1 with a service, until the process ends.
    pub(crate) fn spawn_http<S, B>(self, service: S)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send,
        B: http_body::Body<Data = bytes::Bytes, Error: std::error::Error + Send + Sync>
            + Send
            + 'static,
    {
        let mut http = http1::Builder::new();
        http.max_buf_size(MAX_BUFFER);
        self.spawn(move |io| {
            let serving = http.serve_connection(TokioIo::new(io), service.clone());
            async move {
                // A client that hangs up in the middle is how every measurement ends.
                drop(serving.await);
            }
        });
    }
}
