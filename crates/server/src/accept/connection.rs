//! Owns one connection from its accept to its end.
//!
//! It must never know how many others there are.

use std::{any::Any, convert::Infallible, panic::AssertUnwindSafe, pin, time::Duration};

use axum::response::Response;
use futures_util::FutureExt;
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt, util::Oneshot};

use crate::listen::{Connection, Peer};

use super::write_deadline::WriteDeadline;

/// How long a peer may take nothing of an answer (semantics 3, "Heartbeat").
const WRITE_DEADLINE: Duration = Duration::from_secs(30);

/// Hands the requests of one connection to the shared service, each with its [`Peer`].
#[derive(Debug, Clone)]
pub struct PeerService<S> {
    service: S,
    peer: Peer,
}

impl<S> hyper::service::Service<Request<Incoming>> for PeerService<S>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Oneshot<S, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.service.clone().oneshot(request)
    }
}

/// How a connection is told to end.
#[derive(Debug, Clone)]
pub(super) struct Ends {
    /// Finish what is being answered, then close.
    pub(super) stop: CancellationToken,
    /// Close now.
    pub(super) cut: CancellationToken,
}

/// Serves a connection to its end. A panic outside of a handler, in the body of an answer, ends the connection alone.
///
/// A plain function with one async block that borrows what it captured: a value that is handed from one `async fn` to the
/// next has a place in each of them, and an idle connection is paid for by the byte (performance 10, P5).
pub(super) fn serve_connection<S>(
    connection: Connection,
    http: &http1::Builder,
    service: S,
    ends: Ends,
) -> impl Future<Output = ()> + Send + 'static
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let Connection { io, peer } = connection;
    let io = TokioIo::new(WriteDeadline::new(io, WRITE_DEADLINE));
    let mut serving = http.serve_connection(io, PeerService { service, peer });
    let driven = async move {
        tokio::select! {
            served = &mut serving => return served,
            () = ends.stop.cancelled() => pin::Pin::new(&mut serving).graceful_shutdown(),
        }
        tokio::select! {
            served = &mut serving => served,
            () = ends.cut.cancelled() => Ok(()),
        }
    };
    AssertUnwindSafe(driven)
        .catch_unwind()
        .map(move |served| note_end(peer, served))
}

fn note_end(peer: Peer, served: Result<hyper::Result<()>, Box<dyn Any + Send>>) {
    match served {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%peer, ?error, "a connection ended with an error"),
        Err(_) => {
            tracing::error!(%peer, "a connection ended with a panic in the body of an answer");
        }
    }
}
