//! One request to a server over a Unix socket or TCP. It knows HTTP and the problem body, never a route.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use runwright_proto::{Envelope, Problem};
use runwright_server::config::ServerAddress;
use runwright_server::token::BearerToken;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sse_stream::SseStream;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_util::task::TaskTracker;

use super::failure::Failure;

/// A server to talk to. Each request has a connection of its own: a command makes a handful.
#[derive(Debug, Clone)]
pub(super) struct Server {
    address: ServerAddress,
    token: Option<BearerToken>,
    connections: TaskTracker,
}

impl Server {
    pub(super) fn new(address: ServerAddress, token: Option<BearerToken>) -> Self {
        Self {
            address,
            token,
            connections: TaskTracker::new(),
        }
    }

    /// Whether anything listens there.
    pub(super) async fn answers(&self) -> bool {
        self.send(Method::GET, "/v1/health", None).await.is_ok()
    }

    /// Sends a request without a body and reads the answer.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        decode(&self.call(Method::GET, path, None).await?)
    }

    /// Sends a body and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        decode(&self.call(Method::POST, path, Some(encode(body)?)).await?)
    }

    /// Sends a request whose answer does not matter beyond that it went well.
    pub(super) async fn tell(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<(), Failure> {
        self.call(method, path, body).await.map(drop)
    }

    /// Opens an event stream. It ends with `None` when the server closes it, whether or not it said `end`.
    pub(super) async fn events(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Envelope, Failure>> + use<>, Failure> {
        let response = self.send(Method::GET, path, None).await?;
        let frames = SseStream::new(response.into_body());
        Ok(frames.filter_map(|frame| async {
            match frame {
                Ok(frame) => frame.data.map(|data| decode(data.as_bytes())),
                // A connection that is cut in the middle ends the stream: whoever reads it resumes.
                Err(_cut) => None,
            }
        }))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Bytes, Failure> {
        let response = self.send(method, path, body).await?;
        collect(response).await
    }

    /// Sends a request and makes a failure of an answer that is none.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Response<Incoming>, Failure> {
        let request = self.request(method, path, body)?;
        let response = match &self.address {
            ServerAddress::Unix(socket) => {
                self.exchange(UnixStream::connect(socket).await, request)
                    .await?
            }
            ServerAddress::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await;
                self.exchange(stream, request).await?
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = collect(response).await?;
        let problem = serde_json::from_slice::<Problem>(&body);
        Err(problem.map_or_else(
            |_| Failure::Nonsense(format!("status {status} without a reason")),
            |problem| Failure::Refused(Box::new(problem)),
        ))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let host = match &self.address {
            ServerAddress::Unix(_) => "runwright".to_owned(),
            ServerAddress::Tcp { host, port } if host.contains(':') => format!("[{host}]:{port}"),
            ServerAddress::Tcp { host, port } => format!("{host}:{port}"),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, host);
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {}", token.expose_hex()));
        }
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.unwrap_or_default()));
        request.map_err(|error| Failure::Usage(format!("`{path}` is not a path: {error}")))
    }

    async fn exchange<S>(
        &self,
        stream: std::io::Result<S>,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Failure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = stream.map_err(|cause| Failure::Unreachable {
            url: self.address.to_string(),
            cause,
        })?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(broken)?;
        self.connections.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
        sender.send_request(request).await.map_err(broken)
    }
}

/// Makes the body of a request.
pub(super) fn encode(body: &impl Serialize) -> Result<Bytes, Failure> {
    serde_json::to_vec(body).map(Bytes::from).map_err(broken)
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::Nonsense(error.to_string()))
}

async fn collect(response: Response<Incoming>) -> Result<Bytes, Failure> {
    Ok(response
        .into_body()
        .collect()
        .await
        .map_err(broken)?
        .to_bytes())
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Failure {
    Failure::Broken(Box::new(error))
}
