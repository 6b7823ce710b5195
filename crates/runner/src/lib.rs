//! The built-in agent of Runwright.
//!
//! Two agents implement the port `runwright_agent::Runner`:
//!
//! - [`ModelRunner`] asks a model, through the port [`Provider`]; with the feature `genai`, `GenaiProvider` speaks the
//!   protocols of the providers that people use.
//! - [`OfflineModel`] answers on a machine without any provider. It needs no key, no network and no account, says
//!   plainly what it is, and lets anybody watch streaming, queueing, cancel and failure at work.
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
mod model;
mod offline;
mod provider;
#[cfg(feature = "test-util")]
pub mod testing;
mod title;

#[cfg(feature = "genai")]
pub use self::genai::GenaiProvider;
pub use self::model::{ModelOptions, ModelRunner, ModelSpec, Prices, RetryPolicy, TimeLimits};
pub use self::offline::OfflineModel;
pub use self::provider::{
    AnswerEvent, AnswerLimits, AnswerStream, AssistantPart, ModelRequest, Protocol, Provider,
    ProviderError, ProviderErrorKind, ProviderSettings, ProviderSetupError, RequestMessage,
    StopReason, TokenUsage, ToolAnswer, ToolCallPiece, UnknownProtocol, UserPart,
};

// The example of the README is compiled with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
