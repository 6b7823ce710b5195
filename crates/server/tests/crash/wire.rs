//! A client for which a server that dies is nothing special: every answer that does not come is a value, and of a stream
//! that is cut only whole frames count.
//!
//! It must never know what is asked, nor why.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// How long a server may take for an answer before it counts as hanging.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The end of a frame of an event stream.
const FRAME_END: &[u8] = b"\n\n";

/// A client of the server behind one socket. Every request has a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    socket: PathBuf,
    connections: TaskTracker,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether it says that the request was accepted before.
    pub(crate) replayed: bool,
    /// `null` if there is none.
    pub(crate) body: Value,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Silence {
    /// The server is gone: it was asked nothing.
    Unreached,
    /// The server went away meanwhile: it may have done what it was asked.
    Cut,
    /// It is there and says nothing.
    Hung,
}

/// An event stream.
#[derive(Debug)]
pub(crate) struct Stream {
    body: Incoming,
    received: BytesMut,
}

/// One frame of an event stream.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frame {
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Wire {
    pub(crate) fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
            connections: TaskTracker::new(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Silence> {
        self.send(Method::GET, path, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Answer, Silence> {
        self.send(Method::POST, path, None, Some(body)).await
    }

    /// Sends a request, under an idempotency key if there is one.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Answer, Silence> {
        let response = self.exchange(method, path, key, body).await?;
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await;
        let body = body.map_err(|_| Silence::Hung)?.map_err(|_| Silence::Cut)?;
        Ok(Answer {
            status: head.status.as_u16(),
            replayed: head.headers.contains_key("idempotency-replayed"),
            body: parsed(&body.to_bytes())?,
        })
    }

    /// Opens an event stream; the answer instead, if it is refused.
    pub(crate) async fn stream(&self, path: &str) -> Result<Result<Stream, Answer>, Silence> {
        let response = self.exchange(Method::GET, path, None, None).await?;
        if response.status() == 200 {
            return Ok(Ok(Stream {
                body: response.into_body(),
                received: BytesMut::new(),
            }));
        }
        let status = response.status().as_u16();
        let body = response.into_body().collect().await;
        let body = parsed(&body.map_err(|_| Silence::Cut)?.to_bytes())?;
        Ok(Err(Answer {
            status,
            replayed: false,
            body,
        }))
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Silence> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| Bytes::from(body.to_string()));
        let request = request.body(Full::new(body.unwrap_or_default())).unwrap();
        timeout(PATIENCE, self.connected(request))
            .await
            .map_err(|_| Silence::Hung)?
    }

    async fn connected(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Silence> {
        let socket = UnixStream::connect(&self.socket).await;
        let socket = socket.map_err(|_| Silence::Unreached)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket))
            .await
            .map_err(|_| Silence::Unreached)?;
        self.connections.spawn(async move {
            // A connection that is cut shows in what is read from it.
            let _cut = connection.await;
        });
        let response = sender.send_request(request).await;
        response.map_err(|_| Silence::Cut)
    }
}

impl Answer {
    /// The stable code of a refusal; empty for anything else.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Stream {
    /// The next whole frame with data; none when the stream has ended, cleanly or not.
    pub(crate) async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.take_frame() {
                return Some(frame);
            }
            let chunk = self.body.frame().await?.ok()?;
            if let Ok(bytes) = chunk.into_data() {
                self.received.extend_from_slice(&bytes);
            }
        }
    }

    fn take_frame(&mut self) -> Option<Frame> {
        loop {
            // A bare newline is a heartbeat.
            while self.received.starts_with(b"\n") {
                let _beat = self.received.split_to(1);
            }
            let mut windows = self.received.windows(FRAME_END.len());
            let end = windows.position(|window| window == FRAME_END)?;
            let frame = self.received.split_to(end + FRAME_END.len());
            let lines = std::str::from_utf8(&frame).unwrap().lines();
            let field = |name: &str| {
                let mut lines = lines.clone();
                lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            };
            if let Some(data) = field("data") {
                return Some(Frame {
                    id: field("id").map(str::to_owned),
                    data: serde_json::from_str(data).unwrap(),
                });
            }
        }
    }
}

/// A body that is cut off is no answer.
fn parsed(body: &Bytes) -> Result<Value, Silence> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body).map_err(|_| Silence::Cut)
}
