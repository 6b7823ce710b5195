//! What an adapter of the port is told: which protocol, where, with which key, and how much it takes. It must never
//! know where these values were read.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use runwright_proto::Secret;

/// Which provider to ask, and how.
///
/// ```
/// use std::time::Duration;
///
/// use runwright_runner::{AnswerLimits, Protocol, ProviderSettings};
///
/// let settings = ProviderSettings {
///     protocol: Protocol::OpenAiCompat,
///     base_url: Some("http://127.0.0.1:8080/v1".to_owned()),
///     api_key: None,
///     connect_timeout: Duration::from_secs(10),
///     limits: AnswerLimits::default(),
/// };
/// assert_eq!(settings.protocol.to_string(), "openai-compat");
/// ```
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// The protocol that the provider speaks.
    pub protocol: Protocol,
    /// Where it is, with or without the version and a slash at its end; the protocol's usual place without it.
    pub base_url: Option<String>,
    /// The key, where the provider wants one.
    pub api_key: Option<Secret>,
    /// How long reaching the provider may take, with names and TLS.
    pub connect_timeout: Duration,
    /// How much is taken from the provider.
    pub limits: AnswerLimits,
}

/// How much is taken from a provider for one request. What is more ends the answer with
/// [`ProviderErrorKind::TooMuch`](crate::ProviderErrorKind::TooMuch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerLimits {
    /// The bytes of one frame of a stream, or of a list of models, 8 MiB.
    pub frame_bytes: usize,
    /// The bytes of text and reasoning together, 16 MiB.
    pub answer_bytes: usize,
    /// The bytes of the input of all tool calls together, 4 MiB.
    pub tool_input_bytes: usize,
    /// The bytes of an answer that says why there is none, 64 KiB.
    pub error_body_bytes: usize,
    /// The bytes of the headers of an answer, 64 KiB.
    pub header_bytes: usize,
    /// The bytes of a whole answer as the provider frames it, 256 MiB.
    pub wire_bytes: u64,
}

impl Default for AnswerLimits {
    fn default() -> Self {
        Self {
            frame_bytes: 8 << 20,
            answer_bytes: 16 << 20,
            tool_input_bytes: 4 << 20,
            error_body_bytes: 64 << 10,
            header_bytes: 64 << 10,
            wire_bytes: 256 << 20,
        }
    }
}

/// The protocols that providers speak.
///
/// ```
/// use runwright_runner::Protocol;
///
/// let protocol: Protocol = "anthropic".parse()?;
/// assert_eq!(protocol.key_variables(), ["ANTHROPIC_API_KEY"]);
/// # Ok::<(), runwright_runner::UnknownProtocol>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `openai`: chat completions at OpenAI.
    OpenAi,
    /// `openai-responses`: responses at OpenAI.
    OpenAiResponses,
    /// `anthropic`: messages at Anthropic.
    Anthropic,
    /// `gemini`: streamed content at Google.
    Gemini,
    /// `ollama`: chats with a local Ollama, in its own protocol.
    Ollama,
    /// `openai-compat`: chat completions anywhere else.
    OpenAiCompat,
}

impl Protocol {
    /// All protocols, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::OpenAi,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
        Self::OpenAiCompat,
    ];

    /// The name, as configuration and messages have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::OpenAiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::OpenAiCompat => "openai-compat",
        }
    }

    /// Where its provider usually is; `None` where there is no usual place, so that one has to be given.
    #[must_use]
    pub fn default_base_url(self) -> Option<&'static str> {
        match self {
            Self::OpenAi | Self::OpenAiResponses => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Self::Ollama => Some("http://127.0.0.1:11434"),
            Self::OpenAiCompat => None,
        }
    }

    /// The environment variables that usually hold its key, the first one first.
    ///
    /// A compatible endpoint has none: a key for OpenAI must not go to somebody else because it was lying around.
    #[must_use]
    pub fn key_variables(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi | Self::OpenAiResponses => &["OPENAI_API_KEY"],
            Self::Anthropic => &["ANTHROPIC_API_KEY"],
            Self::Gemini => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::Ollama => &["OLLAMA_API_KEY"],
            Self::OpenAiCompat => &[],
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.name() == name)
            .ok_or_else(|| UnknownProtocol(name.to_owned()))
    }
}

/// A name that no protocol has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown provider `{0}`: one of openai, openai-responses, anthropic, gemini, ollama, openai-compat"
)]
pub struct UnknownProtocol(pub String);

/// Why no adapter could be made of the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderSetupError {
    /// The protocol has no usual place, and none was given.
    #[error("the provider `{0}` needs a base URL")]
    NoBaseUrl(Protocol),
    /// The base URL cannot be used. It is not repeated: a key may be in it.
    #[error("the base URL of the provider cannot be used: {0}")]
    BadBaseUrl(&'static str),
    /// The key cannot be sent as it is.
    #[error("the key of the provider has characters that no header may have")]
    BadKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_protocol_is_found_under_its_own_name() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
        }
    }

    #[test]
    fn a_name_that_nobody_has_is_refused_with_the_names_there_are() {
        let error = "claude".parse::<Protocol>().unwrap_err();
        assert_eq!(error, UnknownProtocol("claude".to_owned()));
        for protocol in Protocol::ALL {
            assert!(error.to_string().contains(protocol.name()), "{error}");
        }
    }

    #[test]
    fn settings_do_not_show_their_key() {
        let settings = ProviderSettings {
            protocol: Protocol::OpenAi,
            base_url: None,
            api_key: Some(Secret::from("sk-sentinel".to_owned())),
            connect_timeout: Duration::from_secs(10),
            limits: AnswerLimits::default(),
        };
        assert!(!format!("{settings:?}").contains("sentinel"));
    }
}
