//! Owns the accept loops and their end.
//!
//! It must never know what a connection carries.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::response::Response;
use futures_util::FutureExt;
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::TokioTimer;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{
    config::Limits,
    listen::{AcceptError, Connection, Listener},
};

use super::{
    connection::{Ends, serve_connection},
    overload::Overload,
};

/// The pause after an accept that failed for want of something, most likely of file descriptors: long enough not to
/// spin, short enough not to be noticed once there are some again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The limits of connections, and how they end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeOptions {
    /// Connections at once, per listener.
    pub connections: usize,
    /// Bytes of the request line and the headers; at least 8 KiB.
    pub header_bytes: usize,
    /// Time for them, and for an idle connection to send the next request.
    pub header_timeout: Duration,
    /// Time for the connections to finish after the stop.
    pub drain: Duration,
}

impl ServeOptions {
    /// Picks what concerns connections; `drain` is what is left of the drain deadline when the loops stop.
    #[must_use]
    pub const fn new(limits: &Limits, drain: Duration) -> Self {
        Self {
            connections: limits.connections,
            header_bytes: limits.header_bytes,
            header_timeout: limits.header_timeout,
            drain,
        }
    }
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Served {
    /// Every connection had finished.
    Drained,
    /// So many connections had to be cut at the deadline.
    Cut(usize),
}

/// Serves the listeners until `stop` is cancelled, then ends: no new connections, and those that are open finish what
/// they are answering, until the deadline.
///
/// The listeners are closed, and their socket files gone, as soon as `stop` is cancelled. The service is cloned for each
/// request, so a clone has to be cheap; [`app`](crate::middleware::app) makes one that is.
///
/// # Cancel safety
///
/// When the future is dropped, all loops and connections end at once.
pub async fn serve<S>(
    listeners: Vec<Listener>,
    service: S,
    options: &ServeOptions,
    stop: CancellationToken,
) -> Served
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let cut = CancellationToken::new();
    let connections = TaskTracker::new();
    let loops = TaskTracker::new();
    // Children, so that dropping this future stops what it spawned and not the caller.
    let ends = Ends {
        stop: stop.child_token(),
        cut: cut.clone(),
    };
    let _guards = (ends.stop.clone().drop_guard(), cut.clone().drop_guard());
    for listener in listeners {
        let accept = Accept {
            http: http(options),
            room: Arc::new(Semaphore::new(options.connections)),
            overload: Overload::new(),
            service: service.clone(),
            ends: ends.clone(),
            connections: connections.clone(),
        };
        loops.spawn(accept.run(listener));
    }
    loops.close();
    loops.wait().await;
    connections.close();
    finish(&connections, &cut, options.drain).await
}

/// Waits for the connections, then cuts them. A loop ends only when it is told to, so this comes after the stop.
async fn finish(connections: &TaskTracker, cut: &CancellationToken, drain: Duration) -> Served {
    if timeout(drain, connections.wait()).await.is_ok() {
        return Served::Drained;
    }
    let left = connections.len();
    tracing::warn!(connections = left, "connections were cut at the deadline");
    cut.cancel();
    connections.wait().await;
    Served::Cut(left)
}

fn http(options: &ServeOptions) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.header_timeout)
        .max_header_size(options.header_bytes)
        .max_buf_size(options.header_bytes);
    http
}

/// The loop of one listener.
struct Accept<S> {
    http: http1::Builder,
    room: Arc<Semaphore>,
    overload: Overload,
    service: S,
    ends: Ends,
    connections: TaskTracker,
}

impl<S> Accept<S>
where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn run(self, listener: Listener) {
        let mut failing = false;
        while let Some(accepted) = self.ends.stop.run_until_cancelled(listener.accept()).await {
            match accepted {
                Ok(connection) => {
                    failing = false;
                    self.take(connection);
                }
                Err(AcceptError::ForeignPeer { uid }) => {
                    tracing::warn!(uid, "another user was disconnected")
                }
                Err(AcceptError::Io(error)) if is_passing(&error) => {}
                Err(AcceptError::Io(error)) => {
                    // One line for each time it begins, not ten a second while it lasts.
                    if !std::mem::replace(&mut failing, true) {
                        tracing::error!(%error, "cannot accept connections for now");
                    }
                    self.ends
                        .stop
                        .run_until_cancelled(sleep(ACCEPT_PAUSE))
                        .await;
                }
            }
        }
    }

    fn take(&self, connection: Connection) {
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            self.overload.refuse(&connection);
            return;
        };
        let serving = serve_connection(
            connection,
            &self.http,
            self.service.clone(),
            self.ends.clone(),
        );
        self.connections.spawn(serving.map(move |()| drop(place)));
    }
}

/// Tells whether only this one connection failed.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, NotConnected,
    };
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | NotConnected
    )
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn want_of_descriptors_pauses_the_loop_and_a_broken_connection_does_not() {
        let table = [
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::NOBUFS, false),
            (Errno::NOMEM, false),
            (Errno::CONNABORTED, true),
            (Errno::CONNRESET, true),
            (Errno::NOTCONN, true),
            (Errno::INTR, true),
        ];
        for (errno, passing) in table {
            assert_eq!(is_passing(&errno.into()), passing, "{errno}");
        }
    }
}
