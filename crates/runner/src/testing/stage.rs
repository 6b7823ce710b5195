//! Where a response is written: a socket, what of the response is on it already, and the notes about it. It must never
//! know what a script is.

use std::io;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::tcp::WriteHalf;
use tokio::time::{Instant, sleep_until};

use super::{Exchange, http};

/// Where a response is written.
pub(super) struct Stage<'a> {
    socket: WriteHalf<'a>,
    exchange: &'a Exchange,
    head_is_sent: bool,
    /// When the last tick was due.
    ticked: Instant,
}

impl<'a> Stage<'a> {
    pub(super) fn new(socket: WriteHalf<'a>, exchange: &'a Exchange) -> Self {
        Self {
            socket,
            exchange,
            head_is_sent: false,
            ticked: Instant::now(),
        }
    }

    /// Waits until so long after the last tick was due.
    pub(super) async fn tick(&mut self, every: Duration) {
        self.ticked += every;
        sleep_until(self.ticked).await;
    }

    /// Writes bytes of the connection.
    pub(super) async fn wire(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes).await?;
        self.exchange.note_bytes(bytes.len());
        Ok(())
    }

    /// Begins a response that comes in chunks, unless it has begun.
    pub(super) async fn begin(&mut self, content_type: &str) -> io::Result<()> {
        if self.head_is_sent {
            return Ok(());
        }
        self.head_is_sent = true;
        self.wire(http::streamed(content_type).as_bytes()).await
    }

    /// Writes bytes of the body as one chunk, in one write. An empty chunk would end the body, so it is none.
    pub(super) async fn body(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.wire(&http::chunk(bytes)).await
    }

    /// The same for a frame of text, whose instant is noted.
    pub(super) async fn text(&mut self, frame: &[u8]) -> io::Result<()> {
        let chunk = http::chunk(frame);
        self.exchange.note_text(Instant::now());
        self.wire(&chunk).await
    }

    /// Writes a response that has a length, in one write.
    pub(super) async fn whole(
        &mut self,
        status: u16,
        content_type: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> io::Result<()> {
        assert!(
            !self.head_is_sent,
            "a failure comes instead of an answer, not in it"
        );
        let head = http::sized(status, content_type, headers, body.len());
        self.wire(&[head.as_bytes(), body].concat()).await
    }

    /// Repeats bytes of the connection until that fails.
    pub(super) async fn repeat(&mut self, bytes: &[u8]) -> io::Result<std::convert::Infallible> {
        loop {
            self.wire(bytes).await?;
        }
    }
}
