//! Chooses the agent: the one that asks the configured model or, without one, the offline model; and what people and
//! clients are told about it. It must never tell a key.

use std::sync::Arc;

use runwright_agent::{Runner, RunnerModel};
use runwright_proto::{Config, ModelStatus, Models, ProviderConfig};
use runwright_runner::{
    ModelOptions, ModelRunner, ModelSpec, OfflineModel, Prices, RetryPolicy, TimeLimits,
};
use runwright_server::config::{
    self, EndpointConfig, KeySource, ModelChoice, ModelConfig, ProviderKind,
};

use crate::compose_provider::{ConnectError, connect, shown_base_url};

/// Who answers prompts.
pub(crate) struct Agent {
    pub(crate) runner: Arc<dyn Runner>,
    /// What clients are told.
    pub(crate) shown: Config,
    /// What `GET /v1/status` says.
    pub(crate) status: ModelStatus,
    /// What is said at the start, in a sentence.
    pub(crate) told: String,
}

/// Makes the agent of this configuration. Nobody is asked anything yet.
///
/// # Errors
///
/// [`ConnectError`], when there is no adapter for the provider.
pub(crate) fn agent(config: Option<&ModelConfig>) -> Result<Agent, ConnectError> {
    config.map_or_else(|| Ok(offline()), model)
}

fn offline() -> Agent {
    let runner = OfflineModel::new();
    let model = runner.model();
    let provider = ProviderConfig {
        name: "Runwright".to_owned(),
        kind: "openai-compat".to_owned(),
        ..ProviderConfig::default()
    };
    Agent {
        status: status(&model, &model, String::new()),
        shown: shown(provider, model.clone(), model),
        told: "no model provider is configured, so the built-in offline model answers; for a real one set \
               RUNWRIGHT_BASE_URL and RUNWRIGHT_MODEL, or see `--provider` in the help"
            .to_owned(),
        runner: Arc::new(runner),
    }
}

fn model(config: &ModelConfig) -> Result<Agent, ConnectError> {
    let endpoint = &config.endpoint;
    let runner = ModelRunner::new(connect(endpoint)?, options(config));
    let (model, small_model) = (runner.model(), runner.small_model());
    let base_url = shown_base_url(endpoint);
    let provider = ProviderConfig {
        name: name(endpoint.kind).to_owned(),
        base_url: base_url.clone(),
        kind: contract_kind(endpoint.kind).to_owned(),
        ..ProviderConfig::default()
    };
    Ok(Agent {
        told: told(config, &base_url),
        status: status(&model, &small_model, base_url),
        shown: shown(provider, model, small_model),
        runner: Arc::new(runner),
    })
}

fn options(config: &ModelConfig) -> ModelOptions {
    ModelOptions {
        large: ModelSpec {
            context_window: config.context_window.unwrap_or_default(),
            images: config.images,
            ..spec(&config.model, config)
        },
        small: spec(&config.small_model, config),
        time_limits: TimeLimits {
            first_token: config.first_token_timeout,
            between_tokens: config.between_tokens_timeout,
        },
        retry: RetryPolicy {
            attempts: config.max_attempts,
            first_pause: config.retry_pause,
            ..RetryPolicy::default()
        },
    }
}

fn spec(choice: &ModelChoice, config: &ModelConfig) -> ModelSpec {
    let prices = |prices: config::Prices| Prices {
        input: prices.input,
        output: prices.output,
        cache_read: prices.cache_read,
        cache_write: prices.cache_write,
    };
    ModelSpec {
        id: choice.id.clone(),
        prices: choice.prices.map(prices).unwrap_or_default(),
        max_output_tokens: config.max_output_tokens,
        ..ModelSpec::default()
    }
}

/// What clients are told: a client of the contract takes a server without any provider for one that is not set up.
fn shown(provider: ProviderConfig, model: RunnerModel, small_model: RunnerModel) -> Config {
    let id = model.config.provider.clone();
    let is_other = small_model.config.model != model.config.model;
    let small = is_other.then_some(small_model.model);
    let provider = ProviderConfig {
        id: id.clone(),
        models: [model.model].into_iter().chain(small).collect(),
        ..provider
    };
    Config {
        models: Models {
            large: Some(model.config),
            small: Some(small_model.config),
        },
        providers: [(id, provider)].into(),
        ..Config::default()
    }
}

fn status(model: &RunnerModel, small_model: &RunnerModel, base_url: String) -> ModelStatus {
    ModelStatus {
        provider: model.config.provider.clone(),
        base_url,
        model: model.config.model.clone(),
        small_model: small_model.config.model.clone(),
    }
}

fn told(config: &ModelConfig, base_url: &str) -> String {
    let EndpointConfig { kind, key, .. } = &config.endpoint;
    let (model, small_model) = (&config.model.id, &config.small_model.id);
    let small = if small_model == model {
        String::new()
    } else {
        format!(" (small model `{small_model}`)")
    };
    let key = key.as_ref().map_or_else(
        || "without a key".to_owned(),
        |key| match &key.source {
            KeySource::Variable(name) => format!("with the key in {name}"),
            KeySource::File(path) => format!("with the key in `{}`", path.display()),
        },
    );
    format!(
        "model `{model}`{small} of {} at {base_url} answers, {key}",
        kind.as_str()
    )
}

/// What people call the provider.
const fn name(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiResponses => "OpenAI",
        ProviderKind::Anthropic => "Anthropic",
        ProviderKind::Gemini => "Gemini",
        ProviderKind::Ollama => "Ollama",
        ProviderKind::OpenAiCompat => "OpenAI-compatible",
    }
}

/// The type of a provider in the words of the contract.
const fn contract_kind(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::OpenAi | ProviderKind::OpenAiResponses => "openai",
        ProviderKind::Anthropic => "anthropic",
        ProviderKind::Gemini => "google",
        ProviderKind::Ollama => "ollama",
        ProviderKind::OpenAiCompat => "openai-compat",
    }
}

#[cfg(test)]
#[cfg(feature = "providers")]
mod tests;
