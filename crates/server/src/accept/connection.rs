//! Owns one connection from its accept to its end.
//!
//! It must never know how many others there are.

use std::{convert::Infallible, panic::AssertUnwindSafe, pin::pin, time::Duration};

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
pub(super) async fn serve_connection<S>(
    connection: Connection,
    http: http1::Builder,
    service: S,
    ends: Ends,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let peer = connection.peer;
    let served = AssertUnwindSafe(drive(connection, http, service, ends))
        .catch_unwind()
        .await;
    match served {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%peer, ?error, "a connection ended with an error"),
        Err(_) => {
            tracing::error!(%peer, "a connection ended with a panic in the body of an answer")
        }
    }
}

async fn drive<S>(
    connection: Connection,
    http: http1::Builder,
    service: S,
    ends: Ends,
) -> hyper::Result<()>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone,
{
    let Connection { io, peer } = connection;
    let io = TokioIo::new(WriteDeadline::new(io, WRITE_DEADLINE));
    let mut serving = pin!(http.serve_connection(io, PeerService { service, peer }));
    tokio::select! {
        served = serving.as_mut() => return served,
        () = ends.stop.cancelled() => serving.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        served = serving => served,
        () = ends.cut.cancelled() => Ok(()),
    }
}
