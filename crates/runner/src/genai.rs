//! The adapter of the port to providers over the library `genai`, which knows how each protocol puts a conversation and
//! an answer into JSON. It must never know a session, a turn or where its settings were read.
//!
//! The library is not let near a provider, a key or a log: `relay.rs` says why. In the order of a request: `ask.rs`
//! puts it into the library's words, `relay.rs` takes it from the library and `upstream.rs` sends it; `flow.rs` passes
//! the answer back frame by frame (`framing.rs`), `watch.rs` looks at each; `answer.rs` makes events of ours of what
//! the library makes of them, and `stream.rs` drives all of it. `failure.rs` has the words of everything that goes
//! wrong.

mod answer;
mod ask;
mod course;
mod door;
mod failure;
mod flow;
mod framing;
mod models;
mod place;
mod relay;
mod retry_after;
mod stream;
mod upstream;
mod watch;

use std::sync::Arc;

use async_trait::async_trait;

use self::upstream::Upstream;
use crate::provider::{
    AnswerStream, ModelRequest, Provider, ProviderError, ProviderSettings, ProviderSetupError,
};

/// A model provider, asked over the network in one of the protocols there are.
///
/// It costs nothing until it is asked: no connection, no certificate is read, no task runs.
///
/// ```
/// use std::time::Duration;
///
/// use runwright_runner::{AnswerLimits, GenaiProvider, Protocol, Provider, ProviderSettings};
///
/// let provider = GenaiProvider::new(ProviderSettings {
///     protocol: Protocol::OpenAiCompat,
///     base_url: Some("http://127.0.0.1:8080".to_owned()),
///     api_key: None,
///     connect_timeout: Duration::from_secs(10),
///     limits: AnswerLimits::default(),
/// })?;
/// assert_eq!(provider.name(), "openai-compat");
/// # Ok::<(), runwright_runner::ProviderSetupError>(())
/// ```
#[derive(Debug)]
pub struct GenaiProvider {
    upstream: Arc<Upstream>,
}

impl GenaiProvider {
    /// Makes a provider of its settings. Needs no runtime and does nothing.
    ///
    /// # Errors
    /// [`ProviderSetupError`], when the base URL or the key cannot be used.
    pub fn new(settings: ProviderSettings) -> Result<Self, ProviderSetupError> {
        Ok(Self {
            upstream: Arc::new(Upstream::new(settings)?),
        })
    }
}

#[async_trait]
impl Provider for GenaiProvider {
    fn name(&self) -> &str {
        self.upstream.protocol.name()
    }

    fn answer(&self, request: ModelRequest) -> AnswerStream {
        stream::answer(Arc::clone(&self.upstream), request)
    }

    async fn models(&self) -> Result<Vec<String>, ProviderError> {
        models::models(&self.upstream).await
    }
}
