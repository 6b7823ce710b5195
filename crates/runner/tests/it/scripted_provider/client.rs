//! A client that speaks HTTP byte by byte.

use std::io;

use runwright_runner::testing::{MODEL, Protocol, ScriptedProvider};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection to a provider, and what came over it.
pub(crate) struct Client {
    socket: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(provider: &ScriptedProvider) -> Self {
        Self {
            socket: TcpStream::connect(provider.address()).await.unwrap(),
            received: Vec::new(),
        }
    }

    /// Connects and asks for a streamed answer, on a connection that closes after it.
    pub(crate) async fn ask(provider: &ScriptedProvider, protocol: Protocol) -> Self {
        let mut client = Self::connect(provider).await;
        let body = prompt(MODEL, "hi");
        client.post(target(protocol), &body, "close").await;
        client
    }

    pub(crate) async fn post(&mut self, target: &str, body: &Value, connection: &str) {
        let (body, length) = (body.to_string(), body.to_string().len());
        self.send(&format!(
            "POST {target} HTTP/1.1\r\nhost: h\r\nconnection: {connection}\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    pub(crate) async fn get(&mut self, target: &str, header: &str) {
        self.send(&format!(
            "GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{header}\r\n"
        ))
        .await;
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.socket.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads until this text has come, and returns all that came.
    pub(crate) async fn read_until(&mut self, text: &str) -> String {
        loop {
            let so_far = String::from_utf8_lossy(&self.received).into_owned();
            if so_far.contains(text) {
                return so_far;
            }
            let count = self.socket.read_buf(&mut self.received).await.unwrap();
            assert!(count > 0, "it ended without `{text}`: {so_far}");
        }
    }

    /// Reads this much more, and forgets it.
    pub(crate) async fn skim(&mut self, mut count: usize) {
        let mut piece = vec![0; 64 * 1024];
        while count > 0 {
            let read = self.socket.read(&mut piece).await.unwrap();
            assert!(read > 0, "a flood does not end");
            count = count.saturating_sub(read);
        }
    }

    /// Reads to the end, and returns all that came with the way it ended.
    pub(crate) async fn read_to_end(mut self) -> (Vec<u8>, io::Result<()>) {
        let end = self.socket.read_to_end(&mut self.received).await;
        (self.received, end.map(|_| ()))
    }

    /// Reads to a proper end, and returns all that came.
    pub(crate) async fn answer(self) -> String {
        let (received, end) = self.read_to_end().await;
        end.unwrap();
        String::from_utf8(received).unwrap()
    }
}

/// Where a streamed answer is asked for.
pub(crate) fn target(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::OpenAi => "/v1/chat/completions",
        Protocol::OpenAiResponses => "/v1/responses",
        Protocol::Anthropic => "/v1/messages",
        Protocol::Gemini => "/v1beta/models/scripted:streamGenerateContent?alt=sse",
        Protocol::Ollama => "/api/chat",
    }
}

/// A body that every protocol but Gemini's understands; and Gemini has its model in the path.
pub(crate) fn prompt(model: &str, text: &str) -> Value {
    json!({
        "model": model,
        "stream": true,
        "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": text}],
    })
}
