//! The port to a model provider: one request in, one streamed answer out. It must never know a wire format, a session
//! or what an answer is for; those are the adapters' and the turn's.

mod answer;
mod error;
mod request;
mod settings;

use std::pin::Pin;

use async_trait::async_trait;
use futures_core::Stream;

pub use self::answer::{AnswerEvent, StopReason, TokenUsage, ToolCallPiece};
pub use self::error::{ProviderError, ProviderErrorKind};
pub use self::request::{AssistantPart, ModelRequest, RequestMessage, ToolAnswer, UserPart};
pub use self::settings::{
    AnswerLimits, Protocol, ProviderSettings, ProviderSetupError, UnknownProtocol,
};

/// What a provider streams: pieces of an answer, its usage, then exactly one [`AnswerEvent::End`]; or an error at any
/// place, after which nothing comes. A stream that is over without an end was cut off.
pub type AnswerStream = Pin<Box<dyn Stream<Item = Result<AnswerEvent, ProviderError>> + Send>>;

/// A model provider: what answers requests.
///
/// An adapter promises that nothing a provider sends makes it panic or grow without bound, that no error carries a key
/// or a piece of a prompt, and that a dropped stream closes its connection at once.
///
/// ```
/// use async_trait::async_trait;
/// use futures_util::stream;
/// use runwright_runner::{
///     AnswerEvent, AnswerStream, ModelRequest, Provider, ProviderError, StopReason,
/// };
///
/// /// Says the name of the model it is asked for.
/// struct Echo;
///
/// #[async_trait]
/// impl Provider for Echo {
///     fn name(&self) -> &str {
///         "echo"
///     }
///
///     fn answer(&self, request: ModelRequest) -> AnswerStream {
///         let said = AnswerEvent::Text(request.model.to_string());
///         Box::pin(stream::iter([Ok(said), Ok(AnswerEvent::End(StopReason::EndTurn))]))
///     }
///
///     async fn models(&self) -> Result<Vec<String>, ProviderError> {
///         Ok(vec!["echo-1".to_owned()])
///     }
/// }
/// ```
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The provider's id, as messages and clients show it: `openai`, `anthropic`.
    fn name(&self) -> &str;

    /// Asks for an answer. Nothing is sent before the stream is polled; dropping it closes the connection.
    fn answer(&self, request: ModelRequest) -> AnswerStream;

    /// The ids of the models that the provider offers, in its order.
    ///
    /// # Errors
    /// [`ProviderError`], when the provider cannot be asked or does not say.
    ///
    /// # Cancel safety
    /// Dropping the future drops the connection; nothing is left behind.
    async fn models(&self) -> Result<Vec<String>, ProviderError>;
}
