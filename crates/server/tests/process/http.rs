//! A client of the wire that knows nothing of the product: what it sends and gets is bytes and JSON values.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use sse_stream::SseStream;
use tokio::net::UnixStream;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::server::SOON;

/// A client of one server. Every request has a connection of its own.
#[derive(Clone)]
pub(crate) struct Client {
    socket: PathBuf,
    connections: TaskTracker,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

/// An event stream.
pub(crate) struct Events {
    frames: SseStream<Incoming>,
    /// The id of the last frame that had one.
    pub(crate) last_id: Option<String>,
}

impl Client {
    pub(crate) fn unix(socket: PathBuf) -> Self {
        Self {
            socket,
            connections: TaskTracker::new(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// Sends the same as a request with this idempotency key.
    pub(crate) async fn post_with_key(&self, path: &str, body: &Value, key: &str) -> Answer {
        let body = Some(Bytes::from(body.to_string()));
        let response = timeout(SOON, self.exchange(Method::POST, path, body, Some(key))).await;
        answer(response.unwrap().unwrap()).await.unwrap()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        self.try_send(method, path, body).await.unwrap()
    }

    /// Sends a request; an error if no server answers.
    pub(crate) async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let response = timeout(SOON, self.exchange(method, path, body, None)).await??;
        answer(response).await
    }

    /// Opens an event stream; the server has attached it when this returns.
    pub(crate) async fn events(&self, path: &str) -> Events {
        self.try_events(path).await.unwrap()
    }

    /// Opens an event stream; an error with the status if the server refuses it.
    pub(crate) async fn try_events(
        &self,
        path: &str,
    ) -> Result<Events, Box<dyn std::error::Error>> {
        let response = timeout(SOON, self.exchange(Method::GET, path, None, None)).await??;
        if response.status() != StatusCode::OK {
            return Err(format!("{path}: {}", response.status()).into());
        }
        Ok(Events {
            frames: SseStream::new(response.into_body()),
            last_id: None,
        })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
        key: Option<&str>,
    ) -> Result<Response<Incoming>, Box<dyn std::error::Error>> {
        let stream = UnixStream::connect(&self.socket).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        self.connections.spawn(async move {
            // A connection that is cut shows in what is read from it.
            let _cut = connection.await;
        });
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "api.crush.localhost");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        Ok(sender
            .send_request(request.body(Full::new(body.unwrap_or_default()))?)
            .await?)
    }
}

async fn answer(response: Response<Incoming>) -> Result<Answer, Box<dyn std::error::Error>> {
    let (head, body) = response.into_parts();
    let body = timeout(SOON, body.collect()).await??.to_bytes();
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body,
    })
}

impl Answer {
    /// The body as JSON; `null` for an empty one.
    pub(crate) fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Value {
        assert_eq!(
            self.status.as_u16(),
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self.json()
    }
}

impl Events {
    /// The next event; `None` when the stream has ended, cleanly or not.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        self.next_within(SOON)
            .await
            .expect("an event or the end comes soon")
    }

    /// The same, or `Err` when nothing comes in time.
    pub(crate) async fn next_within(
        &mut self,
        within: Duration,
    ) -> Result<Option<Value>, tokio::time::error::Elapsed> {
        timeout(within, async {
            loop {
                let frame = self.frames.next().await?.ok()?;
                if let Some(id) = frame.id {
                    self.last_id = Some(id);
                }
                if let Some(data) = frame.data {
                    return Some(serde_json::from_str(&data).unwrap());
                }
            }
        })
        .await
    }

    /// Reads what is left of a stream that the server is about to end.
    pub(crate) async fn rest_of_a_closed_stream(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }

    /// Reads until an event for which `last` holds, that one included.
    pub(crate) async fn until(&mut self, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut events = Vec::new();
        loop {
            let event = self
                .next()
                .await
                .unwrap_or_else(|| panic!("the stream ended: {events:#?}"));
            let is_last = last(&event);
            events.push(event);
            if is_last {
                return events;
            }
        }
    }
}
