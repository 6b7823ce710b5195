//! A client that sends bytes as they are and reads answers as they come.

use std::io;

use runwright_server::config::ListenAddress;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

use super::PATIENCE;

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One connection.
pub(crate) struct Client {
    stream: Box<dyn Stream>,
    read: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Client {
    pub(crate) async fn connect(address: &ListenAddress) -> io::Result<Self> {
        let stream: Box<dyn Stream> = match address {
            ListenAddress::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            ListenAddress::Unix(path) => Box::new(UnixStream::connect(path).await?),
        };
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).await.unwrap();
    }

    /// Sends to a server that may have hung up already.
    pub(crate) async fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref()))
            .await
            .expect("the server reads")
    }

    /// Reads the next answer: to its length if it has one, else to the end of the connection.
    pub(crate) async fn reply(&mut self) -> Reply {
        let head = self.until(b"\r\n\r\n").await;
        let status = head
            .split_whitespace()
            .nth(1)
            .and_then(|word| word.parse().ok())
            .unwrap_or_default();
        let mut reply = Reply {
            status,
            head,
            body: String::new(),
        };
        let body = match reply.header("content-length") {
            Some(length) => self.exactly(length.parse().unwrap()).await,
            None if status == 100 || status == 204 => Vec::new(),
            None => self.rest().await,
        };
        reply.body = String::from_utf8(body).unwrap();
        reply
    }

    /// Reads to the end of the connection. A reset is an end too: that is how a close with unread bytes looks.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.more().await {}
        std::mem::take(&mut self.read)
    }

    /// Reads up to and including a marker.
    pub(crate) async fn until(&mut self, marker: &[u8]) -> String {
        loop {
            if let Some(at) = self
                .read
                .windows(marker.len())
                .position(|window| window == marker)
            {
                let found = self.read.drain(..at + marker.len()).collect();
                return String::from_utf8(found).unwrap();
            }
            assert!(
                self.more().await,
                "ended early: {:?}",
                String::from_utf8_lossy(&self.read)
            );
        }
    }

    async fn exactly(&mut self, len: usize) -> Vec<u8> {
        while self.read.len() < len {
            assert!(self.more().await, "the body is short");
        }
        self.read.drain(..len).collect()
    }

    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read_buf(&mut self.read))
            .await
            .expect("the server answers or closes");
        !matches!(read, Ok(0) | Err(_))
    }
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The code of a problem; panics when the answer is none.
    #[track_caller]
    pub(crate) fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{self:?}"
        );
        let problem: serde_json::Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(problem["message"], problem["detail"], "{self:?}");
        problem["code"].as_str().unwrap().to_owned()
    }
}
