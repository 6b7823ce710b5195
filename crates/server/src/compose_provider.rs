//! Makes the adapter to a model provider out of the configuration. It must never know what a provider is asked.

use std::sync::Arc;

use runwright_runner::{AnswerLimits, Protocol, Provider, ProviderSettings, ProviderSetupError};
use runwright_server::config::{BaseUrl, EndpointConfig, ProviderKind};

/// Why there is no adapter.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    /// This program has none.
    #[cfg(not(feature = "providers"))]
    #[error(
        "this program was built without model providers (the feature `providers`): take another build, or configure no \
         provider, and the offline model answers"
    )]
    LeftOut,
    /// The configuration cannot be used.
    #[error(transparent)]
    Setup(#[from] ProviderSetupError),
}

/// Makes the adapter. Nobody is asked anything yet: a provider that cannot be reached is found out by whoever asks.
///
/// # Errors
///
/// [`ConnectError`], when the configuration cannot be used or this program has no adapter.
pub(crate) fn connect(endpoint: &EndpointConfig) -> Result<Arc<dyn Provider>, ConnectError> {
    adapter(ProviderSettings {
        protocol: protocol(endpoint.kind),
        base_url: endpoint.base_url.as_ref().map(BaseUrl::expose),
        api_key: endpoint.key.as_ref().map(|key| key.secret.clone()),
        connect_timeout: endpoint.connect_timeout,
        limits: AnswerLimits::default(),
    })
}

/// Where the provider is reached, for people. There is no secret in it.
pub(crate) fn shown_base_url(endpoint: &EndpointConfig) -> String {
    let usual = protocol(endpoint.kind).default_base_url();
    endpoint
        .base_url
        .as_ref()
        .map_or_else(|| usual.unwrap_or_default().to_owned(), BaseUrl::to_string)
}

#[cfg(feature = "providers")]
fn adapter(settings: ProviderSettings) -> Result<Arc<dyn Provider>, ConnectError> {
    Ok(Arc::new(runwright_runner::GenaiProvider::new(settings)?))
}

#[cfg(not(feature = "providers"))]
fn adapter(_settings: ProviderSettings) -> Result<Arc<dyn Provider>, ConnectError> {
    Err(ConnectError::LeftOut)
}

/// The words of the command line are the library's, which knows no agent; the protocols are the agent's.
const fn protocol(kind: ProviderKind) -> Protocol {
    match kind {
        ProviderKind::OpenAi => Protocol::OpenAi,
        ProviderKind::OpenAiResponses => Protocol::OpenAiResponses,
        ProviderKind::Anthropic => Protocol::Anthropic,
        ProviderKind::Gemini => Protocol::Gemini,
        ProviderKind::Ollama => Protocol::Ollama,
        ProviderKind::OpenAiCompat => Protocol::OpenAiCompat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_and_the_agent_mean_the_same_providers() {
        assert_eq!(ProviderKind::ALL.map(protocol), Protocol::ALL);
        for kind in ProviderKind::ALL {
            let protocol = protocol(kind);
            assert_eq!(kind.as_str(), protocol.name());
            assert_eq!(kind.key_variables(), protocol.key_variables(), "{protocol}");
            let needs_address = kind == ProviderKind::OpenAiCompat;
            assert_eq!(
                protocol.default_base_url().is_none(),
                needs_address,
                "{protocol}"
            );
        }
    }

    #[cfg(not(feature = "providers"))]
    #[test]
    fn a_program_without_providers_says_so_when_one_is_configured() {
        let endpoint = EndpointConfig {
            kind: ProviderKind::Ollama,
            base_url: None,
            key: None,
            connect_timeout: std::time::Duration::from_secs(1),
        };
        let refused = connect(&endpoint).err().expect("there is no adapter");
        let told = refused.to_string();
        assert!(told.contains("built without model providers"), "{told}");
    }
}
