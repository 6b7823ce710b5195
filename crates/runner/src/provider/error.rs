//! How a request to a provider fails, in kinds that decide what happens next. It must never know how a provider
//! words it.

use std::time::Duration;

/// Why there is no answer, or only a part of one.
///
/// The message is for people: it says what the provider or the network said, cut to a sane length, and never carries a
/// key or a piece of a prompt that this side could have kept out.
///
/// ```
/// use runwright_runner::{ProviderError, ProviderErrorKind};
///
/// let error = ProviderError::new(ProviderErrorKind::RateLimit, "too many requests");
/// assert!(error.kind.is_worth_another_try());
/// assert_eq!(error.to_string(), "rate limit: too many requests");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", self.kind.title().to_lowercase())]
pub struct ProviderError {
    /// What kind of failure it is.
    pub kind: ProviderErrorKind,
    /// What happened, in words a person understands.
    pub message: String,
    /// How long the provider asks to wait before the next try.
    pub retry_after: Option<Duration>,
}

/// The kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProviderErrorKind {
    /// The provider does not know the key, or the key may not do this.
    Auth,
    /// The provider asks to come more slowly.
    RateLimit,
    /// The conversation is longer than the model can see.
    ContextLength,
    /// The provider refused the request, and would again: a model it does not have, a quota that is used up, a
    /// malformed request.
    Refused,
    /// The provider was not reached, the connection broke, or nothing came for too long.
    Network,
    /// The provider failed, is overloaded, or sent what nobody can read.
    Provider,
    /// The provider sent more than is taken from it.
    TooMuch,
}

impl ProviderError {
    /// Makes an error without a time to wait.
    pub fn new(kind: ProviderErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            retry_after: None,
        }
    }

    /// Says how long the provider asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }
}

impl ProviderErrorKind {
    /// The kind in a few words, as the title of a failure.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Auth => "Authentication failed",
            Self::RateLimit => "Rate limit",
            Self::ContextLength => "Context too long",
            Self::Refused => "Bad Request",
            Self::Network => "Network error",
            Self::Provider => "Provider error",
            Self::TooMuch => "Answer too large",
        }
    }

    /// Whether the same request may go well a moment later.
    #[must_use]
    pub fn is_worth_another_try(self) -> bool {
        match self {
            Self::RateLimit | Self::Network | Self::Provider => true,
            Self::Auth | Self::ContextLength | Self::Refused | Self::TooMuch => false,
        }
    }
}
