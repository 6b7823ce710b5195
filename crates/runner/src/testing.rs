//! A scripted model provider for tests (feature `test-util`): an HTTP server on a socket of this machine that plays a
//! provider in five protocols, with their real frames, errors and failures, as the test tells it.
//!
//! Nothing here sleeps unless a script says so. A test goes on by handshake: a script waits at a [`Gate`], and the test
//! waits until a request has come, until a gate is reached, until an exchange has ended. Time is tokio's; but sockets
//! do not keep paused time from passing, so leave it running unless a script has no pauses.
//!
//! | you want | take |
//! |---|---|
//! | the provider, and its address in each protocol | [`ScriptedProvider`], [`Protocol`] |
//! | to say what it does with the next request | [`Script`], [`Failure`], [`Cut`], [`Flood`] |
//! | to hold it at a step | [`Gate`] |
//! | to see what was asked, and what came of it | [`Requests`], [`Exchange`], [`Request`], [`Ending`] |
//! | an address where nobody answers | [`Unreachable`] |
//!
//! ```
//! use runwright_runner::testing::{Ending, Protocol, Script, ScriptedProvider};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let provider = ScriptedProvider::start().await;
//! provider.script(Script::answer("hello"));
//!
//! let url = provider.base_url(Protocol::Ollama);
//! let mut client = TcpStream::connect(url.trim_start_matches("http://")).await?;
//! let body = r#"{"model":"m","stream":false,"messages":[{"role":"user","content":"hi"}]}"#;
//! let head = format!("POST /api/chat HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
//! client.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await?;
//! let mut answer = String::new();
//! client.read_to_string(&mut answer).await?;
//!
//! assert!(answer.contains(r#""content":"hello""#));
//! let exchange = provider.request(0).await;
//! assert_eq!(exchange.request().last_user_text(), "hi");
//! assert_eq!(exchange.ended().await, Ending::Complete);
//! # Ok(())
//! # }
//! ```

mod connection;
mod directives;
mod exchange;
mod failure;
mod framing;
mod gate;
mod house;
mod http;
mod player;
mod provider;
mod request;
mod requests;
mod script;
mod stage;
mod unreachable;
mod until;

pub use self::exchange::{Ending, Exchange};
pub use self::failure::Failure;
pub use self::framing::Protocol;
pub use self::gate::Gate;
pub use self::provider::{MODEL, SMALL_MODEL, ScriptedProvider};
pub use self::request::Request;
pub use self::requests::Requests;
pub use self::script::{Cut, Flood, Script, Usage};
pub use self::unreachable::Unreachable;
