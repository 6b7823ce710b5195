//! Owns which model answers prompts, as plain values: the provider, its key, its models, and how patient to be with it.
//!
//! It must never know how a provider is spoken to.

use std::time::Duration;

use clap::ValueEnum;

use super::{ApiKey, BaseUrl, Prices};

/// The providers, as the words of `--provider`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProviderKind {
    /// OpenAI, chat completions.
    #[value(name = "openai")]
    OpenAi,
    /// OpenAI, responses.
    #[value(name = "openai-responses")]
    OpenAiResponses,
    /// Anthropic, messages.
    #[value(name = "anthropic")]
    Anthropic,
    /// Google Gemini.
    #[value(name = "gemini")]
    Gemini,
    /// Ollama, its own protocol.
    #[value(name = "ollama")]
    Ollama,
    /// Anything else that speaks OpenAI's chat completions: needs a base URL.
    #[value(name = "openai-compat")]
    OpenAiCompat,
}

impl ProviderKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::OpenAi,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Gemini,
        Self::Ollama,
        Self::OpenAiCompat,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::OpenAiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
            Self::OpenAiCompat => "openai-compat",
        }
    }

    /// The variables in which its key usually is, the first that is set counts.
    ///
    /// None for `openai-compat`: its address is anybody's, and a key must not go to somebody it was not made for.
    #[must_use]
    pub const fn key_variables(self) -> &'static [&'static str] {
        match self {
            Self::OpenAi | Self::OpenAiResponses => &["OPENAI_API_KEY"],
            Self::Anthropic => &["ANTHROPIC_API_KEY"],
            Self::Gemini => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Self::Ollama => &["OLLAMA_API_KEY"],
            Self::OpenAiCompat => &[],
        }
    }

    /// Tells whether it answers nobody without a key.
    const fn needs_key(self) -> bool {
        match self {
            Self::OpenAi | Self::OpenAiResponses | Self::Anthropic | Self::Gemini => true,
            Self::Ollama | Self::OpenAiCompat => false,
        }
    }
}

/// Whom to ask: enough to list models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointConfig {
    /// The provider.
    pub kind: ProviderKind,
    /// Where it is; the provider's own address without it.
    pub base_url: Option<BaseUrl>,
    /// What opens it.
    pub key: Option<ApiKey>,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
}

/// What to ask, and how: enough to answer prompts.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// Whom to ask.
    pub endpoint: EndpointConfig,
    /// The model that answers.
    pub model: ModelChoice,
    /// The model for small things, such as titles.
    pub small_model: ModelChoice,
    /// Whether the model looks at pictures.
    pub images: bool,
    /// How many tokens of a conversation the model sees; `None` when nobody said.
    pub context_window: Option<u32>,
    /// How many tokens an answer may have; the provider's own limit without it.
    pub max_output_tokens: Option<u32>,
    /// How long the first piece of an answer may take.
    pub first_token_timeout: Duration,
    /// How long the next piece of an answer may take.
    pub between_tokens_timeout: Duration,
    /// How often a request is tried in all.
    pub max_attempts: u32,
    /// How long the first pause between two tries is; each is longer than the one before.
    pub retry_pause: Duration,
}

/// One model of a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelChoice {
    /// Its id, in the provider's words.
    pub id: String,
    /// What it costs; `None` when nobody said.
    pub prices: Option<Prices>,
}

impl EndpointConfig {
    /// Returns what an operator should read in the log at the start.
    #[must_use]
    pub fn notices(&self) -> Vec<String> {
        let is_local = self.base_url.as_ref().is_some_and(BaseUrl::is_loopback);
        let mut notices = Vec::new();
        if self.kind.needs_key() && !is_local && self.key.is_none() {
            let usual = self.kind.key_variables().join(" or ");
            notices.push(format!(
                "there is no key for `{}`, so it will refuse every prompt: set RUNWRIGHT_API_KEY or {usual}, or pass \
                 `--api-key-file FILE`",
                self.kind.as_str()
            ));
        }
        if let (Some(url), true) = (&self.base_url, self.key.is_some())
            && !is_local
            && !url.is_encrypted()
        {
            notices.push(format!(
                "the key of the provider and all prompts go to `{}` unencrypted: use https if it can",
                url.authority()
            ));
        }
        notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_has_the_word_that_the_command_line_takes() {
        let words = ProviderKind::ALL.map(ProviderKind::as_str);
        let taken: Vec<_> = ProviderKind::value_variants()
            .iter()
            .map(|kind| {
                kind.to_possible_value()
                    .expect("shown")
                    .get_name()
                    .to_owned()
            })
            .collect();
        assert_eq!(taken, words);
    }
}
