//! The built-in agent of Runwright.
//!
//! Today it is the [`OfflineModel`]: what answers on a machine without any model provider. It needs no key, no network
//! and no account, says plainly what it is, and lets anybody watch streaming, queueing, cancel and failure at work.
//!
//! The port to a model provider is [`Provider`]; with the feature `genai` there is an adapter for the protocols that
//! providers speak, `GenaiProvider`.
//!
//! ```
//! use runwright_agent::Runner;
//! use runwright_runner::OfflineModel;
//!
//! let model = OfflineModel::new();
//! assert_eq!(model.model().config.model, "offline");
//! ```

#[cfg(feature = "genai")]
mod genai;
mod offline;
mod provider;
#[cfg(feature = "test-util")]
pub mod testing;

#[cfg(feature = "genai")]
pub use self::genai::GenaiProvider;
pub use self::offline::OfflineModel;
pub use self::provider::{
    AnswerEvent, AnswerLimits, AnswerStream, AssistantPart, ModelRequest, Protocol, Provider,
    ProviderError, ProviderErrorKind, ProviderSettings, ProviderSetupError, RequestMessage,
    StopReason, TokenUsage, ToolAnswer, ToolCallPiece, UnknownProtocol, UserPart,
};
